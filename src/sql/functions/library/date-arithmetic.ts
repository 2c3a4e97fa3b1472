/** date_trunc, date_add and date_diff: by units that a text names. */

import { QueryError } from '../../../common/errors.ts';
import { quote } from '../../../types/kernel.ts';
import { plusMonthsSql, roundTimestamp } from '../../../types/text.ts';
import type { SqlType } from '../../../types/type.ts';
import { define, type FunctionDefinition, type Render } from '../definition.ts';
import { constantText, refuseWhere, whenPresent } from './constants.ts';
import { CALENDAR_TYPES, fromWallClock, precisionOf, wallClock } from './moments.ts';

const DATE_UNITS = ['day', 'week', 'month', 'quarter', 'year'] as const;
const TIME_UNITS = ['millisecond', 'second', 'minute', 'hour'] as const;
type TimeUnit = (typeof TIME_UNITS)[number];
type Unit = (typeof DATE_UNITS)[number] | TimeUnit;

const unitsOf = (type: SqlType | undefined): readonly Unit[] => {
  if (type?.kind === 'date') return DATE_UNITS;
  return type?.kind === 'time' || type?.kind === 'time with time zone' ? TIME_UNITS : [...TIME_UNITS, ...DATE_UNITS];
};

/** `body(unit)` for the unit that a (mostly constant) argument names. */
function perUnit(
  args: readonly string[],
  kit: Parameters<Render>[1],
  type: SqlType | undefined,
  body: (unit: Unit) => string,
): string {
  const units = unitsOf(type);
  const what = (type?.kind ?? '').replace(/ with time zone$/, '').toUpperCase();
  const text = constantText(kit.expressions[0]);
  if (text !== undefined) {
    const unit = units.find((u) => u === text.toLowerCase());
    if (!unit)
      throw new QueryError(
        'INVALID_FUNCTION_ARGUMENT',
        `'${text}' is not a valid ${what} field; use one of ${units.join(', ')}`,
      );
    return body(unit);
  }
  return kit.bind(args[0]!, (u) => {
    const cases = units.map((unit) => `WHEN lower(${u}) = '${unit}' THEN ${body(unit)}`);
    return refuseWhere(
      `lower(${u}) NOT IN (${units.map(quote).join(', ')})`,
      `'''' || ${u} || ''' is not a valid ${what} field'`,
      `CASE ${cases.join(' ')} END`,
    );
  });
}

const isTimeUnit = (unit: Unit): unit is TimeUnit => unit in MICROS;

const MICROS: Readonly<Record<TimeUnit, number>> = {
  millisecond: 1000,
  second: 1_000_000,
  minute: 60_000_000,
  hour: 3_600_000_000,
};

const truncate: Render = (args, kit) => {
  const type = kit.types[1];
  return kit.bind(args[1]!, (x) =>
    perUnit(args, kit, type, (unit) => {
      if (type?.kind === 'date' && unit === 'day') return x;
      const truncated = `date_trunc('${unit}', ${wallClock(x, type)})`;
      return fromWallClock(truncated, type, x);
    }),
  );
};

const add: Render = (args, kit) => {
  const type = kit.types[2];
  const precision = precisionOf(type);
  return kit.bind(args[1]!, (n) =>
    kit.bind(args[2]!, (x) =>
      perUnit(args, kit, type, (unit) => {
        if (isTimeUnit(unit)) {
          const micros = `${n} * ${MICROS[unit]}`;
          if (type?.kind === 'timestamp with time zone') {
            return `CASE WHEN ${x} IS NOT NULL AND ${n} IS NOT NULL THEN {'instant': ${plusMicros(`(${x}).instant`, micros, precision)}, 'zone': (${x}).zone} END`;
          }
          if (type?.kind === 'time' || type?.kind === 'time with time zone') {
            return whenPresent(
              [x, n],
              fromWallClock(plusMicros(wallClock(x, type), `(${micros}) % 86400000000`, 6), type, x),
            );
          }
          const moved = plusMicros(x, micros, precision);
          return precision < 3 ? roundTimestamp(moved, precision, 6) : moved;
        }
        const months = unit === 'month' ? 1 : unit === 'quarter' ? 3 : unit === 'year' ? 12 : 0;
        if (months === 0) {
          const days = unit === 'week' ? `${n} * 7` : n;
          if (type?.kind === 'date') return `(${x} + CAST(${days} AS INTEGER))`;
          if (type?.kind === 'timestamp') return plusMicros(x, `${days} * 86400000000`, precision);
          return whenPresent(
            [x, n],
            fromWallClock(plusMicros(wallClock(x, type), `${days} * 86400000000`, precision), type, x),
          );
        }
        const moved = plusMonthsSql(wallClock(x, type), `CAST(${n} * ${months} AS INTEGER)`, precision);
        return whenPresent([x, n], fromWallClock(moved, type, x));
      }),
    ),
  );
};

const plusMicros = (moment: string, micros: string, precision: number): string =>
  precision > 6
    ? `make_timestamp_ns(epoch_ns(${moment}) + (${micros}) * 1000)`
    : `(${moment} + to_microseconds(CAST(${micros} AS BIGINT)))`;

