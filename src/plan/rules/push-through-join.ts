/**
 * Predicates around a join: each goes to the side that it reads, equalities become criteria, an outer join whose padded rows
 * a predicate refuses becomes a stricter one, and what holds for one side's key is asked of the other's too.
 */

import type { Expression, Symbol } from '../../sql/expression.ts';
import { reference } from '../../sql/expression.ts';
import { BOOLEAN } from '../../types/type.ts';
import { and, conjunctsOf, distinctExpressions, expressionKey, readsOnly, referencesIn } from '../expressions.ts';
import { isDeterministicExpression } from '../function-facts.ts';
import { symbolNames } from '../node-expressions.ts';
import type { JoinNode, JoinType, PlanNode } from '../nodes.ts';
import { outputsOf } from '../nodes.ts';
import { rejectsNulls } from '../null-rejection.ts';
import type { RuleContext } from '../rule.ts';
import type { Equality } from './equalities.ts';
import { EqualityClasses, equalityOf, knownPredicates, transferred } from './equalities.ts';

type Push = (node: PlanNode, conjuncts: readonly Expression[], context: RuleContext) => PlanNode;
type Sides = { readonly left: ReadonlySet<string>; readonly right: ReadonlySet<string> };

export function pushThroughJoin(
  node: JoinNode,
  conjuncts: readonly Expression[],
  context: RuleContext,
  push: Push,
): PlanNode {
  const sides = { left: symbolNames(outputsOf(node.left)), right: symbolNames(outputsOf(node.right)) };
  const type = strictest(node.type, conjuncts, sides);
  const parts = type === 'INNER' ? divideInner(node, conjuncts, sides) : divideOuter(node, type, conjuncts, sides);
  const implied = impliedPredicates(node, type, parts, sides);
  const keyed = withCriteria(node, parts.joining, sides, context);
  const left = push(keyed.left, distinctExpressions([...parts.left, ...implied.left]), context);
  const right = push(keyed.right, distinctExpressions([...parts.right, ...implied.right]), context);
  const { filter: _, ...rest } = node;
  const joined: JoinNode = {
    ...rest,
    type,
    left,
    right,
    criteria: keyed.criteria,
    ...(keyed.filter.length > 0 ? { filter: and(keyed.filter) } : {}),
  };
  const kept = isSameJoin(node, joined) ? node : joined;
  if (parts.above.length === 0) return kept;
  return { kind: 'Filter', id: context.newId(), source: kept, predicate: and(parts.above) };
}

const isSameJoin = (a: JoinNode, b: JoinNode): boolean =>
  a.type === b.type &&
  a.left === b.left &&
  a.right === b.right &&
  a.criteria.length === b.criteria.length &&
  (a.filter && expressionKey(a.filter)) === (b.filter && expressionKey(b.filter));

/** An outer join's padded rows are all NULL on one side: when a conjunct above refuses those, they need not be made. */
function strictest(type: JoinType, conjuncts: readonly Expression[], sides: Sides): JoinType {
  const rejects = (side: ReadonlySet<string>): boolean =>
    conjuncts.some((conjunct) => isDeterministicExpression(conjunct) && rejectsNulls(conjunct, side));
  const padsRight = type === 'LEFT' || type === 'FULL';
  const padsLeft = type === 'RIGHT' || type === 'FULL';
  const keepsLeft = padsRight && !rejects(sides.right);
  const keepsRight = padsLeft && !rejects(sides.left);
  if (!padsLeft && !padsRight) return type;
  if (keepsLeft && keepsRight) return 'FULL';
  if (keepsLeft) return 'LEFT';
  return keepsRight ? 'RIGHT' : 'INNER';
}

type Parts = {
  readonly left: readonly Expression[];
  readonly right: readonly Expression[];
  /** Conditions of the join itself, criteria among them. */
  readonly joining: readonly Expression[];
  readonly above: readonly Expression[];
};

/** The same objects each time, so that what was computed of them is found again. */
const criteriaOf = (node: JoinNode): readonly Expression[] => {
  const before = knownCriteria.get(node.criteria);
  if (before) return before;
  const criteria = node.criteria.map(({ left, right }): Expression => ({
    kind: 'Comparison',
    type: BOOLEAN,
    operator: '=',
    left: reference(left),
    right: reference(right),
  }));
  knownCriteria.set(node.criteria, criteria);
  return criteria;
};
const knownCriteria = new WeakMap<JoinNode['criteria'], readonly Expression[]>();

const reads = (conjunct: Expression, names: ReadonlySet<string>): boolean =>
  [...referencesIn(conjunct)].some((name) => names.has(name));

type Side = 'left' | 'right' | 'both' | 'neither';

function sideOf(conjunct: Expression, sides: Sides): Side {
  const left = reads(conjunct, sides.left);
  const right = reads(conjunct, sides.right);
  if (left) return right ? 'both' : 'left';
  return right ? 'right' : 'neither';
}

/** WHERE and ON mean the same to an inner join. */
function divideInner(node: JoinNode, conjuncts: readonly Expression[], sides: Sides): Parts {
  const all = distinctExpressions([...criteriaOf(node), ...conjunctsOf(node.filter), ...conjuncts]);
  const movable = all.filter(isDeterministicExpression);
  const of = (side: Side): readonly Expression[] => movable.filter((conjunct) => sideOf(conjunct, sides) === side);
  const random = all.filter((conjunct) => !movable.includes(conjunct));
  return { left: of('left'), right: of('right'), joining: of('both'), above: [...of('neither'), ...random] };
}

