/** DESCRIBE INPUT and DESCRIBE OUTPUT: what a prepared statement needs for each `?`, and which columns it gives. */

import { BIGINT, type SqlType, UNKNOWN } from '../../types/type.ts';
import type * as ast from '../ast.ts';
import type { Expression } from '../expression.ts';

type Placeholder = Extract<Expression, { kind: 'Constant' }>;

/** Each `?` of a statement, by position, with the type that its place alone demands. */
export function parametersOf(statement: ast.Statement): readonly (SqlType | undefined)[] {
  const types: (SqlType | undefined)[] = [];
  visit(statement, (node) => {
    if (isParameter(node)) types[node.position] ??= undefined;
    const isCount = 'kind' in node && (node.kind === 'Limit' || node.kind === 'FetchFirst' || node.kind === 'Offset');
    if (isCount && 'count' in node && isObject(node.count) && isParameter(node.count)) {
      types[node.count.position] = BIGINT;
    }
  });
  return types;
}

/** Stands for a `?` without a value: a NULL that takes any type. */
export const placeholder = (position: number): Placeholder => ({
  kind: 'Constant',
  type: UNKNOWN,
  value: null,
  parameter: position,
});

/** What the placeholders in an analyzed statement were taken as. */
export function placeholderTypes(analyzed: object): ReadonlyMap<number, SqlType> {
  const types = new Map<number, SqlType>();
  visit(analyzed, (node) => {
    if (isPlaceholder(node) && node.type.kind !== 'unknown') types.set(node.parameter, node.type);
  });
  return types;
}

function visit(root: object, on: (node: object) => void): void {
  const seen = new Set<object>();
  const walk = (node: unknown): void => {
    if (!isObject(node) || seen.has(node)) return;
    seen.add(node);
    on(node);
    const inner: Iterable<unknown> = node instanceof Map ? node.values() : Object.values(node);
    for (const child of inner) walk(child);
  };
  walk(root);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const isParameter = (node: object): node is ast.Parameter => 'kind' in node && node.kind === 'Parameter';
const isPlaceholder = (node: object): node is Placeholder & { readonly parameter: number } =>
  'kind' in node && node.kind === 'Constant' && 'parameter' in node;
