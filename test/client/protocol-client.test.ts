import { EventEmitter, once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { ConnectionFailure, StatementFailure } from '../../src/client/failures.ts';
import { jsonLines } from '../../src/client/formats/json-lines.ts';
import { printResult } from '../../src/client/print-result.ts';
import { ProtocolClient, type ResultPage } from '../../src/client/protocol-client.ts';
import { newSession } from '../../src/client/session.ts';
import { type FakeAnswer, type FakeServer, fakeServer } from './fake-server.ts';

const BIGINT = { name: 'n', type: 'bigint', typeSignature: { rawType: 'bigint', arguments: [] } };

let server: FakeServer | undefined;
let client: ProtocolClient | undefined;

async function connect(answer: (what: string, times: number) => FakeAnswer): Promise<ProtocolClient> {
  server = await fakeServer(answer);
  // Pauses take no time, so that a test of retries is not a test of patience.
  const http = { sleep: () => Promise.resolve(), retryMs: 1000 };
  client = new ProtocolClient({ url: server.url, session: newSession({ user: 'ada' }), http });
  return client;
}

afterEach(async () => {
  client?.close();
  await server?.close();
});

async function pagesOf(sql: string): Promise<ResultPage[]> {
  const pages: ResultPage[] = [];
  for await (const page of client!.execute(sql).pages()) pages.push(page);
  return pages;
}

async function textOf(sql: string): Promise<string> {
  let text = '';
  await printResult(client!.execute(sql), {
    format: jsonLines,
    options: { colours: false, unicode: true },
    write: (bytes) => Promise.resolve(void (text += Buffer.from(bytes).toString())),
  });
  return text;
}

const failure = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no failure',
    (error: unknown) => error,
  );

/** Two pages of rows, then the end. */
const twoPages = (what: string): FakeAnswer => {
  if (what.startsWith('POST')) return { page: { nextUri: 'ORIGIN/page/1' } };
  if (what === 'GET /page/1') return { page: { nextUri: 'ORIGIN/page/2', columns: [BIGINT], data: [[1], [2]] } };
  return { page: { columns: [BIGINT], data: [[3]], stats: { state: 'FINISHED' } } };
};

test('pages come in order and the statement is posted once', async () => {
  await connect(twoPages);
  expect(await textOf('SELECT n')).toBe('{"n":1}\n{"n":2}\n{"n":3}\n');
  expect(server!.log).toEqual(['POST /v1/statement SELECT n', 'GET /page/1', 'GET /page/2']);
  expect(server!.headers[0]).toMatchObject({ 'x-trino-user': 'ada', 'content-type': 'text/plain; charset=utf-8' });
});

test('integers keep all their digits', async () => {
  await connect(() => ({
    page: `{"id":"q1","stats":{"state":"FINISHED"},"columns":[${JSON.stringify(BIGINT)}],"data":[[9223372036854775807],[-9007199254740993]]}`,
  }));
  expect(await textOf('SELECT n')).toBe('{"n":9223372036854775807}\n{"n":-9007199254740993}\n');
});

test('the word data inside strings and names is no data', async () => {
  await connect(() => ({
    page: `{"id":"q1","warnings":[{"message":"\\"data\\":[1]"}],"x":{"data":[[7]]},"data" : [ [1] ] ,"columns":[${JSON.stringify(BIGINT)}],"stats":{"state":"FINISHED"}}`,
  }));
  expect(await textOf('SELECT n')).toBe('{"n":1}\n');
});

test.each([502, 503, 504, 429])('a page answered with %i is asked for again', async (status) => {
  await connect((what, times) => (what === 'GET /page/1' && times < 3 ? { status } : twoPages(what)));
  expect(await textOf('SELECT n')).toBe('{"n":1}\n{"n":2}\n{"n":3}\n');
  expect(server!.log.filter((what) => what === 'GET /page/1')).toHaveLength(3);
});

test('a page whose connection broke is asked for again, a statement is not', async () => {
  await connect((what, times) => (what === 'GET /page/2' && times === 1 ? { hangUp: true } : twoPages(what)));
  expect(await textOf('SELECT n')).toBe('{"n":1}\n{"n":2}\n{"n":3}\n');
  client!.close();
  await server!.close();
  await connect(() => ({ hangUp: true }));
  expect(await failure(textOf('INSERT'))).toBeInstanceOf(ConnectionFailure);
  expect(server!.log).toEqual(['POST /v1/statement INSERT']);
});

test('retries end when their time is over', async () => {
  server = await fakeServer((what) => (what === 'GET /page/1' ? { status: 503 } : twoPages(what)));
  let clock = 0;
  const http = { now: () => clock, sleep: (ms: number) => Promise.resolve(void (clock += ms)), retryMs: 5000 };
  client = new ProtocolClient({ url: server.url, session: newSession({ user: 'ada' }), http });
  expect(String(await failure(textOf('SELECT n')))).toContain('HTTP 503');
  expect(clock).toBeGreaterThan(2000);
});

