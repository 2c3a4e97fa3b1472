/** What stands in FROM, and the patterns of rows that MATCH_RECOGNIZE looks for. */

import type { DataType } from './data-types.ts';
import type { Expression, Identifier, QualifiedName } from './expressions.ts';
import type { JsonTable } from './json.ts';
import type { Node } from './node.ts';
import type { GroupBy, OrderBy, Query, SingleColumn } from './queries.ts';

export type Relation =
  | Table
  | TableSubquery
  | Lateral
  | Unnest
  | TableFunctionInvocation
  | JsonTable
  | Nearest
  | AliasedRelation
  | SampledRelation
  | PatternRecognition
  | Pivot
  | Join;

export type Table = Node<'Table'> & { readonly name: QualifiedName; readonly period?: QueryPeriod };
/** `FOR TIMESTAMP|VERSION AS OF end`. */
export type QueryPeriod = Node<'QueryPeriod'> & {
  readonly type: 'TIMESTAMP' | 'VERSION';
  readonly asOf: Expression;
};
export type TableSubquery = Node<'TableSubquery'> & { readonly query: Query };
export type Lateral = Node<'Lateral'> & { readonly query: Query };
export type Unnest = Node<'Unnest'> & {
  readonly expressions: readonly Expression[];
  readonly withOrdinality: boolean;
};
export type AliasedRelation = Node<'AliasedRelation'> & {
  readonly relation: Relation;
  readonly alias: Identifier;
  readonly columnNames?: readonly Identifier[];
};
export type SampledRelation = Node<'SampledRelation'> & {
  readonly relation: Relation;
  readonly method: 'BERNOULLI' | 'SYSTEM';
  readonly percentage: Expression;
};

/** `NEAREST (FROM relation WHERE condition MATCH condition)`. */
export type Nearest = Node<'Nearest'> & {
  readonly from: Relation;
  readonly where?: Expression;
  readonly match: Expression;
};

/** `input PIVOT (aggregations FOR keys IN (values) GROUP BY …)`. Without `groupBy` the result is one row. */
export type Pivot = Node<'Pivot'> & {
  readonly input: Relation;
  /** Expressions over aggregates. */
  readonly aggregations: readonly SingleColumn[];
  readonly keys: readonly Expression[];
  /** With several keys, each is a Row of as many fields. */
  readonly values: readonly SingleColumn[];
  readonly groupBy?: GroupBy;
};

export type Join = Node<'Join'> & {
  readonly type: 'INNER' | 'LEFT' | 'RIGHT' | 'FULL' | 'CROSS' | 'IMPLICIT';
  readonly left: Relation;
  readonly right: Relation;
  /** Absent for CROSS and IMPLICIT only. */
  readonly criteria?: JoinCriteria;
};
export type JoinCriteria =
  | { readonly kind: 'JoinOn'; readonly expression: Expression }
  | { readonly kind: 'JoinUsing'; readonly columns: readonly Identifier[] }
  | { readonly kind: 'NaturalJoin' };

/** `TABLE(name(arguments COPARTITION …))`. */
export type TableFunctionInvocation = Node<'TableFunctionInvocation'> & {
  readonly name: QualifiedName;
  readonly arguments: readonly TableFunctionArgument[];
  readonly copartitioning: readonly (readonly QualifiedName[])[];
};
export type TableFunctionArgument = Node<'TableFunctionArgument'> & {
  readonly name?: Identifier;
  readonly value: Expression | TableArgument | DescriptorArgument;
};
export type TableArgument = Node<'TableArgument'> & {
  /** A Table or TableSubquery, perhaps aliased. */
  readonly table: Relation;
  readonly partitionBy?: readonly Expression[];
  readonly orderBy?: OrderBy;
  readonly emptyTreatment?: 'KEEP' | 'PRUNE';
};
/** Without `fields`: `CAST(NULL AS DESCRIPTOR)`. */
export type DescriptorArgument = Node<'DescriptorArgument'> & {
  readonly fields?: readonly { readonly name: Identifier; readonly type?: DataType }[];
};

export type PatternRecognition = Node<'PatternRecognition'> & {
  readonly input: Relation;
  readonly partitionBy: readonly Expression[];
  readonly orderBy?: OrderBy;
  readonly measures: readonly MeasureDefinition[];
  readonly rowsPerMatch?: 'ONE' | 'ALL SHOW EMPTY' | 'ALL OMIT EMPTY' | 'ALL WITH UNMATCHED';
  readonly afterMatch?: SkipTo;
  readonly searchMode?: 'INITIAL' | 'SEEK';
  readonly pattern: RowPattern;
  readonly subsets: readonly SubsetDefinition[];
  readonly variables: readonly VariableDefinition[];
};
export type MeasureDefinition = Node<'MeasureDefinition'> & {
  readonly expression: Expression;
  readonly name: Identifier;
};
export type SkipTo = Node<'SkipTo'> & {
  readonly position: 'PAST LAST ROW' | 'NEXT ROW' | 'FIRST' | 'LAST';
  /** The variable of FIRST and LAST. */
  readonly variable?: Identifier;
};
export type SubsetDefinition = Node<'SubsetDefinition'> & {
  readonly name: Identifier;
  readonly variables: readonly Identifier[];
};
export type VariableDefinition = Node<'VariableDefinition'> & {
  readonly name: Identifier;
  readonly expression: Expression;
};

export type RowPattern =
  | (Node<'PatternVariable'> & { readonly name: Identifier })
  | Node<'EmptyPattern'>
  | (Node<'AnchorPattern'> & { readonly type: 'PARTITION_START' | 'PARTITION_END' })
  | (Node<'ExcludedPattern'> & { readonly pattern: RowPattern })
  | (Node<'PatternPermutation'> & { readonly patterns: readonly RowPattern[] })
  | (Node<'PatternConcatenation'> & { readonly patterns: readonly RowPattern[] })
  | (Node<'PatternAlternation'> & { readonly patterns: readonly RowPattern[] })
  | (Node<'QuantifiedPattern'> & { readonly pattern: RowPattern; readonly quantifier: PatternQuantifier });
/** `*` is 0 to ∞, `+` 1 to ∞, `?` 0 to 1, `{n}` n to n. Counts are the literals' texts; no `atMost`: no bound. */
export type PatternQuantifier = Node<'PatternQuantifier'> & {
  readonly atLeast: string;
  readonly atMost?: string;
  readonly greedy: boolean;
};
