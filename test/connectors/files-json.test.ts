/** Which line of a JSON file is wrong, and what becomes of the tables beside it. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import { FileReader } from '../../src/connectors/files/file-reader.ts';
import { JsonNumbers } from '../../src/connectors/files/json-numbers.ts';
import { FileSystems } from '../../src/filestore/file-systems.ts';
import { declared, TextTables } from '../support/text-tables.ts';

let tables: TextTables;

beforeAll(async () => {
  tables = await TextTables.open();
});

afterAll(async () => {
  await tables.close();
});

test.each([
  ['{"a":1}\n{"a":1x}\n{"a":3}\n', 'line 2 (empty lines not counted): malformed JSON at byte 7: unexpected character'],
  ['{"a":1}\n{"a":', 'line 2 (empty lines not counted): malformed JSON at byte 6: unexpected end of data'],
  ['{"a":1}\n{"a":1,"a":2}\n', 'line 2 (empty lines not counted): Object {"a":1,"a":2} has duplicate key "a"'],
  ['{"a":1}\n[3]\n', 'line 2 (empty lines not counted): Expected OBJECT, but got ARRAY: [3]'],
  ['[3]\n{"a":1}\n', 'line 1 (empty lines not counted): Expected OBJECT, but got ARRAY: [3]'],
])('%j', async (text, expected) => {
  await tables.write({ 'lines.jsonl': text });
  const answer = await tables.rows({ path: 'data/lines.jsonl', columns: declared(['a varchar']) });
  expect(answer).toBe(`FILE_CORRUPT /data/lines.jsonl, ${expected}. Correct the file`);
});

test('lines that are no objects are the values of one column, in whichever file they stand', async () => {
  await tables.write({ 'whole/1.jsonl': '{"a":1}\n', 'whole/2.jsonl': '[3]\n', 'key/1.jsonl': '{"json":1}\n' });
  expect(await tables.rows({ path: 'data/whole' })).toEqual([['{"a":1}'], ['[3]']]);
  expect(await tables.rows({ path: 'data/whole/*1.jsonl' })).toEqual([['1']]);
  expect(await tables.rows({ path: 'data/key' })).toEqual([['1']]);
});

test('what a double or a time would not keep is inferred as text, and as JSON within arrays and objects', async () => {
  const wide = '12345678901234567890123';
  await tables.write({
    'kept.jsonl':
      `{"t":"12:00:00.1234567","l":[${wide},1],"o":{"x":1.5,"t":"12:00:00.1234567"},"m":[1.5,2],"u":"12:00:00.123456"}\n` +
      `{"t":"12:00:00","l":[1.5],"o":{"x":2,"t":"12:00:00"},"m":[1],"u":"12:00:00"}\n`,
  });
  const table = { path: 'data/kept.jsonl' };
  expect(await tables.columns(table)).toEqual(['t varchar', 'l json', 'o json', 'm array(double)', 'u time(6)']);
  expect(await tables.rows(table)).toEqual([
    ['12:00:00.1234567', `[${wide},1]`, '{"x":1.5,"t":"12:00:00.1234567"}', [1.5, 2], '12:00:00.123456'],
    ['12:00:00', '[1.5]', '{"x":2,"t":"12:00:00"}', [1], '12:00:00'],
  ]);
});

test('a value that does not fit fails who reads its column only', async () => {
  await tables.write({ 'mixed.jsonl': '{"a":1,"b":1}\n{"a":2,"b":"x"}\n' });
  const table = { path: 'data/mixed.jsonl', columns: declared(['a integer', 'b integer']) };
  expect(await tables.rows(table, 'a')).toEqual([[1], [2]]);
  expect(await tables.rows(table, 'b')).toMatch(
    /^FILE_CORRUPT .*column "b": 'x' is not exactly a value of type integer/,
  );
});

test('files of one name are one ambiguous table, and hide no other', async () => {
  await tables.write({ 'clash.csv': 'a\n1\n', 'clash.json': '{"a":1}\n', 'clear.csv': 'a\n1\n' });
  const files = tables.connector();
  expect(await files.listTables('s')).toEqual(expect.arrayContaining(['clash', 'clear']));
  expect((await files.describeTable('s', 'clear'))!.columns[0]!.name).toBe('a');
  await expect(files.describeTable('s', 'clash')).rejects.toMatchObject({
    code: 'FILE_UNSUPPORTED',
    message: expect.stringMatching(/"clash" would be both \S*\/clash\.csv and \S*\/clash\.json: rename/) as string,
  });
});

test('a file too large to be looked into is read line by line where digits count', async () => {
  const files = [1, 1e12].map((bytes) => ({ path: `/${bytes}`, id: '', bytes, modifiedMs: 0, partition: {} }));
  const kernel = { query: (sql: string) => Promise.resolve([['0', sql.includes("'/1000")]]) };
  const reader = new FileReader({ kernel, fileSystems: new FileSystems(systemClock), roots: [] });
  const numbers = new JsonNumbers(reader);
  const column = { name: 'v', type: { kind: 'decimal', precision: 5, scale: 2 } } as const;
  expect([...(await numbers.longIn(files, [column]))]).toEqual(['/1000000000000']);
  expect([...(await numbers.longIn(files, [{ name: 'v', type: { kind: 'double' } }]))]).toEqual([]);
});
