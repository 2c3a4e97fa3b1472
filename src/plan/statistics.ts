/** What a plan node is thought to yield: rows and, per symbol, distinct values, bounds and width. */

import type { ColumnStatistics } from '../connectors/connector.ts';
import type { Expression, Symbol } from '../sql/expression.ts';
import type { SqlType } from '../types/type.ts';
import { joined } from './join-statistics.ts';
import type { AggregationNode, PlanNode, SetOperationNode, TableScanNode } from './nodes.ts';
import { outputsOf, sourcesOf } from './nodes.ts';
import { isDiscrete, ordinal } from './ordinal.ts';
import type { RuleContext } from './rule.ts';
import { filtered, withRows } from './selectivity.ts';

export type SymbolStatistics = {
  readonly distinct?: number | undefined;
  /** 0 to 1. */
  readonly nullFraction: number;
  /** On the line of `ordinal`. */
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  /** Mean bytes of a value. */
  readonly bytes?: number | undefined;
  /** A key of its table: other columns beside it in a grouping depend on it, mostly. */
  readonly isKey?: boolean | undefined;
  /** Id of the scan that it comes from: columns of one table depend on each other. */
  readonly origin?: number | undefined;
};

export type PlanStatistics = {
  /** Undefined when nobody knows. */
  readonly rows: number | undefined;
  readonly symbols: ReadonlyMap<string, SymbolStatistics>;
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
  return { statistics, rows, bytes: (node) => bytesOf(outputsOf(node), statistics(node)) };
}

const NOTHING: PlanStatistics = { rows: undefined, symbols: new Map() };
/** Elements of an array or map where nothing is known of it. */
const ELEMENTS = 3;
/** How many times its first rows a recursive query is thought to yield. */
const ROUNDS = 3;

function estimate(
  node: PlanNode,
  sources: readonly PlanStatistics[],
  context: Pick<RuleContext, 'statistics'>,
): PlanStatistics {
  const first = sources[0] ?? NOTHING;
  switch (node.kind) {
    case 'TableScan':
      return scanned(node, context);
    case 'Values':
      return { rows: node.rows.length, symbols: new Map() };
    case 'WorkingTable':
    case 'RemoteSource':
      return NOTHING;
    case 'Filter':
      return filtered(first, node.predicate);
    case 'Project':
      return {
        rows: first.rows,
        symbols: new Map(
          node.assignments.flatMap(({ symbol, expression }): [string, SymbolStatistics][] => {
            const statistics = expressionStatistics(expression, first);
            return statistics ? [[symbol.name, statistics]] : [];
          }),
        ),
      };
    case 'Join':
      return joined(node.type, node.criteria, node.filter, first, sources[1] ?? NOTHING);
    case 'SemiJoin':
      return { rows: first.rows, symbols: new Map(first.symbols).set(node.output.name, MARK) };
    case 'Apply':
      return node.form.kind === 'lateral' && node.form.type === 'INNER'
        ? { rows: undefined, symbols: first.symbols }
        : first;
    case 'Aggregation':
      return aggregated(node, first);
    case 'TopN':
    case 'Limit': {
      const count = node.count === undefined ? Infinity : Number(node.count);
      if (first.rows === undefined) {
        return Number.isFinite(count) ? { rows: count, symbols: first.symbols } : first;
      }
      return withRows(first, Math.min(first.rows, count));
    }
    case 'EnforceSingleRow':
      return { rows: 1, symbols: first.symbols };
    case 'SetOperation':
      return combined(node, sources);
    case 'Unnest':
      return { rows: times(first.rows, ELEMENTS), symbols: first.symbols };
    case 'Sample':
      return first.rows === undefined ? first : withRows(first, first.rows * node.ratio);
    case 'RecursiveUnion':
      return { rows: times(first.rows, ROUNDS), symbols: new Map() };
    case 'Window':
    case 'Sort':
    case 'AssignUniqueId':
    case 'Exchange':
    case 'Output':
      return first;
  }
}

const MARK: SymbolStatistics = { distinct: 2, nullFraction: 0, bytes: 1 };

const times = (rows: number | undefined, factor: number): number | undefined =>
  rows === undefined ? undefined : rows * factor;

function scanned(node: TableScanNode, context: Pick<RuleContext, 'statistics'>): PlanStatistics {
  const table = context.statistics(node.table);
  const symbols = new Map<string, SymbolStatistics>();
  for (const { symbol, column } of node.columns) {
    const statistics = columnStatistics(table.columns[column.name] ?? {}, symbol.type, table.rows);
    symbols.set(symbol.name, { ...statistics, origin: node.id });
  }
  return { rows: table.rows, symbols };
}

function columnStatistics(column: ColumnStatistics, type: SqlType, rows: number | undefined): SymbolStatistics {
  const low = ordinal(column.low, type);
  const high = ordinal(column.high, type);
  const inRange = isDiscrete(type) && low !== undefined && high !== undefined ? high - low + 1 : Infinity;
  const distinct = Math.min(column.distinctValues ?? Infinity, inRange, rows ?? Infinity);
  return {
    distinct:
      Number.isFinite(distinct) && (column.distinctValues !== undefined || inRange < Infinity) ? distinct : undefined,
    nullFraction: column.nullFraction ?? 0,
    isKey: rows !== undefined && rows > 1 && (column.distinctValues ?? 0) >= rows * 0.999,
    low,
    high,
    bytes: column.averageBytes,
  };
}

