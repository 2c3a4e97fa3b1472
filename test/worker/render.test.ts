/**
 * Every plan node as kernel SQL, and the rows that the kernel makes of it. `UPDATE=1` writes `render.golden` anew, so that a
 * change of what is rendered is reviewed as a diff.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlanNode } from '../../src/plan/nodes.ts';
import type { AggregateCall, Expression, SortOrder, Symbol, WindowCall } from '../../src/sql/expression.ts';
import { FunctionRegistry } from '../../src/sql/functions/registry.ts';
import type { ConstantValue } from '../../src/types/constant.ts';
import { array, BIGINT, BOOLEAN, DOUBLE, INTEGER, type SqlType, timestampTz, VARCHAR } from '../../src/types/type.ts';
import { SECRET } from '../../src/types/kernel.ts';
import { renderPlan } from '../../src/worker/render/render-plan.ts';
import { ascending, big, compare, count, PlanBuilder, ref, symbolOf } from '../plan/build.ts';
import { openKernel, rowsOf } from '../support/kernel.ts';

let kernel: DuckDBConnection;
beforeAll(async () => {
  kernel = await openKernel();
  for (const [name, rows] of tables) await kernel.run(`CREATE TABLE "${name}" AS ${render(rows)}`);
});
afterAll(() => kernel.closeSync());

const plan = new PlanBuilder();
const registry = new FunctionRegistry();

const render = (node: PlanNode): string =>
  renderPlan(node, {
    expressions: {
      registry,
      query: { timeZone: 'UTC', now: '2024-01-01T00:00:00.000000Z', user: 'test' },
      column: (name) => `"${name}"`,
    },
    scan: (scan, columns) => `SELECT ${columns.map((c) => `"${c.name}"`).join(', ') || '1'} FROM "${scan.table.table}"`,
    remote: (remote) => `SELECT ${remote.symbols.map((symbol) => `"${symbol.name}"`).join(', ')} FROM shuffled`,
    task: 3,
    seed: 42,
  });

const constant = (type: SqlType, value: ConstantValue): Expression => ({ kind: 'Constant', type, value });

/** Tables of the kernel, by name. */
const tables = new Map<string, PlanNode>();

const values = (
  columns: Readonly<Record<string, SqlType>>,
  ...rows: readonly (readonly ConstantValue[])[]
): PlanNode => {
  const symbols = Object.entries(columns).map(([name, type]) => ({ name, type }));
  const cells = rows.map((row) => row.map((value, i) => constant(symbols[i]!.type, value)));
  return { kind: 'Values', id: plan.newId(), symbols, rows: cells };
};

/** A scan of a table with these rows; symbols have the columns' names. */
function table(
  name: string,
  columns: Readonly<Record<string, SqlType>>,
  ...rows: readonly (readonly ConstantValue[])[]
): PlanNode {
  tables.set(name, values(columns, ...rows));
  return {
    ...plan.scan(name, []),
    columns: Object.entries(columns).map(([column, type]) => ({
      symbol: { name: column, type },
      column: { name: column, type },
    })),
  };
}

const a = table('a', { x: BIGINT, s: VARCHAR }, ['1', 'one'], ['2', "t'wo"], ['3', null], [null, 'none']);
const b = table('b', { y: BIGINT, t: VARCHAR }, ['2', 'zwei'], ['3', 'drei'], ['3', 'trois'], [null, 'kein']);
const noRows = table('no_rows', { x: BIGINT, s: VARCHAR });
const doubles = table('doubles', { d: DOUBLE }, ['1.5'], ['NaN'], [null]);
const otherDoubles = table('other_doubles', { e: DOUBLE }, ['1.5'], ['NaN']);
const instants = table(
  'instants',
  { at: timestampTz(3), v: BIGINT },
  ['2020-01-01 00:00:00.000 UTC', '1'],
  ['2020-01-01 00:00:00.000 Europe/Vienna', '2'],
  [null, '3'],
);

const base = { distinct: false, orderBy: [] } as const;
const sum = (name: string): AggregateCall => ({
  ...base,
  function: 'sum(bigint)',
  type: BIGINT,
  arguments: [ref(name)],
});
const frame = { unit: 'RANGE', start: { kind: 'UNBOUNDED PRECEDING' }, end: { kind: 'CURRENT ROW' } } as const;
const window = (call: string, type: SqlType, ...args: readonly Expression[]): WindowCall => ({
  function: call,
  type,
  arguments: args,
  ignoreNulls: false,
  distinct: false,
  frame,
});
const by = (node: PlanNode, ...names: readonly string[]): readonly SortOrder[] =>
  names.map((name) => ascending(symbolOf(node, name)));
