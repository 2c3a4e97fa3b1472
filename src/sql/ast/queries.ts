/** Queries: what surrounds a body, the body, and its clauses. */

import type { Expression, Identifier, IntegerLiteral, Parameter, QualifiedName } from './expressions.ts';
import type { Node } from './node.ts';
import type {
  MeasureDefinition,
  Relation,
  RowPattern,
  SkipTo,
  SubsetDefinition,
  Table,
  TableSubquery,
  VariableDefinition,
} from './relations.ts';

/** A query with what surrounds its body. ORDER BY, OFFSET and LIMIT stand here, never on the QuerySpecification. */
export type Query = Node<'Query'> & {
  /** `WITH SESSION name = value`, at the root of a statement only. */
  readonly session?: readonly SessionProperty[];
  readonly with?: With;
  readonly body: QueryBody;
  readonly orderBy?: OrderBy;
  readonly offset?: Offset;
  readonly limit?: Limit | FetchFirst;
};

export type SessionProperty = Node<'SessionProperty'> & { readonly name: QualifiedName; readonly value: Expression };

export type With = Node<'With'> & { readonly recursive: boolean; readonly queries: readonly WithQuery[] };
export type WithQuery = Node<'WithQuery'> & {
  readonly name: Identifier;
  readonly columnNames?: readonly Identifier[];
  readonly query: Query;
};

/** `TableSubquery` is a query in parentheses, with its own ORDER BY and LIMIT; `Table` is `TABLE name`. */
export type QueryBody = QuerySpecification | SetOperation | Values | Table | TableSubquery;

export type SetOperation = Union | Intersect | Except;
type SetOperationNode<Kind extends string> = Node<Kind> & {
  readonly distinct: boolean;
  readonly corresponding?: Corresponding;
};
/** Two or more inputs: `a UNION b UNION c` is one node when all are of one quantifier (and none CORRESPONDING). */
export type Union = SetOperationNode<'Union'> & { readonly relations: readonly QueryBody[] };
export type Intersect = SetOperationNode<'Intersect'> & { readonly relations: readonly QueryBody[] };
export type Except = SetOperationNode<'Except'> & { readonly left: QueryBody; readonly right: QueryBody };
/** `CORRESPONDING [BY (columns)]`. */
export type Corresponding = { readonly columns: readonly Identifier[] };

export type Values = Node<'Values'> & { readonly rows: readonly Expression[] };

export type QuerySpecification = Node<'QuerySpecification'> & {
  readonly select: Select;
  /** Comma-separated relations arrive as implicit cross joins: `Join` of type `IMPLICIT`. */
  readonly from?: Relation;
  readonly where?: Expression;
  readonly groupBy?: GroupBy;
  readonly having?: Expression;
  readonly windows: readonly WindowDefinition[];
};

export type Select = Node<'Select'> & { readonly distinct: boolean; readonly items: readonly SelectItem[] };
export type SelectItem = SingleColumn | AllColumns;
export type SingleColumn = Node<'SingleColumn'> & { readonly expression: Expression; readonly alias?: Identifier };
/** `*`, `target.*` and `target.* AS (a, b)`. */
export type AllColumns = Node<'AllColumns'> & {
  readonly target?: Expression;
  readonly aliases: readonly Identifier[];
};

export type GroupBy = Node<'GroupBy'> & {
  readonly distinct: boolean;
  readonly elements: readonly GroupingElement[];
};
export type GroupingElement = SimpleGroupBy | AutoGroupBy | Rollup | Cube | GroupingSets;
/** `AUTO`: all items of SELECT without aggregates. */
export type AutoGroupBy = Node<'AutoGroupBy'>;
/** `a` has one column; `(a, b)` has two and is one grouping set all the same; `()` has none. */
export type SimpleGroupBy = Node<'SimpleGroupBy'> & { readonly columns: readonly Expression[] };
export type Rollup = Node<'Rollup'> & { readonly sets: readonly (readonly Expression[])[] };
export type Cube = Node<'Cube'> & { readonly sets: readonly (readonly Expression[])[] };
export type GroupingSets = Node<'GroupingSets'> & { readonly sets: readonly (readonly Expression[])[] };

export type OrderBy = Node<'OrderBy'> & { readonly items: readonly SortItem[] };
/** Without `nulls`: NULLS LAST, whatever the direction. */
export type SortItem = Node<'SortItem'> & {
  readonly key: Expression;
  readonly descending: boolean;
  readonly nulls?: 'FIRST' | 'LAST';
};

export type Offset = Node<'Offset'> & { readonly count: IntegerLiteral | Parameter };
export type Limit = Node<'Limit'> & { readonly count: IntegerLiteral | Parameter | 'ALL' };
/** Without `count`: one row. */
export type FetchFirst = Node<'FetchFirst'> & {
  readonly count?: IntegerLiteral | Parameter;
  readonly withTies: boolean;
};

export type WindowDefinition = Node<'WindowDefinition'> & {
  readonly name: Identifier;
  readonly window: WindowSpecification;
};
/** What follows OVER. */
export type Window = WindowReference | WindowSpecification;
export type WindowReference = Node<'WindowReference'> & { readonly name: Identifier };
export type WindowSpecification = Node<'WindowSpecification'> & {
  readonly existingName?: Identifier;
  readonly partitionBy: readonly Expression[];
  readonly orderBy?: OrderBy;
  readonly frame?: WindowFrame;
};
export type WindowFrame = Node<'WindowFrame'> & {
  readonly type: 'RANGE' | 'ROWS' | 'GROUPS';
  readonly frameStart: FrameBound;
  /** Absent in the short form: CURRENT ROW. */
  readonly frameEnd?: FrameBound;
  readonly measures: readonly MeasureDefinition[];
  readonly afterMatch?: SkipTo;
  readonly searchMode?: 'INITIAL' | 'SEEK';
  readonly pattern?: RowPattern;
  readonly subsets: readonly SubsetDefinition[];
  readonly variables: readonly VariableDefinition[];
};
export type FrameBound = Node<'FrameBound'> & {
  readonly type: 'UNBOUNDED PRECEDING' | 'PRECEDING' | 'CURRENT ROW' | 'FOLLOWING' | 'UNBOUNDED FOLLOWING';
  /** The distance of PRECEDING and FOLLOWING. */
  readonly value?: Expression;
};
