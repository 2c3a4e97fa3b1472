/** Arrays that are counted out: sequence and repeat. */

import { kernelType } from '../../../types/kernel.ts';
import { plusMonthsSql } from '../../../types/text.ts';
import { define, type FunctionDefinition, type Render } from '../definition.ts';
import { refuseWhere } from './constants.ts';
import { elementOf } from './keys.ts';

/** Trino's own limit of repeat and sequence, and a wall against lists that nothing else contains. */
const LIST_LENGTH_MAX = 10_000;

const sequenceInteger: Render = ([from = '', to = '', step], { bind, type }) =>
  bind(from, (a) =>
    bind(to, (b) => {
      const s = step ?? `CASE WHEN ${a} <= ${b} THEN 1 ELSE -1 END`;
      const count = `((CAST(${b} AS HUGEINT) - ${a}) // (${s}))`;
      return refuseWhere(
        `(${s}) = 0`,
        `'step must not be zero'`,
        refuseWhere(
          `(${s} > 0 AND ${a} > ${b}) OR (${s} < 0 AND ${a} < ${b})`,
          `'sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop should be less than or equal to start'`,
          refuseWhere(
            `${count} >= ${LIST_LENGTH_MAX}`,
            `'result of sequence function must not have more than ${LIST_LENGTH_MAX} entries'`,
            `CAST(list_transform(range(0, CAST(${count} AS BIGINT) + 1), lambda i: CAST(${a} + CAST(i AS HUGEINT) * (${s}) AS BIGINT)) AS ${kernelType(type)})`,
          ),
        ),
      );
    }),
  );

/** Dates and timestamps move by milliseconds or months. */
const sequenceMoments: Render = ([from = '', to = '', step = ''], { bind, types, type }) =>
  bind(from, (a) =>
    bind(to, (b) =>
      bind(step, (s) => {
        const months = types[2]?.kind === 'interval year to month';
        const kernel = kernelType(elementOf(type));
        const moved = (i: string): string =>
          months
            ? `CAST(${kernel === 'TIMESTAMP_NS' ? plusMonthsSql(a, `CAST(${i} * ${s} AS INTEGER)`, 9) : `${a} + to_months(CAST(${i} * ${s} AS INTEGER))`} AS ${kernel})`
            : kernel === 'TIMESTAMP_NS'
              ? `make_timestamp_ns(epoch_ns(${a}) + ${i} * ${s} * 1000000)`
              : `CAST(${a} + to_microseconds(CAST(${i} * ${s} * 1000 AS BIGINT)) AS ${kernel})`;
        const span = months
          ? `(datediff('month', CAST(${a} AS TIMESTAMP), CAST(${b} AS TIMESTAMP)) // ${s} + 1)`
          : `((epoch_us(CAST(${b} AS TIMESTAMP)) - epoch_us(CAST(${a} AS TIMESTAMP))) // (${s} * 1000))`;
        const wholeDays = !months && types[0]?.kind === 'date' ? ` OR ${s} % 86400000 <> 0` : '';
        return refuseWhere(
          `${s} = 0${wholeDays}`,
          `'sequence step must not be zero, and a day interval if start and end values are dates'`,
          refuseWhere(
            `(${s} > 0 AND ${a} > ${b}) OR (${s} < 0 AND ${a} < ${b})`,
            `'sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop should be less than or equal to start'`,
            refuseWhere(
              `${span} >= ${LIST_LENGTH_MAX}`,
              `'result of sequence function must not have more than ${LIST_LENGTH_MAX} entries'`,
              `list_filter(list_transform(range(0, ${span} + 1), lambda i: ${moved('i')}), lambda d: CASE WHEN ${s} > 0 THEN d <= ${b} ELSE d >= ${b} END)`,
            ),
          ),
        );
      }),
    ),
  );

const MOMENT_SEQUENCES = ['date', 'timestamp(p)'].flatMap((t) =>
  ['interval day to second', 'interval year to month'].map((i) =>
    define(`sequence(${t}, ${t}, ${i}): array(${t})`, sequenceMoments),
  ),
);

export const SEQUENCES: readonly FunctionDefinition[] = [
  define(
    'repeat(T, bigint): array(T)',
    ([item = '', n = ''], { bind }) =>
      bind(n, (count) =>
        refuseWhere(
          `${count} < 0 OR ${count} > ${LIST_LENGTH_MAX}`,
          `'count argument of repeat function must be from 0 to ${LIST_LENGTH_MAX}'`,
          `CASE WHEN ${count} IS NOT NULL THEN list_transform(range(0, ${count}), lambda i: ${item}) END`,
        ),
      ),
    { nullOnNull: false },
  ),
  define('sequence(bigint, bigint): array(bigint)', sequenceInteger),
  define('sequence(bigint, bigint, bigint): array(bigint)', sequenceInteger),
  define('sequence(date, date): array(date)', ([a = '', b = ''], kit) =>
    sequenceMoments([a, b, `CAST(CASE WHEN ${a} <= ${b} THEN 86400000 ELSE -86400000 END AS BIGINT)`], {
      ...kit,
      types: [...kit.types, { kind: 'interval day to second' }],
    }),
  ),
  ...MOMENT_SEQUENCES,
];
