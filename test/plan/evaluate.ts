/**
 * Evaluates plans over small tables in plain JavaScript, whole or cut into fragments whose tasks see only their share: the
 * oracle of the optimizer's tests. Knows whole numbers, booleans and NULL, and the functions that the tests use.
 */

import type { DistributedPlan, Fragment } from '../../src/plan/fragment.ts';
import type { ExchangeScope, PlanNode } from '../../src/plan/nodes.ts';
import { outputsOf } from '../../src/plan/nodes.ts';
import type { AggregateCall, Expression, SortOrder, Symbol } from '../../src/sql/expression.ts';

export type Value = bigint | boolean | null;
export type Row = Readonly<Record<string, Value>>;
export type Tables = Readonly<Record<string, readonly Row[]>>;

type Leaves = {
  readonly scan: (table: string, repeated: boolean) => readonly Row[];
  readonly remote: (fragment: number, scope: ExchangeScope) => readonly Row[];
};

/** The query's rows, values in the order of its columns. */
export function evaluate(plan: PlanNode, tables: Tables): readonly (readonly Value[])[] {
  return positional(plan, run(plan, { scan: (table) => tables[table]!, remote: unknownFragment }));
}

function unknownFragment(): never {
  throw new Error('a whole plan reads no fragment');
}

export type Adapt = (
  plan: DistributedPlan,
  finished: ReadonlyMap<number, { readonly rows: number; readonly bytes: number }>,
) => DistributedPlan;

/**
 * Like `evaluate`, with as many tasks a fragment as told; splits are dealt out row by row. `adapt` sees the plan after every
 * stage; `pick` chooses among the stages that can run.
 */
export function evaluateDistributed(
  plan: DistributedPlan,
  tables: Tables,
  tasks: number,
  adapt: Adapt = (same) => same,
  pick: (count: number) => number = (count) => count - 1,
): readonly (readonly Value[])[] {
  // Rows of finished fragments by partition; fragments whose output is not cut have one.
  const outputs = new Map<number, readonly (readonly Row[])[]>();
  const finished = new Map<number, { rows: number; bytes: number }>();
  let current = plan;
  while (!outputs.has(0)) {
    const runnable = current.fragments.filter(
      ({ id, inputs, startsAfter }) =>
        !outputs.has(id) && [...inputs, ...(startsAfter ?? [])].every((input) => outputs.has(input)),
    );
    if (runnable.length === 0) throw new Error('fragments wait for each other');
    const fragment = runnable[pick(runnable.length)]!;
    const rows = tasksOf(fragment, tables, tasks, outputs);
    outputs.set(fragment.id, partitioned(rows, fragment, tasks));
    finished.set(fragment.id, { rows: rows.length, bytes: rows.length * 8 });
    current = adapt(current, finished);
  }
  return positional(current.fragments.find(({ id }) => id === 0)!.root, outputs.get(0)!.flat());
}

function tasksOf(
  fragment: Fragment,
  tables: Tables,
  tasks: number,
  outputs: ReadonlyMap<number, readonly (readonly Row[])[]>,
): readonly Row[] {
  const count = fragment.partitioning === 'single' ? 1 : tasks;
  return Array.from({ length: count }, (_, task) =>
    run(fragment.root, {
      scan: (table, repeated) =>
        fragment.partitioning === 'source' && !repeated
          ? tables[table]!.filter((_row, i) => i % count === task)
          : tables[table]!,
      remote: (id, scope) => {
        const files = outputs.get(id)!;
        return scope.kind === 'repartition' && fragment.partitioning === 'hash' ? files[task]! : files.flat();
      },
    }),
  ).flat();
}

function partitioned(rows: readonly Row[], { output }: Fragment, tasks: number): readonly (readonly Row[])[] {
  if (output?.kind !== 'repartition') return [rows];
  const partitions = Array.from({ length: tasks }, (): Row[] => []);
  for (const [i, row] of rows.entries()) {
    const place = output.keys.length === 0 ? i : hash(output.keys.map((key) => row[key.name]!));
    partitions[place % tasks]!.push(row);
  }
  return partitions;
}

const hash = (values: readonly Value[]): number => {
  let h = 7;
  for (const value of values) h = (h * 31 + (value === null ? 5 : Number(BigInt(value) % 1009n) + 2000)) % 1_000_003;
  return h;
};

function positional(plan: PlanNode, rows: readonly Row[]): readonly (readonly Value[])[] {
  if (plan.kind !== 'Output') throw new Error('a query begins with Output');
  return rows.map((row) => plan.columns.map(({ symbol }) => row[symbol.name]!));
}

