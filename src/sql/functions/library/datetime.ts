/** Parts of dates and times, and conversion to and from numbers and texts. */

import { quote } from '../../../types/kernel.ts';
import {
  FIRST_OF_TWO,
  instantOfLocal,
  localOfInstant,
  NEAR_UTC,
  offsetText,
  roundTimestamp,
} from '../../../types/text.ts';
import { raiseSql } from '../../../types/raise.ts';
import { zoneName } from '../../render/render-zoned-cast.ts';
import { define, type FunctionDefinition, type Render } from '../definition.ts';
import { refuseWhere, whenPresent } from './constants.ts';
import { CALENDAR_TYPES, CLOCK_TYPES, precisionOf, wallClock } from './moments.ts';

/** Name → kernel field, over types with a calendar. */
const CALENDAR_FIELDS: readonly (readonly [readonly string[], string])[] = [
  [['year'], 'year'],
  [['quarter'], 'quarter'],
  [['month'], 'month'],
  [['week', 'week_of_year'], 'week'],
  [['day', 'day_of_month'], 'day'],
  [['day_of_week', 'dow'], 'isodow'],
  [['day_of_year', 'doy'], 'doy'],
  [['year_of_week', 'yow'], 'isoyear'],
];

const CLOCK_FIELDS: readonly (readonly [string, string])[] = [
  ['hour', 'hour'],
  ['minute', 'minute'],
  ['second', 'second'],
];

const field =
  (name: string): Render =>
  ([a = ''], { types, bind }) =>
    types[0]?.kind === 'date'
      ? `extract('${name}' FROM ${a})`
      : bind(a, (x) => `extract('${name}' FROM ${wallClock(x, types[0])})`);

/** The kernel's milliseconds include the seconds. */
const millisecond: Render = ([a = ''], { types, bind }) =>
  bind(a, (x) => `(extract('millisecond' FROM ${wallClock(x, types[0])}) % 1000)`);

const PARTS: FunctionDefinition[] = [
  ...CALENDAR_FIELDS.flatMap(([names, kernel]) =>
    names.flatMap((name) => CALENDAR_TYPES.map((t) => define(`${name}(${t}): bigint`, field(kernel)))),
  ),
  ...CLOCK_FIELDS.flatMap(([name, kernel]) => CLOCK_TYPES.map((t) => define(`${name}(${t}): bigint`, field(kernel)))),
  ...CLOCK_TYPES.map((t) => define(`millisecond(${t}): bigint`, millisecond)),
  ...(
    [
      ['day', 'i // 86400000'],
      ['day_of_month', 'i // 86400000'],
      ['hour', 'i // 3600000 % 24'],
      ['minute', 'i // 60000 % 60'],
      ['second', 'i // 1000 % 60'],
      ['millisecond', 'i % 1000'],
    ] as const
  ).map(([name, formula]) =>
    define(`${name}(interval day to second): bigint`, ([a = '']) => `(${formula.replace('i', a)})`),
  ),
  define('year(interval year to month): bigint', ([a]) => `CAST(${a} // 12 AS BIGINT)`),
  define('month(interval year to month): bigint', ([a]) => `CAST(${a} % 12 AS BIGINT)`),
  ...['timezone_hour', 'timezone_minute'].flatMap((name) => {
    const share = (minutes: string): string => `CAST(${minutes} ${name === 'timezone_hour' ? '//' : '%'} 60 AS BIGINT)`;
    return [
      define(`${name}(timestamp(p) with time zone): bigint`, ([a = ''], { types, bind }) =>
        bind(a, (x) =>
          share(
            `((epoch_us(CAST(${wallClock(x, types[0])} AS TIMESTAMP)) - epoch_us(CAST((${x}).instant AS TIMESTAMP))) // 60000000)`,
          ),
        ),
      ),
      define(`${name}(time(p) with time zone): bigint`, ([a = '']) => share(`(${a})."minutes"`)),
    ];
  }),
];

/** Milliseconds are what old Trino clocks have; rounding is to the nearest. */
/** Trino keeps zoned milliseconds in 52 bits. */
const ZONED_MILLIS_MAX = 2 ** 51 - 1;

const fromUnixtime =
  (zone: (args: readonly string[], session: string) => string): Render =>
  (args, kit) =>
    kit.bind(args[0]!, (t) => {
      const overflow = raiseSql('INVALID_FUNCTION_ARGUMENT', `'Millis overflow: ' || CAST(${t} AS VARCHAR)`);
      const instant = `CASE WHEN abs(${t}) * 1000 > ${ZONED_MILLIS_MAX} THEN ${overflow} ELSE make_timestamp(CAST(round(${t} * 1000) AS BIGINT) * 1000) END`;
      return whenPresent(
        args.map((arg, i) => (i === 0 ? t : arg)),
        `{'instant': ${instant}, 'zone': ${zone(args, quote(kit.query.timeZone))}}`,
      );
    });

