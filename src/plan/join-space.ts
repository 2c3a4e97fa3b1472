/** What the search for a join order needs to know of sets of relations: their links, rows and costs. */

import type { Expression, Symbol } from '../sql/expression.ts';
import { reference } from '../sql/expression.ts';
import { BOOLEAN } from '../types/type.ts';
import { and, referencesIn } from './expressions.ts';
import type { JoinGraph } from './join-graph.ts';
import { joined } from './join-statistics.ts';
import type { JoinNode, PlanNode } from './nodes.ts';
import { outputsOf } from './nodes.ts';
import { rowsAtMost } from './rows-at-most.ts';
import type { RuleContext } from './rule.ts';
import { EqualityClasses, equalityOf } from './rules/equalities.ts';
import { filtered } from './selectivity.ts';
import type { Estimator, PlanStatistics } from './statistics.ts';

/** A plan for a set of relations and semi joins. */
export type Part = {
  /** Bits of relations first, then of semi joins. */
  readonly mask: number;
  readonly statistics: PlanStatistics;
  readonly rows: number;
  /** Roughly the rows handled, weighed. */
  readonly cost: number;
  /** Surely one row at most. */
  readonly isScalar: boolean;
  readonly made:
    | { readonly kind: 'relation'; readonly node: PlanNode }
    | { readonly kind: 'join'; readonly left: Part; readonly right: Part }
    | { readonly kind: 'reduce'; readonly source: Part; readonly reducer: number };
};

/** Rows of a relation of which nobody knows how many it has. */
const UNKNOWN_ROWS = 100_000;
/** Weights of a row: put into a hash table, looked up in one, passed on. */
const BUILD = 2.5;
const PROBE = 1;
const PASS = 0.6;
/** A pair compared without a hash table. */
const PAIR = 0.2;
/** Rows of a hash table that stays in the processor's cache; beyond, each doubling makes a lookup dearer. */
const CACHED_ROWS = 60_000;

type Conditions = { readonly criteria: JoinNode['criteria']; readonly filter: readonly Expression[] };

/** A predicate and the relations that it reads. */
type Edge = { readonly mask: number; readonly predicate: Expression };

export class JoinSpace {
  readonly size: number;
  readonly #graph: JoinGraph;
  readonly #context: RuleContext;
  readonly #estimator: Estimator;
  readonly #leaves: readonly Part[];
  readonly #relationOf: ReadonlyMap<string, number>;
  readonly #classes: readonly (readonly Symbol[])[];
  readonly #classMasks: readonly number[];
  /** Predicates that are not equalities of a class. */
  readonly #edges: readonly Edge[];
  readonly #needs: readonly number[];
  readonly #statistics = new Map<number, PlanStatistics>();
  /** Predicates that read no relation: constants and columns around a subquery. */
  readonly #outer: readonly Expression[];

