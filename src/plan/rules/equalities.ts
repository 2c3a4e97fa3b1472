/** Columns that are equal in every row, and what follows from that for predicates over them. */

import type { Expression, Symbol } from '../../sql/expression.ts';
import { reference } from '../../sql/expression.ts';
import { conjunctsOf, referencesIn, substitute } from '../expressions.ts';
import { isDeterministicExpression } from '../function-facts.ts';
import { mayRaise } from '../../sql/may-raise.ts';
import type { PlanNode } from '../nodes.ts';

export type Equality = { readonly left: Symbol; readonly right: Symbol };

/** `a = b` between two columns of one type. */
export function equalityOf(conjunct: Expression): Equality | undefined {
  if (conjunct.kind !== 'Comparison' || conjunct.operator !== '=') return undefined;
  const { left, right } = conjunct;
  if (left.kind !== 'Reference' || right.kind !== 'Reference' || left.name === right.name) return undefined;
  return { left: { name: left.name, type: left.type }, right: { name: right.name, type: right.type } };
}

/**
 * Types whose equal values are the same value in every function. Equal doubles may differ by their sign of zero, equal zoned
 * timestamps by their zone, so nothing is inferred from those.
 */
const INTERCHANGEABLE: ReadonlySet<string> = new Set([
  'boolean',
  'tinyint',
  'smallint',
  'integer',
  'bigint',
  'decimal',
  'varchar',
  'date',
  'time',
  'timestamp',
  'uuid',
  'ipaddress',
]);

/** Classes of columns, united by equalities. */
export class EqualityClasses {
  readonly #symbols = new Map<string, Symbol>();
  readonly #parents = new Map<string, string>();

  constructor(equalities: readonly Equality[]) {
    for (const { left, right } of equalities) {
      if (!INTERCHANGEABLE.has(left.type.kind)) continue;
      this.#symbols.set(left.name, left).set(right.name, right);
      this.#parents.set(this.#rootOf(left.name), this.#rootOf(right.name));
    }
  }

  /** All columns equal to `name`, itself among them. */
  classOf(name: string): readonly Symbol[] {
    const root = this.#rootOf(name);
    return [...this.#symbols.values()].filter((symbol) => this.#rootOf(symbol.name) === root);
  }

  classes(): readonly (readonly Symbol[])[] {
    const byRoot = new Map<string, Symbol[]>();
    for (const symbol of this.#symbols.values()) {
      const root = this.#rootOf(symbol.name);
      byRoot.set(root, [...(byRoot.get(root) ?? []), symbol]);
    }
    return [...byRoot.values()];
  }

  #rootOf(name: string): string {
    let root = name;
    for (let parent = this.#parents.get(root); parent !== undefined && parent !== root;) {
      root = parent;
      parent = this.#parents.get(root);
    }
    return root;
  }
}

/**
 * The same predicate over columns of `target` that equal its own, or undefined where one has no equal there. One that may fail
 * stays where it is: rows that meet none over here are not to be asked.
 */
export function transferred(
  conjunct: Expression,
  classes: EqualityClasses,
  target: ReadonlySet<string>,
): Expression | undefined {
  if (!isDeterministicExpression(conjunct) || mayRaise(conjunct)) return undefined;
  const replacements = new Map<string, Expression>();
  for (const name of referencesIn(conjunct)) {
    const equal = classes.classOf(name).find((symbol) => target.has(symbol.name));
    if (!equal) return undefined;
    replacements.set(name, reference(equal));
  }
  return replacements.size === 0 ? undefined : substitute(conjunct, replacements);
}

/** Predicates that hold for every row a node yields, over its columns, as far as its own filters tell. */
export function knownPredicates(node: PlanNode): readonly Expression[] {
  switch (node.kind) {
    case 'Filter':
      return [...conjunctsOf(node.predicate).filter(isDeterministicExpression), ...knownPredicates(node.source)];
    case 'Project': {
      const renamed = new Map<string, Expression>();
      for (const { symbol, expression } of node.assignments) {
        if (expression.kind === 'Reference') renamed.set(expression.name, reference(symbol));
      }
      return over(knownPredicates(node.source), new Set(renamed.keys())).map((known) => substitute(known, renamed));
    }
    case 'Aggregation':
      return node.groupingSets || node.keys.length === 0
        ? []
        : over(knownPredicates(node.source), new Set(node.keys.map((key) => key.name)));
    case 'Join':
      if (node.type === 'INNER') return [...knownPredicates(node.left), ...knownPredicates(node.right)];
      return node.type === 'LEFT' || node.type === 'SEMI' || node.type === 'ANTI' ? knownPredicates(node.left) : [];
    case 'SemiJoin':
    case 'Window':
    case 'Sort':
    case 'TopN':
    case 'Limit':
    case 'AssignUniqueId':
    case 'Sample':
    case 'Exchange':
      return knownPredicates(node.source);
    case 'TableScan':
    case 'Values':
    case 'Apply':
    case 'EnforceSingleRow':
    case 'SetOperation':
    case 'Unnest':
    case 'RecursiveUnion':
    case 'WorkingTable':
    case 'RemoteSource':
    case 'Output':
      return [];
  }
}

const over = (predicates: readonly Expression[], names: ReadonlySet<string>): readonly Expression[] =>
  predicates.filter((predicate) => [...referencesIn(predicate)].every((name) => names.has(name)));
