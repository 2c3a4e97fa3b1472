/** The rules in the order in which they run, each group with the reason why it stands there. */

import type { Rule } from '../rule.ts';
import { aggregateBelowOuterJoin } from './aggregate-below-outer-join.ts';
import { chooseBuildSides } from './choose-build-sides.ts';
import { constrainScans } from './constrain-scans.ts';
import { decorrelate } from './decorrelate.ts';
import { deriveSidePredicates } from './derive-side-predicates.ts';
import { emptyInputs } from './empty-inputs.ts';
import { dropUnseenSort, limitOfNothing, limitOverLimit, limitOverSort, limitThroughProject } from './limits.ts';
import { dropIdentityProject, mergeProjects, pullProjectAboveJoin } from './projects.ts';
import { pruneColumns } from './prune-columns.ts';
import { pushDownPredicates } from './push-down-predicates.ts';
import { reorderJoins } from './reorder-joins.ts';
import { semiJoinToJoin } from './semi-join-to-join.ts';
import { dropTrueFilter, simplifyExpressions } from './simplify-expressions.ts';

export type RuleGroup = {
  readonly rules: readonly Rule[];
  readonly because: string;
  /** One pass over the whole plan: what it finds does not get better by looking again. */
  readonly once?: true;
};

const TIDY: readonly Rule[] = [
  simplifyExpressions,
  dropTrueFilter,
  emptyInputs,
  dropIdentityProject,
  mergeProjects,
  pullProjectAboveJoin,
  limitOfNothing,
  limitOverSort,
  limitThroughProject,
  limitOverLimit,
  dropUnseenSort,
];

export const RULES: readonly RuleGroup[] = [
  {
    because: 'every subquery that can be a join is one before anything else looks at the plan',
    rules: [decorrelate],
    once: true,
  },
  {
    because: 'the shapes that people and the logical planner write become the few that later rules look for',
    rules: [...TIDY, semiJoinToJoin],
  },
  {
    because: 'filters reach the joins and scans before anything is estimated; what they turn up is tidied at once',
    rules: [pushDownPredicates, ...TIDY, semiJoinToJoin],
  },
  {
    because:
      'joins hold all conditions between their sides now, and what these say of one side counts for the order of joins',
    rules: [deriveSidePredicates],
    once: true,
  },
  {
    because: 'derived filters go to their scans; what they turn up is tidied at once',
    rules: [pushDownPredicates, ...TIDY, semiJoinToJoin],
  },
  {
    because: 'columns that only dropped nodes read are gone before widths count for the order of joins',
    rules: [pruneColumns, dropIdentityProject],
  },
  {
    because: 'everything that tells how many rows a relation has stands below the joins now',
    rules: [reorderJoins],
    once: true,
  },
  {
    because: 'a new order of joins finds new places for what holds between their keys',
    rules: [pushDownPredicates, ...TIDY],
  },
  {
    because: 'columns that only a dropped projection passed on are not carried through joins',
    rules: [pruneColumns, dropIdentityProject],
  },
  {
    because: 'filters stand on their scans for good',
    rules: [constrainScans, emptyInputs],
  },
  {
    because: 'what groups a join by one of its sides is told only when columns and filters have found their places',
    rules: [aggregateBelowOuterJoin],
    once: true,
  },
  {
    because: 'sides are compared once nothing changes their rows any more',
    rules: [chooseBuildSides],
    once: true,
  },
];
