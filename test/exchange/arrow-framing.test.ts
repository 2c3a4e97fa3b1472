/** The bytes around the values of an Arrow stream: other implementations read them, and cut files are noticed. */
import { tableFromIPC } from 'apache-arrow';
import { expect, test } from 'vitest';
import { copyBatches, readBatches } from '../../src/coordinator/arrow-stream.ts';
import type { ReadFile } from '../../src/coordinator/result-reader.ts';
import { BatchCounter } from '../../src/exchange/arrow/batch-counter.ts';
import { ARROW_END_OF_STREAM, recordBatchMessage } from '../../src/exchange/arrow/framing.ts';
import { arrowSchemaMessage } from '../../src/exchange/arrow/schema.ts';
import type { InputFile } from '../../src/exchange/task-protocol.ts';
import { type SqlType, VARBINARY } from '../../src/types/type.ts';

const TINYINT: SqlType = { kind: 'tinyint' };

/** One column of bytes without NULLs. */
const tinyints = (...values: number[]): Buffer =>
  Buffer.concat(
    recordBatchMessage(
      values.length,
      [{ length: values.length, nulls: 0 }],
      [new Uint8Array(0), Uint8Array.from(values)],
    ),
  );

const FILE = Buffer.concat([tinyints(1, 2, 3), tinyints(4), tinyints(...Array.from({ length: 100 }, (_, i) => i))]);

test('batches begin at multiples of eight and are read by another implementation', () => {
  const schema = arrowSchemaMessage([{ name: 'a', type: TINYINT }]);
  expect([schema.length % 8, FILE.length % 8]).toEqual([0, 0]);
  const table = tableFromIPC(Buffer.concat([schema, FILE, ARROW_END_OF_STREAM]));
  expect(table.batches.map((batch) => batch.numRows)).toEqual([3, 1, 100]);
  expect([...table.getChildAt(0)!].slice(0, 6)).toEqual([1, 2, 3, 4, 0, 1]);
});

test('a column of byte strings has three buffers', () => {
  const buffers = [Uint8Array.of(0b101), new Uint8Array(Int32Array.of(0, 2, 2, 3).buffer), Uint8Array.of(7, 8, 9)];
  const batch = Buffer.concat(recordBatchMessage(3, [{ length: 3, nulls: 1 }], buffers));
  const schema = arrowSchemaMessage([{ name: 'a', type: VARBINARY }]);
  const table = tableFromIPC(Buffer.concat([schema, batch, ARROW_END_OF_STREAM]));
  expect([...table.getChildAt(0)!]).toEqual([Uint8Array.of(7, 8), null, Uint8Array.of(9)]);
});

test.each([1, 3, 7, 8, 50, 1000])('rows are counted in blocks of %i bytes', (size) => {
  const counter = new BatchCounter();
  for (let at = 0; at < FILE.length; at += size) counter.pass(FILE.subarray(at, at + size));
  expect([counter.rows, counter.isWhole]).toEqual([104, true]);
});

test('wherever a file is cut, its batches are not whole or its rows are fewer', () => {
  for (let length = 0; length < FILE.length; length++) {
    const counter = new BatchCounter();
    counter.pass(FILE.subarray(0, length));
    expect(counter.isWhole && counter.rows === 104, `cut at ${length}`).toBe(false);
  }
});

test('other bytes are refused', () => {
  const refused = 'holds other bytes than the record batches';
  expect(() => new BatchCounter().pass(Buffer.from('["a line of JSON"]\n'))).toThrow(refused);
  expect(() => new BatchCounter().pass(Buffer.from(ARROW_END_OF_STREAM))).toThrow(refused);
  const schema = Buffer.from(arrowSchemaMessage([{ name: 'a', type: TINYINT }]));
  expect(() => new BatchCounter().pass(schema)).toThrow(refused);
});

const inputFile = (rows: number, bytes: Buffer): InputFile => ({
  taskId: 'q.0.0',
  attempt: 0,
  partition: 0,
  rows,
  bytes: bytes.length,
  path: '/nowhere',
  worker: 'http://nowhere',
  machineId: 'm',
});

const readFrom =
  (bytes: Buffer): ReadFile =>
  async (_file, first, last) =>
    bytes.subarray(first, last + 1);

async function streamed(file: InputFile, read: ReadFile): Promise<Buffer> {
  const blocks: Buffer[] = [];
  for await (const block of readBatches([file], read)) blocks.push(block);
  return Buffer.concat(blocks);
}

test('the coordinator relays files whose rows are those that their tasks counted', async () => {
  const file = inputFile(104, FILE);
  expect(await copyBatches([file, file], readFrom(FILE))).toEqual([FILE, FILE]);
  expect(await streamed(file, readFrom(FILE))).toEqual(FILE);
});

test.each([
  ['more rows were counted', inputFile(105, FILE), 'wrote 105 rows, but its file has 104 rows'],
  ['fewer rows were counted', inputFile(103, FILE), 'wrote 103 rows, but its file has 104 rows'],
  ['the last batch is cut', inputFile(104, FILE.subarray(0, -8)), 'has 104 rows and a part of a batch'],
])('it breaks off when %s', async (_, file, message) => {
  await expect(copyBatches([file], readFrom(FILE))).rejects.toThrow(message);
  await expect(streamed(file, readFrom(FILE))).rejects.toThrow(message);
});