/** A column keeps its statistics; of a computed value the number of different ones is at most that of its only column. */
function expressionStatistics(expression: Expression, source: PlanStatistics): SymbolStatistics | undefined {
  if (expression.kind === 'Reference') return source.symbols.get(expression.name);
  if (expression.kind === 'Constant') return { distinct: 1, nullFraction: expression.value === null ? 1 : 0 };
  if (expression.kind !== 'Cast' && expression.kind !== 'Call') return undefined;
  const parts = expression.kind === 'Cast' ? [expression.argument] : expression.arguments;
  const varying = parts.filter((part) => part.kind !== 'Constant');
  if (varying.length !== 1) return undefined;
  const inner = expressionStatistics(varying[0]!, source);
  if (!inner) return undefined;
  const distinct = inner.distinct === undefined ? undefined : Math.max(coarsened(expression, inner.distinct), 1);
  return { distinct, nullFraction: inner.nullFraction };
}

/** A year has 365 days; a part of a text is far less varied than the text. */
function coarsened(expression: Expression, distinct: number): number {
  if (expression.kind !== 'Call') return distinct;
  if (expression.function.startsWith('year(')) return distinct / 365;
  if (expression.function.startsWith('date_trunc(')) return distinct / 30;
  return expression.function.startsWith('substr(') ? Math.sqrt(distinct) : distinct;
}

function aggregated(node: AggregationNode, source: PlanStatistics): PlanStatistics {
  if (node.keys.length === 0) return { rows: 1, symbols: new Map() };
  const sets = node.groupingSets ?? [node.keys.map((_, i) => i)];
  let rows: number | undefined = 0;
  for (const set of sets) {
    const groups = groupsOf(
      set.map((i) => node.keys[i]!),
      source,
    );
    rows = rows === undefined || groups === undefined ? undefined : rows + groups;
  }
  const symbols = new Map<string, SymbolStatistics>();
  for (const key of node.keys) {
    const statistics = source.symbols.get(key.name);
    if (!statistics) continue;
    const distinct =
      statistics.distinct === undefined || rows === undefined
        ? statistics.distinct
        : Math.min(statistics.distinct, rows);
    symbols.set(key.name, { ...statistics, distinct });
  }
  if (node.keys.length === 1 && !node.groupingSets && rows !== undefined) {
    const key = node.keys[0]!.name;
    symbols.set(key, { nullFraction: 0, ...symbols.get(key), distinct: rows });
  }
  return { rows, symbols };
}

/** Groups of rows with equal keys: the product of the keys' values, at most one a row. */
export function groupsOf(keys: readonly Symbol[], source: PlanStatistics): number | undefined {
  let groups = 1;
  let unknown = 0;
  const unique = keys.filter((key) => source.symbols.get(key.name)?.isKey);
  for (const key of unique.length > 0 ? unique : keys) {
    const distinct = source.symbols.get(key.name)?.distinct;
    if (distinct === undefined) unknown += 1;
    else groups *= Math.max(distinct, 1);
  }
  if (source.rows === undefined) return unknown > 0 ? undefined : groups;
  // A key of which nothing is known is taken to have as many values as a tenth of the rows.
  return Math.min(groups * (source.rows / 10 + 1) ** unknown, source.rows);
}

function combined(node: SetOperationNode, sources: readonly PlanStatistics[]): PlanStatistics {
  const counts = sources.map((source) => source.rows);
  const known = counts.filter((rows) => rows !== undefined);
  if (known.length < counts.length) return NOTHING;
  const sum = known.reduce((a, b) => a + b, 0);
  const symbols = new Map<string, SymbolStatistics>();
  for (const [i, symbol] of node.symbols.entries()) {
    const parts = sources.map((source, s) => source.symbols.get(node.inputs[s]![i]!.name));
    const distinct = parts.reduce<number | undefined>(
      (total, part) => (total === undefined || part?.distinct === undefined ? undefined : total + part.distinct),
      0,
    );
    const bytes = Math.max(...parts.map((part) => part?.bytes ?? 0));
    symbols.set(symbol.name, { distinct, nullFraction: 0, bytes: bytes > 0 ? bytes : undefined });
  }
  const rows = node.operation === 'UNION ALL' ? sum : Math.min(...known);
  return { rows, symbols };
}

function bytesOf(outputs: readonly Symbol[], { rows, symbols }: PlanStatistics): number | undefined {
  if (rows === undefined) return undefined;
  let width = 0;
  for (const symbol of outputs) width += symbols.get(symbol.name)?.bytes ?? widthOf(symbol.type);
  return rows * width;
}

/** Bytes of a value of the type where nothing is known of the column. */
function widthOf(type: SqlType): number {
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
