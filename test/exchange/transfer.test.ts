/** Files between machines: whole with a checksum, in ranges, and what happens when bytes change on their way. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ClusterClient } from '../../src/cluster/cluster-client.ts';
import { systemClock } from '../../src/common/clock.ts';
import { checksumOfFile } from '../../src/exchange/file-checksum.ts';
import { InputFiles, InputsLost } from '../../src/exchange/input-files.ts';
import { BYTES_HEADER, CHECKSUM_TRAILER, parseRange, serveFile } from '../../src/exchange/serve-file.ts';
import { parseTaskId } from '../../src/exchange/task-id.ts';
import type { InputFile } from '../../src/exchange/task-protocol.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'tutti-transfer-'));
const source = path.join(folder, 'source.parquet');
const content = Buffer.from(Array.from({ length: 700_000 }, (_, i) => (i * 7) % 251));
const target = path.join(folder, 'query');
const client = new ClusterClient('a secret for tests alone', systemClock);
const inputs = new InputFiles(client, systemClock, 'here');
const serve = (request: IncomingMessage, response: ServerResponse): Promise<void> =>
  serveFile({ partition: 0, rows: 1, bytes: content.length, path: source }, request, response);

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;
/** What the server does with its next requests; then it serves the file. */
let answers: Answer[] = [];
let requests = 0;
let server: Server;
let file: InputFile;

beforeAll(async () => {
  writeFileSync(source, content);
  server = createServer((request, response) => {
    requests += 1;
    const answer = answers.shift() ?? serve;
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const worker = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  file = {
    partition: 0,
    rows: 1,
    bytes: content.length,
    path: source,
    taskId: 'q.1.0',
    attempt: 0,
    worker,
    machineId: 'there',
  };
});
afterAll(() => {
  client.close();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  answers = [];
  requests = 0;
});

const bring = (files: readonly InputFile[] = [file]) => inputs.bring(files, target, new AbortController().signal);
const fetched = (): Buffer => readFileSync(path.join(target, 'fetched', 'q.1.0.0.0.parquet'));

/** A whole answer with other bytes than its checksum was made of. */
const altered: Answer = (_, response) => {
  const bytes = Buffer.from(content);
  bytes[123_456]! ^= 1;
  response.writeHead(200, { [BYTES_HEADER]: bytes.length, trailer: CHECKSUM_TRAILER });
  response.write(bytes);
  response.addTrailers({ [CHECKSUM_TRAILER]: '12345678' });
  response.end();
};

const withoutChecksum: Answer = (_, response) => {
  response.writeHead(200, { [BYTES_HEADER]: content.length });
  response.end(content);
};

const cutOff: Answer = (_, response) => {
  response.writeHead(200, { [BYTES_HEADER]: content.length, trailer: CHECKSUM_TRAILER });
  response.write(content.subarray(0, 100_000), () => response.destroy());
};

test('a file arrives whole', async () => {
  expect(await bring()).toEqual({
    paths: [path.join(target, 'fetched', 'q.1.0.0.0.parquet')],
    bytesFetched: content.length,
  });
  expect(fetched().equals(content)).toBe(true);
});

test('tasks of one query fetch a file once', async () => {
  const [one, two] = await Promise.all([bring(), bring()]);
  expect(requests).toBe(1);
  expect((one?.bytesFetched ?? 0) + (two?.bytesFetched ?? 0)).toBe(content.length);
});

test('altered, unchecked and cut off answers are asked for again, and nothing of them stays', async () => {
  answers = [altered, withoutChecksum, cutOff];
  await bring();
  expect(requests).toBe(4);
  expect(fetched().equals(content)).toBe(true);
  expect(readdirSync(path.join(target, 'fetched'))).toEqual(['q.1.0.0.0.parquet']);
});

test("the writer's checksum counts, not one that was made while a damaged file was sent", async () => {
  const checksum = (await checksumOfFile(source)).text;
  await bring([{ ...file, checksum }]);
  rmSync(target, { recursive: true });
  const other = checksum === '0' ? '1' : '0';
  await expect(bring([{ ...file, checksum: other }])).rejects.toBeInstanceOf(InputsLost);
});

test('a file that never arrives right is lost', async () => {
  answers = [altered, altered, altered, altered];
  await expect(bring()).rejects.toBeInstanceOf(InputsLost);
  expect(readdirSync(path.join(target, 'fetched'))).toEqual([]);
});

test('a file that its worker no longer has is lost at once, with all others that are', async () => {
  const missing: InputFile = { ...file, taskId: 'q.1.1', machineId: 'here', path: path.join(folder, 'nowhere') };
  answers = [(_, response) => response.writeHead(404).end()];
  const problem = await bring([file, missing]).catch((lost: unknown) => lost);
  expect(problem).toMatchObject({ inputs: [{ taskId: 'q.1.0' }, { taskId: 'q.1.1' }] });
  expect(requests).toBe(1);
});

test('a task that is called off stops to fetch', async () => {
  const abort = new AbortController();
  answers = [() => abort.abort(new Error('called off'))];
  await expect(inputs.bring([file], target, abort.signal)).rejects.toThrow('called off');
});

const read = async (range: { readonly first: number; readonly last?: number }): Promise<Buffer> =>
  client.bytes('GET', `${file.worker}/x`, { range });

test('ranges', async () => {
  expect((await read({ first: 10, last: 19 })).equals(content.subarray(10, 20))).toBe(true);
  expect((await read({ first: 699_990 })).equals(content.subarray(699_990))).toBe(true);
  await expect(read({ first: 700_000 })).rejects.toMatchObject({ status: 416 });
  expect(parseRange('bytes=5-4', 10)).toBeUndefined();
  expect(parseRange('bytes=-4', 10)).toBeUndefined();
  expect(parseRange('bytes=0-1,3-4', 10)).toBeUndefined();
  expect(parseRange('bytes=3-99', 10)).toEqual({ first: 3, last: 9 });
});

test('a file of another length than was announced is not served', async () => {
  answers = [(request, response) => serveFile({ partition: 0, rows: 1, bytes: 5, path: source }, request, response)];
  await expect(client.stream('GET', `${file.worker}/x`)).rejects.toMatchObject({ status: 410 });
});

test('task ids are no paths', () => {
  expect(parseTaskId('20260101_000000_00001_abcde.12.3')).toEqual({
    query: '20260101_000000_00001_abcde',
    stage: 12,
    task: 3,
  });
  for (const text of ['../x.1.2', 'a/b.1.2', 'q.1', 'q.1.2.3', 'q.-1.2', '.1.2', 'q.1.x'])
    expect(parseTaskId(text)).toBeUndefined();
});
