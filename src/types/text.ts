/** Kernel expressions that write dates, times and intervals as Trino does; NULL stays NULL. Arguments are repeated. */

const FIRST_PLAIN_DAY = "DATE '0001-01-01'";
const LAST_PLAIN_DAY = "DATE '9999-12-31'";

/** `2020-01-31`; `+12345-01-31` and `-0001-01-31` outside of four digits, as Java writes years. */
export function dateText(sql: string): string {
  return `CASE WHEN ${sql} BETWEEN ${FIRST_PLAIN_DAY} AND ${LAST_PLAIN_DAY} THEN CAST(${sql} AS VARCHAR) ELSE ${yearText(sql)} || strftime(CAST(${sql} AS TIMESTAMP), '-%m-%d') END`;
}

export const yearText = (sql: string): string =>
  `(CASE WHEN year(${sql}) < 0 THEN '-' WHEN year(${sql}) > 9999 THEN '+' ELSE '' END || lpad(CAST(abs(year(${sql})) AS VARCHAR), CAST(greatest(4, len(CAST(abs(year(${sql})) AS VARCHAR))) AS INTEGER), '0'))`;

/** `2020-01-31 01:02:03.123` with `digits` of the fraction, rounded from `precision`. */
export function timestampText(sql: string, digits: number, precision: number): string {
  const value = digits < precision ? roundTimestamp(sql, digits, precision) : sql;
  // The kernel's strftime knows plain years only, and TIMESTAMP_NS has no others.
  const plain = clockText(value, digits, '%Y-%m-%d ');
  if (precision > 6) return plain;
  const odd = `${yearText(value)} || strftime(${value}, '-%m-%d ') || ${clockText(value, digits)}`;
  return `CASE WHEN ${value} BETWEEN TIMESTAMP '0001-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN ${plain} ELSE ${odd} END`;
}

/** `01:02:03.123`. */
export function timeText(sql: string, digits: number, precision: number): string {
  const moment = `(DATE '1970-01-01' + ${sql})`;
  return clockText(digits < precision ? roundTimestamp(moment, digits, precision) : moment, digits);
}

/** `01:02:03.123+05:30`. */
export function zonedTimeText(sql: string, digits: number, precision: number): string {
  return `${timeText(`(${sql})."time"`, digits, precision)} || ${offsetText(`(${sql})."minutes"`)}`;
}

/** `+05:30` of an offset in minutes. */
export const offsetText = (minutes: string): string =>
  `(CASE WHEN ${minutes} < 0 THEN '-' ELSE '+' END || lpad(CAST(abs(${minutes}) // 60 AS VARCHAR), 2, '0') || ':' || lpad(CAST(abs(${minutes}) % 60 AS VARCHAR), 2, '0'))`;

function clockText(value: string, digits: number, day = ''): string {
  if (digits === 0) return `strftime(${value}, '${day}%H:%M:%S')`;
  const code = digits <= 3 ? '%g' : digits <= 6 ? '%f' : '%n';
  const text = `strftime(${value}, '${day}%H:%M:%S.${code}')`;
  return digits % 3 === 0 ? text : `left(${text}, ${(day === '' ? 9 : 20) + digits})`;
}

/** A timestamp rounded half up to `digits` of the fraction. */
export function roundTimestamp(sql: string, digits: number, precision: number): string {
  if (precision > 6) {
    const unit = 10n ** BigInt(9 - digits);
    return `make_timestamp_ns(${floorTo(`(epoch_ns(${sql}) + ${unit / 2n})`, unit)})`;
  }
  const unit = 10n ** BigInt(6 - digits);
  return `make_timestamp(${floorTo(`(epoch_us(${sql}) + ${unit / 2n})`, unit)})`;
}

/** Down to a multiple of `unit`, also below zero. */
const floorTo = (sql: string, unit: bigint): string =>
  unit === 1n ? sql : `(${sql} - ((${sql} % ${unit}) + ${unit}) % ${unit})`;

/** The wall clock of a zoned timestamp: TIMESTAMP, or TIMESTAMP_NS above six digits. */
export function zonedLocal(sql: string, precision: number): string {
  const instant = `(${sql}).instant`;
  return localOfInstant(instant, `(${sql}).zone`, precision);
}

/** The wall clock that `zone` shows at `instant` (UTC). Zones are region names or offsets such as `+05:30`. */
export function localOfInstant(instant: string, zone: string, precision: number): string {
  const micros = precision > 6 ? `CAST(${instant} AS TIMESTAMP)` : instant;
  const regional = beforeZones(micros, (moment) => shownBy(zone, moment));
  const fixed = `(${micros} + to_minutes(${offsetMinutes(zone)}))`;
  const local = `CASE WHEN ${zone} = 'UTC' THEN ${micros} WHEN ${zone} ^@ '+' OR ${zone} ^@ '-' THEN ${fixed} ELSE ${regional} END`;
  if (precision <= 6) return `(${local})`;
  return `make_timestamp_ns(epoch_ns(${instant}) + (epoch_us(${local}) - epoch_us(${micros})) * 1000)`;
}

/**
 * When clocks go back, a wall clock is shown twice: it then means the time with the offset that the zone has at this instant,
 * a kernel expression over that of the wall clock.
 */
export type OffsetNear = (local: string) => string;

/** The first of the two times, as Java reads texts. */
export const FIRST_OF_TWO: OffsetNear = (local) => `(${local} - INTERVAL 1 DAY)`;

