/** What a plan node is thought to yield: rows and, per symbol, distinct values, bounds and width. */

import type { ColumnStatistics } from '../connectors/connector.ts';
import type { SqlType } from '../types/type.ts';
import type { PlanNode } from './nodes.ts';
import { outputsOf, sourcesOf } from './nodes.ts';
import type { RuleContext } from './rule.ts';

export type PlanStatistics = {
  /** Undefined when nobody knows. */
  readonly rows: number | undefined;
  readonly symbols: ReadonlyMap<string, ColumnStatistics>;
};

export type Estimator = {
  readonly statistics: (node: PlanNode) => PlanStatistics;
  readonly rows: (node: PlanNode) => number | undefined;
  /** Bytes of its rows as an exchange would move them. */
  readonly bytes: (node: PlanNode) => number | undefined;
};

/** Estimates are kept per node: nodes never change. */
export function estimatorFor(context: Pick<RuleContext, 'statistics'>): Estimator {
  const known = new WeakMap<PlanNode, PlanStatistics>();
  const statistics = (node: PlanNode): PlanStatistics => {
    const before = known.get(node);
    if (before) return before;
    const estimated = estimate(node, sourcesOf(node).map(statistics), context);
    known.set(node, estimated);
    return estimated;
  };
  const rows = (node: PlanNode): number | undefined => statistics(node).rows;
  return { statistics, rows, bytes: (node) => bytesOf(node, statistics(node)) };
}

const NOTHING: PlanStatistics = { rows: undefined, symbols: new Map() };

function estimate(
  node: PlanNode,
  sources: readonly PlanStatistics[],
  context: Pick<RuleContext, 'statistics'>,
): PlanStatistics {
  const first = sources[0] ?? NOTHING;
  switch (node.kind) {
    case 'TableScan': {
      const table = context.statistics(node.table);
      const symbols = new Map<string, ColumnStatistics>();
      for (const { symbol, column } of node.columns) {
        const statistics = table.columns[column.name];
        if (statistics) symbols.set(symbol.name, statistics);
      }
      return { rows: table.rows, symbols };
    }
    case 'Values':
      return { rows: node.rows.length, symbols: new Map() };
    case 'WorkingTable':
    case 'RemoteSource':
      return NOTHING;
    case 'Filter':
    case 'Project':
    case 'Join':
    case 'SemiJoin':
    case 'Apply':
    case 'Aggregation':
    case 'Window':
    case 'Sort':
    case 'TopN':
    case 'Limit':
    case 'EnforceSingleRow':
    case 'SetOperation':
    case 'Unnest':
    case 'AssignUniqueId':
    case 'Sample':
    case 'RecursiveUnion':
    case 'Exchange':
    case 'Output':
      return first;
  }
}

function bytesOf(node: PlanNode, { rows, symbols }: PlanStatistics): number | undefined {
  if (rows === undefined) return undefined;
  let width = 0;
  for (const symbol of outputsOf(node)) width += symbols.get(symbol.name)?.averageBytes ?? widthOf(symbol.type);
  return rows * width;
}

/** Bytes of a value of the type where nothing is known of the column. */
export function widthOf(type: SqlType): number {
  switch (type.kind) {
    case 'boolean':
    case 'tinyint':
      return 1;
    case 'smallint':
      return 2;
    case 'integer':
    case 'real':
    case 'date':
    case 'interval year to month':
      return 4;
    case 'decimal':
      return type.precision > 18 ? 16 : 8;
    case 'uuid':
    case 'timestamp with time zone':
    case 'time with time zone':
    case 'ipaddress':
      return 16;
    case 'varchar':
      return Math.min(type.length ?? 24, 24);
    case 'char':
      return Math.min(type.length, 24);
    case 'bigint':
    case 'double':
    case 'time':
    case 'timestamp':
    case 'interval day to second':
      return 8;
    case 'array':
    case 'map':
    case 'row':
    case 'varbinary':
    case 'json':
    case 'unknown':
    case 'function':
      return 48;
  }
}
