/** A second instance of a plan, with node ids and symbols of its own. */

import type { Expression, Symbol } from '../sql/expression.ts';
import { reference } from '../sql/expression.ts';
import { substitute } from './expressions.ts';
import type { PlanNode } from './nodes.ts';
import type { RuleContext } from './rule.ts';

export type PlanCopy = {
  readonly node: PlanNode;
  /** The copy's symbol for each that the original yields, by name. */
  readonly symbols: ReadonlyMap<string, Symbol>;
};

/** Of scans, filters, projections and joins; undefined where something else stands among them. */
export function copyPlan(node: PlanNode, context: RuleContext): PlanCopy | undefined {
  const id = context.newId();
  if (node.kind === 'TableScan') {
    const columns = node.columns.map(({ symbol, column }) => ({ symbol: fresh(symbol, context), column }));
    const symbols = new Map(node.columns.map(({ symbol }, i) => [symbol.name, columns[i]!.symbol]));
    return { node: { ...node, id, columns }, symbols };
  }
  if (node.kind === 'Filter') {
    const source = copyPlan(node.source, context);
    if (!source) return undefined;
    const predicate = renamed(node.predicate, source.symbols);
    return { node: { ...node, id, source: source.node, predicate }, symbols: source.symbols };
  }
  if (node.kind === 'Project') {
    const source = copyPlan(node.source, context);
    if (!source) return undefined;
    const assignments = node.assignments.map(({ symbol, expression }) => ({
      symbol: fresh(symbol, context),
      expression: renamed(expression, source.symbols),
    }));
    const symbols = new Map(node.assignments.map(({ symbol }, i) => [symbol.name, assignments[i]!.symbol]));
    return { node: { ...node, id, source: source.node, assignments }, symbols };
  }
  if (node.kind !== 'Join') return undefined;
  const left = copyPlan(node.left, context);
  const right = copyPlan(node.right, context);
  if (!left || !right) return undefined;
  const both = new Map([...left.symbols, ...right.symbols]);
  const criteria = node.criteria.map((clause) => ({
    left: both.get(clause.left.name)!,
    right: both.get(clause.right.name)!,
  }));
  const filter = node.filter && { filter: renamed(node.filter, both) };
  const symbols = node.type === 'SEMI' || node.type === 'ANTI' ? left.symbols : both;
  return { node: { ...node, id, left: left.node, right: right.node, criteria, ...filter }, symbols };
}

const fresh = ({ name, type }: Symbol, context: RuleContext): Symbol => context.newSymbol(name, type);

const renamed = (expression: Expression, symbols: ReadonlyMap<string, Symbol>): Expression =>
  substitute(expression, new Map([...symbols].map(([name, symbol]) => [name, reference(symbol)])));
