/**
 * AND and OR from left to right, as Trino evaluates them: a term that may end the query sees no row that a term before it has
 * decided. The kernel computes all terms over all rows, or in an order of its own; from what stands in a branch of CASE it
 * keeps the rows of other branches.
 */

import { childrenOf, type Expression } from '../expression.ts';
import { mayRaise } from '../may-raise.ts';

type Operator = 'AND' | 'OR';

export type LogicalTools = {
  readonly render: (expression: Expression) => string;
  /** Evaluates `sql` once, as a name that `body` may repeat. */
  readonly name: (sql: string, body: (name: string) => string) => string;
  /** Whether `sql` may stand twice instead. */
  readonly mayRepeat: (sql: string) => boolean;
};

/** With SQL's three values. */
export function renderLogical(operator: Operator, terms: readonly Expression[], tools: LogicalTools): string {
  if (terms.length === 0) return operator === 'AND' ? 'true' : 'false';
  return inOrder(
    operator,
    stepsOf(terms).map((step) => chain(operator, step.map(tools.render))),
    tools,
  );
}

/** `steps`, in kernel SQL, each evaluated only where those before it do not decide. */
export function inOrder(operator: Operator, steps: readonly string[], tools: LogicalTools): string {
  return after([], steps);

  /** Guards have been looked at: they do not decide, yet one of them may be NULL. */
  function after(guards: readonly string[], rest: readonly string[]): string {
    if (rest.length === 1) return chain(operator, [...guards, rest[0]!]);
    const asked = rest.slice(0, -1);
    const named = asked.findIndex((sql) => !tools.mayRepeat(sql));
    const plain = named < 0 ? asked : asked.slice(0, named);
    const others = rest.slice(plain.length);
    const known = [...guards, ...plain];
    const decided =
      named < 0
        ? after(known, others)
        : tools.name(others[0]!, (name) => deciding([name], after([...known, name], others.slice(1))));
    return deciding(plain, decided);
  }

  function deciding(guards: readonly string[], otherwise: string): string {
    if (guards.length === 0) return otherwise;
    const whens = guards.map((guard) =>
      operator === 'AND' ? `WHEN NOT ${guard} THEN false` : `WHEN ${guard} THEN true`,
    );
    return `CASE ${whens.join(' ')} ELSE ${otherwise} END`;
  }
}

/**
 * The conjuncts of a filter, where NULL counts as false. What scans can use, such as a column compared with a constant, stands
 * plainly too: such conjuncts cost little, and the kernel may apply them in any order.
 */
export function renderConjuncts(conjuncts: readonly Expression[], tools: LogicalTools): string {
  const render = (conjunct: Expression): string => {
    const sql = tools.render(conjunct);
    const isLong = conjunct.kind === 'Logical' && conjunct.terms.length > OPEN_TERMS_MAX;
    return isLong ? `CASE WHEN ${sql} THEN true END` : sql;
  };
  const last = conjuncts.findLastIndex(mayRaise);
  if (last <= 0) return conjuncts.map(render).join(' AND ');
  const guards = stepsOf(conjuncts.slice(0, last)).map((step) => chain('AND', step.map(render)));
  const whens = guards.map((guard) => `WHEN ${guard} IS NOT TRUE THEN false`);
  const guarded = `CASE ${whens.join(' ')} ELSE ${render(conjuncts[last]!)} END`;
  const plain = conjuncts.filter((conjunct, i) => i > last || (isBare(conjunct) && !mayRaise(conjunct)));
  return [...plain.map(render), guarded].join(' AND ');
}

/** In the OR of a filter the kernel looks for common parts, which takes it seconds when there are a thousand terms. */
const OPEN_TERMS_MAX = 50;

/** Each step begins with a term that may raise, but for the first. */
function stepsOf(terms: readonly Expression[]): readonly (readonly Expression[])[] {
  const steps: Expression[][] = [];
  for (const term of terms) {
    const step = steps.at(-1);
    if (!step || mayRaise(term)) steps.push([term]);
    else step.push(term);
  }
  return steps;
}

/** Columns and constants compared. */
function isBare(expression: Expression): boolean {
  switch (expression.kind) {
    case 'Constant':
    case 'Reference':
      return true;
    case 'Cast':
    case 'Comparison':
    case 'Between':
    case 'In':
    case 'Not':
    case 'IsNull':
      return childrenOf(expression).every(isBare);
    case 'Call':
    case 'Logical':
    case 'Case':
    case 'Switch':
    case 'Coalesce':
    case 'NullIf':
    case 'Try':
    case 'Row':
    case 'Array':
    case 'Field':
    case 'Lambda':
      return false;
  }
}

const chain = (operator: Operator, terms: readonly string[]): string =>
  terms.length === 1 ? terms[0]! : `(${terms.join(` ${operator} `)})`;