/** With the offset at the wall clock taken for UTC, as old Trino casts do. */
export const NEAR_UTC: OffsetNear = (local) => local;

/** What has been moved keeps its offset where it can. */
export const nearInstant =
  (instant: string, precision: number): OffsetNear =>
  () =>
    precision > 6 ? `CAST(${instant} AS TIMESTAMP)` : instant;

/** The instant (UTC) at which `zone` shows the wall clock `local`; later by the gap where clocks go forward over it. */
export function instantOfLocal(local: string, zone: string, precision: number, near: OffsetNear): string {
  const wall = precision > 6 ? 'CAST(w AS TIMESTAMP)' : 'w';
  const regional = beforeZones(wall, (moment) => regionalInstant(moment, zone, near(moment)));
  const fixed = `(${wall} - to_minutes(${offsetMinutes(zone)}))`;
  const instant = `CASE WHEN ${zone} = 'UTC' THEN ${wall} WHEN ${zone} ^@ '+' OR ${zone} ^@ '-' THEN ${fixed} ELSE ${regional} END`;
  const exact =
    precision > 6 ? `make_timestamp_ns(epoch_ns(w) + (epoch_us(${instant}) - epoch_us(${wall})) * 1000)` : instant;
  return `list_transform([${local}], lambda w: ${exact})[1]`;
}

/** The kernel by itself takes the second of two times. Each step through a zone takes microseconds: none is made twice. */
function regionalInstant(local: string, zone: string, near: string): string {
  const sameOffset = `${local} - (${shownBy(zone, near)} - ${near})`;
  const other = `make_timestamp(epoch_us(timezone(${zone}, ${local})))`;
  return `list_transform([${sameOffset}], lambda s: CASE WHEN ${shownBy(zone, 's')} = ${local} THEN s ELSE ${other} END)[1]`;
}

/** What clocks of a region show at an instant. */
const shownBy = (zone: string, instant: string): string => `timezone(${zone}, make_timestamptz(epoch_us(${instant})))`;

/**
 * The kernel's zones count days before 1582 by the Julian calendar. Before there was standard time anywhere each zone has
 * one offset: that of 1800.
 */
function beforeZones(moment: string, convert: (moment: string) => string): string {
  const first = "TIMESTAMP '1800-01-01 00:00:00'";
  return `CASE WHEN ${moment} < ${first} THEN ${moment} + (${convert(first)} - ${first}) ELSE ${convert(moment)} END`;
}

/** Minutes of an offset text such as `-05:30`. */
export const offsetMinutes = (zone: string): string =>
  `((CASE WHEN ${zone} ^@ '-' THEN -1 ELSE 1 END) * (60 * CAST(substr(${zone}, 2, 2) AS INTEGER) + CAST(substr(${zone}, 5, 2) AS INTEGER)))`;

/** `1-3`, `-1-3`: years and months. */
export const yearMonthText = (sql: string): string =>
  `(CASE WHEN ${sql} < 0 THEN '-' ELSE '' END || CAST(abs(CAST(${sql} AS BIGINT)) // 12 AS VARCHAR) || '-' || CAST(abs(CAST(${sql} AS BIGINT)) % 12 AS VARCHAR))`;

const two = (part: string): string => `lpad(CAST(${part} AS VARCHAR), 2, '0')`;

/** `2 03:04:05.321`: days and clock. */
export function dayTimeText(sql: string): string {
  const ms = `abs(CAST(${sql} AS HUGEINT))`;
  return (
    `(CASE WHEN ${sql} < 0 THEN '-' ELSE '' END || CAST(${ms} // 86400000 AS VARCHAR) || ' ' || ` +
    `${two(`${ms} // 3600000 % 24`)} || ':' || ${two(`${ms} // 60000 % 60`)} || ':' || ${two(`${ms} // 1000 % 60`)} || '.' || ` +
    `lpad(CAST(${ms} % 1000 AS VARCHAR), 3, '0'))`
  );
}

/** The kernel writes `.5` where the type has no digit before the point; Trino writes `0.5`. */
export const decimalText = (sql: string, precision: number, scale: number): string =>
  precision > scale
    ? `CAST(${sql} AS VARCHAR)`
    : `CASE WHEN ${sql} < 0 THEN '-0' || substr(CAST(${sql} AS VARCHAR), 2) ELSE '0' || CAST(${sql} AS VARCHAR) END`;

/** A TIMESTAMP or TIMESTAMP_NS some months later: the kernel moves the former only. */
export function plusMonthsSql(moment: string, months: string, precision: number): string {
  if (precision <= 6) return `CAST(${moment} + to_months(${months}) AS TIMESTAMP)`;
  const micros = `CAST(${moment} AS TIMESTAMP)`;
  const nanos = `(epoch_ns(${moment}) - epoch_us(${micros}) * 1000)`;
  return `make_timestamp_ns(epoch_us(${micros} + to_months(${months})) * 1000 + ${nanos})`;
}

/** One unit of the last digit where a text has further digits that round up: the kernel cuts them. */
export const roundedUp = (text: string, moment: string, precision: number): string => {
  if (precision === 6)
    return `CASE WHEN regexp_matches(${text}, '\\.[0-9]{6}[5-9]') THEN ${moment} + to_microseconds(1) ELSE ${moment} END`;
  if (precision < 9) return moment;
  return `CASE WHEN regexp_matches(${text}, '\\.[0-9]{9}[5-9]') THEN make_timestamp_ns(epoch_ns(${moment}) + 1) ELSE ${moment} END`;
};