/**
 * A row of a preserved side is yielded whether or not ON holds, so conditions of ON move only into the side that is not
 * preserved; conditions above move only into the side that is, whose columns are never padded.
 */
function divideOuter(node: JoinNode, type: JoinType, conjuncts: readonly Expression[], sides: Sides): Parts {
  const intoLeft: Expression[] = [];
  const intoRight: Expression[] = [];
  const joining: Expression[] = [...criteriaOf(node)];
  const above: Expression[] = [];
  const preservesLeft = type === 'LEFT' || type === 'FULL' || type === 'ANTI';
  const preservesRight = type === 'RIGHT' || type === 'FULL';
  for (const conjunct of conjuncts) {
    const side = isDeterministicExpression(conjunct) ? sideOf(conjunct, sides) : 'both';
    if (side === 'left' && type !== 'RIGHT' && type !== 'FULL') intoLeft.push(conjunct);
    else if (side === 'right' && type === 'RIGHT') intoRight.push(conjunct);
    else above.push(conjunct);
  }
  for (const conjunct of conjunctsOf(node.filter)) {
    const side = isDeterministicExpression(conjunct) ? sideOf(conjunct, sides) : 'both';
    if (side === 'left' && !preservesLeft) intoLeft.push(conjunct);
    else if (side === 'right' && !preservesRight) intoRight.push(conjunct);
    else joining.push(conjunct);
  }
  return { left: intoLeft, right: intoRight, joining: distinctExpressions(joining), above };
}

/** What one side's rows satisfy, the other side's must too to meet them; of a preserved side nothing may be asked. */
function impliedPredicates(
  node: JoinNode,
  type: JoinType,
  parts: Parts,
  sides: Sides,
): { readonly left: readonly Expression[]; readonly right: readonly Expression[] } {
  const equalities = [...parts.joining, ...(type === 'INNER' ? [...parts.left, ...parts.right] : [])]
    .map(equalityOf)
    .filter((equality): equality is Equality => equality !== undefined);
  if (equalities.length === 0) return { left: [], right: [] };
  const classes = new EqualityClasses(equalities);
  const move = (from: readonly Expression[], target: ReadonlySet<string>): readonly Expression[] =>
    from.flatMap((conjunct) => (equalityOf(conjunct) ? [] : (transferred(conjunct, classes, target) ?? [])));
  const ofLeft = [...parts.left, ...knownPredicates(node.left)];
  const ofRight = [...parts.right, ...knownPredicates(node.right)];
  const known = new Set([...ofLeft, ...ofRight].map(expressionKey));
  const news = (moved: readonly Expression[]): readonly Expression[] =>
    moved.filter((conjunct) => !known.has(expressionKey(conjunct)));
  const askLeft = type === 'INNER' || type === 'RIGHT' || type === 'SEMI';
  const askRight = type !== 'RIGHT' && type !== 'FULL';
  return {
    left: askLeft ? news(move(ofRight, sides.left)) : [],
    right: askRight ? news(move(ofLeft, sides.right)) : [],
  };
}

type Keyed = {
  readonly left: PlanNode;
  readonly right: PlanNode;
  readonly criteria: JoinNode['criteria'];
  readonly filter: readonly Expression[];
};

/** Equalities between the sides become criteria; a computed side is first made a column of its own. */
function withCriteria(node: JoinNode, joining: readonly Expression[], sides: Sides, context: RuleContext): Keyed {
  const criteria: { left: Symbol; right: Symbol }[] = [];
  const filter: Expression[] = [];
  const computed = { left: [] as Assigned[], right: [] as Assigned[] };
  const column = (expression: Expression, side: 'left' | 'right'): Symbol => {
    if (expression.kind === 'Reference') return { name: expression.name, type: expression.type };
    const symbol = context.newSymbol('key', expression.type);
    computed[side].push({ symbol, expression });
    return symbol;
  };
  for (const conjunct of joining) {
    const pair = sidesOfEquality(conjunct, sides);
    if (pair) criteria.push({ left: column(pair.left, 'left'), right: column(pair.right, 'right') });
    else filter.push(conjunct);
  }
  const left = withColumns(node.left, computed.left, context);
  return { left, right: withColumns(node.right, computed.right, context), criteria, filter };
}

type Assigned = { readonly symbol: Symbol; readonly expression: Expression };

function withColumns(node: PlanNode, computed: readonly Assigned[], context: RuleContext): PlanNode {
  if (computed.length === 0) return node;
  const kept = outputsOf(node).map((symbol) => ({ symbol, expression: reference(symbol) }));
  return { kind: 'Project', id: context.newId(), source: node, assignments: [...kept, ...computed] };
}

/** `f(left) = g(right)`, turned so that each side reads its own columns only. */
function sidesOfEquality(
  conjunct: Expression,
  sides: Sides,
): { readonly left: Expression; readonly right: Expression } | undefined {
  if (conjunct.kind !== 'Comparison' || conjunct.operator !== '=' || !isDeterministicExpression(conjunct)) {
    return undefined;
  }
  const { left, right } = conjunct;
  if (readsOnly(left, sides.left) && readsOnly(right, sides.right)) return { left, right };
  if (readsOnly(right, sides.left) && readsOnly(left, sides.right)) return { left: right, right: left };
  return undefined;
}
