/** Small helpers that write plans by hand, over tables whose statistics the test gives. */

import type { CatalogTable, Metadata } from '../../src/catalog/metadata.ts';
import type { TableStatistics } from '../../src/connectors/connector.ts';
import type { Fragment } from '../../src/plan/fragment.ts';
import type {
  AggregationNode,
  ExchangeScope,
  JoinNode,
  OutputNode,
  PlanNode,
  RemoteSourceNode,
  TableScanNode,
} from '../../src/plan/nodes.ts';
import { outputsOf } from '../../src/plan/nodes.ts';
import type { AggregateCall, ComparisonOperator, Expression, SortOrder, Symbol } from '../../src/sql/expression.ts';
import { reference } from '../../src/sql/expression.ts';
import type { Session } from '../../src/sql/session.ts';
import type { SqlType } from '../../src/types/type.ts';
import { BIGINT, BOOLEAN } from '../../src/types/type.ts';

export const session = (properties: Readonly<Record<string, string>> = {}): Session => ({
  queryId: 'q',
  user: 'test',
  timeZone: 'UTC',
  now: '2024-01-01T00:00:00.000000Z',
  properties,
});

/** Tables by name; every column is BIGINT unless said otherwise. */
export type FakeTables = Readonly<Record<string, TableStatistics>>;

const described = (table: string): CatalogTable => ({
  catalog: 'c',
  schema: 's',
  table,
  connector: 'fake',
  columns: [],
  description: { schema: 's', table, columns: [], handle: null },
});

export function fakeMetadata(tables: FakeTables): Metadata {
  return {
    listCatalogs: () => ['c'],
    listSchemas: () => Promise.resolve(['s']),
    listTables: () => Promise.resolve(Object.keys(tables)),
    table: ({ table }) => Promise.resolve(tables[table] ? described(table) : undefined),
    statistics: ({ table }) => Promise.resolve(tables[table] ?? { columns: {} }),
    splits: () => Promise.resolve([]),
  };
}

export class PlanBuilder {
  private id = 0;

  newId(): number {
    this.id += 1;
    return this.id;
  }

  /** Symbols are named `<table>_<column>`. */
  scan(table: string, columns: readonly string[], type: SqlType = BIGINT): TableScanNode {
    return {
      kind: 'TableScan',
      id: this.newId(),
      table: { catalog: 'c', connector: 'fake', schema: 's', table, handle: null },
      columns: columns.map((name) => ({ symbol: { name: `${table}_${name}`, type }, column: { name, type } })),
      constraint: {},
    };
  }

  remote(fragment: number, symbols: readonly Symbol[], scope: ExchangeScope): RemoteSourceNode {
    return { kind: 'RemoteSource', id: this.newId(), fragment, symbols, scope };
  }

  filter(source: PlanNode, predicate: Expression): PlanNode {
    return { kind: 'Filter', id: this.newId(), source, predicate };
  }

  project(source: PlanNode, assignments: Readonly<Record<string, Expression>>): PlanNode {
    const listed = Object.entries(assignments).map(([name, expression]) => ({
      symbol: { name, type: expression.type },
      expression,
    }));
    return { kind: 'Project', id: this.newId(), source, assignments: listed };
  }

  join(
    type: JoinNode['type'],
    left: PlanNode,
    right: PlanNode,
    on: readonly (readonly [string, string])[],
    filter?: Expression,
  ): JoinNode {
    const criteria = on.map(([l, r]) => ({ left: symbolOf(left, l), right: symbolOf(right, r) }));
    return { kind: 'Join', id: this.newId(), type, left, right, criteria, ...(filter ? { filter } : {}) };
  }

  aggregate(
    source: PlanNode,
    keys: readonly string[],
    calls: Readonly<Record<string, AggregateCall>>,
  ): AggregationNode {
    return {
      kind: 'Aggregation',
      id: this.newId(),
      source,
      keys: keys.map((key) => symbolOf(source, key)),
      aggregations: Object.entries(calls).map(([name, call]) => ({ symbol: { name, type: call.type }, call })),
    };
  }

  limit(source: PlanNode, count: number): PlanNode {
    return { kind: 'Limit', id: this.newId(), source, count: `${count}`, offset: '0' };
  }

  sort(source: PlanNode, ...by: readonly string[]): PlanNode {
    return { kind: 'Sort', id: this.newId(), source, orderBy: by.map((name) => ascending(symbolOf(source, name))) };
  }

  topN(source: PlanNode, count: number, ...by: readonly string[]): PlanNode {
    const orderBy = by.map((name) => ascending(symbolOf(source, name)));
    return { kind: 'TopN', id: this.newId(), source, orderBy, count: `${count}`, offset: '0', withTies: false };
  }

  output(source: PlanNode, ...columns: readonly string[]): OutputNode {
    const chosen = columns.length === 0 ? outputsOf(source) : columns.map((name) => symbolOf(source, name));
    return {
      kind: 'Output',
      id: this.newId(),
      source,
      columns: chosen.map((symbol) => ({ name: symbol.name, symbol })),
    };
  }
}

export function symbolOf(node: PlanNode, name: string): Symbol {
  const symbol = outputsOf(node).find((output) => output.name === name);
  if (!symbol) throw new Error(`${node.kind} has no column ${name}`);
  return symbol;
}

/** A fragment that takes all of its inputs into one task, unless said otherwise. */
export function fragmentOf(root: PlanNode, more: Partial<Fragment> = {}): Fragment {
  return {
    id: 0,
    root,
    partitioning: 'single',
    outputSymbols: outputsOf(root),
    inputs: [],
    deterministic: true,
    ordered: false,
    reason: 'test',
    ...more,
  };
}

export const ascending = (symbol: Symbol): SortOrder => ({
  expression: reference(symbol),
  descending: false,
  nullsFirst: false,
});

export const ref = (name: string, type: SqlType = BIGINT): Expression => ({ kind: 'Reference', type, name });
export const big = (value: number | null): Expression => ({
  kind: 'Constant',
  type: BIGINT,
  value: value === null ? null : `${value}`,
});
export const add = (left: Expression, right: Expression): Expression => ({
  kind: 'Call',
  type: BIGINT,
  function: '$add(bigint,bigint)',
  arguments: [left, right],
});
export const compare = (left: Expression, operator: ComparisonOperator, right: Expression): Expression => ({
  kind: 'Comparison',
  type: BOOLEAN,
  operator,
  left,
  right,
});
export const count = (): AggregateCall => ({
  function: 'count()',
  type: BIGINT,
  arguments: [],
  distinct: false,
  orderBy: [],
});
