/** Analyzes a query: WITH, its body, ORDER BY, OFFSET and LIMIT. */

import type * as ast from '../ast.ts';
import { QueryError, type SourceLocation } from '../../common/errors.ts';
import { isComparable } from '../../types/coercion.ts';
import { BIGINT, typeName } from '../../types/type.ts';
import { childrenOf, type Expression, mapChildren, reference, type Symbol } from '../expression.ts';
import type { AnalyzedWindow, Grouping, OutputColumn, QueryBlock } from './analysis.ts';
import { BlockCalls } from './block-calls.ts';
import type { AnalyzedQuery, AnalyzedSource, AnalyzerContext } from './context.ts';
import { ExpressionAnalyzer, type Place } from './expression-analyzer.ts';
import { GroupedExpressions, GroupingAnalyzer, keyOf, mapWindow } from './grouping-analyzer.ts';
import { integerValue } from './literals.ts';
import { analyzeBody } from './relation-analyzer.ts';
import { type Field, Scope } from './scope.ts';
import { expandSelect, type SelectedItem } from './select-items.ts';
import { sortOrder } from './sort-items.ts';
import { withScope } from './with-analyzer.ts';

export function analyzeQuery(context: AnalyzerContext, query: ast.Query, parent: Scope): AnalyzedQuery {
  if (query.session) {
    throw new QueryError(
      'NOT_SUPPORTED',
      'WITH SESSION is not supported yet; use SET SESSION',
      query.session[0]!.location,
    );
  }
  const outerReferences = new Set<string>();
  const base = withScope(context, query.with, parent, outerReferences);
  const { body } = query;
  if (body.kind === 'TableSubquery' && !query.orderBy && !query.limit && !query.offset) {
    const inner = context.analyzeQuery(body.query, base);
    for (const name of outerReferences) (inner.block.outerReferences as Set<string>).add(name);
    return inner;
  }
  if (body.kind === 'QuerySpecification') {
    return new BlockAnalyzer(context, base, body.windows, outerReferences).specification(query, body);
  }
  return new BlockAnalyzer(context, base, [], outerReferences).relation(query, analyzeBody(context, body, base));
}

/** Symbols and limits around one body. */
class BlockAnalyzer {
  readonly #context: AnalyzerContext;
  readonly #base: Scope;
  readonly #calls: BlockCalls;
  readonly #outerReferences: ReadonlySet<string>;

  constructor(
    context: AnalyzerContext,
    base: Scope,
    windows: readonly ast.WindowDefinition[],
    outerReferences: ReadonlySet<string>,
  ) {
    this.#context = context;
    this.#base = base;
    this.#calls = new BlockCalls(context.symbols, windows);
    this.#outerReferences = outerReferences;
  }

