/**
 * Computes constant expressions without the kernel, so that the coordinator sees `DATE '1998-12-01' - INTERVAL '90' DAY` as
 * the date that decides what is read. What it is not sure of stays as it is, and so does what fails: errors are the
 * kernel's, raised only where the value is really needed.
 */

import type { ConstantValue } from '../../types/constant.ts';
import type { SqlType } from '../../types/type.ts';
import { BOOLEAN, sameType } from '../../types/type.ts';
import { type ComparisonOperator, comparisonsOf, type Expression, mapChildren } from '../expression.ts';
import {
  divideHalfUp,
  isExact,
  isInteger,
  microsOfMillis,
  plusMonths,
  readDate,
  readDouble,
  readExact,
  readTimestamp,
  writeDate,
  writeDouble,
  writeExact,
  writeTimestamp,
} from './fold-values.ts';

/** The same expression with its constant parts computed; the same object where there are none. */
export function fold(expression: Expression): Expression {
  const inner = withFoldedChildren(expression);
  return foldNode(inner) ?? inner;
}

function withFoldedChildren(expression: Expression): Expression {
  let changed = false;
  const folded = mapChildren(expression, (child) => {
    const result = fold(child);
    if (result !== child) changed = true;
    return result;
  });
  return changed ? folded : expression;
}

type Constant = Extract<Expression, { kind: 'Constant' }>;

const isConstant = (e: Expression): e is Constant => e.kind === 'Constant';
const constant = (type: SqlType, value: ConstantValue | undefined): Constant | undefined =>
  value === undefined ? undefined : { kind: 'Constant', type, value };

function foldNode(e: Expression): Expression | undefined {
  switch (e.kind) {
    case 'Call':
      return e.arguments.every(isConstant) ? foldCall(e, e.arguments) : undefined;
    case 'Cast':
      return isConstant(e.argument) ? foldCast(e.argument, e.type, e.safe) : undefined;
    case 'Comparison':
      return isConstant(e.left) && isConstant(e.right) ? foldComparison(e.operator, e.left, e.right) : undefined;
    case 'Between': {
      if (!isConstant(e.value) || !isConstant(e.low) || !isConstant(e.high)) return undefined;
      const [above, below] = comparisonsOf(e).map(foldNode);
      return above && below && foldLogical({ kind: 'Logical', type: BOOLEAN, operator: 'AND', terms: [above, below] });
    }
    case 'In': {
      const { value, list } = e;
      if (!isConstant(value) || !list.every(isConstant)) return undefined;
      const equal = list.map((item) => foldComparison('=', value, item));
      if (equal.includes(undefined)) return undefined;
      const terms = equal.filter((term) => term !== undefined);
      return foldLogical({ kind: 'Logical', type: BOOLEAN, operator: 'OR', terms });
    }
    case 'Logical':
      return foldLogical(e);
    case 'Not':
      if (!isConstant(e.argument)) return undefined;
      return constant(BOOLEAN, e.argument.value === null ? null : e.argument.value !== true);
    case 'IsNull':
      return isConstant(e.argument) ? constant(BOOLEAN, e.argument.value === null) : undefined;
    case 'Case': {
      const [first, ...rest] = e.branches;
      if (!first) return e.otherwise;
      if (!isConstant(first.when)) return undefined;
      if (first.when.value === true) return first.result;
      const left: Expression = { ...e, branches: rest };
      return foldNode(left) ?? left;
    }
    case 'Coalesce': {
      const present = e.arguments.filter((a) => !isConstant(a) || a.value !== null);
      const [first] = present;
      if (!first) return constant(e.type, null);
      if (isConstant(first) || present.length === 1) return sameType(first.type, e.type) ? first : undefined;
      return present.length < e.arguments.length ? { ...e, arguments: present } : undefined;
    }
    case 'Constant':
    case 'Reference':
    case 'Switch':
    case 'NullIf':
    case 'Try':
    case 'Row':
    case 'Array':
    case 'Field':
    case 'Lambda':
      return undefined;
  }
}

/** A term that decides alone, decides; terms that decide nothing go. NULL stays beside terms that are not constant. */
function foldLogical(e: Extract<Expression, { kind: 'Logical' }>): Expression | undefined {
  const decides = e.operator === 'OR';
  if (e.terms.some((term) => isConstant(term) && term.value === decides)) return constant(BOOLEAN, decides);
  const terms = e.terms.filter((term) => !isConstant(term) || term.value === null);
  const [first] = terms;
  if (!first) return constant(BOOLEAN, !decides);
  if (terms.every(isConstant)) return constant(BOOLEAN, null);
  if (terms.length === e.terms.length) return undefined;
  return terms.length === 1 ? first : { ...e, terms };
}

