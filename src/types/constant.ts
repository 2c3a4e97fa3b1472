/**
 * Constants in a form that is exact and survives JSON, since plans travel between processes.
 *
 * | type | value |
 * |---|---|
 * | any | `null` |
 * | boolean | `true`, `false` |
 * | tinyint … bigint | decimal digits with an optional `-`: `"-42"` |
 * | real, double | shortest text that reads back to the same number: `"1.5"`, `"1e300"`, `"NaN"`, `"Infinity"`, `"-Infinity"` |
 * | decimal(p,s) | digits with exactly `s` behind the point: `"-12.50"`; no point when `s` is 0 |
 * | varchar, json, uuid | the text |
 * | char(n) | the text without trailing blanks |
 * | varbinary, ipaddress | lower-case hex, of all 16 bytes of an address |
 * | date | `"2020-01-31"`; years beyond four digits as `"+12345-01-01"`, before year 0 as `"-0001-01-01"` |
 * | time(p) | `"01:02:03.123"` with exactly `p` digits |
 * | time(p) with time zone | `"01:02:03.123+05:30"` |
 * | timestamp(p) | `"2020-01-31 01:02:03.123"` with exactly `p` digits |
 * | timestamp(p) with time zone | the instant in UTC as above, a blank, the zone: `"2020-01-31 01:02:03.123 Europe/Vienna"` |
 * | interval year to month | months as digits |
 * | interval day to second | milliseconds as digits |
 * | array, row | an array of values |
 * | map | an array of `[key, value]` |
 */
export type ConstantValue = null | boolean | string | readonly ConstantValue[];

/** Of an integer type. */
export const whole = (value: number): ConstantValue => String(Math.round(value));

/** Of timestamp(3) with time zone, from milliseconds since 1970. */
export const moment = (wallMs: number): ConstantValue =>
  `${new Date(wallMs).toISOString().replace('T', ' ').replace('Z', '')} UTC`;