function run(node: PlanNode, leaves: Leaves): readonly Row[] {
  const of = (source: PlanNode): readonly Row[] => run(source, leaves);
  switch (node.kind) {
    case 'TableScan':
      return leaves.scan(node.table.table, node.repeated ?? false).map((row) => {
        const entries = node.columns.map(({ symbol, column }) => [symbol.name, row[column.name]!] as const);
        return Object.fromEntries(entries);
      });
    case 'Values':
      return node.rows.map((row) =>
        Object.fromEntries(node.symbols.map((symbol, i) => [symbol.name, compute(row[i]!, {})])),
      );
    case 'RemoteSource':
      return leaves.remote(node.fragment, node.scope);
    case 'Filter':
      return of(node.source).filter((row) => compute(node.predicate, row) === true);
    case 'Project':
      return of(node.source).map((row) =>
        Object.fromEntries(node.assignments.map((a) => [a.symbol.name, compute(a.expression, row)])),
      );
    case 'Join':
      return join(node, of(node.left), of(node.right));
    case 'SemiJoin': {
      const candidates = of(node.filteringSource).map((row) => node.filteringKeys.map((key) => row[key.name]!));
      return of(node.source).map((row) => ({
        ...row,
        [node.output.name]: isIn(
          node.sourceKeys.map((key) => row[key.name]!),
          candidates,
        ),
      }));
    }
    case 'Aggregation':
      return aggregate(node, of(node.source));
    case 'Sort':
      return of(node.source).toSorted((a, b) => compareRows(a, b, node.orderBy));
    case 'TopN': {
      const sorted = of(node.source).toSorted((a, b) => compareRows(a, b, node.orderBy));
      return sorted.slice(Number(node.offset), Number(node.offset) + Number(node.count));
    }
    case 'Limit': {
      const from = Number(node.offset);
      return of(node.source).slice(from, node.count === undefined ? undefined : from + Number(node.count));
    }
    case 'SetOperation':
      return combine(node, node.sources.map(of));
    case 'Exchange':
    case 'Output':
      return of(node.source);
    case 'Window':
    case 'Apply':
    case 'EnforceSingleRow':
    case 'Unnest':
    case 'AssignUniqueId':
    case 'Sample':
    case 'RecursiveUnion':
    case 'WorkingTable':
      throw new Error(`the tests' evaluator does not know ${node.kind}`);
  }
}

function join(node: Extract<PlanNode, { kind: 'Join' }>, left: readonly Row[], right: readonly Row[]): Row[] {
  const matches = (l: Row, r: Row): boolean =>
    node.criteria.every((clause) => equal(l[clause.left.name]!, r[clause.right.name]!) === true) &&
    (!node.filter || compute(node.filter, { ...l, ...r }) === true);
  const found = left.map((l) => right.filter((r) => matches(l, r)));
  if (node.type === 'SEMI') return left.filter((_, i) => found[i]!.length > 0);
  if (node.type === 'ANTI') return left.filter((_, i) => found[i]!.length === 0);
  const rows = left.flatMap((l, i) => found[i]!.map((r) => ({ ...l, ...r })));
  if (node.type === 'LEFT' || node.type === 'FULL') {
    rows.push(...left.filter((_, i) => found[i]!.length === 0).map((l) => ({ ...l, ...nulls(outputsOf(node.right)) })));
  }
  if (node.type === 'RIGHT' || node.type === 'FULL') {
    const matched = new Set(found.flat());
    rows.push(...right.filter((r) => !matched.has(r)).map((r) => ({ ...nulls(outputsOf(node.left)), ...r })));
  }
  return rows;
}

const nulls = (symbols: readonly Symbol[]): Row => Object.fromEntries(symbols.map(({ name }) => [name, null]));

function isIn(values: readonly Value[], candidates: readonly (readonly Value[])[]): Value {
  let unknown = false;
  for (const candidate of candidates) {
    const parts = values.map((value, i) => equal(value, candidate[i]!));
    if (parts.every((part) => part === true)) return true;
    if (!parts.includes(false)) unknown = true;
  }
  return unknown ? null : false;
}

const keyOf = (values: readonly Value[]): string => values.map(String).join(',');

function aggregate(node: Extract<PlanNode, { kind: 'Aggregation' }>, rows: readonly Row[]): Row[] {
  const sets = node.groupingSets ?? [node.keys.map((_, i) => i)];
  return sets.flatMap((set, id) => {
    const groups = new Map<string, { keys: Row; rows: Row[] }>();
    const keysOf = (row: Row | undefined): Row =>
      Object.fromEntries(node.keys.map((key, i) => [key.name, row && set.includes(i) ? row[key.name]! : null]));
    if (set.length === 0) groups.set('', { keys: keysOf(undefined), rows: [] });
    for (const row of rows) {
      const keys = keysOf(row);
      const key = set.length === 0 ? '' : keyOf(Object.values(keys));
      const group = groups.get(key) ?? { keys, rows: [] };
      group.rows.push(row);
      groups.set(key, group);
    }
    return [...groups.values()].map((group) => ({
      ...group.keys,
      ...(node.groupId ? { [node.groupId.name]: BigInt(id) } : {}),
      ...Object.fromEntries(node.aggregations.map(({ symbol, call }) => [symbol.name, total(call, group.rows)])),
    }));
  });
}