/** Zones are at most so far from UTC. */
const OFFSET_MINUTES_MAX = 14 * 60;

const offsetZone = (hours: string, minutes: string): string => {
  const offset = `(CAST(${hours} AS HUGEINT) * 60 + ${minutes})`;
  return refuseWhere(
    `abs(${offset}) > ${OFFSET_MINUTES_MAX}`,
    `'Invalid offset minutes ' || ${offset}`,
    offsetText(`CAST(${offset} AS INTEGER)`),
  );
};

const withZone = (value: string, zone: string): string =>
  whenPresent([value, zone], `{'instant': (${value}).instant, 'zone': ${zoneName(zone)}}`);

const atTimezone: Render = ([value = '', zone = ''], { bind }) => bind(value, (v) => bind(zone, (z) => withZone(v, z)));

/** An interval as the zone's offset. */
const atOffset: Render = ([value = '', offset = ''], { bind }) =>
  bind(value, (v) => bind(offsetText(`CAST(${offset} // 60000 AS INTEGER)`), (z) => withZone(v, z)));

const withTimezone: Render = ([value = '', zone = ''], { bind, types }) =>
  bind(value, (v) =>
    bind(zone, (z) =>
      bind(zoneName(z), (name) =>
        whenPresent(
          [v, z],
          `{'instant': ${instantOfLocal(v, name, precisionOf(types[0]), NEAR_UTC)}, 'zone': ${name}}`,
        ),
      ),
    ),
  );

const ISO_CLOCK: Readonly<Record<string, string>> = { 0: '', 3: '.%g', 6: '.%f', 9: '.%n' };

const toIso: Render = ([a = ''], { types: [type], bind }) =>
  bind(a, (x) => {
    if (type?.kind === 'date') return `CAST(${x} AS VARCHAR)`;
    const precision = precisionOf(type);
    const code = ISO_CLOCK[precision <= 3 ? 3 : precision <= 6 ? 6 : 9];
    const local = wallClock(x, type);
    const excess = precision === 0 ? 4 : (3 - (precision % 3)) % 3;
    const text = `strftime(${local}, '%Y-%m-%dT%H:%M:%S${code}')`;
    const cut = excess > 0 ? `left(${text}, len(${text}) - ${excess})` : text;
    if (type?.kind === 'timestamp') return cut;
    const minutes = `((epoch_us(CAST(${local} AS TIMESTAMP)) - epoch_us(CAST((${x}).instant AS TIMESTAMP))) // 60000000)`;
    const offset = `CASE WHEN ${minutes} = 0 THEN 'Z' ELSE CASE WHEN ${minutes} < 0 THEN '-' ELSE '+' END || lpad(CAST(abs(${minutes}) // 60 AS VARCHAR), 2, '0') || ':' || lpad(CAST(abs(${minutes}) % 60 AS VARCHAR), 2, '0') END`;
    return `${cut} || ${offset}`;
  });

const now: Render = (_, { query }) =>
  `{'instant': TIMESTAMP ${quote(query.now.replace('T', ' ').replace('Z', ''))}, 'zone': ${quote(query.timeZone)}}`;

const nowLocal = (query: { readonly now: string; readonly timeZone: string }): string =>
  localOfInstant(`TIMESTAMP ${quote(query.now.replace('T', ' ').replace('Z', ''))}`, quote(query.timeZone), 6);

