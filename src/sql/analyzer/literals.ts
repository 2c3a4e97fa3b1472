/** Literals as exact constants: no value passes through a JavaScript number, save doubles themselves. */

import type * as ast from '../ast.ts';
import { QueryError, type SourceLocation } from '../../common/errors.ts';
import { DECIMAL_PRECISION_MAX } from '../../types/coercion.ts';
import { parseIpAddress } from '../../types/ip-address.ts';
import { compactJson } from '../../types/json-text.ts';
import { parseType } from '../../types/parse-type.ts';
import {
  BIGINT,
  BOOLEAN,
  char,
  DATE,
  decimal,
  DOUBLE,
  INTEGER,
  type SqlType,
  timestamp,
  timestampTz,
  UNKNOWN,
  VARBINARY,
  varchar,
} from '../../types/type.ts';
import type { ConstantValue } from '../../types/constant.ts';
import type { Expression } from '../expression.ts';
import { parseDate, parseIntervalLiteral, parseTime, parseTimestamp } from './date-time-literals.ts';

export type Constant = Expression & { readonly kind: 'Constant' };

export const constant = (type: SqlType, value: ConstantValue): Constant => ({ kind: 'Constant', type, value });
export const nullOf = (type: SqlType): Constant => constant(type, null);

export function analyzeLiteral(literal: ast.Literal): Constant {
  switch (literal.kind) {
    case 'NullLiteral':
      return nullOf(UNKNOWN);
    case 'BooleanLiteral':
      return constant(BOOLEAN, literal.value);
    case 'StringLiteral':
      return constant(varchar(codePoints(literal.value)), literal.value);
    case 'BinaryLiteral':
      return constant(VARBINARY, literal.hex.toLowerCase());
    case 'IntegerLiteral':
      return integerLiteral(literal.text, literal.location);
    case 'DecimalLiteral':
      return decimalConstant(literal.text, literal.location);
    case 'DoubleLiteral':
      return constant(DOUBLE, doubleText(Number(literal.text)));
    case 'GenericLiteral':
      return genericLiteral(literal);
    case 'IntervalLiteral':
      return parseIntervalLiteral(literal);
  }
}

/** Length as Trino counts it. */
const codePoints = (text: string): number => Array.from(text).length;

/** The number that an integer literal's text means: `-0x1F`, `1_000`. */
export function integerValue(text: string): bigint {
  const digits = text.replaceAll('_', '');
  return digits.startsWith('-') ? -BigInt(digits.slice(1).toLowerCase()) : BigInt(digits.toLowerCase());
}

function integerLiteral(text: string, location: SourceLocation): Constant {
  const value = integerValue(text);
  if (fits(value, 31n)) return constant(INTEGER, String(value));
  if (fits(value, 63n)) return constant(BIGINT, String(value));
  throw new QueryError('INVALID_LITERAL', `Invalid numeric literal: ${text}`, location);
}

const fits = (value: bigint, bits: bigint): boolean => value >= -(1n << bits) && value < 1n << bits;

/** Typed by its digits: `1.50` is decimal(3,2), `0.1` is decimal(1,1), `001.` is decimal(1,0). */
export function decimalConstant(text: string, location: SourceLocation): Constant {
  const parts = /^([+-]?)0*(\d*)(?:\.(\d*))?$/.exec(text.trim());
  if (!parts || !/\d/.test(text))
    throw new QueryError('INVALID_LITERAL', `Invalid decimal literal '${text}'`, location);
  const whole = parts[2]!;
  const fraction = parts[3] ?? '';
  const precision = Math.max(1, whole.length + fraction.length);
  if (precision > DECIMAL_PRECISION_MAX) {
    throw new QueryError('INVALID_LITERAL', `Invalid decimal literal '${text}': more than 38 digits`, location);
  }
  const digits = `${whole || '0'}${fraction && `.${fraction}`}`;
  const negative = parts[1] === '-' && /[1-9]/.test(digits);
  return constant(decimal(precision, fraction.length), `${negative ? '-' : ''}${digits}`);
}

