/** Evaluates SQL expressions in a kernel of its own: text → AST → typed expression → kernel SQL → wire JSON. */

import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type * as ast from '../../../src/sql/ast.ts';
import { ExpressionAnalyzer } from '../../../src/sql/analyzer/expression-analyzer.ts';
import type { AnalyzerContext } from '../../../src/sql/analyzer/context.ts';
import { Scope } from '../../../src/sql/analyzer/scope.ts';
import { SymbolAllocator } from '../../../src/sql/analyzer/symbol-allocator.ts';
import type { Expression } from '../../../src/sql/expression.ts';
import { fold } from '../../../src/sql/functions/fold.ts';
import { FunctionRegistry } from '../../../src/sql/functions/registry.ts';
import { parseStatement } from '../../../src/sql/parser.ts';
import { renderExpression } from '../../../src/sql/render/render-expression.ts';
import { wireBytesMax, wireSql } from '../../../src/types/wire.ts';
import { typeName } from '../../../src/types/type.ts';
import { QueryError } from '../../../src/common/errors.ts';
import { kernelError } from '../../../src/worker/kernel/errors.ts';

const registry = new FunctionRegistry();
const query = { timeZone: 'Europe/Vienna', now: '2026-11-21T06:00:00.123456Z', user: 'tester' };

export async function openEvaluator(): Promise<Evaluator> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  return new Evaluator(await instance.connect());
}

export class Evaluator {
  readonly #connection: DuckDBConnection;

  constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  /** `type => wire JSON`, or `!! CODE: message`. */
  async evaluate(text: string, variant: 'plain' | 'folded' = 'plain'): Promise<string> {
    try {
      const expression = analyze(text);
      const value = await this.value(variant === 'folded' ? fold(expression) : expression);
      return `${typeName(expression.type)} => ${value}`;
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      return `!! ${error.code}: ${error.message.replaceAll('\n', ' ')}`;
    }
  }

  async value(expression: Expression): Promise<string> {
    const sql = renderExpression(expression, { registry, query, column: (name) => `"${name}"` });
    const wire = wireSql(expression.type, 'x', { parametricDatetime: true });
    const text = await this.#text(`SELECT ${wire} FROM (SELECT ${sql} AS x)`);
    const bytesMax = wireBytesMax(expression.type);
    if (Buffer.byteLength(text) > bytesMax) throw new Error(`longer than ${bytesMax} bytes: ${text}`);
    return text;
  }

  async #text(sql: string): Promise<string> {
    try {
      const result = await this.#connection.runAndReadAll(sql);
      const [value] = result.getRowsJson()[0]!;
      return typeof value === 'string' ? value : JSON.stringify(value);
    } catch (error) {
      const info = kernelError(error instanceof Error ? error.message : String(error));
      throw new QueryError(info.code, info.message);
    }
  }
}

const nothing = (): never => {
  throw new QueryError('NOT_SUPPORTED', 'expressions only');
};

export function analyze(text: string): Expression {
  const statement = parseStatement(`SELECT ${text}`) as ast.Query;
  const [item] = (statement.body as ast.QuerySpecification).select.items;
  const context: AnalyzerContext = {
    session: { queryId: 'test', properties: {}, ...query },
    functions: registry,
    symbols: new SymbolAllocator(),
    subqueries: new Map(),
    text: `SELECT ${text}`,
    parameters: [],
    table: nothing,
    analyzeQuery: nothing,
    analyzeRelation: nothing,
  };
  const place = { name: 'SELECT clause', aggregates: false, windows: false };
  return new ExpressionAnalyzer(context, new Scope([]), place).analyze((item as ast.SingleColumn).expression);
}