export const DATETIME: readonly FunctionDefinition[] = [
  ...PARTS,
  define('date(varchar): date', ([a = ''], { render, expressions }) =>
    render({
      kind: 'Cast',
      type: { kind: 'date' },
      argument: expressions[0] ?? { kind: 'Reference', type: { kind: 'varchar' }, name: a },
      safe: false,
    }),
  ),
  define('date(timestamp(p)): date', ([a]) => `CAST(${a} AS DATE)`),
  define('date(timestamp(p) with time zone): date', ([a = ''], { types, bind }) =>
    bind(a, (x) => `CAST(${wallClock(x, types[0])} AS DATE)`),
  ),
  ...CALENDAR_TYPES.map((t) =>
    define(`last_day_of_month(${t}): date`, ([a = ''], { types, bind }) =>
      bind(a, (x) => `last_day(CAST(${wallClock(x, types[0])} AS DATE))`),
    ),
  ),
  define(
    'from_unixtime(double): timestamp(3) with time zone',
    fromUnixtime((_, session) => session),
  ),
  define(
    'from_unixtime(double, varchar): timestamp(3) with time zone',
    fromUnixtime(([, zone = '']) => zoneName(zone)),
  ),
  define(
    'from_unixtime(double, bigint, bigint): timestamp(3) with time zone',
    fromUnixtime(([, h = '', m = '']) => offsetZone(h, m)),
  ),
  define('from_unixtime_nanos(bigint): timestamp(9) with time zone', ([n = ''], { query, bind }) =>
    bind(n, (x) => whenPresent([x], `{'instant': make_timestamp_ns(${x}), 'zone': ${quote(query.timeZone)}}`)),
  ),
  define('to_unixtime(timestamp(p) with time zone): double', ([a = '']) => `(epoch_us((${a}).instant) / 1e6)`),
  ...CALENDAR_TYPES.map((t) => define(`to_iso8601(${t}): varchar`, toIso)),
  define('from_iso8601_date(varchar): date', ([a = ''], { bind }) =>
    bind(a, (s) =>
      whenPresent(
        [s],
        `coalesce(CASE WHEN regexp_full_match(${s}, '[+-]?[0-9]{4,}-[0-9]{2}-[0-9]{2}') THEN TRY_CAST(${s} AS DATE) END, ${isoWeekDate(s)}, ${refuseWhere('true', `'Invalid format: "' || ${s} || '"'`, 'NULL')})`,
      ),
    ),
  ),
  ...(
    [
      ['from_iso8601_timestamp', 3],
      ['from_iso8601_timestamp_nanos', 9],
    ] as const
  ).map(([name, precision]) =>
    define(`${name}(varchar): timestamp(${precision}) with time zone`, ([a = ''], { bind, query }) =>
      bind(a, (s) => fromIso(s, precision, quote(query.timeZone), bind)),
    ),
  ),
  define('$at_timezone(timestamp(p) with time zone, varchar): timestamp(p) with time zone', atTimezone),
  define('at_timezone(timestamp(p) with time zone, varchar): timestamp(p) with time zone', atTimezone),
  define('at_timezone(timestamp(p) with time zone, interval day to second): timestamp(p) with time zone', atOffset),
  define('$at_timezone(timestamp(p) with time zone, interval day to second): timestamp(p) with time zone', atOffset),
  define('with_timezone(timestamp(p), varchar): timestamp(p) with time zone', withTimezone),
  define('timezone(timestamp(p) with time zone): varchar', ([a = '']) => `(${a}).zone`),
  define('timezone(time(p) with time zone): varchar', ([a = '']) => offsetText(`(${a})."minutes"`)),
  define('current_timezone(): varchar', (_, { query }) => quote(query.timeZone)),
  define('now(): timestamp(3) with time zone', now),
  define('current_date(): date', (_, { query }) => `CAST(${nowLocal(query)} AS DATE)`),
  define('to_milliseconds(interval day to second): bigint', ([a = '']) => a),
];

/** `2001-W34-3` and `2001-234`. */
const isoWeekDate = (s: string): string =>
  `CASE WHEN regexp_full_match(${s}, '[0-9]{4}-W[0-9]{2}-[1-7]') THEN CAST(TRY_STRPTIME(${s}, '%G-W%V-%u') AS DATE) WHEN regexp_full_match(${s}, '[0-9]{4}-[0-9]{3}') THEN CAST(TRY_STRPTIME(${s}, '%Y-%j') AS DATE) END`;

function fromIso(s: string, precision: 3 | 9, session: string, bind: Parameters<Render>[1]['bind']): string {
  const shape = `'^([0-9]{4,}-[0-9]{2}(?:-[0-9]{2})?)(?:T([0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)?)?)?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?$'`;
  const day = `regexp_extract(${s}, ${shape}, 1)`;
  const clock = `regexp_extract(${s}, ${shape}, 2)`;
  const zone = `regexp_extract(${s}, ${shape}, 3)`;
  const full = `(${day} || CASE WHEN len(${day}) = 7 THEN '-01' ELSE '' END || ' ' || CASE WHEN ${clock} = '' THEN '00:00:00' WHEN len(${clock}) = 2 THEN ${clock} || ':00:00' WHEN len(${clock}) = 5 THEN ${clock} || ':00' ELSE replace(${clock}, ',', '.') END)`;
  const read = `TRY_CAST(${full} AS ${precision === 9 ? 'TIMESTAMP_NS' : 'TIMESTAMP'})`;
  const bad = refuseWhere('true', `'Invalid format: "' || ${s} || '"'`, 'NULL');
  const within = (value: string): string =>
    precision === 9
      ? value
      : bind(value, (v) => {
          const millis = `(epoch_us((${v}).instant) // 1000)`;
          return refuseWhere(`abs(${millis}) > ${ZONED_MILLIS_MAX}`, `'Millis overflow: ' || ${millis}`, v);
        });
  return bind(`CASE WHEN ${zone} = '' THEN ${session} ELSE ${zoneName(zone)} END`, (z) =>
    bind(
      precision === 9 ? read : roundTimestamp(read, 3, 6),
      (local) =>
        `CASE WHEN ${s} IS NULL THEN NULL WHEN ${local} IS NULL THEN ${bad} ELSE ${within(`{'instant': ${instantOfLocal(local, z, precision, FIRST_OF_TWO)}, 'zone': ${z}}`)} END`,
    ),
  );
}
