/**
 * Plan nodes: readonly tagged data that prints, compares and travels to workers as JSON.
 *
 * Before decorrelation a plan may hold `Apply` nodes; after `addExchanges` it holds `Exchange` nodes; the fragmenter cuts
 * at those and leaves `RemoteSource` nodes. `outputsOf` says what each node yields.
 */

import type { Column, JsonValue } from '../connectors/connector.ts';
import type { AggregateCall, Expression, SortOrder, Symbol, WindowCall } from '../sql/expression.ts';
import type { TupleDomain } from '../types/domain.ts';

export { outputsOf, sourcesOf, withSources } from './node-shape.ts';

/** Unique within a plan. */
export type PlanNodeId = number;

export type Assignment = { readonly symbol: Symbol; readonly expression: Expression };

/** A table of a catalog as a scan reads it; `handle` is the connector's own. */
export type TableReference = {
  readonly catalog: string;
  /** Which scan provider reads it on the worker, such as `files` or `tpch`. */
  readonly connector: string;
  readonly schema: string;
  readonly table: string;
  readonly handle: JsonValue;
};

export type TableScanNode = {
  readonly kind: 'TableScan';
  readonly id: PlanNodeId;
  readonly table: TableReference;
  readonly columns: readonly { readonly symbol: Symbol; readonly column: Column }[];
  /** What the filters above allow per column (by column name): splits outside are not read. Never replaces a filter. */
  readonly constraint: TupleDomain;
  /** Every task of its fragment reads all splits, instead of each some: so small a table needs no stage of its own. */
  readonly repeated?: true;
};

export type ValuesNode = {
  readonly kind: 'Values';
  readonly id: PlanNodeId;
  readonly symbols: readonly Symbol[];
  /** Each row has one expression a symbol, of the symbol's type. Zero symbols with one row is `SELECT` without FROM. */
  readonly rows: readonly (readonly Expression[])[];
};

export type FilterNode = {
  readonly kind: 'Filter';
  readonly id: PlanNodeId;
  readonly source: PlanNode;
  readonly predicate: Expression;
};

export type ProjectNode = {
  readonly kind: 'Project';
  readonly id: PlanNodeId;
  readonly source: PlanNode;
  readonly assignments: readonly Assignment[];
};

/** SEMI and ANTI yield the left side's rows that have, or have not, a match; NULLs never match. */
export type JoinType = 'INNER' | 'LEFT' | 'RIGHT' | 'FULL' | 'SEMI' | 'ANTI';

export type JoinNode = {
  readonly kind: 'Join';
  readonly id: PlanNodeId;
  readonly type: JoinType;
  /** The probe side. */
  readonly left: PlanNode;
  /** The build side: the smaller one after join ordering. */
  readonly right: PlanNode;
  /** Equi-clauses; both sides of one have the same type. None with no filter = cross join. */
  readonly criteria: readonly { readonly left: Symbol; readonly right: Symbol }[];
  readonly filter?: Expression;
  /** Decided by the optimizer: how the build side reaches the probe side. */
  readonly distribution?: 'partitioned' | 'broadcast';
  /** SEMI and ANTI: the left side is so much smaller that the right one is first reduced to what can match it. */
  readonly reducesRight?: true;
  /** Different values of the criteria that each side of a partitioned join was thought to have; absent = unknown. */
  readonly distinctKeys?: { readonly left?: number | undefined; readonly right?: number | undefined };
};

/**
 * `value IN (SELECT …)` as a boolean column with SQL's three values: true on a match, NULL when there is none but the value
 * or any candidate is NULL, else false. The source's rows are kept as they are.
 */
export type SemiJoinNode = {
  readonly kind: 'SemiJoin';
  readonly id: PlanNodeId;
  readonly source: PlanNode;
  readonly filteringSource: PlanNode;
  readonly sourceKeys: readonly Symbol[];
  readonly filteringKeys: readonly Symbol[];
  readonly output: Symbol;
  readonly distribution?: 'partitioned' | 'broadcast';
};