const output = (name: string, type: SqlType = BOOLEAN): Symbol => ({ name, type });
const id = (): number => plan.newId();

const logical = (operator: 'AND' | 'OR', ...terms: readonly Expression[]): Expression => ({
  kind: 'Logical',
  type: BOOLEAN,
  operator,
  terms,
});
const call = (name: string, type: SqlType, ...args: readonly Expression[]): Expression => ({
  kind: 'Call',
  type,
  function: name,
  arguments: args,
});

const correlated = plan.filter(b, compare(ref('y'), '=', ref('x')));
const onFirst = (node: PlanNode): readonly Symbol[] => [symbolOf(node, 'y')];
const lists = table(
  'lists',
  {
    n: BIGINT,
    p: array(BIGINT),
    q: { kind: 'map', key: VARCHAR, value: BIGINT },
    r: array({ kind: 'row', fields: [{ type: BIGINT }, { type: VARCHAR }] }),
  },
  ['1', ['10', '20'], [['k', '7']], [['1', 'a']]],
  ['2', [], [], []],
  ['3', null, null, [['2', 'b'], null]],
);
const element = (name: string, type: SqlType = BIGINT): Symbol => ({ name, type });

const CASES: Readonly<Record<string, PlanNode>> = {
  scan: a,
  values: values({ x: BIGINT, s: VARCHAR }, ['1', 'one'], [null, "it's"]),
  'values of one row': values({ x: BIGINT }, ['1']),
  'values without rows': values({ x: BIGINT, s: VARCHAR }),
  'values without columns': { kind: 'Values', id: id(), symbols: [], rows: [[], []] },
  filter: plan.filter(a, compare(ref('x'), '>', big(1))),
  'filter that keeps rows from what may raise': plan.filter(
    a,
    logical(
      'AND',
      compare(call('length(varchar)', BIGINT, ref('s', VARCHAR)), '<', big(0)),
      compare(ref('x'), '>', big(1)),
      compare({ kind: 'Cast', type: BIGINT, argument: ref('s', VARCHAR), safe: false }, '>', big(1)),
      compare(ref('x'), '<', big(9)),
    ),
  ),
  project: plan.project(a, { z: ref('x'), c: constant(VARCHAR, 'c') }),
  'project to no columns': plan.project(a, {}),
  'inner join': plan.join('INNER', a, b, [['x', 'y']]),
  'left join with filter': plan.join(
    'LEFT',
    a,
    b,
    [['x', 'y']],
    compare(ref('t', VARCHAR), '<>', constant(VARCHAR, 'drei')),
  ),
  'right join': plan.join('RIGHT', a, b, [['x', 'y']]),
  'full join': plan.join('FULL', a, b, [['x', 'y']]),
  'semi join': plan.join('SEMI', a, b, [['x', 'y']]),
  'anti join': plan.join('ANTI', a, b, [['x', 'y']]),
  'cross join': plan.join('INNER', plan.limit(plan.sort(a, 'x'), 2), plan.limit(plan.sort(b, 't'), 1), []),
  'NaN joins nothing': plan.join('INNER', doubles, otherDoubles, [['d', 'e']]),
  'mark join': {
    kind: 'SemiJoin',
    id: id(),
    source: a,
    filteringSource: b,
    sourceKeys: [symbolOf(a, 'x')],
    filteringKeys: [symbolOf(b, 'y')],
    output: output('m'),
  },
  'mark join over no candidates': {
    kind: 'SemiJoin',
    id: id(),
    source: a,
    filteringSource: plan.filter(b, compare(ref('y'), '>', big(9))),
    sourceKeys: [symbolOf(a, 'x')],
    filteringKeys: [symbolOf(b, 'y')],
    output: output('m'),
  },
  'mark join of NaN': {
    kind: 'SemiJoin',
    id: id(),
    source: doubles,
    filteringSource: otherDoubles,
    sourceKeys: [symbolOf(doubles, 'd')],
    filteringKeys: [symbolOf(otherDoubles, 'e')],
    output: output('m'),
  },
  'mark join of two columns': {
    kind: 'SemiJoin',
    id: id(),
    source: a,
    filteringSource: table('pairs', { y: BIGINT, t: VARCHAR }, ['1', 'one'], ['2', null], ['7', 'none']),
    sourceKeys: [symbolOf(a, 'x'), symbolOf(a, 's')],
    filteringKeys: [symbolOf(b, 'y'), symbolOf(b, 't')],
    output: output('m'),
  },
  'group by': plan.aggregate(b, ['y'], { c: count() }),
  'aggregate of nothing': plan.aggregate(noRows, [], { c: count(), total: sum('x') }),
  'aggregation without calls': plan.aggregate(noRows, [], {}),
  'group by instants': plan.aggregate(instants, ['at'], { total: sum('v') }),
  'grouping sets': {
    ...plan.aggregate(b, ['y', 't'], { c: count() }),
    groupingSets: [[0, 1], [0], [], []],
    groupId: element('g'),
  },
  'grouping sets over nothing': {
    ...plan.aggregate(noRows, ['x'], { c: count() }),
    groupingSets: [[0], []],
    groupId: element('g'),
  },
  window: {
    kind: 'Window',
    id: id(),
    source: b,
    partitionBy: [symbolOf(b, 'y')],
    orderBy: by(b, 't'),
    functions: [
      { symbol: element('n'), call: window('row_number()', BIGINT) },
      { symbol: element('c'), call: window('count()', BIGINT) },
    ],
  },
  sort: plan.sort(a, 's'),
  'top-n': plan.topN(a, 2, 'x'),
  'top-n with ties': { ...(plan.topN(b, 2, 'y') as PlanNode & { kind: 'TopN' }), withTies: true },
  'top-n with ties and offset': {
    ...(plan.topN(b, 1, 'y') as PlanNode & { kind: 'TopN' }),
    withTies: true,
    offset: '1',
  },
  'limit and offset': {
    kind: 'Limit',
    id: id(),
    source: plan.sort(a, 'x'),
    count: '99999999999999999999',
    offset: '2',
  },
  'offset alone': { kind: 'Limit', id: id(), source: plan.sort(a, 'x'), offset: '3' },
  'single row of none': { kind: 'EnforceSingleRow', id: id(), source: noRows },
  'single row of one': { kind: 'EnforceSingleRow', id: id(), source: plan.limit(plan.sort(a, 'x'), 1) },
  'single row of many': { kind: 'EnforceSingleRow', id: id(), source: a },
  'union all': setOperation('UNION ALL'),
  intersect: setOperation('INTERSECT'),
  'intersect all': setOperation('INTERSECT ALL'),
  except: setOperation('EXCEPT'),
  'except all': setOperation('EXCEPT ALL'),
  unnest: unnest('INNER'),
  'left unnest': unnest('LEFT'),
  'unique ids': { kind: 'AssignUniqueId', id: id(), source: plan.sort(a, 'x'), symbol: element('u') },
  sample: { kind: 'Sample', id: id(), source: a, method: 'BERNOULLI', ratio: 1 },
  'sample of nothing': { kind: 'Sample', id: id(), source: a, method: 'SYSTEM', ratio: 0 },
  lateral: {
    kind: 'Apply',
    id: id(),
    source: a,
    subquery: correlated,
    correlation: [symbolOf(a, 'x')],
    form: { kind: 'lateral', type: 'INNER' },
  },
  'left lateral with filter': {
    kind: 'Apply',
    id: id(),
    source: a,
    subquery: correlated,
    correlation: [symbolOf(a, 'x')],
    form: { kind: 'lateral', type: 'LEFT', filter: compare(ref('t', VARCHAR), '>', ref('s', VARCHAR)) },
  },
  'scalar subquery': {
    kind: 'Apply',
    id: id(),
    source: plan.filter(a, compare(ref('x'), '<', big(3))),
    subquery: correlated,
    correlation: [symbolOf(a, 'x')],
    form: { kind: 'scalar' },
  },
  'scalar subquery of many rows': {
    kind: 'Apply',
    id: id(),
    source: a,
    subquery: correlated,
    correlation: [symbolOf(a, 'x')],
    form: { kind: 'scalar' },
  },
  'scalar subquery that counts': {
    kind: 'Apply',
    id: id(),
    source: a,
    subquery: plan.aggregate(correlated, [], { c: count() }),
    correlation: [symbolOf(a, 'x')],
    form: { kind: 'scalar' },
  },
  exists: {
    kind: 'Apply',
    id: id(),
    source: a,
    subquery: correlated,
    correlation: [symbolOf(a, 'x')],
    form: { kind: 'exists', output: output('m') },
  },
  'correlated in': {
    kind: 'Apply',
    id: id(),
    source: a,
    subquery: plan.filter(b, compare(ref('t', VARCHAR), '>', ref('s', VARCHAR))),
    correlation: [symbolOf(a, 's')],
    form: { kind: 'in', output: output('m'), values: [symbolOf(a, 'x')], candidates: onFirst(b) },
  },
  quantified: {
    kind: 'Apply',
    id: id(),
    source: a,
    subquery: plan.filter(b, {
      kind: 'Not',
      type: BOOLEAN,
      argument: { kind: 'IsNull', type: BOOLEAN, argument: ref('y') },
    }),
    correlation: [],
    form: {
      kind: 'quantified',
      output: output('m'),
      operator: '>=',
      quantifier: 'ALL',
      value: symbolOf(a, 'x'),
      candidate: symbolOf(b, 'y'),
    },
  },
  recursion: recursion(10),
  'recursion too deep': recursion(3),
};

