/** Plans as text for EXPLAIN and for golden tests, and as JSON for machines. */

import type { Domain, TupleDomain } from '../types/domain.ts';
import { typeName } from '../types/type.ts';
import type { DistributedPlan, Fragment } from './fragment.ts';
import type { ExchangeScope, PlanNode } from './nodes.ts';
import { sourcesOf } from './nodes.ts';
import { printAggregate, printConstant, printExpression, printSortOrder, printWindowCall } from './print-expression.ts';

export type PrintOptions = {
  /** Rows that a node is thought to yield. */
  readonly estimatedRows?: (node: PlanNode) => number | undefined;
  /** What EXPLAIN ANALYZE measured, by fragment id: lines such as `2 tasks, 1,234 rows, 5.6 MB, 78 ms`. */
  readonly annotations?: ReadonlyMap<number, readonly string[]>;
};

/** The fragments, root first, each with its plan indented below it. */
export function printDistributedPlan(plan: DistributedPlan, options: PrintOptions = {}): string {
  return plan.fragments.map((fragment) => printFragment(fragment, options)).join('\n');
}

function printFragment(fragment: Fragment, options: PrintOptions): string {
  const facts = [
    fragment.output ? `output ${printScope(fragment.output)}` : 'output to the client',
    ...(fragment.estimatedRows === undefined ? [] : [`about ${printRows(fragment.estimatedRows)}`]),
    ...(fragment.deterministic ? [] : ['not deterministic']),
    ...(fragment.ordered ? ['ordered'] : []),
  ];
  const lines = [
    `Fragment ${fragment.id} [${fragment.partitioning.toUpperCase()}]  ${facts.join(', ')}`,
    `  because ${fragment.reason}`,
    ...(options.annotations?.get(fragment.id) ?? []).map((line) => `  * ${line}`),
    ...planLines(fragment.root, 1, options),
  ];
  return `${lines.join('\n')}\n`;
}

/** One node a line, sources indented below. */
export const printPlan = (root: PlanNode, options: PrintOptions = {}): string =>
  `${planLines(root, 0, options).join('\n')}\n`;

function planLines(node: PlanNode, depth: number, options: PrintOptions): string[] {
  const rows = options.estimatedRows?.(node);
  const estimate = rows === undefined ? '' : `  {about ${printRows(rows)}}`;
  const line = `${'  '.repeat(depth)}${describeNode(node)}${estimate}`;
  return [line, ...sourcesOf(node).flatMap((source) => planLines(source, depth + 1, options))];
}

/** FORMAT JSON: the same tree as data. */
export function planToJson(plan: DistributedPlan, options: PrintOptions = {}): string {
  const nodeToJson = (node: PlanNode): object => ({
    id: node.id,
    name: node.kind,
    text: describeNode(node),
    estimatedRows: options.estimatedRows?.(node),
    sources: sourcesOf(node).map(nodeToJson),
  });
  const fragments = plan.fragments.map((fragment) => ({
    id: fragment.id,
    partitioning: fragment.partitioning,
    output: fragment.output?.kind ?? 'client',
    reason: fragment.reason,
    deterministic: fragment.deterministic,
    ordered: fragment.ordered,
    estimatedRows: fragment.estimatedRows,
    columns: fragment.outputSymbols.map(({ name, type }) => ({ name, type: typeName(type) })),
    inputs: fragment.inputs,
    measured: options.annotations?.get(fragment.id),
    plan: nodeToJson(fragment.root),
  }));
  return JSON.stringify({ columns: plan.columns.map((column) => column.name), fragments }, undefined, 2);
}

const names = (symbols: readonly { readonly name: string }[]): string =>
  symbols.map((symbol) => symbol.name).join(', ');

const assigned = (name: string, text: string): string => (name === text ? name : `${name} := ${text}`);

