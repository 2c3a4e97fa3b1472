/** Takes the predicates that read the row outside out of a subquery's plan, so that they can become a join's. */

import type { Expression, Symbol } from '../../sql/expression.ts';
import { BIGINT, BOOLEAN } from '../../types/type.ts';
import { reference } from '../../sql/expression.ts';
import { asSymbols, identity, joinOn, pairOf } from '../columns.ts';
import { and, conjunctsOf, referencesIn } from '../expressions.ts';
import { freeSymbols } from '../free-symbols.ts';
import { FUNCTIONS } from '../../sql/functions/registry.ts';
import { expressionsOf, symbolNames } from '../node-expressions.ts';
import type {
  AggregationNode,
  ApplyNode,
  FilterNode,
  JoinNode,
  LimitNode,
  PlanNode,
  TopNNode,
  WindowNode,
} from '../nodes.ts';
import { outputsOf } from '../nodes.ts';
import type { Allocator } from '../symbols.ts';

/** For each row outside, the subquery's rows are those of `node` for which all of `predicates` hold. */
export type PulledUp = { readonly node: PlanNode; readonly predicates: readonly Expression[] };

/** What the reader of the subquery does not notice. */
export type Indifference = {
  /** How often a row comes: IN and EXISTS ask whether it does. */
  readonly repetitions: boolean;
  /** Which rows come, as long as there is one: EXISTS. */
  readonly limits: boolean;
};

/** Every row counts. */
export const EXACT: Indifference = { repetitions: false, limits: false };

/** `outer`: names of the columns outside. Undefined where the subquery reads them in another way than in a filter. */
export function pullUp(
  node: PlanNode,
  outer: ReadonlySet<string>,
  indifference: Indifference,
  allocator: Allocator,
): PulledUp | undefined {
  return new PullUp(outer, allocator).pull(node, indifference);
}

/** Whether a plan reads any of these columns from outside. */
export function readsOuter(node: PlanNode, outer: ReadonlySet<string>): boolean {
  return [...freeSymbols(node)].some((name) => outer.has(name));
}

/**
 * Whether a subquery also reads rows further out than those of the source that it is applied to. What is left of such a
 * subquery after a rule would still be correlated, as the inner side of a join: a shape that the kernel cannot run.
 */
export function readsBeyond({ source, subquery }: ApplyNode): boolean {
  const near = symbolNames(outputsOf(source));
  return [...freeSymbols(subquery)].some((name) => !near.has(name));
}

class PullUp {
  readonly #outer: ReadonlySet<string>;
  readonly #allocator: Allocator;

  constructor(outer: ReadonlySet<string>, allocator: Allocator) {
    this.#outer = outer;
    this.#allocator = allocator;
  }

