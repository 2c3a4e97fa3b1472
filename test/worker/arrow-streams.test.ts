/** Results as Arrow: what the kernel computes comes back the same through another implementation of the format. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { type Table, tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ARROW_END_OF_STREAM } from '../../src/exchange/arrow/framing.ts';
import { arrowSchemaMessage } from '../../src/exchange/arrow/schema.ts';
import { constantSql } from '../../src/types/kernel.ts';
import { parseType } from '../../src/types/parse-type.ts';
import { BIGINT, type SqlType, typeName, VARCHAR } from '../../src/types/type.ts';
import { type ArrowConnection, writeArrowResult } from '../../src/worker/arrow/write-result.ts';
import { Chunk, type RawVectors } from '../../src/worker/kernel/vector.ts';

const here = createRequire(import.meta.url);
const raw = createRequire(here.resolve('@duckdb/node-api'))('@duckdb/node-bindings') as RawVectors;

class TestConnection implements ArrowConnection {
  readonly #connection: DuckDBConnection;
  constructor(connection: DuckDBConnection) { this.#connection = connection; }
  async run(sql: string): Promise<readonly (readonly unknown[])[]> { return (await this.#connection.runAndReadAll(sql)).getRowsJson(); }
  async *stream(sql: string): AsyncGenerator<Chunk> {
    const result = await this.#connection.stream(sql);
    for (;;) { const chunk = await result.fetchChunk(); if (!chunk || chunk.rowCount === 0) return; yield new Chunk(raw, chunk.chunk); }
  }
}

let folder: string;
let connection: ArrowConnection;
let names = 0;
const newFile = (): string => path.join(folder, `${names++}.arrow`);
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tutti-arrow-'));
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const native = await instance.connect();
  await native.run('SET preserve_insertion_order = false');
  connection = new TestConnection(native);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function stream(types: readonly SqlType[], files: readonly string[]): Uint8Array {
  const columns = types.map((type, i) => ({ name: `c${i}`, type }));
  return Buffer.concat([arrowSchemaMessage(columns), ...files.map((f) => existsSync(f) ? readFileSync(f) : Buffer.alloc(0)), ARROW_END_OF_STREAM]);
}
test('all', async () => {
  const cases: [string, unknown[]][] = [
    ['boolean', [true, false, null]],
    ['tinyint', ['-128', '127', null]],
    ['smallint', ['-32768', '32767', null]],
    ['integer', ['-2147483648', '7', null]],
    ['bigint', ['-9223372036854775808', '9223372036854775807', null]],
    ['real', ['1.5', 'NaN', null]],
    ['double', ['-1e300', 'Infinity', null]],
    ['decimal(4,2)', ['-12.34', '99.99', null]],
    ['decimal(38,0)', ['-99999999999999999999999999999999999999', '1', null]],
    ['varchar', ['', 'gemäß, longer than twelve bytes', null, 'short']],
    ['char(5)', ['ab', 'äö', null]],
    ['varbinary', ['00ff', '', null]],
    ['json', ['{"a":1}', null]],
    ['date', ['1969-12-31', '2020-02-29', null]],
    ['time(6)', ['01:02:03.123456', null]],
    ['time(3) with time zone', ['01:02:03.123+05:30', null]],
    ['timestamp(6)', ['1969-12-31 23:59:59.999999', null]],
    ['timestamp(9)', ['2020-01-01 00:00:00.123456789', null]],
    ['timestamp(3) with time zone', ['2020-01-01 00:00:00.123 Europe/Vienna', null]],
    ['interval year to month', ['-14', null]],
    ['interval day to second', ['-1500', null]],
    ['uuid', ['12151fd2-7586-11e9-8f9e-2a86e4085a59', null]],
    ['ipaddress', ['10.0.0.1', null]],
    ['array(varchar)', [['a', null, 'something longer than twelve'], [], null, ['b']]],
    ['array(array(integer))', [[['1'], null, [], ['2', '3']], null, [['4']]]],
    ['map(varchar, decimal(9,1))', [[['a', '1.5'], ['b', null]], [], null]],
    ['row(x bigint, y varchar)', [['1', 'one'], [null, null], null]],
    ['row(bigint, array(row(char(3))))', [['1', [['a'], null]], null]],
    ['unknown', [null, null]],
    ['array(unknown)', [[null], [], null]],
  ];
  for (const [name, values] of cases) {
    const type = parseType(name)!;
    const rows = values.map((v, i) => `(${i}, ${constantSql(type, v as never)})`).join(', ');
    const file = newFile();
    const written = await writeArrowResult(connection, [{ type, sql: 'v' }], `(FROM (VALUES ${rows}) t(i, v) ORDER BY i)`, file);
    expect(written.rows).toBe(values.length);
    const s = stream([type], [file]);
    expect(readFileSync(file).length).toBe(written.bytes);
    const t = tableFromIPC(s);
    console.log(name, String(t.schema.fields[0]!.type), JSON.stringify(t.toArray().map((r) => (r as any).c0), (_, v) => typeof v === 'bigint' ? v + 'n' : v));
    here('node:fs').writeFileSync('/tmp/arrowexp/t/' + name.replaceAll(/[^a-z0-9]/g, '_') + '.arrow', s);
  }
});
