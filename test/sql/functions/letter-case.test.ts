/** lower and upper of every code point, as Java's Character maps them one by one: Unicode's simple case mapping. */
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { FunctionRegistry } from '../../../src/sql/functions/registry.ts';
import { renderExpression } from '../../../src/sql/render/render-expression.ts';
import { VARCHAR } from '../../../src/types/type.ts';

/** Where a special mapping hides the simple one: Greek letters with iota below, whose capitals are title case. */
const SIMPLE_UPPER = new Map<number, number>([
  ...[0x1f80, 0x1f90, 0x1fa0].flatMap((from) =>
    Array.from({ length: 8 }, (_, i): [number, number] => [from + i, from + i + 8]),
  ),
  [0x1fb3, 0x1fbc],
  [0x1fc3, 0x1fcc],
  [0x1ff3, 0x1ffc],
]);
const SIMPLE_LOWER = new Map<number, number>([[0x130, 0x69]]);

/** Pairs that Unicode got after the version that the kernel knows: it may leave them as they are. */
const NEW_PAIRS = /[\u019B\u0264\u1C89\u1C8A\uA7CB-\uA7DC\u{10D50}-\u{10D65}\u{10D70}-\u{10D85}\u{16EA0}-\u{16ED3}]/u;

function simple(text: string, mapped: string, exceptions: ReadonlyMap<number, number>): string {
  const exception = exceptions.get(text.codePointAt(0)!);
  if (exception !== undefined) return String.fromCodePoint(exception);
  return Array.from(mapped).length === 1 ? mapped : text;
}

test.each(['upper', 'lower'] as const)('%s maps each code point by itself', async (name) => {
  const registry = new FunctionRegistry();
  const { id } = registry.resolve(name, [VARCHAR]);
  const call = {
    kind: 'Call',
    type: VARCHAR,
    function: id,
    arguments: [{ kind: 'Reference', type: VARCHAR, name: 's' }],
  };
  const query = { timeZone: 'UTC', now: '2026-11-21T06:00:00Z', user: 'tester' };
  const sql = renderExpression(call as Parameters<typeof renderExpression>[0], {
    registry,
    query,
    column: (column) => `"${column}"`,
  });
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const result = await connection.runAndReadAll(
    `SELECT c, unicode(${sql}), len(${sql}) FROM (SELECT c, chr(CAST(c AS INTEGER)) AS s FROM range(1, 1114112) t(c) WHERE c NOT BETWEEN 55296 AND 57343)`,
  );
  connection.closeSync();
  const wrong: string[] = [];
  for (const [code, mapped, length] of result.getRows()) {
    const text = String.fromCodePoint(Number(code));
    const expected =
      name === 'upper'
        ? simple(text, text.toUpperCase(), SIMPLE_UPPER)
        : simple(text, text.toLowerCase(), SIMPLE_LOWER);
    const actual = String.fromCodePoint(Number(mapped));
    if (Number(length) !== 1 || (actual !== expected && !(NEW_PAIRS.test(text) && actual === text))) {
      wrong.push(`U+${Number(code).toString(16)}: ${actual}, not ${expected}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(result.currentRowCount).toBe(0x110000 - 1 - 2048);
});