  pull(node: PlanNode, mode: Indifference): PulledUp | undefined {
    if (!readsOuter(node, this.#outer)) return { node, predicates: [] };
    switch (node.kind) {
      case 'Filter': {
        const asked = mode.repetitions ? this.#existence(node) : undefined;
        if (asked) return this.pull(asked, mode);
        const below = this.pull(node.source, { ...mode, limits: false });
        if (!below) return undefined;
        const conjuncts = conjunctsOf(node.predicate);
        const inner = conjuncts.filter((conjunct) => !this.#reads([conjunct]));
        const kept: PlanNode =
          inner.length === 0
            ? below.node
            : { kind: 'Filter', id: this.#allocator.newId(), source: below.node, predicate: and(inner) };
        const outer = conjuncts.filter((conjunct) => this.#reads([conjunct]));
        return { node: kept, predicates: [...below.predicates, ...outer] };
      }
      case 'Project': {
        const below = this.#reads(expressionsOf(node)) ? undefined : this.pull(node.source, mode);
        if (!below) return undefined;
        const assigned = symbolNames(node.assignments.map(({ symbol }) => symbol));
        const passed = this.#innerSymbols(below).filter((symbol) => !assigned.has(symbol.name));
        const assignments = [...node.assignments, ...identity(passed)];
        return { node: { ...node, source: below.node, assignments }, predicates: below.predicates };
      }
      case 'Join':
        return this.#join(node, { ...mode, limits: false });
      case 'SemiJoin': {
        const reads = readsOuter(node.filteringSource, this.#outer);
        const below = reads ? undefined : this.pull(node.source, mode);
        return below && { node: { ...node, source: below.node }, predicates: below.predicates };
      }
      case 'Apply': {
        const reads = readsOuter(node.subquery, this.#outer);
        const below = reads ? undefined : this.pull(node.source, { ...mode, limits: false });
        return below && { node: { ...node, source: below.node }, predicates: below.predicates };
      }
      case 'Sort':
        return this.#reads(expressionsOf(node)) ? undefined : this.pull(node.source, mode);
      case 'Aggregation':
        return this.#aggregation(node, mode);
      case 'Window':
        return this.#window(node);
      case 'Limit':
      case 'TopN':
        return this.#limit(node, mode);
      case 'Unnest': {
        const below = this.pull(node.source, { ...mode, limits: false });
        if (!below) return undefined;
        const present = symbolNames(node.replicate);
        const passed = this.#innerSymbols(below).filter((symbol) => !present.has(symbol.name));
        return {
          node: { ...node, source: below.node, replicate: [...node.replicate, ...passed] },
          predicates: below.predicates,
        };
      }
      case 'TableScan':
      case 'Values':
      case 'EnforceSingleRow':
      case 'SetOperation':
      case 'AssignUniqueId':
      case 'Sample':
      case 'RecursiveUnion':
      case 'WorkingTable':
      case 'Exchange':
      case 'RemoteSource':
      case 'Output':
        return undefined;
    }
  }

  #reads(expressions: readonly Expression[]): boolean {
    return expressions.some((expression) => [...referencesIn(expression)].some((name) => this.#outer.has(name)));
  }

  /** The columns of the subquery that its predicates read. */
  #innerSymbols({ node, predicates }: PulledUp): readonly Symbol[] {
    const read = new Set(predicates.flatMap((predicate) => [...referencesIn(predicate)]));
    return outputsOf(node).filter((symbol) => read.has(symbol.name));
  }

  // Filter[mark AND p](Apply exists[mark](x, y)) → Filter[p](x JOIN y), where it does not matter how often a row comes
  #existence(node: FilterNode): PlanNode | undefined {
    const apply = node.source;
    if (apply.kind !== 'Apply' || !readsOuter(apply.subquery, this.#outer)) return undefined;
    const { form, source, subquery } = apply;
    if (form.kind !== 'exists' && form.kind !== 'in') return undefined;
    const conjuncts = conjunctsOf(node.predicate);
    const marks = conjuncts.filter((term) => term.kind === 'Reference' && term.name === form.output.name);
    const rest = conjuncts.filter((term) => !marks.includes(term));
    if (marks.length === 0 || rest.some((term) => referencesIn(term).has(form.output.name))) return undefined;
    const near = symbolNames(outputsOf(source));
    const limits = form.kind === 'exists';
    const pulled = new PullUp(near, this.#allocator).pull(subquery, { repetitions: true, limits });
    if (!pulled) return undefined;
    const equal = form.kind === 'in' ? form.values.map((value, i) => equality(value, form.candidates[i]!)) : [];
    const joined = joinOn(this.#allocator, 'INNER', source, pulled.node, [...pulled.predicates, ...equal]);
    if (rest.length === 0) return joined;
    return { kind: 'Filter', id: this.#allocator.newId(), source: joined, predicate: and(rest) };
  }

  /** Rows that an outer join keeps without a match must not be filtered after it: only the kept side may be pulled. */
  #join(node: JoinNode, mode: Indifference): PulledUp | undefined {
    const leftReads = readsOuter(node.left, this.#outer);
    const rightReads = readsOuter(node.right, this.#outer);
    const terms = node.filter ? conjunctsOf(node.filter) : [];
    const outerTerms = terms.filter((term) => this.#reads([term]));
    if (node.type === 'INNER') {
      const left = this.pull(node.left, mode);
      const right = this.pull(node.right, mode);
      if (!left || !right) return undefined;
      const { filter, ...join } = node;
      const inner = terms.filter((term) => !outerTerms.includes(term));
      return {
        node: {
          ...join,
          left: left.node,
          right: right.node,
          ...(filter && inner.length > 0 && { filter: and(inner) }),
        },
        predicates: [...left.predicates, ...right.predicates, ...outerTerms],
      };
    }
    if (outerTerms.length > 0 || node.type === 'FULL') return undefined;
    if (node.type === 'RIGHT') {
      const right = leftReads ? undefined : this.pull(node.right, mode);
      return right && { node: { ...node, right: right.node }, predicates: right.predicates };
    }
    const left = rightReads ? undefined : this.pull(node.left, mode);
    return left && { node: { ...node, left: left.node }, predicates: left.predicates };
  }

  /** Groups may be told apart by what the predicates compare, if those say only "equal". */
  #aggregation(node: AggregationNode, mode: Indifference): PulledUp | undefined {
    if (node.keys.length === 0 || node.groupingSets || this.#reads(expressionsOf(node))) return undefined;
    if (mode.repetitions && node.aggregations.length === 0) return this.pull(node.source, mode);
    const below = this.pull(node.source, EXACT);
    if (!below) return undefined;
    const equal = this.#compared(below);
    if (!equal) return undefined;
    const present = symbolNames(node.keys);
    const keys = [...node.keys, ...equal.symbols.filter((symbol) => !present.has(symbol.name))];
    return { node: { ...node, source: equal.node, keys }, predicates: equal.predicates };
  }

  #window(node: WindowNode): PulledUp | undefined {
    const below = this.#reads(expressionsOf(node)) ? undefined : this.pull(node.source, EXACT);
    const equal = below && this.#compared(below);
    if (!equal) return undefined;
    const present = symbolNames(node.partitionBy);
    const partitionBy = [...node.partitionBy, ...equal.symbols.filter((symbol) => !present.has(symbol.name))];
    return { node: { ...node, source: equal.node, partitionBy }, predicates: equal.predicates };
  }

  // Limit[n](x) → Filter[row_number ≤ n](Window[partition by what is compared](x))
  #limit(node: LimitNode | TopNNode, mode: Indifference): PulledUp | undefined {
    if (mode.limits && node.count !== '0' && node.offset === '0') return this.pull(node.source, mode);
    const orderBy = node.kind === 'TopN' ? node.orderBy : [];
    const withTies = node.kind === 'TopN' && node.withTies;
    if (this.#reads(orderBy.map((order) => order.expression)) || (withTies && node.offset !== '0')) return undefined;
    const below = this.pull(node.source, EXACT);
    const equal = below && this.#compared(below);
    if (!equal) return undefined;
    const ranking = FUNCTIONS.resolve(withTies ? 'rank' : 'row_number', []);
    const position = this.#allocator.newSymbol('position', BIGINT);
    const window: PlanNode = {
      kind: 'Window',
      id: this.#allocator.newId(),
      source: equal.node,
      partitionBy: equal.symbols,
      orderBy,
      functions: [
        {
          symbol: position,
          call: {
            function: ranking.id,
            type: BIGINT,
            arguments: [],
            ignoreNulls: false,
            distinct: false,
            frame: { unit: 'ROWS', start: { kind: 'UNBOUNDED PRECEDING' }, end: { kind: 'CURRENT ROW' } },
          },
        },
      ],
    };
    const compared = (operator: '>' | '<=', value: bigint): Expression => ({
      kind: 'Comparison',
      type: BOOLEAN,
      operator,
      left: reference(position),
      right: { kind: 'Constant', type: BIGINT, value: String(value) },
    });
    const offset = BigInt(node.offset);
    const bounds = [
      ...(offset > 0n ? [compared('>', offset)] : []),
      ...(node.count === undefined ? [] : [compared('<=', offset + BigInt(node.count))]),
    ];
    const filtered: PlanNode = { kind: 'Filter', id: this.#allocator.newId(), source: window, predicate: and(bounds) };
    return { node: filtered, predicates: equal.predicates };
  }

  /** Columns of the subquery that equal something outside; undefined if a predicate says anything else. */
  #compared({ node, predicates }: PulledUp): (PulledUp & { readonly symbols: readonly Symbol[] }) | undefined {
    return comparedColumns({ node, predicates }, this.#outer, this.#allocator);
  }
}

/** Types whose values may be equal and still be told apart as keys of groups. */
const GROUPED_APART: ReadonlySet<string> = new Set([
  'timestamp with time zone',
  'time with time zone',
  'row',
  'array',
  'map',
  'json',
]);

/** The columns that all predicates set equal to something outside; undefined if one says anything else. */
export function comparedColumns(
  { node, predicates }: PulledUp,
  outer: ReadonlySet<string>,
  allocator: Allocator,
): (PulledUp & { readonly symbols: readonly Symbol[] }) | undefined {
  const inner = symbolNames(outputsOf(node));
  const pairs = predicates.map((predicate) => pairOf(predicate, outer, inner));
  if (pairs.some((pair) => !pair || GROUPED_APART.has(pair.right.type.kind))) return undefined;
  const keys = asSymbols(
    allocator,
    node,
    pairs.flatMap((pair) => pair?.right ?? []),
    'expr',
  );
  const rewritten = pairs.flatMap((pair, i): readonly Expression[] =>
    pair
      ? [{ kind: 'Comparison', type: BOOLEAN, operator: '=', left: pair.left, right: reference(keys.symbols[i]!) }]
      : [],
  );
  const distinct = new Map(keys.symbols.map((symbol) => [symbol.name, symbol]));
  return { node: keys.plan, predicates: rewritten, symbols: [...distinct.values()] };
}

const equality = (left: Symbol, right: Symbol): Expression => ({
  kind: 'Comparison',
  type: BOOLEAN,
  operator: '=',
  left: reference(left),
  right: reference(right),
});