/**
 * A subquery applied to every row of `source`; `correlation` are the source's symbols that it uses. Decorrelation rules turn
 * it into joins; what they leave runs as the kernel's own correlated subquery, whole on one worker.
 */
export type ApplyNode = {
  readonly kind: 'Apply';
  readonly id: PlanNodeId;
  readonly source: PlanNode;
  readonly subquery: PlanNode;
  readonly correlation: readonly Symbol[];
  readonly form:
    /** The subquery's rows joined to each source row. INNER or LEFT, with the join's filter. */
    | { readonly kind: 'lateral'; readonly type: 'INNER' | 'LEFT'; readonly filter?: Expression }
    /** One row at most (more is SUBQUERY_MULTIPLE_ROWS); NULLs when there is none. Adds the subquery's outputs. */
    | { readonly kind: 'scalar' }
    /** Adds `output`, a boolean. */
    | { readonly kind: 'exists'; readonly output: Symbol }
    | {
        readonly kind: 'in';
        readonly output: Symbol;
        readonly values: readonly Symbol[];
        readonly candidates: readonly Symbol[];
      }
    | {
        readonly kind: 'quantified';
        readonly output: Symbol;
        readonly operator: '=' | '<>' | '<' | '<=' | '>' | '>=';
        readonly quantifier: 'ALL' | 'ANY';
        readonly value: Symbol;
        readonly candidate: Symbol;
      };
};

export type AggregationNode = {
  readonly kind: 'Aggregation';
  readonly id: PlanNodeId;
  readonly source: PlanNode;
  /** Without keys: exactly one row, also over no input. */
  readonly keys: readonly Symbol[];
  /** Grouping sets as indexes into `keys`; absent keys are NULL in their rows. An empty set yields a row over no input. */
  readonly groupingSets?: readonly (readonly number[])[];
  /** With grouping sets: which of them (by index) a row belongs to, BIGINT. */
  readonly groupId?: Symbol;
  readonly aggregations: readonly { readonly symbol: Symbol; readonly call: AggregateCall }[];
  /** Over a task's share of the rows, so that a group may stand in several: an aggregation above combines them. */
  readonly partial?: true;
};

export type WindowNode = {
  readonly kind: 'Window';
  readonly id: PlanNodeId;
  readonly source: PlanNode;
  readonly partitionBy: readonly Symbol[];
  readonly orderBy: readonly SortOrder[];
  readonly functions: readonly { readonly symbol: Symbol; readonly call: WindowCall }[];
};

export type SortNode = {
  readonly kind: 'Sort';
  readonly id: PlanNodeId;
  readonly source: PlanNode;
  readonly orderBy: readonly SortOrder[];
};

export type TopNNode = {
  readonly kind: 'TopN';
  readonly id: PlanNodeId;
  readonly source: PlanNode;
  readonly orderBy: readonly SortOrder[];
  /** Digits: counts may pass 2^53. */
  readonly count: string;
  readonly offset: string;
  readonly withTies: boolean;
  /** Of a task's share of the rows; the same above an exchange takes what is wanted of all. */
  readonly partial?: true;
};

export type LimitNode = {
  readonly kind: 'Limit';
  readonly id: PlanNodeId;
  readonly source: PlanNode;
  /** Absent = OFFSET alone. */
  readonly count?: string;
  readonly offset: string;
  /** Of a task's share of the rows; the same above an exchange takes what is wanted of all. */
  readonly partial?: true;
};

/** Exactly one row, of NULLs when the source has none; SUBQUERY_MULTIPLE_ROWS when it has more. */
export type EnforceSingleRowNode = {
  readonly kind: 'EnforceSingleRow';
  readonly id: PlanNodeId;
  readonly source: PlanNode;
};

/** UNION ALL, and INTERSECT or EXCEPT with or without ALL (a distinct UNION is an Aggregation over a Union). */
export type SetOperationNode = {
  readonly kind: 'SetOperation';
  readonly id: PlanNodeId;
  readonly operation: 'UNION ALL' | 'INTERSECT' | 'INTERSECT ALL' | 'EXCEPT' | 'EXCEPT ALL';
  readonly sources: readonly PlanNode[];
  readonly symbols: readonly Symbol[];
  /** For each source its symbols in the order of `symbols`, of the same types. */
  readonly inputs: readonly (readonly Symbol[])[];
};