export function doubleText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function genericLiteral(literal: ast.GenericLiteral): Constant {
  const { value, location } = literal;
  const invalid = (type: string): QueryError =>
    new QueryError('INVALID_LITERAL', `'${value}' is not a valid ${type} literal`, location);
  const name = literal.type.toLowerCase();
  switch (name) {
    case 'date': {
      const date = parseDate(value);
      if (date === undefined) throw invalid('DATE');
      return constant(DATE, date);
    }
    case 'timestamp': {
      const parsed = parseTimestamp(value);
      if (!parsed) throw invalid('TIMESTAMP');
      if (parsed.precision > 9) {
        throw new QueryError('NOT_SUPPORTED', 'timestamp literals have at most 9 digits of a second', location);
      }
      if (parsed.precision > 6 && !/^(1[7-9]|2[01])\d\d-/.test(parsed.value)) {
        throw new QueryError(
          'NOT_SUPPORTED',
          'timestamps with more than 6 digits of a second reach from 1700 to 2199',
          location,
        );
      }
      return constant(parsed.zoned ? timestampTz(parsed.precision) : timestamp(parsed.precision), parsed.value);
    }
    case 'time': {
      const parsed = parseTime(value);
      if (!parsed) throw invalid('TIME');
      if (parsed.precision > 6) {
        throw new QueryError('NOT_SUPPORTED', 'time literals have at most 6 digits of a second', location);
      }
      return constant(
        { kind: parsed.zoned ? 'time with time zone' : 'time', precision: parsed.precision },
        parsed.value,
      );
    }
    case 'char':
      return constant(char(codePoints(value)), value.replace(/ +$/, ''));
    case 'varchar':
      return constant(varchar(codePoints(value)), value);
    case 'decimal':
      return decimalConstant(value, location);
    default:
      return castLiteral(typeOf(name, location), value, invalid(name.toUpperCase()));
  }
}

function typeOf(name: string, location: SourceLocation): SqlType {
  try {
    return parseType(name);
  } catch (problem) {
    if (!(problem instanceof QueryError)) throw problem;
    throw new QueryError(problem.code, problem.message, location, { cause: problem });
  }
}

const INTEGER_BITS: Readonly<Record<string, bigint>> = { tinyint: 7n, smallint: 15n, integer: 31n, bigint: 63n };
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const FLOAT = /^\s*([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?infinity|nan)\s*$/i;

function castLiteral(type: SqlType, value: string, invalid: QueryError): Constant {
  const bits = INTEGER_BITS[type.kind];
  if (bits !== undefined) {
    if (!/^[+-]?\d+$/.test(value) || !fits(BigInt(value.replace(/^\+/, '')), bits)) throw invalid;
    return constant(type, String(BigInt(value.replace(/^\+/, ''))));
  }
  if (type.kind === 'boolean') {
    const lower = value.toLowerCase();
    if (['true', 't', '1'].includes(lower)) return constant(type, true);
    if (['false', 'f', '0'].includes(lower)) return constant(type, false);
    throw invalid;
  }
  if (type.kind === 'double' || type.kind === 'real') {
    if (!FLOAT.test(value)) throw invalid;
    const number = Number(
      value
        .trim()
        .replace(/infinity/i, 'Infinity')
        .replace(/nan/i, 'NaN'),
    );
    return constant(type, doubleText(type.kind === 'real' ? Math.fround(number) : number));
  }
  if (type.kind === 'uuid') {
    if (!UUID.test(value)) throw invalid;
    return constant(type, value.toLowerCase());
  }
  if (type.kind === 'json') {
    const json = compactJson(value);
    if (json === undefined) throw invalid;
    return constant(type, json);
  }
  if (type.kind === 'varbinary') return constant(type, Buffer.from(value).toString('hex'));
  if (type.kind === 'ipaddress') {
    const address = parseIpAddress(value);
    if (address === undefined) throw invalid;
    return constant(type, address);
  }
  throw new QueryError('INVALID_LITERAL', `there are no literals of type ${type.kind}; use CAST`, invalid.location);
}
