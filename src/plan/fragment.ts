/** A fragment: the part of a plan between exchanges, run as a stage of one or more tasks. */

import type { Symbol } from '../sql/expression.ts';
import type { ExchangeScope, PlanNode } from './nodes.ts';

export type Fragment = {
  /** Unique within a query; the root is 0. */
  readonly id: number;
  readonly root: PlanNode;
  /**
   * How many tasks run it, and what each reads:
   * - `source`: as many as its splits make (bounded by size), at least one; each reads some splits, and all of its broadcast
   *   inputs and repeated scans;
   * - `hash`: one a partition of its repartitioned inputs (all of them cut into the same number), and broadcast inputs and
   *   repeated scans whole;
   * - `single`: exactly one, reading everything.
   */
  readonly partitioning: 'source' | 'hash' | 'single';
  /** Where its rows go; absent at the root, whose rows are the result. */
  readonly output?: ExchangeScope;
  readonly outputSymbols: readonly Symbol[];
  /** Fragments whose output it reads. */
  readonly inputs: readonly number[];
  /** Fragments that it does not read, but whose exact size may spare it a shuffle: it starts when they have ended. */
  readonly startsAfter?: readonly number[];
  /**
   * False when two runs over the same input may differ (LIMIT without order, ranking over ties, floating sums, random(),
   * sampling): output lost after it was read then forces every reader to run again.
   */
  readonly deterministic: boolean;
  /** At the root: the rows' order is part of the answer. */
  readonly ordered: boolean;
  /** Why it is distributed so, for EXPLAIN: `broadcast: build side about 25 rows`. */
  readonly reason: string;
  /** Estimated rows of its output, when known. */
  readonly estimatedRows?: number;
};

/** A whole query, cut: `fragments[0]` is the root, and inputs stand behind their readers. */
export type DistributedPlan = {
  readonly fragments: readonly Fragment[];
  readonly columns: readonly { readonly name: string; readonly symbol: Symbol }[];
};