function foldComparison(operator: ComparisonOperator, left: Constant, right: Constant): Constant | undefined {
  if (operator === 'IS DISTINCT FROM') {
    if (left.value === null || right.value === null) return constant(BOOLEAN, left.value !== right.value);
    const order = compareValues(left, right);
    return order === undefined ? undefined : constant(BOOLEAN, order !== 0);
  }
  if (left.value === null || right.value === null) return constant(BOOLEAN, null);
  const order = compareValues(left, right);
  if (order === undefined) return undefined;
  switch (operator) {
    case '=':
      return constant(BOOLEAN, order === 0);
    case '<>':
      return constant(BOOLEAN, order !== 0);
    case '<':
      return constant(BOOLEAN, order < 0);
    case '<=':
      return constant(BOOLEAN, order <= 0);
    case '>':
      return constant(BOOLEAN, order > 0);
    case '>=':
      return constant(BOOLEAN, order >= 0);
  }
}

/** Below, equal or above; undefined where the order of such values is left to the kernel. */
function compareValues(left: Constant, right: Constant): number | undefined {
  if (!sameType(left.type, right.type)) return undefined;
  const [a, b] = [left.value, right.value];
  const { type } = left;
  if (type.kind === 'boolean') return Number(a) - Number(b);
  if (isExact(type)) {
    const [x, y] = [readExact(a), readExact(b)];
    return x && y && sign(x.unscaled - y.unscaled);
  }
  if (type.kind === 'double') {
    const [x, y] = [readDouble(a), readDouble(b)];
    return x === undefined || y === undefined || Number.isNaN(x) || Number.isNaN(y) ? undefined : Math.sign(x - y) || 0;
  }
  if (type.kind === 'date') {
    const [x, y] = [readDate(a), readDate(b)];
    return x === undefined || y === undefined ? undefined : x - y;
  }
  if (type.kind === 'timestamp') {
    const [x, y] = [readTimestamp(a), readTimestamp(b)];
    return x && y && (x.days - y.days || sign(x.micros - y.micros));
  }
  if (type.kind === 'varchar' && typeof a === 'string' && typeof b === 'string') {
    return Buffer.compare(Buffer.from(a), Buffer.from(b));
  }
  return undefined;
}

const sign = (value: bigint): number => (value === 0n ? 0 : value < 0n ? -1 : 1);

function foldCast(argument: Constant, to: SqlType, safe: boolean): Constant | undefined {
  const { type: from, value } = argument;
  if (value === null) return constant(to, null);
  if (sameType(from, to)) return argument;
  const result = castValue(from, to, value);
  if (result !== undefined) return constant(to, result);
  // What cannot be read is NULL for TRY_CAST, yet unread may also mean unsure.
  return safe && from.kind === 'varchar' && isInteger(to) && /^[a-z]+$/i.test(String(value))
    ? constant(to, null)
    : undefined;
}

function castValue(from: SqlType, to: SqlType, value: ConstantValue): ConstantValue | undefined {
  if (isExact(from)) {
    const number = readExact(value);
    if (!number) return undefined;
    if (isExact(to)) return writeExact(number, to);
    if (to.kind === 'double') return writeDouble(Number(value));
    if (to.kind === 'varchar' && to.length === undefined && isInteger(from)) return value;
    return undefined;
  }
  if (from.kind === 'varchar' && typeof value === 'string') return castText(value, to);
  if (from.kind === 'date' && to.kind === 'timestamp' && to.precision <= 6) {
    const days = readDate(value);
    return days === undefined ? undefined : writeTimestamp({ days, micros: 0n }, to.precision);
  }
  if (from.kind === 'timestamp' && to.kind === 'date') {
    const moment = readTimestamp(value);
    return moment && writeDate(moment.days);
  }
  if (from.kind === 'timestamp' && to.kind === 'timestamp' && to.precision >= from.precision && to.precision <= 6) {
    const moment = readTimestamp(value);
    return moment && writeTimestamp(moment, to.precision);
  }
  return undefined;
}

function castText(text: string, to: SqlType): ConstantValue | undefined {
  if (to.kind === 'varchar') {
    return to.length === undefined ? text : Array.from(text).slice(0, to.length).join('');
  }
  if (to.kind === 'date') {
    const days = readDate(text);
    return days === undefined ? undefined : writeDate(days);
  }
  if (isExact(to) && /^-?\d{1,38}(\.\d{1,37})?$/.test(text)) {
    const number = readExact(text);
    return number && (number.scale === 0 || to.kind === 'decimal') ? writeExact(number, to) : undefined;
  }
  if (to.kind === 'double' && /^-?\d{1,15}(\.\d{1,15})?$/.test(text)) return writeDouble(Number(text));
  return undefined;
}

type Call = Extract<Expression, { kind: 'Call' }>;

