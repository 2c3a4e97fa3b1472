/** Resolves and types a query: `SELECT x FROM t` becomes a tree in which every name is a symbol of a known type. */

import type { Metadata } from '../../catalog/metadata.ts';
import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import { FUNCTIONS } from '../functions/registry.ts';
import type { Session } from '../session.ts';
import type { Analysis, Subquery } from './analysis.ts';
import type { AnalyzerContext } from './context.ts';
import { parametersOf, placeholder } from './describe.ts';
import { ExpressionAnalyzer } from './expression-analyzer.ts';
import { analyzeQuery } from './query-analyzer.ts';
import { analyzeRelation } from './relation-analyzer.ts';
import { lineageOf, Scope } from './scope.ts';
import { SymbolAllocator } from './symbol-allocator.ts';
import { lookUpTables } from './tables.ts';

export type AnalyzeOptions = {
  /** The statement's text, for messages that quote it. */
  readonly text?: string;
  /** What EXECUTE … USING gives for each `?`. */
  readonly parameters?: readonly ast.Expression[];
  /** Of DESCRIBE INPUT and DESCRIBE OUTPUT: what was prepared under the name. */
  readonly prepared?: ast.Statement;
  /** Describes the statement: its `?` have no values. */
  readonly describe?: boolean;
};

/** Relations of one statement after WITH is inlined; more are refused before they exhaust memory. */
const QUERIES_MAX = 5000;

export async function analyze(
  statement: ast.Query,
  session: Session,
  metadata: Metadata,
  options: AnalyzeOptions = {},
): Promise<Analysis> {
  const table = await lookUpTables(statement, session, metadata);
  const tables: Analysis['tables'][number][] = [];
  const subqueries = new Map<string, Subquery>();
  const symbols = new SymbolAllocator();
  let queries = 0;
  const nowhere = new Scope([]);
  const shared = { session, functions: FUNCTIONS, symbols, subqueries, text: options.text ?? '' };
  const context: AnalyzerContext = {
    ...shared,
    parameters: [],
    table: (name, location) => {
      const found = table(name, location);
      tables.push(found);
      return found;
    },
    analyzeQuery: (query, parent) => {
      queries += 1;
      if (queries > QUERIES_MAX) {
        throw new QueryError(
          'NOT_SUPPORTED',
          `the statement has more than ${QUERIES_MAX} queries once its WITH clauses are inlined`,
          query.location,
        );
      }
      return analyzeQuery(bound, query, parent);
    },
    analyzeRelation: (relation, base, lateral) => analyzeRelation(bound, relation, base, lateral),
  };
  const place = { name: 'USING', aggregates: false, windows: false };
  const analyzer = new ExpressionAnalyzer(context, nowhere, place);
  const bound: AnalyzerContext = {
    ...context,
    parameters: options.describe
      ? parametersOf(statement).map((_type, position) => placeholder(position))
      : (options.parameters ?? []).map((parameter) => analyzer.analyze(parameter)),
  };
  const { block, fields } = bound.analyzeQuery(statement, nowhere);
  return {
    root: block,
    columns: block.outputs.map(({ name, symbol }, i) => ({ name: name ?? `_col${i}`, symbol })),
    lineage: fields.map(lineageOf),
    subqueries,
    tables,
    lastSymbol: symbols.last,
  };
}
