/**
 * Typed expressions: what the analyzer makes of an AST expression, what plans carry and travel with, and what the worker
 * renders to kernel SQL. Every coercion is an explicit Cast; operands of one comparison have one type.
 */

import type { ConstantValue } from '../types/constant.ts';
import type { SqlType } from '../types/type.ts';

/** A column of a plan node's output. Names are unique within a plan (`orderkey_3`) and match `[a-z0-9_$]+`. */
export type Symbol = { readonly name: string; readonly type: SqlType };

export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=' | 'IS DISTINCT FROM';

export type Expression =
  | {
      readonly kind: 'Constant';
      readonly type: SqlType;
      readonly value: ConstantValue;
      /** Position of the `?` that it stands for while a prepared statement is described. */
      readonly parameter?: number;
    }
  | { readonly kind: 'Reference'; readonly type: SqlType; readonly name: string }
  /** A scalar function or operator of the function table, by the id of its overload. */
  | {
      readonly kind: 'Call';
      readonly type: SqlType;
      readonly function: FunctionId;
      readonly arguments: readonly Expression[];
    }
  /** `safe` = TRY_CAST: NULL instead of an error. */
  | { readonly kind: 'Cast'; readonly type: SqlType; readonly argument: Expression; readonly safe: boolean }
  | {
      readonly kind: 'Comparison';
      readonly type: SqlType;
      readonly operator: ComparisonOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'Between';
      readonly type: SqlType;
      readonly value: Expression;
      readonly low: Expression;
      readonly high: Expression;
    }
  | { readonly kind: 'In'; readonly type: SqlType; readonly value: Expression; readonly list: readonly Expression[] }
  | {
      readonly kind: 'Logical';
      readonly type: SqlType;
      readonly operator: 'AND' | 'OR';
      readonly terms: readonly Expression[];
    }
  | { readonly kind: 'Not'; readonly type: SqlType; readonly argument: Expression }
  | { readonly kind: 'IsNull'; readonly type: SqlType; readonly argument: Expression }
  /** Searched CASE, also IF. `otherwise` is a NULL constant where the statement has none. */
  | {
      readonly kind: 'Case';
      readonly type: SqlType;
      readonly branches: readonly CaseBranch[];
      readonly otherwise: Expression;
    }
  /** Simple CASE: the operand is evaluated once and compared with each `when` by `=`. */
  | {
      readonly kind: 'Switch';
      readonly type: SqlType;
      readonly operand: Expression;
      readonly branches: readonly CaseBranch[];
      readonly otherwise: Expression;
    }
  | { readonly kind: 'Coalesce'; readonly type: SqlType; readonly arguments: readonly Expression[] }
  /** `first`, or NULL where `first = second`; `comparisonType` is the common type in which they are compared. */
  | {
      readonly kind: 'NullIf';
      readonly type: SqlType;
      readonly first: Expression;
      readonly second: Expression;
      readonly comparisonType: SqlType;
    }
  /** TRY(x): NULL for the errors that Trino's TRY catches. */
  | { readonly kind: 'Try'; readonly type: SqlType; readonly argument: Expression }
  | { readonly kind: 'Row'; readonly type: SqlType; readonly fields: readonly Expression[] }
  | { readonly kind: 'Array'; readonly type: SqlType; readonly elements: readonly Expression[] }
  /** Field `index` (from 0) of a row. */
  | { readonly kind: 'Field'; readonly type: SqlType; readonly base: Expression; readonly index: number }
  /** `type` is a function type; parameters are referenced in `body` by name. */
  | {
      readonly kind: 'Lambda';
      readonly type: SqlType;
      readonly parameters: readonly Symbol[];
      readonly body: Expression;
    };

export type CaseBranch = { readonly when: Expression; readonly result: Expression };

/** Key of one overload in the function table, such as `substr(varchar,bigint)`; operators are `$add(bigint,bigint)`. */
export type FunctionId = string;

export type SortOrder = {
  readonly expression: Expression;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
};

