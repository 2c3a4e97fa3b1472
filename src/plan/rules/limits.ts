/** Limits meet what they limit: sorts become top-N, limits below limits merge, and sorts nobody sees go. */

import type { PlanNode } from '../nodes.ts';
import { outputsOf, sourcesOf, withSources } from '../nodes.ts';
import type { Rule } from '../rule.ts';

// Limit(Sort(x)) → TopN(x); Limit(Project(Sort(x))) → Project(TopN(x))
export const limitOverSort: Rule = {
  name: 'limit-over-sort',
  apply: (node) => {
    if (node.kind !== 'Limit' || node.count === undefined) return undefined;
    const { source, count, offset, id } = node;
    if (source.kind === 'Sort') {
      return { kind: 'TopN', id, source: source.source, orderBy: source.orderBy, count, offset, withTies: false };
    }
    return undefined;
  },
};

// Limit(Project(x)) → Project(Limit(x)): fewer rows to compute, and a Sort below may become a TopN
export const limitThroughProject: Rule = {
  name: 'limit-through-project',
  apply: (node) => {
    if (node.kind !== 'Limit' || node.source.kind !== 'Project') return undefined;
    const project = node.source;
    return { ...project, source: { ...node, source: project.source } };
  },
};

// Limit(Limit(x)) → Limit(x); Limit(TopN(x)) → TopN(x)
export const limitOverLimit: Rule = {
  name: 'limit-over-limit',
  apply: (node) => {
    if (node.kind !== 'Limit') return undefined;
    const inner = node.source;
    if (inner.kind !== 'Limit' && !(inner.kind === 'TopN' && !inner.withTies)) return undefined;
    const offset = BigInt(node.offset);
    const left = inner.count === undefined ? undefined : atLeastZero(BigInt(inner.count) - offset);
    const count = smaller(node.count === undefined ? undefined : BigInt(node.count), left);
    const merged = { ...inner, offset: (BigInt(inner.offset) + offset).toString() };
    return count === undefined ? merged : { ...merged, count: count.toString() };
  },
};

const atLeastZero = (value: bigint): bigint => (value < 0n ? 0n : value);

function smaller(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}

// Limit 0 → no rows
export const limitOfNothing: Rule = {
  name: 'limit-of-nothing',
  apply: (node) => {
    if ((node.kind !== 'Limit' && node.kind !== 'TopN') || node.count !== '0') return undefined;
    return { kind: 'Values', id: node.id, symbols: outputsOf(node), rows: [] };
  },
};

/**
 * Nodes that see no order in their input, so that a Sort below does nothing. Aggregates and windows to which order matters
 * carry their own ORDER BY: a subquery's order means nothing to them.
 */
const ORDERLESS: ReadonlySet<PlanNode['kind']> = new Set([
  'Aggregation',
  'AssignUniqueId',
  'EnforceSingleRow',
  'Join',
  'Sample',
  'SemiJoin',
  'SetOperation',
  'Sort',
  'TopN',
  'Window',
]);

// Join(Sort(x), y) → Join(x, y)
export const dropUnseenSort: Rule = {
  name: 'drop-unseen-sort',
  apply: (node) => {
    if (!ORDERLESS.has(node.kind)) return undefined;
    const next = withSources(node, sourcesOf(node).map(unsorted));
    return next === node ? undefined : next;
  },
};

function unsorted(node: PlanNode): PlanNode {
  if (node.kind === 'Sort') return unsorted(node.source);
  if (node.kind === 'Project' || node.kind === 'Filter') return withSources(node, [unsorted(node.source)]);
  return node;
}
