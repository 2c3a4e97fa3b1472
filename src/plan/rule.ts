/** What a rule of the optimizer is: a pure function from a plan node to a better one, or to nothing. */

import type { TableStatistics } from '../connectors/connector.ts';
import type { Symbol } from '../sql/expression.ts';
import type { Session } from '../sql/session.ts';
import type { SqlType } from '../types/type.ts';
import type { PlanNode, PlanNodeId, TableReference } from './nodes.ts';

export type Rule = {
  /** Kebab-case, as its file: `push-down-filter`. */
  readonly name: string;
  /**
   * The node to put in this one's place, or undefined where the rule has nothing to say. The new node yields the same rows
   * and at least the columns that its readers use, under the same symbols. Never the same node again: rules run until none
   * changes anything.
   */
  readonly apply: (node: PlanNode, context: RuleContext) => PlanNode | undefined;
};

/** The workers that are there now, as far as planning cares. */
export type ClusterShape = { readonly workers: number; readonly threadsPerWorker: number };

export type RuleContext = {
  readonly newId: () => PlanNodeId;
  /** A symbol not in the plan yet; `hint` is a name, its number is replaced. */
  readonly newSymbol: (hint: string, type: SqlType) => Symbol;
  /** What is known of a scanned table; fetched before the first rule runs. */
  readonly statistics: (table: TableReference) => TableStatistics;
  readonly session: Session;
  readonly cluster: ClusterShape;
};