function setOperation(operation: 'UNION ALL' | 'INTERSECT' | 'INTERSECT ALL' | 'EXCEPT' | 'EXCEPT ALL'): PlanNode {
  const left = table('many', { l: BIGINT }, ['1'], ['1'], ['1'], ['2'], [null], [null]);
  const right = table('few', { r: BIGINT }, ['1'], ['1'], [null], ['3']);
  return {
    kind: 'SetOperation',
    id: id(),
    operation,
    sources: [left, right],
    symbols: [element('u')],
    inputs: [[symbolOf(left, 'l')], [symbolOf(right, 'r')]],
  };
}

function unnest(type: 'INNER' | 'LEFT'): PlanNode {
  return {
    kind: 'Unnest',
    id: id(),
    source: lists,
    replicate: [symbolOf(lists, 'n')],
    unnest: [
      { input: symbolOf(lists, 'p'), outputs: [element('pe')] },
      { input: symbolOf(lists, 'q'), outputs: [element('qk', VARCHAR), element('qv')] },
      { input: symbolOf(lists, 'r'), outputs: [element('r0'), element('r1', VARCHAR)] },
    ],
    ordinality: element('o'),
    type,
  };
}

/** Counts to five. */
function recursion(depthMax: number): PlanNode {
  const working: PlanNode = { kind: 'WorkingTable', id: id(), name: 'r', symbols: [element('w', INTEGER)] };
  const filtered = plan.filter(working, compare(ref('w', INTEGER), '<', constant(INTEGER, '5')));
  const next: Expression = {
    kind: 'Call',
    type: INTEGER,
    function: '$add(integer,integer)',
    arguments: [ref('w', INTEGER), constant(INTEGER, '1')],
  };
  const step = plan.project(filtered, { next });
  const initial = values({ i: INTEGER }, ['1']);
  return {
    kind: 'RecursiveUnion',
    id: id(),
    name: 'r',
    symbols: [element('z', INTEGER)],
    initial,
    initialInputs: [symbolOf(initial, 'i')],
    step,
    stepInputs: [symbolOf(step, 'next')],
    depthMax,
  };
}

async function outcome(sql: string): Promise<string> {
  try {
    return (await rowsOf(kernel, sql)).map((row) => JSON.stringify(row)).join('\n');
  } catch (problem) {
    return `error: ${(problem as Error).message.split('\n')[0]}`;
  }
}

/** Rows of nodes without an order stand in the order of their text. */
const sorted = (rows: string): string =>
  rows
    .split('\n')
    .sort((l, r) => (l < r ? -1 : 1))
    .join('\n');

const ORDERED: ReadonlySet<PlanNode['kind']> = new Set(['Sort', 'TopN', 'Limit']);

test('every node', async () => {
  const parts: string[] = [];
  for (const [name, node] of Object.entries(CASES)) {
    const sql = render(node);
    const rows = await outcome(sql);
    parts.push(`# ${name}\n${sql}\n----\n${ORDERED.has(node.kind) ? rows : sorted(rows)}\n`);
  }
  const file = new URL('./render.golden', import.meta.url);
  const actual = parts.join('\n').replaceAll(SECRET, '<secret>');
  if (process.env['UPDATE'] === '1') writeFileSync(file, actual);
  expect(actual).toBe(readFileSync(file, 'utf8'));
});
