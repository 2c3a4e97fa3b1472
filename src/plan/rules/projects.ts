/** Projections that only pass columns on, or stand on each other, stand in the way of other rules. */

import type { Expression } from '../../sql/expression.ts';
import { reference } from '../../sql/expression.ts';
import { childrenOf } from '../../sql/expression.ts';
import { referencesIn, substitute } from '../expressions.ts';
import { isDeterministicExpression } from '../function-facts.ts';
import type { Assignment, JoinNode, PlanNode, ProjectNode } from '../nodes.ts';
import { outputsOf } from '../nodes.ts';
import type { Rule } from '../rule.ts';

const passesOn = ({ symbol, expression }: Assignment): boolean =>
  expression.kind === 'Reference' && expression.name === symbol.name;

// Project[a := a](x) → x: readers name the columns they want
export const dropIdentityProject: Rule = {
  name: 'drop-identity-project',
  apply: (node) => (node.kind === 'Project' && node.assignments.every(passesOn) ? node.source : undefined),
};

// Project(Project(x)) → Project(x), where nothing is computed twice for it
export const mergeProjects: Rule = {
  name: 'merge-projects',
  apply: (node) => {
    if (node.kind !== 'Project' || node.source.kind !== 'Project') return undefined;
    const inner = node.source;
    const uses = new Map<string, number>();
    for (const { expression } of node.assignments) countUses(expression, uses);
    const mergeable = inner.assignments.every(
      ({ symbol, expression }) =>
        isCheap(expression) || (isDeterministicExpression(expression) && (uses.get(symbol.name) ?? 0) <= 1),
    );
    if (!mergeable) return undefined;
    const replacements = new Map(inner.assignments.map(({ symbol, expression }) => [symbol.name, expression]));
    const assignments = node.assignments.map(({ symbol, expression }) => ({
      symbol,
      expression: substitute(expression, replacements),
    }));
    return { ...node, source: inner.source, assignments };
  },
};

const isCheap = (expression: Expression): boolean => expression.kind === 'Reference' || expression.kind === 'Constant';

/** References under a lambda are evaluated once an element: they count as many. */
function countUses(expression: Expression, uses: Map<string, number>): void {
  if (expression.kind === 'Reference') uses.set(expression.name, (uses.get(expression.name) ?? 0) + 1);
  else if (expression.kind === 'Lambda') {
    for (const name of referencesIn(expression)) uses.set(name, (uses.get(name) ?? 0) + 2);
  } else for (const part of childrenOf(expression)) countUses(part, uses);
}

// Project(x) INNER JOIN y → Project(x INNER JOIN y), so that joins meet and can be ordered together
export const pullProjectAboveJoin: Rule = {
  name: 'pull-project-above-join',
  apply: (node, context) => {
    if (node.kind !== 'Join' || node.type !== 'INNER') return undefined;
    for (const side of ['left', 'right'] as const) {
      const project = node[side];
      if (project.kind !== 'Project' || !holdsInnerJoin(project.source)) continue;
      const joined = withoutProject(node, project, side);
      if (!joined) continue;
      const other = outputsOf(node[side === 'left' ? 'right' : 'left']);
      const kept = other.map((symbol) => ({ symbol, expression: reference(symbol) }));
      return { kind: 'Project', id: context.newId(), source: joined, assignments: [...project.assignments, ...kept] };
    }
    return undefined;
  },
};

const holdsInnerJoin = (node: PlanNode): boolean =>
  node.kind === 'Filter' ? holdsInnerJoin(node.source) : node.kind === 'Join' && node.type === 'INNER';

function withoutProject(node: JoinNode, project: ProjectNode, side: 'left' | 'right'): JoinNode | undefined {
  if (!project.assignments.every(({ expression }) => isDeterministicExpression(expression))) return undefined;
  const replacements = new Map(project.assignments.map(({ symbol, expression }) => [symbol.name, expression]));
  const criteria: { left: JoinNode['criteria'][number]['left']; right: JoinNode['criteria'][number]['left'] }[] = [];
  for (const clause of node.criteria) {
    const key = replacements.get(clause[side].name);
    if (key?.kind !== 'Reference') return undefined;
    criteria.push({ ...clause, [side]: { name: key.name, type: key.type } });
  }
  const filter = node.filter && substitute(node.filter, replacements);
  return { ...node, [side]: project.source, criteria, ...(filter ? { filter } : {}) };
}