  /** VALUES, TABLE or a set operation: its columns are the query's. */
  relation(query: ast.Query, { relation, fields }: AnalyzedSource): AnalyzedQuery {
    const visible = fields.filter((field) => !field.hidden);
    const outputs = visible.map((field): OutputColumn => ({
      ...(field.name !== undefined && { name: field.name }),
      symbol: field.symbol,
      expression: reference(field.symbol),
    }));
    const scope = new Scope(visible, { parent: this.#base });
    const analyzer = this.#analyzer(scope, { name: 'ORDER BY clause', aggregates: false, windows: false });
    const orderBy = (query.orderBy?.items ?? []).map((item) =>
      sortOrder(item, this.#ordinal(item, outputs) ?? analyzer.analyze(item.key)),
    );
    return {
      block: {
        from: relation,
        windows: [],
        outputs,
        distinct: false,
        orderBy,
        ...this.#limits(query),
        outerReferences: this.#outerReferences,
      },
      fields: unqualified(visible),
    };
  }

  specification(query: ast.Query, select: ast.QuerySpecification): AnalyzedQuery {
    const source: AnalyzedSource | undefined =
      select.from && this.#context.analyzeRelation(select.from, this.#base, this.#base);
    const sourceFields = source?.fields ?? [];
    const scope = new Scope(sourceFields, { parent: this.#base });
    const where =
      select.where &&
      this.#analyzer(scope, { name: 'WHERE clause', aggregates: false, windows: false }).condition(
        select.where,
        'WHERE clause',
      );

    const items = expandSelect(this.#context, select.select, scope, sourceFields);
    const keySubqueries = new Map<string, Expression>();
    const groupPlace: Place = {
      name: 'GROUP BY clause',
      aggregates: false,
      windows: false,
      keySubqueries,
      isKey: true,
    };
    const groupAnalyzer = this.#analyzer(scope, groupPlace);
    const analyzed: (Expression | undefined)[] = [];
    const known = new Set(sourceFields.map((field) => field.symbol.name));
    const grouping = new GroupingAnalyzer(
      groupAnalyzer,
      select.groupBy,
      known,
      items.map((item, i) => ({
        location: item.node.location,
        analyze: () => (analyzed[i] ??= item.analyze(groupAnalyzer)),
        hasAggregates: () => item.expression !== undefined && hasAggregates(this.#context, item.expression),
      })),
    );
    const place = (name: string, windows: boolean): Place => ({
      name,
      calls: this.#calls,
      aggregates: true,
      windows,
      keySubqueries,
      definitions: scope,
      grouping: (node) => grouping.operation(node, this.#analyzer(scope, groupPlace), select.groupBy !== undefined),
    });
    const selectAnalyzer = this.#analyzer(scope, place('SELECT clause', true));
    const raw = items.map((item, i) => analyzed[i] ?? item.analyze(selectAnalyzer));
    const having =
      select.having && this.#analyzer(scope, place('HAVING clause', false)).condition(select.having, 'HAVING clause');

    // Output symbols are needed before ORDER BY, which may use them.
    const symbols = this.#outputSymbols(items, raw, known);
    const orderFields = items.map((item, i): Field => ({
      ...(item.name !== undefined && { name: item.name }),
      symbol: symbols[i]!,
    }));
    const orderScope = new Scope(orderFields, { parent: scope });
    const orderAnalyzer = this.#analyzer(orderScope, place('ORDER BY clause', true));
    const unsorted = raw.map((expression, i): OutputColumn => output(items[i]!, symbols[i]!, expression));
    const orderItems = query.orderBy?.items ?? [];
    const orderBy = orderItems.map((item) =>
      sortOrder(item, this.#ordinal(item, unsorted) ?? orderAnalyzer.analyze(item.key)),
    );

    const aggregates = this.#calls.aggregates();
    const made = new Map(
      unsorted.filter(({ symbol }) => !known.has(symbol.name)).map((column) => [column.symbol.name, column.expression]),
    );
    this.#refuseOutputsInAggregates(made, query.orderBy?.location);
    const isGrouped = select.groupBy !== undefined || aggregates.length > 0 || having !== undefined;
    const grouped = isGrouped ? new GroupedExpressions(this.#context, grouping.keys, known) : undefined;
    const outputs = unsorted.map((column, i) =>
      grouped ? regroup(column, grouped.rewrite(column.expression, items[i]!.node)) : column,
    );
    const finalOrder = orderBy.map((order, i) => {
      const item = orderItems[i]!;
      const expression = grouped ? grouped.rewrite(order.expression, item.key) : order.expression;
      return { ...order, expression: select.select.distinct ? selected(expression, outputs, item) : expression };
    });
    const windows = this.#calls.windows().map((window): AnalyzedWindow => {
      // A window in ORDER BY may read an output, which is computed after the windows: it reads what the output is made of.
      const inlined = mapWindow(window, (part) => inlineOutputs(part, made));
      return grouped?.window(inlined, select.select) ?? inlined;
    });
    if (select.select.distinct) this.#checkDistinct(outputs, select.select.location);
    const groupingResult: Grouping | undefined = grouped && {
      keys: grouping.keys,
      ...(grouping.groupId && { sets: grouping.sets, groupId: grouping.groupId }),
      aggregates,
      ...(having && { having: grouped.rewrite(having, select.having ?? select) }),
    };
    const block: QueryBlock = {
      ...(source && { from: source.relation }),
      ...(where && { where }),
      ...(groupingResult && { grouping: groupingResult }),
      windows,
      outputs,
      distinct: select.select.distinct,
      orderBy: finalOrder,
      ...this.#limits(query),
      outerReferences: this.#outerReferences,
    };
    const fields = outputs.map((column, i): Field => ({
      ...(column.name !== undefined && { name: column.name }),
      ...items[i]!.lineage,
      symbol: column.symbol,
    }));
    return { block, fields };
  }

  #analyzer(scope: Scope, place: Place): ExpressionAnalyzer {
    return new ExpressionAnalyzer(this.#context, scope, place);
  }

  /**
   * The first output that is a column of this block keeps its symbol; others, columns from outside and subqueries get one
   * of their own here.
   */
  #outputSymbols(
    items: readonly SelectedItem[],
    expressions: readonly Expression[],
    source: ReadonlySet<string>,
  ): readonly Symbol[] {
    const computed = [...this.#calls.aggregates(), ...this.#calls.windows()].map((call) => call.symbol.name);
    const own = new Set([...source, ...computed]);
    return expressions.map((expression, i) => {
      if (expression.kind === 'Reference' && own.delete(expression.name)) {
        return { name: expression.name, type: expression.type };
      }
      return this.#context.symbols.newSymbol(items[i]!.name ?? 'expr', expression.type);
    });
  }

  /** `ORDER BY 2`. */
  #ordinal(item: ast.SortItem, outputs: readonly OutputColumn[]): Expression | undefined {
    if (item.key.kind !== 'IntegerLiteral') return undefined;
    const column = outputs[Number(item.key.text) - 1];
    if (column) return reference(column.symbol);
    throw new QueryError(
      'INVALID_COLUMN_REFERENCE',
      `ORDER BY position ${item.key.text} is not in select list`,
      item.key.location,
    );
  }

  #limits(query: ast.Query): Pick<QueryBlock, 'offset' | 'limit'> {
    const offset = query.offset && this.#count(query.offset.count, 'OFFSET', 0n);
    const { limit } = query;
    if (!limit) return offset && offset !== '0' ? { offset } : {};
    const withTies = limit.kind === 'FetchFirst' && limit.withTies;
    if (withTies && !query.orderBy) {
      throw new QueryError('MISSING_ORDER_BY', 'FETCH FIRST WITH TIES clause requires ORDER BY', limit.location);
    }
    const count = this.#limitCount(limit);
    return {
      ...(offset && offset !== '0' && { offset }),
      ...(count !== undefined && { limit: { count, withTies } }),
    };
  }

  #limitCount(limit: ast.Limit | ast.FetchFirst): string | undefined {
    if (limit.kind === 'FetchFirst') return limit.count ? this.#count(limit.count, 'FETCH FIRST', 1n) : '1';
    return limit.count === 'ALL' ? undefined : this.#count(limit.count, 'LIMIT', 0n);
  }

  #count(node: ast.IntegerLiteral | ast.Parameter, clause: string, least: bigint): string {
    const value = node.kind === 'IntegerLiteral' ? integerValue(node.text) : this.#parameterCount(node, clause);
    if (value < least) {
      const wanted = least === 0n ? 'greater or equal to 0' : 'positive';
      throw new QueryError(
        'INVALID_LIMIT_CLAUSE',
        `${clause} row count must be ${wanted} (actual value: ${value})`,
        node.location,
      );
    }
    if (value >= 1n << 63n) {
      throw new QueryError('INVALID_LITERAL', `Invalid ${clause} row count: ${value}`, node.location);
    }
    return String(value);
  }

  #parameterCount(node: ast.Parameter, clause: string): bigint {
    const value = this.#analyzer(this.#base, { name: clause, aggregates: false, windows: false }).analyze(node);
    if (value.kind === 'Constant' && value.parameter !== undefined) return 1n;
    if (value.kind === 'Constant' && typeof value.value === 'string' && /^-?\d+$/.test(value.value)) {
      return BigInt(value.value);
    }
    throw new QueryError('TYPE_MISMATCH', `${clause} row count must be a constant ${typeName(BIGINT)}`, node.location);
  }

  #refuseOutputsInAggregates(made: ReadonlyMap<string, Expression>, location: SourceLocation | undefined): void {
    for (const { call } of this.#calls.aggregates()) {
      const parts = [
        ...call.arguments,
        ...(call.filter ? [call.filter] : []),
        ...call.orderBy.map((o) => o.expression),
      ];
      for (const name of parts.flatMap(namesIn)) {
        if (!made.has(name) || this.#calls.aggregates().some(({ symbol }) => symbol.name === name)) continue;
        throw new QueryError(
          'COLUMN_NOT_FOUND',
          'Invalid reference to output projection attribute from ORDER BY aggregation',
          location,
        );
      }
    }
  }

  #checkDistinct(outputs: readonly OutputColumn[], location: SourceLocation): void {
    const odd = outputs.find((column) => !isComparable(column.symbol.type));
    if (!odd) return;
    throw new QueryError(
      'TYPE_MISMATCH',
      `DISTINCT can only be applied to comparable types (actual: ${typeName(odd.symbol.type)})`,
      location,
    );
  }
}

const output = (item: SelectedItem, symbol: Symbol, expression: Expression): OutputColumn => ({
  ...(item.name !== undefined && { name: item.name }),
  symbol,
  expression,
});

/** An output that turned out to be a column of the groups keeps its own symbol: ORDER BY may refer to it. */
const regroup = (column: OutputColumn, expression: Expression): OutputColumn => ({ ...column, expression });

/** With the expressions of outputs in their place. */
function inlineOutputs(expression: Expression, made: ReadonlyMap<string, Expression>): Expression {
  if (expression.kind !== 'Reference') return mapChildren(expression, (part) => inlineOutputs(part, made));
  return made.get(expression.name) ?? expression;
}

const namesIn = (expression: Expression): readonly string[] =>
  expression.kind === 'Reference' ? [expression.name] : childrenOf(expression).flatMap(namesIn);

/** Fields of a query carry no relation's name. */
const unqualified = (fields: readonly Field[]): readonly Field[] =>
  fields.map(({ relation: _relation, ...field }) => field);

/** The output that an ORDER BY expression of SELECT DISTINCT is. */
function selected(expression: Expression, outputs: readonly OutputColumn[], item: ast.SortItem): Expression {
  const key = keyOf(expression);
  const column = outputs.find(
    (candidate) => keyOf(candidate.expression) === key || keyOf(reference(candidate.symbol)) === key,
  );
  if (column) return reference(column.symbol);
  throw new QueryError(
    'EXPRESSION_NOT_IN_DISTINCT',
    'For SELECT DISTINCT, ORDER BY expressions must appear in select list',
    item.key.location,
  );
}

/** Whether a call of an aggregate stands in the expression itself, subqueries aside. */
function hasAggregates(context: AnalyzerContext, root: ast.Expression): boolean {
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const node = pending.pop();
    if (Array.isArray(node)) pending.push(...(node as readonly unknown[]));
    if (typeof node !== 'object' || node === null || Array.isArray(node)) continue;
    if ('kind' in node) {
      if (node.kind === 'Query') continue;
      if (node.kind === 'FunctionCall') {
        const call = node as ast.FunctionCall;
        if (call.window) continue;
        if (context.functions.kindOf(call.name.at(-1)!.value) === 'aggregate') return true;
      }
    }
    pending.push(...Object.values(node));
  }
  return false;
}