test('a failed query tells its code and its place', async () => {
  await connect(() => ({
    page: {
      error: {
        message: 'line 1:8: no',
        errorName: 'COLUMN_NOT_FOUND',
        errorLocation: { lineNumber: 1, columnNumber: 8 },
      },
    },
  }));
  const error = await failure(pagesOf('SELECT x'));
  expect(error).toBeInstanceOf(StatementFailure);
  expect(error).toMatchObject({ code: 'COLUMN_NOT_FOUND', location: { line: 1, column: 8 }, message: 'line 1:8: no' });
});

test('cancelling ends the query on the server, and the reader learns of it', async () => {
  const never = new Promise(() => {});
  await connect((what) => (what === 'GET /page/2' ? { after: never } : twoPages(what)));
  const run = client!.execute('SELECT n');
  const error = await failure(
    (async () => {
      for await (const page of run.pages()) if (page.rows) await run.cancel();
    })(),
  );
  expect(error).toMatchObject({ code: 'USER_CANCELED' });
  expect(server!.log.at(-1)).toBe('DELETE /page/2');
});

test('a query cancelled while a page lies ready does not look complete', async () => {
  await connect(twoPages);
  const run = client!.execute('SELECT n');
  const error = await failure(
    (async () => {
      for await (const page of run.pages()) {
        if (!page.rows) continue;
        // The last page arrives meanwhile.
        while (!server!.log.includes('GET /page/2')) await new Promise((resolve) => setTimeout(resolve, 1));
        await run.cancel();
      }
    })(),
  );
  expect(error).toMatchObject({ code: 'USER_CANCELED' });
});

test('a statement cancelled while it is being posted is ended as soon as it has an address', async () => {
  const gate = new EventEmitter();
  const posted = once(gate, 'open');
  await connect((what) => (what.startsWith('POST') ? { ...twoPages(what), after: posted } : twoPages(what)));
  const run = client!.execute('SELECT n');
  const reading = failure(run.pages().next());
  await run.cancel();
  gate.emit('open');
  expect(await reading).toMatchObject({ code: 'USER_CANCELED' });
  expect(server!.log.at(-1)).toBe('DELETE /page/1');
});

test('leaving the pages early ends the query', async () => {
  await connect(twoPages);
  for await (const page of client!.execute('SELECT n').pages()) if (page.rows) break;
  expect(server!.log.at(-1)).toBe('DELETE /page/2');
});

test('the session follows the response headers', async () => {
  const headers = {
    'x-trino-set-catalog': 'tpch',
    'x-trino-set-schema': 'my%20schema',
    'x-trino-set-session': 'join_distribution=PARTITIONED%2C1',
    'x-trino-added-prepare': 'p=SELECT%20%3F%20%2B%201',
    'x-trino-started-transaction-id': 't1',
  };
  await connect((what) => {
    if (what.includes('second')) {
      return {
        headers: {
          'x-trino-clear-session': 'join_distribution',
          'x-trino-deallocated-prepare': 'p',
          'x-trino-clear-transaction-id': 'true',
        },
      };
    }
    return { headers };
  });
  await pagesOf('first');
  await pagesOf('second');
  await pagesOf('third');
  expect(server!.headers[1]).toMatchObject({
    'x-trino-catalog': 'tpch',
    'x-trino-schema': 'my schema',
    'x-trino-session': 'join_distribution=PARTITIONED%2C1',
    'x-trino-prepared-statement': 'p=SELECT%20%3F%20%2B%201',
    'x-trino-transaction-id': 't1',
  });
  expect(server!.headers[2]).toMatchObject({ 'x-trino-catalog': 'tpch', 'x-trino-transaction-id': 'NONE' });
  expect(server!.headers[2]).not.toHaveProperty('x-trino-session');
  expect(server!.headers[2]).not.toHaveProperty('x-trino-prepared-statement');
});

test('what is no Trino server is called so', async () => {
  await connect(() => ({ status: 404 }));
  expect(String(await failure(pagesOf('SELECT 1')))).toContain('is no Trino server');
  client!.close();
  await server!.close();
  await connect(() => ({ page: '<html>' }));
  expect(String(await failure(pagesOf('SELECT 1')))).toContain('not a page of the Trino protocol');
});

test('where nobody listens, the message says what to do', async () => {
  const { url } = await connect(twoPages);
  await server!.close();
  expect(String(await failure(pagesOf('SELECT 1')))).toContain(
    `no server answers at ${url.origin}. Is it running? Start one with: tutti server --port ${url.port}`,
  );
});