function foldCall(call: Call, args: readonly Constant[]): Constant | undefined {
  const [operator] = call.function.split('(', 1);
  if (operator === undefined || !FOLDED.has(operator)) return undefined;
  // Arrays take NULL as an element.
  if (args.some((a) => a.type.kind === 'array')) return undefined;
  if (args.some((a) => a.value === null)) return constant(call.type, null);
  const [a, b] = args;
  if (!a) return undefined;
  if (!b) return operator === '$negate' ? constant(call.type, negated(a, call.type)) : undefined;
  if (operator === '$concat') {
    const texts = a.type.kind === 'varchar' && b.type.kind === 'varchar';
    return texts ? constant(call.type, `${String(a.value)}${String(b.value)}`) : undefined;
  }
  if (isExact(a.type) && isExact(b.type)) return constant(call.type, exactArithmetic(operator, a, b, call.type));
  if (a.type.kind === 'double' && b.type.kind === 'double') {
    return constant(call.type, doubleArithmetic(operator, Number(a.value), Number(b.value)));
  }
  if (operator === '$add' || operator === '$subtract') {
    const direction = operator === '$add' ? 1 : -1;
    if (isInterval(b.type)) return constant(call.type, shifted(a, b, direction, call.type));
    if (isInterval(a.type) && direction === 1) return constant(call.type, shifted(b, a, 1, call.type));
  }
  return undefined;
}

/** Operators whose NULL argument makes the result NULL. */
const FOLDED: ReadonlySet<string> = new Set([
  '$add',
  '$subtract',
  '$multiply',
  '$divide',
  '$modulus',
  '$negate',
  '$concat',
]);

const isInterval = (type: SqlType): boolean =>
  type.kind === 'interval day to second' || type.kind === 'interval year to month';

function negated(a: Constant, type: SqlType): string | undefined {
  if (type.kind === 'double') return writeDouble(-Number(a.value));
  const number = readExact(a.value);
  if (!number) return undefined;
  if (isInterval(type)) return String(-number.unscaled);
  return writeExact({ ...number, unscaled: -number.unscaled }, type);
}

function exactArithmetic(operator: string, a: Constant, b: Constant, type: SqlType): string | undefined {
  const [x, y] = [readExact(a.value), readExact(b.value)];
  if (!x || !y) return undefined;
  const scale = Math.max(x.scale, y.scale);
  const [p, q] = [x.unscaled * 10n ** BigInt(scale - x.scale), y.unscaled * 10n ** BigInt(scale - y.scale)];
  switch (operator) {
    case '$add':
      return writeExact({ unscaled: p + q, scale }, type);
    case '$subtract':
      return writeExact({ unscaled: p - q, scale }, type);
    case '$multiply':
      return writeExact({ unscaled: x.unscaled * y.unscaled, scale: x.scale + y.scale }, type);
    case '$divide':
      if (q === 0n) return undefined;
      if (type.kind !== 'decimal') return writeExact({ unscaled: p / q, scale: 0 }, type);
      return writeExact({ unscaled: divideHalfUp(p * 10n ** BigInt(type.scale), q), scale: type.scale }, type);
    case '$modulus':
      return q === 0n ? undefined : writeExact({ unscaled: p % q, scale }, type);
    default:
      return undefined;
  }
}

/** The same IEEE operations as the kernel's. */
function doubleArithmetic(operator: string, a: number, b: number): string | undefined {
  switch (operator) {
    case '$add':
      return writeDouble(a + b);
    case '$subtract':
      return writeDouble(a - b);
    case '$multiply':
      return writeDouble(a * b);
    case '$divide':
      return writeDouble(a / b);
    default:
      return undefined;
  }
}

const MILLIS_PER_DAY = 86_400_000n;

/** A date, timestamp or interval moved by an interval. */
function shifted(a: Constant, interval: Constant, direction: 1 | -1, type: SqlType): string | undefined {
  const amount = readExact(interval.value);
  if (!amount) return undefined;
  const units = amount.unscaled * BigInt(direction);
  if (isInterval(a.type)) {
    const start = readExact(a.value);
    return start && sameType(a.type, interval.type) ? String(start.unscaled + units) : undefined;
  }
  const months = interval.type.kind === 'interval year to month';
  if (a.type.kind === 'date') {
    const days = readDate(a.value);
    if (days === undefined) return undefined;
    if (months) return writeDate(plusMonths(days, Number(units)));
    return units % MILLIS_PER_DAY === 0n ? writeDate(days + Number(units / MILLIS_PER_DAY)) : undefined;
  }
  if (a.type.kind !== 'timestamp' || type.kind !== 'timestamp') return undefined;
  const moment = readTimestamp(a.value);
  if (!moment) return undefined;
  if (months) return writeTimestamp({ ...moment, days: plusMonths(moment.days, Number(units)) }, type.precision);
  return writeTimestamp({ ...moment, micros: moment.micros + microsOfMillis(units) }, type.precision);
}
