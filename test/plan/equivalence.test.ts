/** Random plans mean the same before and after optimisation, on one task and cut over several. */
import { array, assert, asyncProperty, integer, nat } from 'fast-check';
import { test } from 'vitest';
import type { OutputNode, PlanNode } from '../../src/plan/nodes.ts';
import { outputsOf, sourcesOf, withSources } from '../../src/plan/nodes.ts';
import { optimize } from '../../src/plan/optimizer.ts';
import { printDistributedPlan, printPlan } from '../../src/plan/print-plan.ts';
import { rowsAtMost } from '../../src/plan/rows-at-most.ts';
import type { AggregateCall, ComparisonOperator, Expression, Symbol } from '../../src/sql/expression.ts';
import { reference } from '../../src/sql/expression.ts';
import { BIGINT, BOOLEAN } from '../../src/types/type.ts';
import { adapt } from '../../src/plan/adapt.ts';
import type { FragmentResult } from '../../src/plan/fragment-edits.ts';
import { ascending, big, compare, fakeMetadata, PlanBuilder, session } from './build.ts';
import { type Adapt, evaluate, evaluateDistributed, type Row, type Tables, type Value } from './evaluate.ts';

/** Draws choices from a list of numbers that fast-check makes and shrinks. */
class Choices {
  private at = 0;
  private readonly numbers: readonly number[];

  constructor(numbers: readonly number[]) {
    this.numbers = numbers;
  }

