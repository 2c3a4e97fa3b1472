/** From a logical plan to the plan that runs: rules in their order, then exchanges, then fragments. */

import type { Metadata } from '../catalog/metadata.ts';
import type { TableStatistics } from '../connectors/connector.ts';
import type { Session } from '../sql/session.ts';
import { addExchanges } from './add-exchanges.ts';
import type { DistributedPlan } from './fragment.ts';
import { checkFragments } from './fragment-checker.ts';
import { fragmentPlan } from './fragmenter.ts';
import type { OutputNode, PlanNode, PlanNodeId, TableReference } from './nodes.ts';
import { sourcesOf } from './nodes.ts';
import { checkPlan } from './plan-checker.ts';
import type { ClusterShape, RuleContext } from './rule.ts';
import { RULES } from './rules/index.ts';
import { pruneColumns } from './rules/prune-columns.ts';
import { runRules } from './run-rules.ts';
import { shareFragments } from './share-fragments.ts';
import { smallness } from './small-input.ts';
import { orderStages } from './stage-order.ts';
import { estimatorFor } from './statistics.ts';
import { allocatorFor } from './symbols.ts';

export type OptimizerEnvironment = {
  readonly session: Session;
  readonly metadata: Metadata;
  readonly cluster: ClusterShape;
  /** Checks the plan after every round of rules, not only at the end: for tests. */
  readonly checkEachStep?: boolean;
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
  const ruled = applyRules(root, context, environment.checkEachStep ?? false);
  const estimator = estimatorFor(context);
  const { ofWhole, ofPart, isRepeatable } = smallness(context, estimator);
  const whole = ofWhole(ruled.source);
  const placed: OutputNode =
    whole === undefined
      ? narrowed(addExchanges(ruled, { context, estimator, isSmall: ofPart, isRepeatable }), context)
      : { ...ruled, placement: { partitioning: 'single', reason: whole } };
  checkPlan(placed, 'add-exchanges');
  const estimatedRows = new Map<PlanNodeId, number>();
  const note = (node: PlanNode): void => {
    const rows = estimator.rows(node);
    if (rows !== undefined) estimatedRows.set(node.id, rows);
    sourcesOf(node).forEach(note);
  };
  note(placed);
  const plan = orderStages(shareFragments(fragmentPlan(placed, estimatedRows), context.newId));
  checkFragments(plan, 'fragmentPlan');
  return { root: placed, plan, estimatedRows };
}

/** The plan that one worker would run: rules without exchanges. */
function applyRules(root: OutputNode, context: RuleContext, checkEachStep: boolean): OutputNode {
  let current = root;
  for (const { rules, once } of RULES) {
    current = runRules(current, rules, context, {
      ...(once ? { rounds: 1 } : {}),
      onChange: (plan, names) => {
        if (checkEachStep) checkPlan(plan, names.join(', '));
      },
    });
  }
  return current;
}

/** Exchanges move only what is read above them. */
function narrowed(root: OutputNode, context: RuleContext): OutputNode {
  return runRules(root, [pruneColumns], context);
}

/** Statistics are fetched before the first rule, so that rules need not wait. */
async function contextFor(root: OutputNode, environment: OptimizerEnvironment): Promise<RuleContext> {
  const { session, metadata, cluster } = environment;
  const wanted = new Map<string, TableReference>();
  const visit = (node: PlanNode): void => {
    if (node.kind === 'TableScan') wanted.set(keyOf(node.table), node.table);
    sourcesOf(node).forEach(visit);
  };
  visit(root);
  const fetched = new Map(
    await Promise.all([...wanted].map(async ([key, table]) => [key, await fetchStatistics(table, metadata)] as const)),
  );
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