  constructor(graph: JoinGraph, estimator: Estimator, context: RuleContext) {
    this.#graph = graph;
    this.#context = context;
    this.#estimator = estimator;
    const { relations, reducers, predicates } = graph;
    this.size = relations.length + reducers.length;
    const relationOf = new Map<string, number>();
    for (const [i, relation] of relations.entries())
      for (const { name } of outputsOf(relation)) relationOf.set(name, i);
    this.#relationOf = relationOf;

    const equalities = predicates.flatMap((predicate) => equalityOf(predicate) ?? []);
    const united = new EqualityClasses(
      equalities.filter(({ left, right }) => relationOf.has(left.name) && relationOf.has(right.name)),
    );
    this.#classes = united.classes();
    this.#classMasks = this.#classes.map((symbols) => symbols.reduce((mask, s) => mask | this.#bitOf(s.name), 0));
    const inClass = new Set(this.#classes.flat().map(({ name }) => name));
    const rest = predicates.filter((predicate) => {
      const equality = equalityOf(predicate);
      return !equality || !inClass.has(equality.left.name) || !inClass.has(equality.right.name);
    });
    const edges = rest.map((predicate) => ({ mask: this.#maskOf(predicate), predicate }));
    this.#edges = edges.filter(({ mask }) => mask !== 0);
    this.#outer = edges.filter(({ mask }) => mask === 0).map(({ predicate }) => predicate);
    this.#needs = reducers.map(
      ({ criteria, filter }) =>
        criteria.reduce((mask, { left }) => mask | this.#bitOf(left.name), 0) | (filter ? this.#maskOf(filter) : 0),
    );
    this.#leaves = relations.map((relation, i) => this.#leafOf(relation, i));
  }

  leaves(): Part[] {
    return [...this.#leaves];
  }

  leaf(mask: number): Part | undefined {
    return this.#leaves.find((part) => part.mask === mask);
  }

  reducers(): readonly number[] {
    return this.#graph.reducers.map((_, i) => this.#graph.relations.length + i);
  }

  reducersIn(mask: number): readonly number[] {
    return this.reducers().filter((bit) => (mask & (1 << bit)) !== 0);
  }

  isApplicable(reducer: number, part: Part): boolean {
    const needs = this.#needs[reducer - this.#graph.relations.length]!;
    return (part.mask & needs) === needs;
  }

  /** Whether something must hold between the two; one row joins with anything. */
  areLinked(a: Part, b: Part): boolean {
    if (this.#classMasks.some((mask) => (mask & a.mask) !== 0 && (mask & b.mask) !== 0)) return true;
    if (a.isScalar || b.isScalar) return true;
    return this.#crossing(a.mask, b.mask).length > 0;
  }

  joined(probe: Part, build: Part): Part {
    const mask = probe.mask | build.mask;
    const { criteria, filter } = this.#conditions(probe.mask, build.mask);
    const statistics = this.#remember(mask, () =>
      joined('INNER', criteria, filter.length > 0 ? and(filter) : undefined, probe.statistics, build.statistics),
    );
    const rows = statistics.rows ?? UNKNOWN_ROWS;
    const work =
      criteria.length > 0
        ? build.rows * BUILD + probe.rows * lookup(build.rows) + rows * PASS
        : probe.rows * build.rows * PAIR + build.rows * BUILD + rows * PASS;
    return {
      mask,
      statistics,
      rows,
      cost: probe.cost + build.cost + work,
      isScalar: probe.isScalar && build.isScalar,
      made: { kind: 'join', left: probe, right: build },
    };
  }

  reduced(source: Part, reducer: number): Part | undefined {
    if (!this.isApplicable(reducer, source)) return undefined;
    const { type, right, criteria, filter } = this.#graph.reducers[reducer - this.#graph.relations.length]!;
    const mask = source.mask | (1 << reducer);
    const rightStatistics = this.#estimator.statistics(right);
    const statistics = this.#remember(mask, () => joined(type, criteria, filter, source.statistics, rightStatistics));
    const rows = statistics.rows ?? source.rows;
    const rightRows = rightStatistics.rows ?? UNKNOWN_ROWS;
    // The kernel builds on whichever side is smaller.
    const [build, probe] = source.rows < rightRows ? [source.rows, rightRows] : [rightRows, source.rows];
    const work = build * BUILD + probe * lookup(build) + rows * PASS;
    return {
      mask,
      statistics,
      rows,
      cost: source.cost + work,
      isScalar: source.isScalar,
      made: { kind: 'reduce', source, reducer },
    };
  }

  build(part: Part): PlanNode {
    const node = this.#build(part);
    if (this.#outer.length === 0) return node;
    return { kind: 'Filter', id: this.#context.newId(), source: node, predicate: and(this.#outer) };
  }

  #build({ made }: Part): PlanNode {
    const id = this.#context.newId();
    switch (made.kind) {
      case 'relation':
        return made.node;
      case 'reduce': {
        const { type, right, criteria, filter } = this.#graph.reducers[made.reducer - this.#graph.relations.length]!;
        const left = this.#build(made.source);
        return { kind: 'Join', id, type, left, right, criteria, ...(filter ? { filter } : {}) };
      }
      case 'join': {
        const { criteria, filter } = this.#conditions(made.left.mask, made.right.mask);
        const [left, right] = [this.#build(made.left), this.#build(made.right)];
        return {
          kind: 'Join',
          id,
          type: 'INNER',
          left,
          right,
          criteria,
          ...(filter.length > 0 ? { filter: and(filter) } : {}),
        };
      }
    }
  }

  /** Whatever the order, a set has the same rows: estimated once, so that orders compare by their costs alone. */
  #remember(mask: number, estimate: () => PlanStatistics): PlanStatistics {
    const before = this.#statistics.get(mask);
    if (before) return before;
    const statistics = estimate();
    this.#statistics.set(mask, statistics);
    return statistics;
  }

  /** Columns of one class within one relation are equal too, which no join says: a filter does. */
  #leafOf(relation: PlanNode, index: number): Part {
    const mask = 1 << index;
    const within = this.#classes.flatMap((symbols) => {
      const [first, ...others] = symbols.filter(({ name }) => this.#relationOf.get(name) === index);
      return first ? others.map((other) => equality(first, other)) : [];
    });
    const own = [...within, ...this.#edges.filter((edge) => edge.mask === mask).map(({ predicate }) => predicate)];
    const node: PlanNode =
      own.length === 0
        ? relation
        : { kind: 'Filter', id: this.#context.newId(), source: relation, predicate: and(own) };
    const known = this.#estimator.statistics(relation);
    const rows = known.rows ?? UNKNOWN_ROWS;
    const statistics = filtered({ rows, symbols: known.symbols }, own.length > 0 ? and(own) : undefined);
    return {
      mask,
      statistics,
      rows: statistics.rows ?? rows,
      cost: 0,
      isScalar: rowsAtMost(relation) <= 1,
      made: { kind: 'relation', node },
    };
  }

  #conditions(left: number, right: number): Conditions {
    const criteria: { left: Symbol; right: Symbol }[] = [];
    for (const [i, symbols] of this.#classes.entries()) {
      const mask = this.#classMasks[i]!;
      if ((mask & left) === 0 || (mask & right) === 0) continue;
      const of = (side: number): Symbol => symbols.find(({ name }) => (this.#bitOf(name) & side) !== 0)!;
      criteria.push({ left: of(left), right: of(right) });
    }
    const filter: Expression[] = [];
    for (const { predicate } of this.#crossing(left, right)) {
      const equal = equalityOf(predicate);
      const l = equal && this.#bitOf(equal.left.name);
      const r = equal && this.#bitOf(equal.right.name);
      if (equal && l && r && (l & left) !== 0 && (r & right) !== 0) criteria.push(equal);
      else if (equal && l && r && (l & right) !== 0 && (r & left) !== 0) {
        criteria.push({ left: equal.right, right: equal.left });
      } else filter.push(predicate);
    }
    return { criteria, filter };
  }

  /** Predicates that can be asked once the two sets are together, and not before. */
  #crossing(left: number, right: number): readonly Edge[] {
    const both = left | right;
    return this.#edges.filter(
      ({ mask }) => (mask & both) === mask && (mask & left) !== mask && (mask & right) !== mask,
    );
  }

  #bitOf(name: string): number {
    const relation = this.#relationOf.get(name);
    return relation === undefined ? 0 : 1 << relation;
  }

  #maskOf(predicate: Expression): number {
    let mask = 0;
    for (const name of referencesIn(predicate)) mask |= this.#bitOf(name);
    return mask;
  }
}

const equality = (left: Symbol, right: Symbol): Expression => ({
  kind: 'Comparison',
  type: BOOLEAN,
  operator: '=',
  left: reference(left),
  right: reference(right),
});

const lookup = (buildRows: number): number =>
  PROBE * (1 + 0.25 * Math.max(0, Math.log2(Math.max(buildRows, 1) / CACHED_ROWS)));
