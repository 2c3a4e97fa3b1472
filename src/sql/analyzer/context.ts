/** What every part of the analyzer shares while it works on one statement. */

import type { CatalogTable } from '../../catalog/metadata.ts';
import type * as ast from '../ast.ts';
import type { Expression } from '../expression.ts';
import type { FunctionRegistry } from '../functions/registry.ts';
import type { Session } from '../session.ts';
import type { SourceLocation } from '../../common/errors.ts';
import type { AnalyzedRelation, QueryBlock, Subquery } from './analysis.ts';
import type { Field, Scope } from './scope.ts';
import type { SymbolAllocator } from './symbol-allocator.ts';

export type AnalyzedQuery = { readonly block: QueryBlock; readonly fields: readonly Field[] };

export type AnalyzedSource = { readonly relation: AnalyzedRelation; readonly fields: readonly Field[] };

export type AnalyzerContext = {
  readonly session: Session;
  readonly functions: FunctionRegistry;
  readonly symbols: SymbolAllocator;
  /** By symbol name; see `Analysis`. */
  readonly subqueries: Map<string, Subquery>;
  /** The statement's text, for messages that quote it. */
  readonly text: string;
  /** What stands for `?`, by position. */
  readonly parameters: readonly Expression[];
  /** Throws for what does not exist, with a position. */
  readonly table: (name: ast.QualifiedName, location: SourceLocation) => CatalogTable;
  /** `parent` is the scope of the place where the query stands. */
  readonly analyzeQuery: (query: ast.Query, parent: Scope) => AnalyzedQuery;
  /** See `relation-analyzer.ts`. */
  readonly analyzeRelation: (relation: ast.Relation, base: Scope, lateral: Scope) => AnalyzedSource;
};

/** The node as the statement writes it, on one line. */
export function quote(context: AnalyzerContext, node: { readonly start: number; readonly end: number }): string {
  return context.text.slice(node.start, node.end).replaceAll(/\s+/g, ' ');
}
