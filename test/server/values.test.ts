/** Every type as clients get it: the column's type and signature, and the very text of a value. */
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { type Headers, pages } from './exchange.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ workers: 1 });
});

afterAll(() => server.stop());

const VALUES = [
  'NULL',
  'true',
  "TINYINT '-128'",
  "SMALLINT '32767'",
  '2147483647',
  '9223372036854775807',
  '9007199254740993',
  "REAL '1'",
  "REAL '3.4028235E38'",
  "REAL '0.1'",
  '1E0',
  '-0E0',
  '0.1E0',
  '1E100',
  '1.7976931348623157E308',
  '4.9E-324',
  '123456789012345680E0',
  'nan()',
  'infinity()',
  '-infinity()',
  "REAL 'NaN'",
  "CAST('-Infinity' AS REAL)",
  '1.10',
  "DECIMAL '-99999999999999999999999999999999999999'",
  "DECIMAL '0.00000000000000000000000000000000000001'",
  "'text'",
  "CAST('text' AS varchar)",
  String.raw`'quote " backslash \ slash / line' || chr(10) || 'tab' || chr(9) || 'zero' || chr(1)`,
  "'Zürich 東京 😀'",
  "''",
  "CAST('ab' AS char(4))",
  "X'00FF10'",
  "X''",
  "DATE '2026-11-21'",
  "DATE '0001-01-01'",
  "DATE '-0044-03-15'",
  "DATE '12026-01-01'",
  "TIME '01:02:03'",
  "TIME '01:02:03.456789'",
  "TIME '01:02:03.123 +05:30'",
  "TIMESTAMP '2026-11-21 07:08:09'",
  "TIMESTAMP '2026-11-21 07:08:09.123456'",
  "TIMESTAMP '1969-12-31 23:59:59.999999'",
  "TIMESTAMP '2026-11-21 07:08:09.12 Europe/Zurich'",
  "TIMESTAMP '2026-11-21 07:08:09.123456 -08:00'",
  "INTERVAL '3' DAY",
  "INTERVAL '-1 02:03:04.567' DAY TO SECOND",
  "INTERVAL '1-2' YEAR TO MONTH",
  "INTERVAL '-13' MONTH",
  "UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59'",
  'JSON \'{"b": [1, null, "x"], "a": 1.50}\'',
  'ARRAY[1, NULL, 3]',
  'ARRAY[]',
  'ARRAY[1E0, nan(), NULL]',
  "ARRAY[ARRAY['a', NULL], NULL, ARRAY[]]",
  "ARRAY[TIMESTAMP '2026-11-21 07:08:09.123456']",
  "MAP(ARRAY['b', 'a'], ARRAY[1, NULL])",
  "MAP(ARRAY[2, 1], ARRAY['two', 'one'])",
  "MAP(ARRAY[1E0], ARRAY[DECIMAL '1.50'])",
  "MAP(ARRAY[true], ARRAY[X'FF'])",
  "MAP(ARRAY[DATE '2026-11-21'], ARRAY[TIMESTAMP '2026-11-21 07:08:09.123456'])",
  "MAP(ARRAY['k \"'], ARRAY[MAP(ARRAY[1], ARRAY[ROW(1, 'x')])])",
  'MAP()',
  "ROW(1, 'a', NULL)",
  'CAST(ROW(1, \'a\') AS ROW(x bigint, "Y y" varchar))',
  "CAST(ROW(ARRAY[ROW(TIMESTAMP '2026-11-21 07:08:09.123456')]) AS ROW(list array(ROW(at timestamp(6)))))",
  'CAST(NULL AS ROW(x bigint))',
];

/** One statement a value, since a type may be refused; the row's text is cut from the answer. */
async function lines(headers: Headers): Promise<string> {
  const shown = VALUES.map(async (value) => {
    const all = await pages(server.url, `SELECT ${value} AS v`, headers);
    const last = all.at(-1)!;
    const column = last.body.columns?.[0];
    const text = /"data":\[\[(.*)\]\]\}$/s.exec(last.text)?.[1];
    const found = [column?.type, JSON.stringify(column?.typeSignature), text];
    return [value, ...(last.body.error ? [last.body.error.message] : found)].join('\n    ');
  });
  return `${(await Promise.all(shown)).join('\n\n')}\n`;
}

const golden = (name: string): string => path.join(import.meta.dirname, 'golden', name);

test('a client that knows of precisions', async () => {
  const all = await lines({ 'X-Trino-Client-Capabilities': 'PATH,PARAMETRIC_DATETIME' });
  await expect(all).toMatchFileSnapshot(golden('values.txt'));
});

test('a client that does not gets three digits of a second', async () => {
  await expect(await lines({})).toMatchFileSnapshot(golden('values-milliseconds.txt'));
});
