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

/** Bytes of a value as Trino keeps it in memory; 0 for types whose values differ in length. */
export function fixedSize(type: SqlType): number {
  switch (type.kind) {
    case 'boolean':
    case 'tinyint':
    case 'unknown':
      return 1;
    case 'smallint':
      return 2;
    case 'integer':
    case 'real':
    case 'date':
    case 'interval year to month':
      return 4;
    case 'bigint':
    case 'double':
    case 'time':
    case 'interval day to second':
      return 8;
    case 'decimal':
      return type.precision <= 18 ? 8 : 16;
    case 'timestamp':
      return type.precision <= 6 ? 8 : 12;
    case 'time with time zone':
      return type.precision <= 9 ? 8 : 12;
    case 'timestamp with time zone':
      return type.precision <= 3 ? 8 : 12;
    case 'uuid':
    case 'ipaddress':
      return 16;
    case 'varchar':
    case 'char':
    case 'varbinary':
    case 'json':
    case 'array':
    case 'map':
    case 'row':
    case 'function':
      return 0;
  }
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