/** A call of an aggregate function. */
export type AggregateCall = {
  readonly function: FunctionId;
  readonly type: SqlType;
  readonly arguments: readonly Expression[];
  readonly distinct: boolean;
  readonly filter?: Expression;
  readonly orderBy: readonly SortOrder[];
};

export type FrameBound =
  | { readonly kind: 'UNBOUNDED PRECEDING' | 'CURRENT ROW' | 'UNBOUNDED FOLLOWING' }
  | { readonly kind: 'PRECEDING' | 'FOLLOWING'; readonly offset: Expression };

export type WindowFrame = {
  readonly unit: 'ROWS' | 'RANGE' | 'GROUPS';
  readonly start: FrameBound;
  readonly end: FrameBound;
};

/** A call of a window or aggregate function over a window. */
export type WindowCall = {
  readonly function: FunctionId;
  readonly type: SqlType;
  readonly arguments: readonly Expression[];
  readonly ignoreNulls: boolean;
  readonly distinct: boolean;
  readonly filter?: Expression;
  /** Of the aggregate's input within the frame. */
  readonly orderBy?: readonly SortOrder[];
  readonly frame: WindowFrame;
};

export const reference = (symbol: Symbol): Expression => ({
  kind: 'Reference',
  type: symbol.type,
  name: symbol.name,
});

/** The direct parts of an expression, in evaluation order; a lambda's part is its body. */
export function childrenOf(expression: Expression): readonly Expression[] {
  const parts: Expression[] = [];
  mapChildren(expression, (part) => {
    parts.push(part);
    return part;
  });
  return parts;
}

/** `value BETWEEN low AND high` is the conjunction of these. */
export function comparisonsOf({
  type,
  value,
  low,
  high,
}: Extract<Expression, { kind: 'Between' }>): readonly [Comparison, Comparison] {
  return [
    { kind: 'Comparison', type, operator: '>=', left: value, right: low },
    { kind: 'Comparison', type, operator: '<=', left: value, right: high },
  ];
}

type Comparison = Extract<Expression, { kind: 'Comparison' }>;

/** The same expression with each direct part replaced by `map(part)`; types are kept. */
export function mapChildren(expression: Expression, map: (part: Expression) => Expression): Expression {
  const branch = (b: CaseBranch): CaseBranch => ({ when: map(b.when), result: map(b.result) });
  switch (expression.kind) {
    case 'Constant':
    case 'Reference':
      return expression;
    case 'Call':
    case 'Coalesce':
      return { ...expression, arguments: expression.arguments.map(map) };
    case 'Cast':
    case 'Not':
    case 'IsNull':
    case 'Try':
      return { ...expression, argument: map(expression.argument) };
    case 'Comparison':
      return { ...expression, left: map(expression.left), right: map(expression.right) };
    case 'Between':
      return { ...expression, value: map(expression.value), low: map(expression.low), high: map(expression.high) };
    case 'In':
      return { ...expression, value: map(expression.value), list: expression.list.map(map) };
    case 'Logical':
      return { ...expression, terms: expression.terms.map(map) };
    case 'Case':
      return { ...expression, branches: expression.branches.map(branch), otherwise: map(expression.otherwise) };
    case 'Switch':
      return {
        ...expression,
        operand: map(expression.operand),
        branches: expression.branches.map(branch),
        otherwise: map(expression.otherwise),
      };
    case 'NullIf':
      return { ...expression, first: map(expression.first), second: map(expression.second) };
    case 'Row':
      return { ...expression, fields: expression.fields.map(map) };
    case 'Array':
      return { ...expression, elements: expression.elements.map(map) };
    case 'Field':
      return { ...expression, base: map(expression.base) };
    case 'Lambda':
      return { ...expression, body: map(expression.body) };
  }
}

/** Expressions never change, and the same is asked of them again and again. */
export function remembered<T>(compute: (expression: Expression) => T): (expression: Expression) => T {
  const known = new WeakMap<Expression, T>();
  return (expression) => {
    const before = known.get(expression);
    if (before !== undefined) return before;
    const value = compute(expression);
    known.set(expression, value);
    return value;
  };
}