  below(bound: number): number {
    const number = this.numbers[this.at % this.numbers.length] ?? 0;
    this.at += 1;
    return number % bound;
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}

const COLUMNS = ['a', 'b', 'c'];

/** Scans as so many rows of which nothing else is told. */
function withKnownTables(node: PlanNode, tables: Tables): PlanNode {
  if (node.kind === 'TableScan') {
    const rows = tables[node.table.table]!.map(() => []);
    return { kind: 'Values', id: node.id, symbols: outputsOf(node), rows };
  }
  return withSources(
    node,
    sourcesOf(node).map((source) => withKnownTables(source, tables)),
  );
}

function randomPlan(choices: Choices, b: PlanBuilder, depth: number): PlanNode {
  const again = (): PlanNode => randomPlan(choices, b, depth - 1);
  if (depth === 0) return scan(choices, b);
  switch (choices.below(11)) {
    case 0:
    case 1: {
      const source = again();
      return b.filter(source, condition(choices, numbersOf(source), 2));
    }
    case 2:
    case 3:
    case 4:
    case 5: {
      const [left, right] = [again(), again()];
      const type = choices.of(['INNER', 'INNER', 'LEFT', 'RIGHT', 'FULL', 'SEMI', 'ANTI'] as const);
      const on = Array.from(
        { length: choices.below(3) },
        () => [choices.of(numbersOf(left)).name, choices.of(numbersOf(right)).name] as const,
      );
      const both = [...numbersOf(left), ...numbersOf(right)];
      const filter = choices.below(3) === 0 ? condition(choices, both, 1) : undefined;
      return b.join(type, left, right, on, filter);
    }
    case 6: {
      const source = again();
      const keys = numbersOf(source).filter(() => choices.below(2) === 0);
      const calls: Record<string, AggregateCall> = {};
      for (let i = choices.below(3); i > 0; i--) {
        const [id, distinct] = choices.of([
          ['count(T)', false],
          ['count(T)', true],
          ['sum(bigint)', false],
          ['sum(bigint)', true],
          ['min(T)', false],
        ] as const);
        const argument = reference(choices.of(numbersOf(source)));
        calls[`agg${b.newId()}`] = { function: id, type: BIGINT, arguments: [argument], distinct, orderBy: [] };
      }
      if (keys.length + Object.keys(calls).length === 0) return source;
      return b.aggregate(
        source,
        keys.map(({ name }) => name),
        calls,
      );
    }
    case 7: {
      const source = again();
      const assignments: Record<string, Expression> = {};
      for (const symbol of numbersOf(source)) {
        const changed = choices.below(3);
        if (changed === 0) assignments[`p${b.newId()}`] = reference(symbol);
        else if (changed === 1) {
          assignments[`p${b.newId()}`] = {
            kind: 'Call',
            type: BIGINT,
            function: '$add(bigint,bigint)',
            arguments: [reference(symbol), big(1)],
          };
        } else assignments[symbol.name] = reference(symbol);
      }
      return b.project(source, assignments);
    }
    case 8: {
      const sources = [again(), again()];
      const width = Math.min(...sources.map((source) => numbersOf(source).length));
      const operation = choices.of(['UNION ALL', 'INTERSECT', 'EXCEPT', 'INTERSECT ALL', 'EXCEPT ALL'] as const);
      return {
        kind: 'SetOperation',
        id: b.newId(),
        operation,
        sources,
        symbols: Array.from({ length: width }, () => ({ name: `u${b.newId()}`, type: BIGINT })),
        inputs: sources.map((source) => numbersOf(source).slice(0, width)),
      };
    }
    case 9: {
      const [source, filteringSource] = [again(), again()];
      const output = { name: `mark${b.newId()}`, type: BOOLEAN };
      const mark: PlanNode = {
        kind: 'SemiJoin',
        id: b.newId(),
        source,
        filteringSource,
        sourceKeys: [choices.of(numbersOf(source))],
        filteringKeys: [choices.of(numbersOf(filteringSource))],
        output,
      };
      const marked = reference(output);
      return b.filter(mark, choices.of([marked, { kind: 'Not', type: BOOLEAN, argument: marked } as const]));
    }
    default: {
      const source = again();
      const orderBy = numbersOf(source).map(ascending);
      return {
        kind: 'TopN',
        id: b.newId(),
        source,
        orderBy,
        count: '4',
        offset: `${choices.below(2)}`,
        withTies: false,
      };
    }
  }
}

/** Groups over several joins by different keys: what adaptive plans take apart and put together. */
function joinChain(choices: Choices, b: PlanBuilder, joins: number): PlanNode {
  let plan = scan(choices, b);
  for (let i = 0; i < joins; i++) {
    const other = scan(choices, b);
    const on = [[choices.of(numbersOf(plan)).name, choices.of(numbersOf(other)).name] as const];
    plan = b.join(choices.of(['INNER', 'INNER', 'LEFT', 'RIGHT', 'SEMI', 'ANTI'] as const), plan, other, on);
  }
  const argument = reference(choices.of(numbersOf(plan)));
  const key = choices.of(numbersOf(plan)).name;
  const call: AggregateCall = {
    function: 'count(T)',
    type: BIGINT,
    arguments: [argument],
    distinct: false,
    orderBy: [],
  };
  return b.aggregate(plan, [key], { [`chained${b.newId()}`]: call });
}

function scan(choices: Choices, b: PlanBuilder): PlanNode {
  const node = b.scan(choices.of(['t', 's', 'e']), COLUMNS);
  const columns = node.columns.map(({ column }) => ({
    column,
    symbol: { name: `${column.name}${node.id}`, type: BIGINT },
  }));
  return { ...node, columns };
}

const numbersOf = (node: PlanNode): readonly Symbol[] => outputsOf(node).filter(({ type }) => type.kind === 'bigint');

function condition(choices: Choices, symbols: readonly Symbol[], depth: number): Expression {
  const column = (): Expression => reference(choices.of(symbols));
  const inner = (): Expression => condition(choices, symbols, depth - 1);
  if (depth > 0) {
    const shape = choices.below(6);
    if (shape === 0) return { kind: 'Logical', type: BOOLEAN, operator: 'OR', terms: [inner(), inner()] };
    if (shape <= 2) return { kind: 'Logical', type: BOOLEAN, operator: 'AND', terms: [inner(), inner()] };
    if (shape === 3) return { kind: 'Not', type: BOOLEAN, argument: inner() };
  }
  const operator = choices.of<ComparisonOperator>(['=', '=', '<>', '<', '>=', 'IS DISTINCT FROM']);
  switch (choices.below(5)) {
    case 0:
      return { kind: 'IsNull', type: BOOLEAN, argument: column() };
    case 1:
      return compare(column(), operator, column());
    case 2:
      return { kind: 'In', type: BOOLEAN, value: column(), list: [big(choices.below(4)), big(choices.of([1, null]))] };
    case 3:
      return compare({ kind: 'Coalesce', type: BIGINT, arguments: [column(), big(2)] }, operator, big(2));
    default:
      return compare(column(), operator, big(choices.of([0, 1, 2, 3, null])));
  }
}

function randomTables(choices: Choices): Tables {
  const value = (): Value => choices.of([0n, 1n, 1n, 2n, 3n, null]);
  const rows = (count: number): Row[] =>
    Array.from({ length: count }, () => Object.fromEntries(COLUMNS.map((name) => [name, value()])));
  return { t: rows(7), s: rows(4), e: rows(choices.below(2)) };
}

const sorted = (rows: readonly (readonly Value[])[]): readonly string[] =>
  rows.map((row) => row.map(String).join(' ')).toSorted();

/** Estimates steer the search for orders and distributions: any must give right rows. */
const STATISTICS = [
  { t: { rows: 7, columns: {} }, s: { rows: 4, columns: {} }, e: { rows: 1, columns: {} } },
  { t: { rows: 1e7, columns: {} }, s: { rows: 1e6, columns: {} }, e: { rows: 10, columns: {} } },
  { t: { rows: 1e7, columns: {} }, s: { rows: 50_000, columns: {} }, e: { rows: 10, columns: {} } },
  { t: { columns: {} }, s: { columns: {} }, e: { rows: 1e9, columns: {} } },
];

const TOLD_ROWS = [5, 400_000, 5, 30_000_000];

const PROPERTIES: readonly Record<string, string>[] = [
  {},
  { distribution: 'NONE' },
  { distribution: 'FORCED' },
  { distribution: 'FORCED', join_distribution_type: 'PARTITIONED' },
  { distribution: 'FORCED', join_distribution_type: 'BROADCAST' },
];

test('random plans keep their meaning', { timeout: 120_000 }, async () => {
  const property = asyncProperty(
    array(nat(1000), { minLength: 20, maxLength: 80 }),
    integer({ min: 1, max: 4 }),
    nat(STATISTICS.length - 1),
    async (numbers, depth, statistics) => {
      const choices = new Choices(numbers);
      const tables = randomTables(choices);
      const b = new PlanBuilder();
      const source = choices.below(3) === 0 ? joinChain(choices, b, depth) : randomPlan(choices, b, depth);
      const plan: OutputNode = b.output(source, ...numbersOf(source).map(({ name }) => name));
      const expected = sorted(evaluate(plan, tables));
      if (expected.length > rowsAtMost(withKnownTables(plan, tables))) {
        throw new Error(`${expected.length} rows, more than rowsAtMost says of\n${printPlan(plan)}`);
      }
      for (const properties of PROPERTIES) {
        const optimized = await optimize(plan, {
          session: session(properties),
          metadata: fakeMetadata(STATISTICS[statistics]!),
          cluster: { workers: 3, threadsPerWorker: 1 },
          checkEachStep: true,
        });
        const cluster = { workers: 3, threadsPerWorker: 1 };
        const seed = choices.below(1000);
        const told = (id: number): FragmentResult => ({
          rows: TOLD_ROWS[(id * 7 + seed) % TOLD_ROWS.length]!,
          bytes: 100,
        });
        const runs: readonly Adapt[] = [
          (same) => same,
          (before, finished) => adapt(before, finished, cluster, new Set(finished.keys())),
          // Adapting must be right whatever the sizes: here they are made up.
          (before, finished) =>
            adapt(before, new Map([...finished.keys()].map((id) => [id, told(id)])), cluster, new Set(finished.keys())),
        ];
        for (const [run, adapted] of runs.entries()) {
          const rows = evaluateDistributed(optimized.plan, tables, 3, adapted, (count) => choices.below(count));
          const actual = sorted(rows);
          if (actual.join('\n') === expected.join('\n')) continue;
          const plans = `${printPlan(plan)}\n${printDistributedPlan(optimized.plan)}`;
          const difference = `expected\n${expected.join('\n')}\nfound\n${actual.join('\n')}`;
          throw new Error(
            `${JSON.stringify(properties)}${['', ' adapted', ' adapted to made-up sizes'][run]}\n${plans}\n${difference}`,
          );
        }
      }
    },
  );
  await assert(property, { numRuns: Number(process.env['FUZZ_RUNS'] ?? 120) });
});
