/**
 * Comparisons as Trino means them. The kernel differs in two things: to it NaN equals NaN and is above every number,
 * and NULLs inside rows and arrays compare as values. Everything else renders plainly.
 */

import { fieldName, keySql } from '../../types/kernel.ts';
import { orderKeySql } from '../../types/order-key.ts';
import type { SqlType } from '../../types/type.ts';
import type { ComparisonOperator, Expression } from '../expression.ts';
import { mayRaise } from '../may-raise.ts';
import { inOrder, type LogicalTools } from './render-logical.ts';

export type ComparisonTools = LogicalTools & {
  readonly bind: (sql: string, body: (name: string) => string) => string;
  readonly fresh: () => string;
};

type Tools = ComparisonTools;

export function renderComparison(
  { operator, left, right }: Extract<Expression, { kind: 'Comparison' }>,
  tools: Tools,
): string {
  const type = left.type.kind === 'unknown' ? right.type : left.type;
  const a = tools.render(left);
  const b = tools.render(right);
  if (type.kind === 'real' || type.kind === 'double') return compareFloats(operator, left, right, a, b, type);
  return compare(operator, type, a, b, tools);
}

export function renderBetween({ value, low, high }: Extract<Expression, { kind: 'Between' }>, tools: Tools): string {
  const type = value.type;
  const plain = isPlain(type) && (!isFloat(type) || isNumber(high)) && !mayRaise(high);
  if (plain) {
    return `(${orderKeySql(type, tools.render(value))} BETWEEN ${orderKeySql(type, tools.render(low))} AND ${orderKeySql(type, tools.render(high))})`;
  }
  return tools.bind(tools.render(value), (v) => {
    const above = isFloat(type)
      ? compareFloats('>=', value, low, v, tools.render(low), type)
      : compare('>=', type, v, tools.render(low), tools);
    const below = isFloat(type)
      ? compareFloats('<=', value, high, v, tools.render(high), type)
      : compare('<=', type, v, tools.render(high), tools);
    return mayRaise(high) ? inOrder('AND', [above, below], tools) : `(${above} AND ${below})`;
  });
}

export function renderIn({ value, list }: Extract<Expression, { kind: 'In' }>, tools: Tools): string {
  const type = value.type;
  const among = (v: string, items: readonly Expression[]): string => {
    if (isPlain(type) && (!isFloat(type) || items.every(isNumber))) {
      return `(${key(type, v)} IN (${items.map((item) => key(type, tools.render(item))).join(', ')}))`;
    }
    return `(${items.map((item) => equals(v, item)).join(' OR ')})`;
  };
  const equals = (v: string, item: Expression): string => {
    const w = tools.render(item);
    return isFloat(type) ? compareFloats('=', value, item, v, w, type) : compare('=', type, v, w, tools);
  };
  // As Trino does: what cannot raise is looked at first, and the rest only where that holds no equal.
  const raising = list.filter(mayRaise);
  const others = list.filter((item) => !mayRaise(item));
  const isAtOnce = isPlain(type) && (!isFloat(type) || others.every(isNumber)) && raising.length === 0;
  if (isAtOnce) return among(tools.render(value), others);
  return tools.bind(tools.render(value), (v) =>
    inOrder('OR', [...(others.length > 0 ? [among(v, others)] : []), ...raising.map((item) => equals(v, item))], tools),
  );
}

const key = (type: SqlType, sql: string): string => keySql(type, sql);
const isFloat = (type: SqlType): boolean => type.kind === 'real' || type.kind === 'double';

/** Whether the kernel's own comparison of keys gives NULL exactly where Trino does. */
const isPlain = (type: SqlType): boolean => type.kind !== 'array' && type.kind !== 'row' && type.kind !== 'map';

const isNumber = (e: Expression): boolean =>
  e.kind === 'Constant' && typeof e.value === 'string' && !/nan/i.test(e.value);

/** NaN equals nothing and is neither above nor below anything; `<>` alone is true of it. */
function compareFloats(
  operator: ComparisonOperator,
  left: Expression,
  right: Expression,
  a: string,
  b: string,
  type: SqlType,
): string {
  const infinity = `CAST('Infinity' AS ${type.kind === 'real' ? 'FLOAT' : 'DOUBLE'})`;
  const finiteLeft = isNumber(left);
  const finiteRight = isNumber(right);
  switch (operator) {
    case 'IS DISTINCT FROM':
      return `(${a} IS DISTINCT FROM ${b})`;
    case '=':
      if (finiteLeft || finiteRight) return `(${a} = ${b})`;
      return `(${a} = ${b} AND (${a} <= ${infinity} OR ${b} IS NULL))`;
    case '<>':
      if (finiteLeft || finiteRight) return `(${a} <> ${b})`;
      return `(${a} <> ${b} OR (isnan(${a}) AND ${b} IS NOT NULL))`;
    case '<':
    case '<=':
      return finiteRight ? `(${a} ${operator} ${b})` : `(${a} ${operator} ${b} AND ${b} <= ${infinity})`;
    case '>':
    case '>=':
      return finiteLeft ? `(${a} ${operator} ${b})` : `(${a} ${operator} ${b} AND ${a} <= ${infinity})`;
  }
}

