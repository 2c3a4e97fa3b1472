/** From a logical plan to the plan that runs: rules in their order, then exchanges, then fragments. */

import type { TableStatistics } from '../connectors/connector.ts';
import type { Metadata } from '../catalog/metadata.ts';
import type { Session } from '../sql/session.ts';
import { addExchanges } from './add-exchanges.ts';
import type { DistributedPlan } from './fragment.ts';
import { fragmentPlan } from './fragmenter.ts';
import type { OutputNode, PlanNode, PlanNodeId, TableReference } from './nodes.ts';
import { sourcesOf } from './nodes.ts';
import { checkPlan } from './plan-checker.ts';
import type { ClusterShape, RuleContext } from './rule.ts';
import { smallness } from './small-input.ts';
import { estimatorFor } from './statistics.ts';
import { allocatorFor } from './symbols.ts';

export type OptimizerEnvironment = {
  readonly session: Session;
  readonly metadata: Metadata;
  readonly cluster: ClusterShape;
};

export type OptimizedQuery = {
  /** With exchanges. */
  readonly root: OutputNode;
  readonly plan: DistributedPlan;
  /** Rows that nodes are thought to yield, by node id, for EXPLAIN. */
  readonly estimatedRows: ReadonlyMap<PlanNodeId, number>;
};

export async function optimize(root: OutputNode, environment: OptimizerEnvironment): Promise<OptimizedQuery> {
  const context = await contextFor(root, environment);
  checkPlan(root, 'the logical planner');
  const estimator = estimatorFor(context);
  const isSmall = smallness(context, estimator);
  const whole = isSmall(root.source);
  const placed: OutputNode =
    whole === undefined
      ? addExchanges(root, { context, estimator, isSmall })
      : { ...root, placement: { partitioning: 'single', reason: whole } };
  checkPlan(placed, 'add-exchanges');
  const estimatedRows = new Map<PlanNodeId, number>();
  const note = (node: PlanNode): void => {
    const rows = estimator.rows(node);
    if (rows !== undefined) estimatedRows.set(node.id, rows);
    sourcesOf(node).forEach(note);
  };
  note(placed);
  return { root: placed, plan: fragmentPlan(placed, estimatedRows), estimatedRows };
}

/** Statistics are fetched before the first rule, so that rules need not wait. */
async function contextFor(root: OutputNode, environment: OptimizerEnvironment): Promise<RuleContext> {
  const { session, metadata, cluster } = environment;
  const known = new Map<string, Promise<TableStatistics>>();
  const visit = (node: PlanNode): void => {
    if (node.kind === 'TableScan' && !known.has(keyOf(node.table))) {
      known.set(keyOf(node.table), fetchStatistics(node.table, metadata));
    }
    sourcesOf(node).forEach(visit);
  };
  visit(root);
  const fetched = new Map<string, TableStatistics>();
  for (const [key, statistics] of known) fetched.set(key, await statistics);
  return {
    ...allocatorFor(root),
    statistics: (table) => fetched.get(keyOf(table)) ?? { columns: {} },
    session,
    cluster,
  };
}

const keyOf = ({ catalog, schema, table }: TableReference): string => JSON.stringify([catalog, schema, table]);

async function fetchStatistics(reference: TableReference, metadata: Metadata): Promise<TableStatistics> {
  const table = await metadata.table(reference);
  return table ? metadata.statistics(table) : { columns: {} };
}
