/** The kernel's profile as EXPLAIN ANALYZE shows it. */
import { expect, test } from 'vitest';
import { operatorProfile } from '../../src/worker/profile.ts';

const operator = (name: string, rows: number, extra: object, ...children: object[]): object => ({
  operator_name: name,
  operator_cardinality: rows,
  operator_timing: 0.001,
  extra_info: { ...extra, 'Estimated Cardinality': '0' },
  children,
});

const details = (extra: object): string | undefined => operatorProfile({ children: [operator('X', 1, extra)] })?.detail;

test('projections on top of each other are one, with the time of both', () => {
  const scan = operator('READ_PARQUET', 3, { Function: 'READ_PARQUET', Projections: ['a'], 'Total Files Read': '2' });
  const both = operator('PROJECTION', 3, { Projections: 'x' }, operator('PROJECTION', 3, { Projections: 'y' }, scan));
  const profile = operatorProfile({ children: [operator('COPY_TO_FILE ', 1, {}, both)] });
  expect(profile).toMatchObject({
    name: 'COPY_TO_FILE',
    detail: '',
    children: [
      {
        name: 'PROJECTION',
        wallMs: 2,
        detail: '',
        children: [{ name: 'READ_PARQUET', wallMs: 1, detail: 'files: 2' }],
      },
    ],
  });
});

test('details are what tells operators apart, in the names of the plan', () => {
  expect(details({ 'Join Type': 'INNER', Conditions: ['a = b', 'c = d'] })).toBe('INNER on a = b, c = d');
  expect(details({ Top: '5', 'Order By': 'unnamed_subquery.avg_16 DESC' })).toBe('5 by avg_16 DESC');
  expect(details({ Filters: 'file_row_number>=0 AND file_row_number<1909089 AND delay>10' })).toBe('delay>10');
  expect(details({ Filters: ['file_row_number>=0 AND file_row_number<1909089', 'delay>10'] })).toBe('delay>10');
  expect(details({ Filters: 'file_row_number>=0 AND file_row_number<1909089' })).toBe('');
  expect(details({ Expression: `(x\n  > ${'1'.repeat(100)})` })).toBe(`(x > ${'1'.repeat(74)}…`);
  expect(details({ Projections: "COALESCE(CAST(to_json(a) AS VARCHAR), 'null')", Groups: '#0' })).toBe('');
});
