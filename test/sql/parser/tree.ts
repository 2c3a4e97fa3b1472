/** Syntax trees as short text: `(Comparison = left:a right:1)`. Positions are left out, and so is what is absent or false. */
import type { Expression, Statement } from '../../../src/sql/ast.ts';

const POSITIONS = new Set(['kind', 'location', 'start', 'end']);

export function printTree(tree: Statement | Expression): string {
  return print(tree);
}

function print(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(print).join(' ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = value as Record<string, unknown>;
  switch (fields['kind']) {
    case 'Identifier':
      return fields['quoted'] ? `"${String(fields['value'])}"` : String(fields['value']);
    case 'StringLiteral':
      return `'${String(fields['value'])}'`;
    case 'IntegerLiteral':
    case 'NumericTypeArgument':
      return String(fields['text']);
    default: {
      const kind = typeof fields['kind'] === 'string' ? [fields['kind']] : [];
      const parts = Object.entries(fields).flatMap(([name, field]) => {
        const empty = field === undefined || field === false || (Array.isArray(field) && field.length === 0);
        return empty || POSITIONS.has(name) ? [] : [field === true ? name : `${name}:${print(field)}`];
      });
      return `(${[...kind, ...parts].join(' ')})`;
    }
  }
}

/** The tree without positions, for comparing two. */
export function withoutPositions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPositions);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]) =>
      POSITIONS.has(name) && name !== 'kind' ? [] : [[name, withoutPositions(field)]],
    ),
  );
}
