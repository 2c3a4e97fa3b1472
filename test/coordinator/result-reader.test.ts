/** Results become pages at line ends; what the kernel counted is what the client gets. */
import { expect, test, vi } from 'vitest';
import { copyResult, pagesOf, resultPages, type ReadFile } from '../../src/coordinator/result-reader.ts';
import type { InputFile } from '../../src/exchange/task-protocol.ts';

const contents = new Map<string, Buffer>();

function file(taskId: string, text: string, rows = text.split('\n').length - 1): InputFile {
  const bytes = Buffer.from(text);
  contents.set(taskId, bytes);
  return { taskId, attempt: 0, partition: 0, rows, bytes: bytes.length, path: '', worker: 'http://w', machineId: 'm' };
}

/** As a worker does, and noting what was asked. */
const reader =
  (asked: string[] = []): ReadFile =>
  async ({ taskId }, first, last) => {
    asked.push(`${taskId} ${first}-${last}`);
    return Buffer.from(contents.get(taskId)!.subarray(first, last + 1));
  };

const lines = (from: number, to: number, width: number): string =>
  Array.from({ length: to - from }, (_, i) => `[${from + i},"${'ü'.repeat(width)}"]\n`).join('');

async function all(pages: AsyncIterable<{ rows: number; body: Buffer }>): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const { rows: count, body } of pages) {
    const parsed = JSON.parse(`[${body.toString('utf8')}]`) as unknown[];
    expect(parsed).toHaveLength(count);
    rows.push(...parsed);
  }
  return rows;
}

test('files follow each other in order, however blocks cut their lines', async () => {
  const files = [
    file('a', lines(0, 20_000, 200)),
    file('b', lines(20_000, 20_010, 1)),
    file('c', lines(20_010, 40_000, 300)),
  ];
  const asked: string[] = [];
  const rows = (await all(resultPages(files, reader(asked)))) as [number, string][];
  expect(rows.map(([n]) => n)).toEqual(Array.from({ length: 40_000 }, (_, i) => i));
  expect(asked.length).toBeGreaterThan(4);
});

test('a row longer than a block is one page', async () => {
  const rows = (await all(resultPages([file('a', lines(0, 3, 5_000_000))], reader()))) as [number, string][];
  expect(rows.map(([n, text]) => [n, text.length])).toEqual([0, 1, 2].map((n) => [n, 5_000_000]));
});

test('a row of many blocks is put together once', async () => {
  const concat = vi.spyOn(Buffer, 'concat');
  const one = file('a', `["${'x'.repeat(60_000_000)}"]\n[1]\n`);
  expect(await all(resultPages([one], reader()))).toHaveLength(2);
  const copied = concat.mock.calls.flatMap(([parts]) => parts).reduce((sum, part) => sum + part.length, 0);
  concat.mockRestore();
  expect(copied).toBe(one.bytes);
});

test('pages are about a megabyte', () => {
  const pages = [...pagesOf(Buffer.from(lines(0, 50_000, 50)))];
  expect(pages.length).toBeGreaterThan(4);
  for (const { body } of pages) expect(body.length).toBeLessThanOrEqual(1024 * 1024);
});

test('no more than one block is read ahead of the client', async () => {
  const asked: string[] = [];
  const pages = resultPages([file('a', lines(0, 50_000, 200))], reader(asked));
  await pages.next();
  expect(asked).toEqual(['a 0-4194303', 'a 4194304-8388607']);
});

test.each([
  ['fewer rows', '[1]\n[2]\n', 3],
  ['more rows', '[1]\n[2]\n', 1],
  ['half a row', '[1]\n[2', 1],
])('a file that holds %s than its writer counted is refused', async (_name, text, rows) => {
  const files = [file('a', text, rows)];
  await expect(copyResult(files, reader())).rejects.toMatchObject({ code: 'REMOTE_TASK_ERROR' });
  await expect(all(resultPages(files, reader()))).rejects.toMatchObject({ code: 'REMOTE_TASK_ERROR' });
});

test('no rows are no pages', async () => {
  expect([...pagesOf(await copyResult([], reader()))]).toEqual([]);
});
