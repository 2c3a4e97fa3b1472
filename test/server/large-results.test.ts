/** Results that fit in nobody's memory, read by clients that take their time. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { request, submit } from './exchange.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ workers: 1 });
});

afterAll(() => server.stop());

/** Two million rows, about 130 MB of JSON; `n` is different in each. */
const ROWS = 2_000_000;
const SQL = `SELECT CAST(s.a AS bigint) * 2000 + t.b AS n, 'a text of some length, so that rows are large' AS x FROM UNNEST(sequence(0, 999)) AS s(a) CROSS JOIN UNNEST(sequence(0, 1999)) AS t(b)`;

/** What the coordinator may hold at any time, whatever the result's size; the runtime collects garbage when it likes. */
const RESIDENT_BYTES_MAX = 300 * 2 ** 20;

const residentBytes = (): number => {
  const status = readFileSync(`/proc/${server.process.pid!}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
};

/** Of queries; each worker's folder says whose it is. */
const exchangeFiles = (): string[] =>
  readdirSync(path.join(server.dataDirectory, 'exchange'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.\w+$/.test(file) && path.basename(file) !== 'owner.json',
  );

test('two million rows, page by page', async () => {
  let most = 0;
  let page = await submit(server.url, SQL);
  const seen = new Uint8Array(ROWS);
  let [rows, pages] = [0, 0];
  while (page.body.nextUri !== undefined) {
    page = await request(page.body.nextUri);
    for (const [n] of page.body.data ?? []) {
      seen[n as number]! += 1;
      rows += 1;
    }
    if (page.body.data) pages += 1;
    // Now and then the client is busy with something else.
    if (pages % 20 === 0) {
      most = Math.max(most, residentBytes());
      await sleep(20);
    }
  }
  expect(page.body.error).toBeUndefined();
  expect([rows, seen.every((times) => times === 1)]).toEqual([ROWS, true]);
  // As large as they should be: a page holds less than a mebibyte, and hardly less.
  expect(pages).toBeGreaterThan(100);
  expect(pages).toBeLessThan(150);
  expect(most).toBeLessThan(RESIDENT_BYTES_MAX);
  for (let tries = 0; exchangeFiles().length > 0 && tries < 100; tries++) await sleep(50);
  expect(exchangeFiles()).toEqual([]);
});

test('a reader that stops holds nothing but the files, and none once it cancels', async () => {
  let page = await submit(server.url, SQL);
  while (!page.body.data) page = await request(page.body.nextUri!);
  expect(exchangeFiles().length).toBeGreaterThan(0);
  expect((await request(page.body.nextUri!, { method: 'DELETE' })).status).toBe(204);
  for (let tries = 0; exchangeFiles().length > 0 && tries < 100; tries++) await sleep(50);
  expect(exchangeFiles()).toEqual([]);
});
