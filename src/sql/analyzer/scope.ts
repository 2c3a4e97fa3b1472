/** What a name can mean at one place of a statement: the columns in sight, innermost first, and the WITH queries. */

import type * as ast from '../ast.ts';
import { nearest, QueryError, type SourceLocation } from '../../common/errors.ts';
import type { Symbol } from '../expression.ts';
import type { AnalyzedRelation } from './analysis.ts';

export type Field = {
  /** As written; matched regardless of case. Absent for unnamed expressions. */
  readonly name?: string;
  /** What may stand before the column's name: `[catalog, schema, table]` or `[alias]`, in lower case. */
  readonly relation?: readonly string[];
  readonly symbol: Symbol;
  /** Found by name, absent from `*`. */
  readonly hidden?: boolean;
} & Lineage;

/** Where a column comes from, as DESCRIBE OUTPUT tells it: through subqueries and under whatever name. */
export type Lineage = {
  /** `[catalog, schema, table]` when it is that table's column. */
  readonly origin?: readonly string[];
  /** A SELECT has named it with AS. */
  readonly aliased?: true;
};

export const lineageOf = ({ origin, aliased }: Lineage): Lineage => ({
  ...(origin && { origin }),
  ...(aliased && { aliased }),
});

export type ScopeOptions = {
  readonly parent?: Scope;
  readonly outerReferences?: Set<string>;
  readonly withQueries?: ReadonlyMap<string, WithQuery>;
};

/** A query that WITH names; each use is analyzed anew, with symbols of its own. */
export type WithQuery = {
  readonly analyze: (location: SourceLocation) => {
    readonly relation: AnalyzedRelation;
    readonly fields: readonly Field[];
  };
};

export class Scope {
  readonly fields: readonly Field[];
  readonly parent: Scope | undefined;
  readonly #withQueries: ReadonlyMap<string, WithQuery> | undefined;
  /**
   * Where the symbols are noted that are found beyond this scope: set at the outermost scope of each query and of each
   * relation that may look to its left.
   */
  readonly outerReferences: Set<string> | undefined;
  readonly #byName = new Map<string, Field[]>();

  constructor(fields: readonly Field[], options: ScopeOptions = {}) {
    this.fields = fields;
    this.parent = options.parent;
    this.outerReferences = options.outerReferences;
    this.#withQueries = options.withQueries;
    for (const field of fields) {
      if (field.name === undefined) continue;
      const key = field.name.toLowerCase();
      const sameName = this.#byName.get(key);
      if (sameName) sameName.push(field);
      else this.#byName.set(key, [field]);
    }
  }

  /** The field that `parts` name as a whole, here or further out; undefined when none does. Throws AMBIGUOUS_NAME. */
  find(parts: readonly string[], location: SourceLocation): Field | undefined {
    const crossed: Set<string>[] = [];
    for (const scope of this.#outward()) {
      const matches = scope.#matching(parts);
      if (matches.length > 1) {
        throw new QueryError('AMBIGUOUS_NAME', `Column '${parts.join('.')}' is ambiguous`, location);
      }
      const [field] = matches;
      if (field) {
        for (const references of crossed) references.add(field.symbol.name);
        return field;
      }
      // A shorter name that is a column here hides what is further out: the rest of the name are fields of its row.
      if (scope.#holdsPrefixOf(parts)) return undefined;
      if (scope.outerReferences) crossed.push(scope.outerReferences);
    }
    return undefined;
  }

  /** The first column of this scope alone that `parts` name. */
  own(parts: readonly string[]): Field | undefined {
    return this.#matching(parts)[0];
  }

  /** Whether the name without some of its last parts is a column: then those are fields of a row. */
  holdsPrefixOf(parts: readonly string[]): boolean {
    return [...this.#outward()].some((scope) => scope.#holdsPrefixOf(parts));
  }

  unresolved(parts: readonly string[], location: SourceLocation, quoted = false): QueryError {
    const names: string[] = [];
    for (const scope of this.#outward()) {
      for (const field of scope.fields) if (field.name !== undefined) names.push(field.name);
    }
    const near = nearest(parts.at(-1)!, names);
    const exists = near?.toLowerCase() === parts.at(-1)!.toLowerCase();
    const meant = near === undefined || exists ? undefined : `did you mean '${near}'?`;
    const text = `double quotes name columns; a text stands in single quotes: '${parts[0]!.replaceAll("'", "''")}'`;
    const hint = meant ?? (quoted && parts.length === 1 && !exists ? text : undefined);
    return new QueryError(
      'COLUMN_NOT_FOUND',
      `Column '${parts.join('.')}' cannot be resolved${hint ? `; ${hint}` : ''}`,
      location,
    );
  }

  /** Fields of the relation called `parts`, for `t.*`; of the innermost scope that knows it. */
  fieldsOf(parts: readonly string[]): readonly Field[] | undefined {
    const prefix = parts.map((part) => part.toLowerCase());
    const crossed: Set<string>[] = [];
    for (const scope of this.#outward()) {
      const fields = scope.fields.filter((field) => field.relation && endsWith(field.relation, prefix));
      if (fields.length > 0) {
        for (const references of crossed) for (const field of fields) references.add(field.symbol.name);
        return fields;
      }
      if (scope.outerReferences) crossed.push(scope.outerReferences);
    }
    return undefined;
  }

  /** The WITH query called `name` (in lower case) that is in sight. */
  withQuery(name: string): WithQuery | undefined {
    for (const scope of this.#outward()) {
      const found = scope.#withQueries?.get(name);
      if (found) return found;
    }
    return undefined;
  }

  /** This scope and those around it. */
  *#outward(): Iterable<Scope> {
    yield this;
    if (this.parent) yield* this.parent.#outward();
  }

  #matching(parts: readonly string[]): readonly Field[] {
    const named = this.#byName.get(parts.at(-1)!.toLowerCase()) ?? [];
    if (parts.length === 1) return named;
    const prefix = parts.slice(0, -1).map((part) => part.toLowerCase());
    return named.filter((field) => field.relation && endsWith(field.relation, prefix));
  }

  #holdsPrefixOf(parts: readonly string[]): boolean {
    for (let length = parts.length - 1; length > 0; length--) {
      if (this.#matching(parts.slice(0, length)).length > 0) return true;
    }
    return false;
  }
}

const endsWith = (whole: readonly string[], tail: readonly string[]): boolean =>
  tail.length <= whole.length && tail.every((part, i) => part === whole[whole.length - tail.length + i]);

/** The parts of `a.b.c`, or undefined for what is not a plain name. */
export function nameParts(expression: ast.Expression): readonly string[] | undefined {
  const parts: string[] = [];
  let node = expression;
  while (node.kind === 'Dereference') {
    parts.push(node.field.value);
    node = node.base;
  }
  if (node.kind !== 'Identifier') return undefined;
  parts.push(node.value);
  return parts.toReversed();
}
