/** The order of constants against the kernel's own, over random pairs that are often nearly equal. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareConstants, hasKnownOrder, mayContain } from '../../src/types/compare.ts';
import { constantSql, keySql } from '../../src/types/kernel.ts';
import { BIGINT, BOOLEAN, DATE, decimal, DOUBLE, REAL, type SqlType } from '../../src/types/type.ts';
import { timestamp, timestampTz, typeName, VARCHAR } from '../../src/types/type.ts';
import { Random } from '../simulation/random.ts';
import { openKernel, rowsOf } from '../support/kernel.ts';

const SEED = 20261121;

let kernel: DuckDBConnection;
beforeAll(async () => {
  kernel = await openKernel();
});
afterAll(() => kernel.closeSync());

const random = new Random(SEED);
const below = (n: number): number => random.below(n);
const digits = (n: number): string => Array.from({ length: n }, () => below(10)).join('');
const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
const two = (n: number): string => String(n).padStart(2, '0');

const whole = (length: number): string => `${pick(['', '-'])}${BigInt(digits(1 + below(length)))}`;
const year = (): string =>
  pick(['2020', '2020', '1969', '1970', '0001', '0000', '-0001', '+12345', '9999', '1582', '1600']);
const day = (): string => `${year()}-${two(1 + below(12))}-${two(1 + below(28))}`;
const clock = (precision: number): string =>
  `${two(below(24))}:${two(below(60))}:${two(below(3) * 20)}${precision > 0 ? `.${digits(precision)}` : ''}`;
/** The kernel's nanoseconds know few years. */
const narrowDay = (): string => `${pick(['2020', '1969', '1700'])}-0${1 + below(9)}-${two(1 + below(28))}`;
const letters = (): string =>
  Array.from({ length: below(4) }, () => pick(['a', 'b', 'Z', 'é', 'ß', '\u{1F600}', '\uFF5E', ' '])).join('');

const CASES: readonly (readonly [SqlType, () => string | boolean])[] = [
  [BIGINT, () => whole(18)],
  [decimal(10, 4), () => `${whole(3)}.${digits(4)}`],
  [decimal(38, 10), () => `${whole(27)}.${digits(10)}`],
  [
    DOUBLE,
    () => pick(['0', '-0', '1.5', '-1e300', '5e-324', 'Infinity', '-Infinity', whole(3), `${whole(2)}.${digits(1)}`]),
  ],
  [REAL, () => pick(['0', '-0', '1.5', '16777216', 'Infinity', whole(3), `${whole(2)}.${digits(1)}`])],
  [VARCHAR, letters],
  [BOOLEAN, () => random.chance(0.5)],
  [DATE, day],
  [timestamp(0), () => `${day()} ${clock(0)}`],
  [timestamp(3), () => `${day()} ${clock(3)}`],
  [timestamp(6), () => `2020-01-0${1 + below(2)} 00:00:0${below(2)}.${digits(6)}`],
  [timestamp(9), () => `${narrowDay()} ${clock(9)}`],
  [timestampTz(3), () => `${day()} ${clock(3)} ${pick(['UTC', 'Europe/Vienna', '+05:30'])}`],
  [{ kind: 'time', precision: 3 }, () => clock(3)],
  [{ kind: 'interval day to second' }, () => whole(12)],
];

test.each(CASES.map(([type, make]) => [typeName(type), type, make] as const))(
  `constants of type %s, seed ${SEED}`,
  async (_, type, make) => {
    const pairs = Array.from({ length: 300 }, () => {
      const first = make();
      return [first, random.chance(0.1) ? first : make()] as const;
    });
    const key = (value: string | boolean): string => keySql(type, constantSql(type, value));
    const values = pairs.map(([a, b], i) => `(${i}, ${key(a)}, ${key(b)})`);
    const answers = await rowsOf(
      kernel,
      `SELECT CASE WHEN a < b THEN -1 WHEN a > b THEN 1 ELSE 0 END FROM (VALUES ${values.join(', ')}) t(i, a, b) ORDER BY i`,
    );
    const ours = pairs.map(([a, b]) => Math.sign(compareConstants(type, a, b) ?? NaN));
    const wrong = pairs.filter((__, i) => ours[i] !== Number(answers[i]![0]));
    expect(wrong).toEqual([]);
    expect(new Set(ours).size).toBe(3);
  },
);

test('digits behind the point count by their value, however many there are', () => {
  expect(compareConstants(decimal(10, 2), '1.5', '1.25')).toBe(1);
  expect(compareConstants(decimal(10, 2), '-1.5', '-1.25')).toBe(-1);
  expect(compareConstants(decimal(10, 2), '1.50', '1.5')).toBe(0);
  expect(compareConstants(decimal(10, 2), '-0.5', '0.25')).toBe(-1);
  expect(compareConstants(timestamp(3), '2020-01-01 00:00:00.1', '2020-01-01 00:00:00.100')).toBe(0);
  expect(compareConstants(timestamp(3), '2020-01-01', '2020-01-01 00:00:00.000')).toBe(0);
  const range = { low: { value: '1.25', inclusive: true }, high: { value: '1.5', inclusive: true } };
  expect(mayContain(decimal(10, 2), { ranges: [range], nullAllowed: false }, '1.3', '1.4', false)).toBe(true);
});

test('what is no value of the type has no place', () => {
  expect(hasKnownOrder(BIGINT, 'abc')).toBe(false);
  expect(hasKnownOrder(BIGINT, '')).toBe(false);
  expect(hasKnownOrder(DOUBLE, 'NaN')).toBe(false);
  expect(hasKnownOrder(DATE, 'yesterday')).toBe(false);
  expect(hasKnownOrder(VARCHAR, null)).toBe(false);
  expect(compareConstants(DOUBLE, 'NaN', '1')).toBeUndefined();
});