export type UnnestNode = {
  readonly kind: 'Unnest';
  readonly id: PlanNodeId;
  readonly source: PlanNode;
  /** The source's symbols that go through beside the elements. */
  readonly replicate: readonly Symbol[];
  /** Each array (or map) symbol of the source and the symbols its elements become. */
  readonly unnest: readonly { readonly input: Symbol; readonly outputs: readonly Symbol[] }[];
  readonly ordinality?: Symbol;
  /** LEFT keeps a source row without elements. */
  readonly type: 'INNER' | 'LEFT';
};

/** Adds `symbol`, a BIGINT different in every row of the query's data. */
export type AssignUniqueIdNode = {
  readonly kind: 'AssignUniqueId';
  readonly id: PlanNodeId;
  readonly source: PlanNode;
  readonly symbol: Symbol;
};

export type SampleNode = {
  readonly kind: 'Sample';
  readonly id: PlanNodeId;
  readonly source: PlanNode;
  readonly method: 'BERNOULLI' | 'SYSTEM';
  /** 0 to 1. */
  readonly ratio: number;
};

/** WITH RECURSIVE: `step` reads what the round before made through a WorkingTable of the same name. */
export type RecursiveUnionNode = {
  readonly kind: 'RecursiveUnion';
  readonly id: PlanNodeId;
  readonly name: string;
  readonly symbols: readonly Symbol[];
  readonly initial: PlanNode;
  readonly initialInputs: readonly Symbol[];
  readonly step: PlanNode;
  readonly stepInputs: readonly Symbol[];
  /** Rounds before the query fails: Trino's max_recursion_depth, 10. */
  readonly depthMax: number;
};

export type WorkingTableNode = {
  readonly kind: 'WorkingTable';
  readonly id: PlanNodeId;
  readonly name: string;
  readonly symbols: readonly Symbol[];
};

/** How rows move between fragments. */
export type ExchangeScope =
  /** All rows to one task. */
  | { readonly kind: 'gather' }
  /** Rows with equal keys to the same task; no keys = spread evenly. */
  | { readonly kind: 'repartition'; readonly keys: readonly Symbol[] }
  /** All rows to every task. */
  | { readonly kind: 'broadcast' };

/** How many tasks run a fragment and what each reads (see `Fragment.partitioning`), and why it was decided so. */
export type Placement = { readonly partitioning: 'source' | 'hash' | 'single'; readonly reason: string };

export type ExchangeNode = {
  readonly kind: 'Exchange';
  readonly id: PlanNodeId;
  readonly source: PlanNode;
  readonly scope: ExchangeScope;
  /** Of the fragment below, whose rows it moves. */
  readonly placement: Placement;
};

/** The output of another fragment, after the plan was cut. */
export type RemoteSourceNode = {
  readonly kind: 'RemoteSource';
  readonly id: PlanNodeId;
  readonly fragment: number;
  readonly symbols: readonly Symbol[];
  readonly scope: ExchangeScope;
};

/** The query's columns, in order; names may repeat. Always and only the root of a query's plan. */
export type OutputNode = {
  readonly kind: 'Output';
  readonly id: PlanNodeId;
  readonly source: PlanNode;
  readonly columns: readonly { readonly name: string; readonly symbol: Symbol }[];
  /** Of the root fragment, once exchanges stand. */
  readonly placement?: Placement;
};

export type PlanNode =
  | TableScanNode
  | ValuesNode
  | FilterNode
  | ProjectNode
  | JoinNode
  | SemiJoinNode
  | ApplyNode
  | AggregationNode
  | WindowNode
  | SortNode
  | TopNNode
  | LimitNode
  | EnforceSingleRowNode
  | SetOperationNode
  | UnnestNode
  | AssignUniqueIdNode
  | SampleNode
  | RecursiveUnionNode
  | WorkingTableNode
  | ExchangeNode
  | RemoteSourceNode
  | OutputNode;
