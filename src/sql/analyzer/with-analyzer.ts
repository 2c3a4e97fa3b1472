/** WITH: the scope in which a query's named queries are known, recursive ones among them. */

import type * as ast from '../ast.ts';
import { QueryError, type SourceLocation } from '../../common/errors.ts';
import { canCoerce } from '../../types/coercion.ts';
import { typeName } from '../../types/type.ts';
import { reference, type Symbol } from '../expression.ts';
import { sessionProperty } from '../session-properties.ts';
import type { SetOperationInput } from './analysis.ts';
import { coerce } from './coerce.ts';
import type { AnalyzedQuery, AnalyzedSource, AnalyzerContext } from './context.ts';
import { type Field, Scope, type WithQuery } from './scope.ts';

/** The outermost scope of a query that stands in `parent`; what it finds beyond is noted in `outerReferences`. */
export function withScope(
  context: AnalyzerContext,
  clause: ast.With | undefined,
  parent: Scope,
  outerReferences: Set<string>,
): Scope {
  const queries = new Map<string, WithQuery>();
  const scope = new Scope([], { parent, outerReferences, withQueries: queries });
  for (const named of clause?.queries ?? []) {
    const name = named.name.value.toLowerCase();
    if (queries.has(name)) {
      throw new QueryError(
        'DUPLICATE_NAMED_QUERY',
        `WITH query name '${named.name.value}' specified more than once`,
        named.location,
      );
    }
    // A query sees those before it, not itself nor later ones.
    const before = new Scope([], { parent, outerReferences, withQueries: new Map(queries) });
    queries.set(name, withQuery(context, named, before, clause!.recursive));
  }
  return scope;
}

function withQuery(context: AnalyzerContext, named: ast.WithQuery, scope: Scope, recursive: boolean): WithQuery {
  const analyze = (): AnalyzedSource =>
    (recursive ? recursiveQuery(context, named, scope) : undefined) ?? plainQuery(context, named, scope);
  // Analyzed once even if nobody uses it, for its errors; the first use takes that analysis.
  let first: AnalyzedSource | undefined = analyze();
  return {
    analyze: () => {
      const result = first ?? analyze();
      first = undefined;
      return result;
    },
  };
}

function plainQuery(context: AnalyzerContext, named: ast.WithQuery, scope: Scope): AnalyzedSource {
  const { block, fields } = context.analyzeQuery(named.query, scope);
  return { relation: { kind: 'query', query: block }, fields: renamed(named, fields) };
}

function renamed(named: ast.WithQuery, fields: readonly Field[]): readonly Field[] {
  const names = named.columnNames;
  if (names && names.length !== fields.length) {
    throw new QueryError(
      'MISMATCHED_COLUMN_ALIASES',
      `WITH column alias list has ${names.length} entries but WITH query(${named.name.value}) has ${fields.length} columns`,
      named.location,
    );
  }
  const relation = [named.name.value.toLowerCase()];
  return fields.map((field, i) => {
    const name = names?.[i]?.value ?? field.name;
    return { ...field, ...(name !== undefined && { name }), relation };
  });
}

/** `anchor UNION [ALL] step` where the step reads the query itself; undefined where it does not. */
function recursiveQuery(context: AnalyzerContext, named: ast.WithQuery, scope: Scope): AnalyzedSource | undefined {
  const { query } = named;
  const { body } = query;
  if (body.kind !== 'Union' || body.relations.length !== 2 || query.with || query.orderBy || query.limit) {
    return undefined;
  }
  if (!refersTo(body.relations[1]!, named.name.value)) return undefined;
  if (!named.columnNames) {
    throw new QueryError('MISSING_COLUMN_ALIASES', 'missing column aliases in recursive WITH query', named.location);
  }
  if (refersTo(body.relations[0]!, named.name.value)) {
    throw new QueryError(
      'INVALID_RECURSIVE_REFERENCE',
      'WITH table name is referenced in the base relation of recursion',
      body.relations[0]!.location,
    );
  }
  const anchor = bodyQuery(context, query, body.relations[0]!, scope);
  const fields = renamed(named, anchor.fields);
  const symbols = fields.map((field) => context.symbols.newSymbol(field.name ?? 'expr', field.symbol.type));
  const working = context.symbols.newSymbol(`working_${named.name.value}`, symbols[0]!.type).name;
  let uses = 0;
  const self: WithQuery = {
    analyze: (location) => {
      uses += 1;
      if (uses > 1) {
        throw new QueryError(
          'INVALID_RECURSIVE_REFERENCE',
          'multiple recursive references in the step relation of recursion',
          location,
        );
      }
      const columns = fields.map((field) => context.symbols.newSymbol(field.name ?? 'expr', field.symbol.type));
      return {
        relation: { kind: 'working table', name: working, symbols: columns },
        fields: fields.map((field, i) => ({ ...field, symbol: columns[i]! })),
      };
    },
  };
  const stepScope = new Scope([], { parent: scope, withQueries: new Map([[named.name.value.toLowerCase(), self]]) });
  const step = bodyQuery(context, query, body.relations[1]!, stepScope);
  const relation = {
    kind: 'recursive',
    name: working,
    symbols,
    initial: input(anchor, symbols, body.relations[0]!.location),
    step: input(step, symbols, body.relations[1]!.location),
    distinct: body.distinct,
    depthMax: Number(sessionProperty(context.session.properties, 'max_recursion_depth')),
  } as const;
  return { relation, fields: fields.map((field, i) => ({ ...field, symbol: symbols[i]! })) };
}

/** One side of the union as a query of its own. */
function bodyQuery(context: AnalyzerContext, query: ast.Query, body: ast.QueryBody, scope: Scope): AnalyzedQuery {
  const { location, start, end } = query;
  return context.analyzeQuery({ kind: 'Query', location, start, end, body }, scope);
}

function input(query: AnalyzedQuery, symbols: readonly Symbol[], location: SourceLocation): SetOperationInput {
  if (query.fields.length !== symbols.length) {
    throw new QueryError(
      'TYPE_MISMATCH',
      `base and step relations of recursion have different number of fields: ${symbols.length}, ${query.fields.length}`,
      location,
    );
  }
  const columns = query.fields.map((field, i) => {
    const { type } = symbols[i]!;
    if (canCoerce(field.symbol.type, type)) return coerce(reference(field.symbol), type);
    throw new QueryError(
      'TYPE_MISMATCH',
      `recursion step relation output type (${typeName(field.symbol.type)}) is not coercible to recursion base relation output type (${typeName(type)}) at column ${i + 1}`,
      location,
    );
  });
  return { query: query.block, columns };
}

/** Whether a table of this name is read anywhere in the tree. */
function refersTo(root: ast.QueryBody, name: string): boolean {
  const wanted = name.toLowerCase();
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const node = pending.pop();
    if (typeof node !== 'object' || node === null) continue;
    // An inner WITH of the same name hides this one.
    if ('kind' in node && node.kind === 'Query' && hides(node as ast.Query, wanted)) continue;
    if ('kind' in node && node.kind === 'Table') {
      const table = node as ast.Table;
      if (table.name.length === 1 && table.name[0]!.value.toLowerCase() === wanted) return true;
    }
    pending.push(...Object.values(node));
  }
  return false;
}

const hides = ({ with: clause }: ast.Query, name: string): boolean =>
  clause?.queries.some((named) => named.name.value.toLowerCase() === name) ?? false;
