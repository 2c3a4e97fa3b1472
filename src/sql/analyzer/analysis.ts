/**
 * What the analyzer makes of a statement: names resolved to symbols, every expression typed, every coercion a Cast.
 *
 * Aggregates, window functions and subqueries do not stand in expressions: each has a symbol of its own there, and its
 * block (or, for subqueries, `Analysis.subqueries`) says what computes that symbol. The logical planner puts the node
 * that does so below the first node that reads it.
 */

import type { CatalogTable } from '../../catalog/metadata.ts';
import type { Column } from '../../connectors/connector.ts';
import type { Lineage } from './scope.ts';
import type { AggregateCall, ComparisonOperator, Expression, SortOrder, Symbol, WindowCall } from '../expression.ts';

export type Analysis = {
  readonly root: QueryBlock;
  /** Names and types as the client sees them. */
  readonly columns: readonly { readonly name: string; readonly symbol: Symbol }[];
  /** Of each of the columns. */
  readonly lineage: readonly Lineage[];
  /** By the name of the symbol that stands for them in expressions. */
  readonly subqueries: ReadonlyMap<string, Subquery>;
  readonly tables: readonly CatalogTable[];
  /** Numbers above this one are free for symbols of the plan. */
  readonly lastSymbol: number;
};

/**
 * One SELECT, or another query body with ORDER BY and LIMIT around it. Evaluated in the order of its properties. Without
 * `from` it starts with one row.
 */
export type QueryBlock = {
  readonly from?: AnalyzedRelation;
  readonly where?: Expression;
  readonly grouping?: Grouping;
  /** Read the grouping's symbols, or the source's where there is none. */
  readonly windows: readonly AnalyzedWindow[];
  readonly outputs: readonly OutputColumn[];
  readonly distinct: boolean;
  /** Reads outputs, and what they are made from unless `distinct`. */
  readonly orderBy: readonly SortOrder[];
  /** Digits. */
  readonly offset?: string;
  readonly limit?: { readonly count: string; readonly withTies: boolean };
  /** Symbols of enclosing queries and of relations to the left that it reads, however deep inside. */
  readonly outerReferences: ReadonlySet<string>;
};

/** Two outputs may share a symbol. */
export type OutputColumn = {
  readonly name?: string;
  readonly symbol: Symbol;
  readonly expression: Expression;
};

export type Grouping = {
  /** A key that is a column keeps that column's symbol. */
  readonly keys: readonly { readonly symbol: Symbol; readonly expression: Expression }[];
  /** Indexes into `keys`; absent for the one set of all of them. */
  readonly sets?: readonly (readonly number[])[];
  /** With `sets`: the index of the set a row belongs to. */
  readonly groupId?: Symbol;
  readonly aggregates: readonly { readonly symbol: Symbol; readonly call: AggregateCall }[];
  readonly having?: Expression;
};

export type AnalyzedWindow = {
  readonly symbol: Symbol;
  readonly call: WindowCall;
  readonly partitionBy: readonly Expression[];
  readonly orderBy: readonly SortOrder[];
};

export type AnalyzedRelation =
  | {
      readonly kind: 'table';
      readonly table: CatalogTable;
      readonly columns: readonly { readonly symbol: Symbol; readonly column: Column }[];
    }
  | {
      readonly kind: 'values';
      readonly symbols: readonly Symbol[];
      readonly rows: readonly (readonly Expression[])[];
    }
  /** May read symbols of the relations to its left in the join it stands in. */
  | { readonly kind: 'query'; readonly query: QueryBlock }
  | {
      readonly kind: 'set operation';
      readonly operation: 'UNION' | 'INTERSECT' | 'EXCEPT';
      readonly distinct: boolean;
      readonly symbols: readonly Symbol[];
      readonly inputs: readonly SetOperationInput[];
    }
  | {
      readonly kind: 'join';
      readonly type: 'INNER' | 'LEFT' | 'RIGHT' | 'FULL';
      readonly left: AnalyzedRelation;
      readonly right: AnalyzedRelation;
      readonly condition?: Expression;
      /** Merged columns of USING, computed above the join. */
      readonly merged: readonly { readonly symbol: Symbol; readonly expression: Expression }[];
    }
  | {
      readonly kind: 'unnest';
      readonly items: readonly { readonly expression: Expression; readonly outputs: readonly Symbol[] }[];
      readonly ordinality?: Symbol;
    }
  | {
      readonly kind: 'sample';
      readonly source: AnalyzedRelation;
      readonly method: 'BERNOULLI' | 'SYSTEM';
      readonly ratio: number;
    }
  | {
      readonly kind: 'recursive';
      readonly name: string;
      readonly symbols: readonly Symbol[];
      readonly initial: SetOperationInput;
      readonly step: SetOperationInput;
      readonly distinct: boolean;
      readonly depthMax: number;
    }
  | { readonly kind: 'working table'; readonly name: string; readonly symbols: readonly Symbol[] };

/** A query whose outputs, cast by `columns`, are the operation's columns in order. */
export type SetOperationInput = { readonly query: QueryBlock; readonly columns: readonly Expression[] };

/** A subquery in an expression. Its symbol is a boolean, or the value of a scalar subquery. */
export type Subquery = {
  readonly query: QueryBlock;
  readonly symbol: Symbol;
  readonly form:
    /** `value` reads the query's outputs and becomes `symbol`. */
    | { readonly kind: 'scalar'; readonly value: Expression }
    | { readonly kind: 'exists' }
    /** One candidate a value, of the same type. */
    | { readonly kind: 'in'; readonly values: readonly Expression[]; readonly candidates: readonly Expression[] }
    | {
        readonly kind: 'quantified';
        readonly operator: Exclude<ComparisonOperator, 'IS DISTINCT FROM'>;
        readonly quantifier: 'ALL' | 'ANY';
        readonly value: Expression;
        readonly candidate: Expression;
      };
};