/** The node's own line, without its sources. */
function describeNode(node: PlanNode): string {
  switch (node.kind) {
    case 'TableScan': {
      const columns = node.columns.map(({ symbol, column }) => assigned(symbol.name, column.name)).join(', ');
      const constraint = printTupleDomain(node);
      return `TableScan ${node.table.catalog}.${node.table.schema}.${node.table.table} [${columns}]${constraint}`;
    }
    case 'Values':
      return `Values [${names(node.symbols)}] ${node.rows.length <= 3 ? node.rows.map((row) => `(${row.map(printExpression).join(', ')})`).join(', ') : `${node.rows.length} rows`}`;
    case 'Filter':
      return `Filter [${printExpression(node.predicate)}]`;
    case 'Project':
      return `Project [${node.assignments.map((a) => assigned(a.symbol.name, printExpression(a.expression))).join(', ')}]`;
    case 'Join': {
      const clauses = node.criteria.map(({ left, right }) => `${left.name} = ${right.name}`);
      const filter = node.filter ? [`filter ${printExpression(node.filter)}`] : [];
      const kind = clauses.length + filter.length === 0 ? 'CROSS' : node.type;
      const how = node.distribution ? ` (${node.distribution})` : '';
      const reducing = node.reducesRight ? ' reducing its right side' : '';
      return `${kind} Join${how}${reducing} [${[...clauses, ...filter].join(', ')}]`;
    }
    case 'SemiJoin': {
      const how = node.distribution ? ` (${node.distribution})` : '';
      return `SemiJoin${how} [${node.output.name} := (${names(node.sourceKeys)}) IN (${names(node.filteringKeys)})]`;
    }
    case 'Apply':
      return `Apply ${node.form.kind} [${'output' in node.form ? `${node.form.output.name}; ` : ''}uses ${names(node.correlation) || 'nothing'}]`;
    case 'Aggregation': {
      const sets = node.groupingSets
        ? [`sets ${node.groupingSets.map((set) => `(${set.map((i) => node.keys[i]!.name).join(', ')})`).join(' ')}`]
        : [];
      const parts = [
        ...(node.keys.length > 0 ? [`by ${names(node.keys)}`] : []),
        ...sets,
        ...node.aggregations.map(({ symbol, call }) => assigned(symbol.name, printAggregate(call))),
      ];
      return `Aggregation${node.partial ? ' (partial)' : ''} [${parts.join('; ')}]`;
    }
    case 'Window': {
      const by = node.partitionBy.length > 0 ? [`partition by ${names(node.partitionBy)}`] : [];
      const order = node.orderBy.length > 0 ? [`order by ${printSortOrder(node.orderBy)}`] : [];
      const calls = node.functions.map(({ symbol, call }) => `${symbol.name} := ${printWindowCall(call)}`);
      return `Window [${[...by, ...order, ...calls].join('; ')}]`;
    }
    case 'Sort':
      return `Sort [${printSortOrder(node.orderBy)}]`;
    case 'TopN':
      return `TopN${node.partial ? ' (partial)' : ''} [${node.count}${node.withTies ? ' with ties' : ''}${skip(node.offset)}; ${printSortOrder(node.orderBy)}]`;
    case 'Limit':
      return `Limit${node.partial ? ' (partial)' : ''} [${node.count ?? 'all'}${skip(node.offset)}]`;
    case 'EnforceSingleRow':
      return 'EnforceSingleRow';
    case 'SetOperation':
      return `${node.operation} [${names(node.symbols)}] of ${node.inputs.map((input) => `(${names(input)})`).join(', ')}`;
    case 'Unnest': {
      const pairs = node.unnest.map(({ input, outputs }) => `${names(outputs)} := ${input.name}`);
      const ordinality = node.ordinality ? [`${node.ordinality.name} := ordinality`] : [];
      return `${node.type === 'LEFT' ? 'LEFT ' : ''}Unnest [${[...node.replicate.map((s) => s.name), ...pairs, ...ordinality].join(', ')}]`;
    }
    case 'AssignUniqueId':
      return `AssignUniqueId [${node.symbol.name}]`;
    case 'Sample':
      return `Sample [${node.method} ${node.ratio}]`;
    case 'RecursiveUnion':
      return `RecursiveUnion [${node.name}: ${names(node.symbols)}; ${node.depthMax} rounds at most]`;
    case 'WorkingTable':
      return `WorkingTable [${node.name}: ${names(node.symbols)}]`;
    case 'Exchange':
      return `Exchange [${printScope(node.scope)}]`;
    case 'RemoteSource':
      return `RemoteSource [fragment ${node.fragment}, ${printScope(node.scope)}: ${names(node.symbols)}]`;
    case 'Output':
      return `Output [${node.columns.map(({ name, symbol }) => assigned(name, symbol.name)).join(', ')}]`;
  }
}

const skip = (offset: string): string => (offset === '0' ? '' : ` after ${offset}`);

function printScope(scope: ExchangeScope): string {
  switch (scope.kind) {
    case 'gather':
    case 'broadcast':
      return scope.kind;
    case 'repartition':
      return scope.keys.length === 0 ? 'spread evenly' : `repartition by ${names(scope.keys)}`;
  }
}

function printTupleDomain(scan: {
  readonly constraint: TupleDomain;
  readonly columns: readonly {
    readonly column: { readonly name: string; readonly type: Parameters<typeof printConstant>[1] };
  }[];
}): string {
  const entries = Object.entries(scan.constraint).map(([name, domain]) => {
    const type = scan.columns.find(({ column }) => column.name === name)?.column.type ?? { kind: 'unknown' as const };
    return `${name} ${printDomain(domain, type)}`;
  });
  return entries.length === 0 ? '' : ` reading ${entries.join(', ')}`;
}

/** Domains with many values are cut short: a list of thousands tells a reader nothing. */
function printDomain(domain: Domain, type: Parameters<typeof printConstant>[1]): string {
  const shown = domain.ranges.slice(0, 4).map(({ low, high }) => {
    if (low && high && low.value === high.value) return printConstant(low.value, type);
    const from = low ? `${low.inclusive ? '[' : '('}${printConstant(low.value, type)}` : '(';
    const to = high ? `${printConstant(high.value, type)}${high.inclusive ? ']' : ')'}` : ')';
    return `${from}..${to}`;
  });
  const more = domain.ranges.length > 4 ? [`${domain.ranges.length - 4} more`] : [];
  return [...shown, ...more, ...(domain.nullAllowed ? ['NULL'] : [])].join(' | ') || 'nothing';
}

/** `1,234 rows`; estimates are whole numbers to a reader. */
function printRows(estimate: number): string {
  const count = Math.round(estimate)
    .toString()
    .replaceAll(/\B(?=(\d{3})+$)/g, ',');
  return `${count} row${count === '1' ? '' : 's'}`;
}