function compare(operator: ComparisonOperator, type: SqlType, a: string, b: string, tools: Tools): string {
  if (operator === 'IS DISTINCT FROM') return `(${key(type, a)} ${operator} ${key(type, b)})`;
  if (isPlain(type)) {
    const by = operator === '=' || operator === '<>' ? keySql : orderKeySql;
    return `(${by(type, a)} ${operator} ${by(type, b)})`;
  }
  return tools.bind(a, (x) =>
    tools.bind(b, (y) => {
      if (operator === '=') return equalSql(type, x, y, tools);
      if (operator === '<>') return `(NOT ${equalSql(type, x, y, tools)})`;
      return orderSql(operator, type, x, y, tools);
    }),
  );
}

/** Equality of nested values: false when any part differs, else NULL when any part is NULL, else true. */
function equalSql(type: SqlType, a: string, b: string, tools: Tools): string {
  if (type.kind === 'row') {
    const parts = type.fields.map((field, i) =>
      equalSql(field.type, `(${a}).${fieldName(i)}`, `(${b}).${fieldName(i)}`, tools),
    );
    return `CASE WHEN ${a} IS NOT NULL AND ${b} IS NOT NULL THEN ${parts.length > 0 ? `(${parts.join(' AND ')})` : 'true'} END`;
  }
  if (type.kind === 'array') {
    const i = tools.fresh();
    const parts = `list_transform(range(1, len(${a}) + 1), lambda ${i}: ${equalSql(type.element, `${a}[${i}]`, `${b}[${i}]`, tools)})`;
    return tools.bind(
      parts,
      (all) =>
        `CASE WHEN ${a} IS NULL OR ${b} IS NULL THEN NULL WHEN len(${a}) <> len(${b}) THEN false WHEN list_contains(${all}, false) THEN false WHEN len(list_filter(${all}, lambda n: n IS NULL)) > 0 THEN NULL ELSE true END`,
    );
  }
  if (type.kind === 'map') return equalMaps(type.key, type.value, a, b, tools);
  if (isFloat(type)) {
    const anything: Expression = { kind: 'Reference', type, name: '' };
    return compareFloats('=', anything, anything, a, b, type);
  }
  return `(${key(type, a)} = ${key(type, b)})`;
}

/** The values in the order of their keys, one by one. */
function equalMaps(keyType: SqlType, valueType: SqlType, a: string, b: string, tools: Tools): string {
  const sorted = (map: string): string =>
    `list_sort(list_transform(map_entries(${map}), lambda e: {'k': ${keySql(keyType, 'e.key', 1)}, 'v': e.value}))`;
  const listType: SqlType = { kind: 'array', element: valueType };
  return tools.bind(sorted(a), (x) =>
    tools.bind(sorted(b), (y) =>
      tools.bind(partOfEach('v', x), (v) =>
        tools.bind(
          partOfEach('v', y),
          (w) =>
            `CASE WHEN ${a} IS NULL OR ${b} IS NULL THEN NULL WHEN ${partOfEach('k', x)} <> ${partOfEach('k', y)} THEN false ELSE ${equalSql(listType, v, w, tools)} END`,
        ),
      ),
    ),
  );
}

const partOfEach = (part: 'k' | 'v', entries: string): string => `list_transform(${entries}, lambda e: e.${part})`;

/** Order of rows: field by field; a NULL in a field that decides makes the answer NULL. */
function orderSql(operator: ComparisonOperator, type: SqlType, a: string, b: string, tools: Tools): string {
  if (type.kind === 'array') {
    // The first place where they are not surely equal decides; then the length does.
    const i = tools.fresh();
    const differ = `list_filter(range(1, least(len(${a}), len(${b})) + 1), lambda ${i}: ${equalSql(type.element, `${a}[${i}]`, `${b}[${i}]`, tools)} IS NOT TRUE)[1]`;
    return tools.bind(differ, (at) => {
      const element = compare(operator, type.element, `${a}[${at}]`, `${b}[${at}]`, tools);
      const known = `${equalSql(type.element, `${a}[${at}]`, `${b}[${at}]`, tools)} IS NOT NULL`;
      return `CASE WHEN ${a} IS NULL OR ${b} IS NULL THEN NULL WHEN ${at} IS NULL THEN len(${a}) ${operator} len(${b}) WHEN ${known} THEN ${element} END`;
    });
  }
  if (type.kind !== 'row') return `(${key(type, a)} ${operator} ${key(type, b)})`;
  const strict = operator === '<' || operator === '<=' ? '<' : '>';
  const whens = type.fields.map((field, i) => {
    const [x, y] = [`(${a}).${fieldName(i)}`, `(${b}).${fieldName(i)}`];
    const equal = equalSql(field.type, x, y, tools);
    const decided = compare(strict, field.type, x, y, tools);
    return `WHEN ${equal} IS NULL THEN NULL WHEN NOT ${equal} THEN ${decided}`;
  });
  return `CASE WHEN ${a} IS NULL OR ${b} IS NULL THEN NULL ${whens.join(' ')} ELSE ${operator.includes('=') ? 'true' : 'false'} END`;
}
