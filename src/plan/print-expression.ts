/** Typed expressions as people read them in EXPLAIN: near SQL, unambiguous, never executed. */

import type { AggregateCall, CaseBranch, Expression, FrameBound, SortOrder, WindowCall } from '../sql/expression.ts';
import type { ConstantValue } from '../types/constant.ts';
import type { SqlType } from '../types/type.ts';
import { typeName } from '../types/type.ts';

export function printExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'Constant':
      return printConstant(expression.value, expression.type);
    case 'Reference':
      return expression.name;
    case 'Call':
      return printCall(expression.function, expression.arguments.map(printOperand), expression.arguments);
    case 'Cast':
      return `${expression.safe ? 'try_cast' : 'cast'}(${printExpression(expression.argument)} AS ${typeName(expression.type)})`;
    case 'Comparison':
      return `${printOperand(expression.left)} ${expression.operator} ${printOperand(expression.right)}`;
    case 'Between':
      return `${printOperand(expression.value)} BETWEEN ${printOperand(expression.low)} AND ${printOperand(expression.high)}`;
    case 'In':
      return `${printOperand(expression.value)} IN (${list(expression.list)})`;
    case 'Logical':
      return expression.terms.map(printOperand).join(` ${expression.operator} `);
    case 'Not':
      return `NOT ${printOperand(expression.argument)}`;
    case 'IsNull':
      return `${printOperand(expression.argument)} IS NULL`;
    case 'Case':
      return `CASE${printBranches(expression.branches, expression.otherwise)}`;
    case 'Switch':
      return `CASE ${printExpression(expression.operand)}${printBranches(expression.branches, expression.otherwise)}`;
    case 'Coalesce':
      return `coalesce(${list(expression.arguments)})`;
    case 'NullIf':
      return `nullif(${list([expression.first, expression.second])})`;
    case 'Try':
      return `try(${printExpression(expression.argument)})`;
    case 'Row':
      return `ROW(${list(expression.fields)})`;
    case 'Array':
      return `ARRAY[${list(expression.elements)}]`;
    case 'Field':
      return `${printOperand(expression.base)}[field ${expression.index}]`;
    case 'Lambda':
      return `(${expression.parameters.map((parameter) => parameter.name).join(', ')}) -> ${printExpression(expression.body)}`;
  }
}

const list = (expressions: readonly Expression[]): string => expressions.map(printExpression).join(', ');

/** In parentheses where the parts could be read in two ways. */
function printOperand(expression: Expression): string {
  const text = printExpression(expression);
  const compound =
    ['Comparison', 'Between', 'In', 'Logical', 'Not', 'IsNull', 'Lambda'].includes(expression.kind) ||
    (expression.kind === 'Call' && operatorOf(expression.function) !== undefined);
  return compound ? `(${text})` : text;
}

const OPERATORS: Readonly<Record<string, string>> = {
  $add: '+',
  $subtract: '-',
  $multiply: '*',
  $divide: '/',
  $modulus: '%',
  $concat: '||',
};

const operatorOf = (id: string): string | undefined => OPERATORS[functionName(id)];

/** The name in front of an overload's parameter types. */
const functionName = (id: string): string => id.split('(')[0]!;

function printCall(id: string, operands: readonly string[], parts: readonly Expression[]): string {
  const operator = operatorOf(id);
  if (operator !== undefined && operands.length === 2) return `${operands[0]} ${operator} ${operands[1]}`;
  return `${functionName(id).replace(/^\$/, '')}(${list(parts)})`;
}

const printBranches = (branches: readonly CaseBranch[], otherwise: Expression): string =>
  `${branches.map((b) => ` WHEN ${printExpression(b.when)} THEN ${printExpression(b.result)}`).join('')} ELSE ${printExpression(otherwise)} END`;

export function printConstant(value: ConstantValue, type: SqlType): string {
  if (value === null) return 'NULL';
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE';
  if (typeof value !== 'string') return JSON.stringify(value);
  if (BARE.has(type.kind)) return value;
  const quoted = `'${value.replaceAll("'", "''")}'`;
  return type.kind === 'varchar' || type.kind === 'char' ? quoted : `${typeName(type)} ${quoted}`;
}

/** Types whose constants read well without their type's name. */
const BARE: ReadonlySet<string> = new Set(['tinyint', 'smallint', 'integer', 'bigint', 'real', 'double', 'decimal']);

export const printSortOrder = (orderBy: readonly SortOrder[]): string =>
  orderBy
    .map(
      ({ expression, descending, nullsFirst }) =>
        `${printExpression(expression)} ${descending ? 'DESC' : 'ASC'} NULLS ${nullsFirst ? 'FIRST' : 'LAST'}`,
    )
    .join(', ');

export function printAggregate(call: AggregateCall): string {
  const parts = call.arguments.length === 0 ? '*' : list(call.arguments);
  const order = call.orderBy.length > 0 ? ` ORDER BY ${printSortOrder(call.orderBy)}` : '';
  const filter = call.filter ? ` FILTER (WHERE ${printExpression(call.filter)})` : '';
  return `${functionName(call.function)}(${call.distinct ? 'DISTINCT ' : ''}${parts}${order})${filter}`;
}

export function printWindowCall(call: WindowCall): string {
  const { unit, start, end } = call.frame;
  const filter = call.filter ? ` FILTER (WHERE ${printExpression(call.filter)})` : '';
  const nulls = call.ignoreNulls ? ' IGNORE NULLS' : '';
  const parts = `${call.distinct ? 'DISTINCT ' : ''}${list(call.arguments)}`;
  return `${functionName(call.function)}(${parts})${nulls}${filter} ${unit} BETWEEN ${printBound(start)} AND ${printBound(end)}`;
}

const printBound = (bound: FrameBound): string =>
  'offset' in bound ? `${printExpression(bound.offset)} ${bound.kind}` : bound.kind;