/** Microseconds of a zoned time's moment in UTC. */
const utc = (x: string): string =>
  `((epoch_us((${x})."time") - CAST((${x})."minutes" AS BIGINT) * 60000000 + 86400000000) % 86400000000)`;

/** Whole units from the first to the second. */
const difference: Render = (args, kit) => {
  const type = kit.types[1];
  return kit.bind(args[1]!, (a) =>
    kit.bind(args[2]!, (b) =>
      perUnit(args, kit, type, (unit) => {
        if (isTimeUnit(unit)) {
          const micros = MICROS[unit];
          if (type?.kind === 'time with time zone') return `((${utc(b)} - ${utc(a)}) // ${micros})`;
          return `((epoch_us(${wholeMillis(b, type)}) - epoch_us(${wholeMillis(a, type)})) // ${micros})`;
        }
        if (type?.kind === 'date' && unit === 'day') return `CAST(${b} - ${a} AS BIGINT)`;
        const [from, to] = [plainClock(a, type), plainClock(b, type)];
        if (unit === 'day' || unit === 'week') {
          return `((epoch_us(${to}) - epoch_us(${from})) // ${unit === 'day' ? 86_400_000_000 : 7 * 86_400_000_000})`;
        }
        return monthsBetween(from, to, unit);
      }),
    ),
  );
};

/** The instant or wall clock without what is below a millisecond: Trino counts between those. */
function wholeMillis(x: string, type: SqlType | undefined): string {
  const moment = type?.kind === 'timestamp with time zone' ? `(${x}).instant` : wallClock(x, type);
  return precisionOf(type) > 3 ? `date_trunc('millisecond', ${moment})` : moment;
}

const plainClock = (x: string, type: SqlType | undefined): string => {
  const clock = wallClock(x, type);
  return precisionOf(type) > 6 ? `CAST(${clock} AS TIMESTAMP)` : clock;
};

/** Whole units between the earlier and the later, negative where the first is the later. */
function monthsBetween(a: string, b: string, unit: 'month' | 'quarter' | 'year'): string {
  const [from, to] = [`least(${a}, ${b})`, `greatest(${a}, ${b})`];
  const months = wholeMonths('p.f', 'p.t');
  const whole = unit === 'year' ? wholeYears('p.f', 'p.t') : unit === 'quarter' ? `${months} // 3` : months;
  const both = `{'f': ${from}, 't': ${to}, 'sign': CASE WHEN ${a} > ${b} THEN -1 ELSE 1 END}`;
  return whenPresent([a, b], `list_transform([${both}], lambda p: CAST(p.sign * (${whole}) AS BIGINT))[1]`);
}

/** One less where the day and clock have not been reached; the last day of a month is as good as any later day. */
function wholeMonths(from: string, to: string): string {
  const months = `((year(${to}) - year(${from})) * 12 + month(${to}) - month(${from}))`;
  const day = `CASE WHEN day(${to}) = day(last_day(${to})) THEN least(day(${from}), day(${to})) ELSE day(${from}) END`;
  return `(${months} - CASE WHEN day(${to}) < ${day} OR (day(${to}) = ${day} AND ${within('day', to)} < ${within('day', from)}) THEN 1 ELSE 0 END)`;
}

/** From the 29th of February on, days of leap years are counted as in years without it where the other year is one. */
function wholeYears(from: string, to: string): string {
  const [fromLate, toLate] = [from, to].map((moment) => `${within('year', moment)} >= INTERVAL 59 DAY`);
  const fromLess = `${fromLate} AND ${inLeapYear(from)} AND NOT ${inLeapYear(to)}`;
  const toLess = `${fromLate} AND NOT ${inLeapYear(from)} AND ${toLate} AND ${inLeapYear(to)}`;
  const fromRest = `${within('year', from)} - CASE WHEN ${fromLess} THEN INTERVAL 1 DAY ELSE INTERVAL 0 DAY END`;
  const toRest = `${within('year', to)} - CASE WHEN ${toLess} THEN INTERVAL 1 DAY ELSE INTERVAL 0 DAY END`;
  return `(year(${to}) - year(${from}) - CASE WHEN ${toRest} < ${fromRest} THEN 1 ELSE 0 END)`;
}

/** What has passed of its day or year. */
const within = (unit: 'day' | 'year', moment: string): string => `(${moment} - date_trunc('${unit}', ${moment}))`;

const inLeapYear = (moment: string): string => `(day(last_day(make_date(year(${moment}), 2, 1))) = 29)`;

const MOMENTS = [...CALENDAR_TYPES, 'time(p)', 'time(p) with time zone'];

export const DATE_ARITHMETIC: readonly FunctionDefinition[] = MOMENTS.flatMap((t) => [
  define(`date_trunc(varchar, ${t}): ${t}`, truncate),
  define(`date_add(varchar, bigint, ${t}): ${t}`, add),
  define(`date_diff(varchar, ${t}, ${t}): bigint`, difference),
]);