function total(call: AggregateCall, all: readonly Row[]): Value {
  const rows = all.filter((row) => !call.filter || compute(call.filter, row) === true);
  if (call.arguments.length === 0) return BigInt(rows.length);
  let values = rows.map((row) => compute(call.arguments[0]!, row)).filter((value) => value !== null);
  if (call.distinct) values = [...new Map(values.map((value) => [String(value), value])).values()];
  const name = call.function.split('(')[0]!.replace('$', '');
  if (name === 'count') return BigInt(values.length);
  if (values.length === 0) return null;
  if (name.startsWith('sum')) return values.reduce((a: bigint, b) => a + BigInt(b), 0n);
  const sorted = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  if (name === 'min') return sorted[0]!;
  if (name === 'max') return sorted.at(-1)!;
  throw new Error(`the tests' evaluator does not know ${call.function}`);
}

function combine(
  node: Extract<PlanNode, { kind: 'SetOperation' }>,
  sources: readonly (readonly Row[])[],
): readonly Row[] {
  const aligned = sources.map((rows, s) =>
    rows.map((row) => node.symbols.map((_, i) => row[node.inputs[s]![i]!.name]!)),
  );
  const named = (values: readonly Value[]): Row =>
    Object.fromEntries(node.symbols.map((symbol, i) => [symbol.name, values[i]!]));
  if (node.operation === 'UNION ALL') return aligned.flat().map(named);
  const counts = aligned.map((rows) => {
    const byKey = new Map<string, number>();
    for (const row of rows) byKey.set(keyOf(row), (byKey.get(keyOf(row)) ?? 0) + 1);
    return byKey;
  });
  const all = node.operation.endsWith('ALL');
  const first = new Map(aligned[0]!.map((row) => [keyOf(row), row]));
  return [...first].flatMap(([key, row]) => {
    const ns = counts.map((byKey) => byKey.get(key) ?? 0);
    const [head = 0, ...tail] = ns;
    const times = node.operation.startsWith('INTERSECT')
      ? Math.min(...ns)
      : all
        ? Math.max(
            tail.reduce((a, b) => Math.max(a - b, 0), head),
            0,
          )
        : tail.every((n) => n === 0)
          ? head
          : 0;
    return Array.from({ length: all ? times : Math.min(times, 1) }, () => named(row));
  });
}

function compareRows(a: Row, b: Row, orderBy: readonly SortOrder[]): number {
  for (const { expression, descending, nullsFirst } of orderBy) {
    const [x, y] = [compute(expression, a), compute(expression, b)];
    if (x === y) continue;
    if (x === null || y === null) return (x === null) === nullsFirst ? -1 : 1;
    return x < y === descending ? 1 : -1;
  }
  return 0;
}

const equal = (a: Value, b: Value): Value => (a === null || b === null ? null : a === b);

function compute(expression: Expression, row: Row): Value {
  const of = (part: Expression): Value => compute(part, row);
  switch (expression.kind) {
    case 'Constant': {
      const { value } = expression;
      if (value === null || typeof value === 'boolean') return value;
      if (typeof value === 'string') return BigInt(value);
      throw new Error('the tests have whole numbers only');
    }
    case 'Reference': {
      const value = row[expression.name];
      if (value === undefined) throw new Error(`no column ${expression.name} among ${Object.keys(row).join(', ')}`);
      return value;
    }
    case 'Comparison':
      return comparison(expression.operator, of(expression.left), of(expression.right));
    case 'Between':
      return and3([
        comparison('>=', of(expression.value), of(expression.low)),
        comparison('<=', of(expression.value), of(expression.high)),
      ]);
    case 'In':
      return or3(expression.list.map((item) => equal(of(expression.value), of(item))));
    case 'Logical':
      return expression.operator === 'AND' ? and3(expression.terms.map(of)) : or3(expression.terms.map(of));
    case 'Not':
      return not3(of(expression.argument));
    case 'IsNull':
      return of(expression.argument) === null;
    case 'Coalesce':
      return expression.arguments.map(of).find((value) => value !== null) ?? null;
    case 'Call': {
      const [a, b] = expression.arguments.map(of);
      if (a === null || b === null) return null;
      if (expression.function.startsWith('$add')) return (a as bigint) + (b as bigint);
      throw new Error(`the tests' evaluator does not know ${expression.function}`);
    }
    case 'Cast':
    case 'Case':
    case 'Switch':
    case 'NullIf':
    case 'Try':
    case 'Row':
    case 'Array':
    case 'Field':
    case 'Lambda':
      throw new Error(`the tests' evaluator does not know ${expression.kind}`);
  }
}

function comparison(operator: string, a: Value, b: Value): Value {
  if (operator === 'IS DISTINCT FROM') return a !== b;
  if (a === null || b === null) return null;
  if (operator === '=') return a === b;
  if (operator === '<>') return a !== b;
  if (operator === '<') return a < b;
  if (operator === '<=') return a <= b;
  return operator === '>' ? a > b : a >= b;
}

const not3 = (value: Value): Value => (value === null ? null : value !== true);
const and3 = (values: readonly Value[]): Value =>
  values.includes(false) ? false : values.includes(null) ? null : true;
const or3 = (values: readonly Value[]): Value => (values.includes(true) ? true : values.includes(null) ? null : false);
