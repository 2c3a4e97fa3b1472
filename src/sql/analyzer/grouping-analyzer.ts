/** GROUP BY: its keys and grouping sets, GROUPING(…), and the check that what is selected is grouped or aggregated. */

import type * as ast from '../ast.ts';
import { QueryError, type SourceLocation } from '../../common/errors.ts';
import { isComparable } from '../../types/coercion.ts';
import { BIGINT, INTEGER, typeName } from '../../types/type.ts';
import { type Expression, mapChildren, reference, type SortOrder, type Symbol } from '../expression.ts';
import type { AnalyzedWindow, Subquery } from './analysis.ts';
import { type AnalyzerContext, quote } from './context.ts';
import type { ExpressionAnalyzer } from './expression-analyzer.ts';
import { constant } from './literals.ts';

/** Grouping sets of one query at most, Trino's limit. */
const GROUPING_SETS_MAX = 2048;

/** An item of SELECT that GROUP BY may point to by its number, analyzed on demand. */
export type GroupableItem = {
  readonly location: SourceLocation;
  readonly analyze: () => Expression;
  /** For GROUP BY AUTO. */
  readonly hasAggregates: () => boolean;
};

export type GroupingKey = { readonly symbol: Symbol; readonly expression: Expression };

export class GroupingAnalyzer {
  readonly #context: AnalyzerContext;
  readonly #analyzer: ExpressionAnalyzer;
  readonly #items: readonly GroupableItem[];
  readonly #source: ReadonlySet<string>;
  readonly #indexes = new Map<string, number>();
  readonly keys: GroupingKey[] = [];
  /** Indexes into `keys`. */
  readonly sets: readonly (readonly number[])[];
  readonly groupId: Symbol | undefined;

  /** `analyzer` stands at the GROUP BY clause, where there are no aggregates; `source` names the symbols of FROM. */
  constructor(
    analyzer: ExpressionAnalyzer,
    groupBy: ast.GroupBy | undefined,
    source: ReadonlySet<string>,
    items: readonly GroupableItem[],
  ) {
    this.#source = source;
    this.#context = analyzer.context;
    this.#analyzer = analyzer;
    this.#items = items;
    this.sets = this.#combine(groupBy);
    if (this.sets.length !== 1) this.groupId = this.#context.symbols.newSymbol('groupid', BIGINT);
  }

  /** GROUPING(a, b): a bit for each column, set where a row's grouping set does not hold it; the first is the highest. */
  operation(node: ast.GroupingOperation, analyzer: ExpressionAnalyzer, grouped: boolean): Expression {
    if (!grouped) {
      throw new QueryError(
        'MISSING_GROUP_BY',
        'A GROUPING() operation can only be used with a corresponding GROUPING SET/CUBE/ROLLUP/GROUP BY clause',
        node.location,
      );
    }
    const columns = node.columns.map((name) => {
      const parts = name.map((part) => part.value);
      const field = analyzer.scope.find(parts, name[0]!.location);
      if (!field) throw analyzer.scope.unresolved(parts, name[0]!.location);
      const index = this.#indexes.get(keyOf(reference(field.symbol)));
      if (index !== undefined) return index;
      throw new QueryError(
        'INVALID_ARGUMENTS',
        'The arguments to GROUPING() must be expressions referenced by the GROUP BY associated with this query',
        name[0]!.location,
      );
    });
    const type = columns.length <= 31 ? INTEGER : BIGINT;
    const bits = (set: readonly number[]): Expression => {
      const text = columns.map((column) => (set.includes(column) ? '0' : '1')).join('');
      return constant(type, String(BigInt(`0b${text}`)));
    };
    if (!this.groupId) return bits(this.sets[0]!);
    const branches = this.sets.map((set, i) => ({ when: constant(BIGINT, String(i)), result: bits(set) }));
    return { kind: 'Switch', type, operand: reference(this.groupId), branches, otherwise: constant(type, null) };
  }

  #combine(groupBy: ast.GroupBy | undefined): readonly (readonly number[])[] {
    let combined: readonly (readonly number[])[] = [[]];
    for (const element of groupBy?.elements ?? []) {
      const sets = this.#setsOf(element);
      if (combined.length * sets.length > GROUPING_SETS_MAX) {
        throw new QueryError(
          'TOO_MANY_GROUPING_SETS',
          `GROUP BY has more than ${GROUPING_SETS_MAX} grouping sets but can contain at most ${GROUPING_SETS_MAX}`,
          element.location,
        );
      }
      combined = combined.flatMap((left) => sets.map((right) => [...new Set([...left, ...right])]));
    }
    if (!groupBy?.distinct) return combined;
    const seen = new Map(combined.map((set) => [JSON.stringify([...set].sort((a, b) => a - b)), set]));
    return [...seen.values()];
  }

  #setsOf(element: ast.GroupingElement): readonly (readonly number[])[] {
    switch (element.kind) {
      case 'SimpleGroupBy':
        return [element.columns.map((column) => this.#key(column))];
      case 'AutoGroupBy':
        return [
          this.#items.filter((item) => !item.hasAggregates()).map((item) => this.#keyOf(item.analyze(), item.location)),
        ];
      case 'Rollup': {
        const parts = this.#parts(element.sets);
        return Array.from({ length: parts.length + 1 }, (_, i) => parts.slice(0, parts.length - i).flat());
      }
      case 'Cube': {
        const parts = this.#parts(element.sets);
        if (parts.length > 11) {
          throw new QueryError(
            'TOO_MANY_GROUPING_SETS',
            `GROUP BY has ${2n ** BigInt(parts.length)} grouping sets but can contain at most ${GROUPING_SETS_MAX}`,
            element.location,
          );
        }
        // The highest bit stands for the first part: (a, b), (a), (b), ().
        const count = 2 ** parts.length;
        return Array.from({ length: count }, (_, i) => {
          const mask = count - 1 - i;
          return parts.filter((_part, p) => mask & (1 << (parts.length - 1 - p))).flat();
        });
      }
      case 'GroupingSets':
        return this.#parts(element.sets);
    }
  }

  #parts(sets: readonly (readonly ast.Expression[])[]): readonly (readonly number[])[] {
    return sets.map((set) => set.map((column) => this.#key(column)));
  }

  #key(node: ast.Expression): number {
    if (node.kind !== 'IntegerLiteral') return this.#keyOf(this.#analyzer.analyze(node), node.location);
    const item = this.#items[Number(node.text) - 1];
    if (item) return this.#keyOf(item.analyze(), item.location);
    throw new QueryError(
      'INVALID_COLUMN_REFERENCE',
      `GROUP BY position ${node.text} is not in select list`,
      node.location,
    );
  }

  #keyOf(expression: Expression, location: SourceLocation): number {
    const key = keyOf(expression);
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    if (!isComparable(expression.type)) {
      throw new QueryError(
        'TYPE_MISMATCH',
        `${typeName(expression.type)} is not comparable, and therefore cannot be used in GROUP BY`,
        location,
      );
    }
    const isColumn = expression.kind === 'Reference' && this.#source.has(expression.name);
    const symbol: Symbol = isColumn
      ? { name: expression.name, type: expression.type }
      : this.#context.symbols.newSymbol('key', expression.type);
    this.keys.push({ symbol, expression });
    this.#indexes.set(key, this.keys.length - 1);
    return this.keys.length - 1;
  }
}

/** Equal for expressions that mean the same by the way they are written. */
export const keyOf = (expression: Expression): string => JSON.stringify(expression);

/** Rewrites expressions over a SELECT's source into expressions over its groups. */
export class GroupedExpressions {
  readonly #context: AnalyzerContext;
  readonly #columns = new Set<string>();
  readonly #computed = new Map<string, Symbol>();
  readonly #computedKinds = new Set<Expression['kind']>();
  readonly #source: ReadonlySet<string>;

  /** `source`: names of the symbols of FROM. */
  constructor(context: AnalyzerContext, keys: readonly GroupingKey[], source: ReadonlySet<string>) {
    this.#context = context;
    this.#source = source;
    for (const { symbol, expression } of keys) {
      if (expression.kind === 'Reference' && expression.name === symbol.name) this.#columns.add(symbol.name);
      this.#computed.set(keyOf(expression), symbol);
      this.#computedKinds.add(expression.kind);
    }
  }

  /** Throws EXPRESSION_NOT_AGGREGATE, quoting `node`, for what is neither grouped nor aggregated. */
  rewrite(expression: Expression, node: Pick<ast.Expression, 'start' | 'end' | 'location'>): Expression {
    const visit = (part: Expression): Expression => {
      if (this.#computedKinds.has(part.kind)) {
        const symbol = this.#computed.get(keyOf(part));
        if (symbol) return reference(symbol);
      }
      if (part.kind !== 'Reference') return mapChildren(part, visit);
      if (this.#source.has(part.name) && !this.#columns.has(part.name)) {
        throw new QueryError(
          'EXPRESSION_NOT_AGGREGATE',
          `'${quote(this.#context, node)}' must be an aggregate expression or appear in GROUP BY clause`,
          node.location,
        );
      }
      const subquery = this.#context.subqueries.get(part.name);
      if (subquery) this.#rewriteSubquery(subquery, visit, node);
      return part;
    };
    return visit(expression);
  }

  window(window: AnalyzedWindow, node: Pick<ast.Expression, 'start' | 'end' | 'location'>): AnalyzedWindow {
    return mapWindow(window, (part) => this.rewrite(part, node));
  }

  #rewriteSubquery(
    subquery: Subquery,
    visit: (part: Expression) => Expression,
    node: Pick<ast.Expression, 'start' | 'end' | 'location'>,
  ): void {
    for (const name of subquery.query.outerReferences) {
      if (!this.#source.has(name) || this.#columns.has(name)) continue;
      throw new QueryError(
        'EXPRESSION_NOT_AGGREGATE',
        `Subquery in '${quote(this.#context, node)}' uses a column that must appear in GROUP BY clause`,
        node.location,
      );
    }
    const { form } = subquery;
    if (form.kind === 'in') {
      const values = form.values.map(visit);
      this.#context.subqueries.set(subquery.symbol.name, { ...subquery, form: { ...form, values } });
    } else if (form.kind === 'quantified') {
      const value = visit(form.value);
      this.#context.subqueries.set(subquery.symbol.name, { ...subquery, form: { ...form, value } });
    }
  }
}

/** The window with every expression in it replaced. */
export function mapWindow(window: AnalyzedWindow, map: (part: Expression) => Expression): AnalyzedWindow {
  const { frame, filter, orderBy } = window.call;
  const bound = (side: typeof frame.start): typeof frame.start =>
    'offset' in side ? { ...side, offset: map(side.offset) } : side;
  return {
    symbol: window.symbol,
    call: {
      ...window.call,
      arguments: window.call.arguments.map(map),
      ...(filter && { filter: map(filter) }),
      ...(orderBy && { orderBy: mapOrders(orderBy, map) }),
      frame: { ...frame, start: bound(frame.start), end: bound(frame.end) },
    },
    partitionBy: window.partitionBy.map(map),
    orderBy: mapOrders(window.orderBy, map),
  };
}

const mapOrders = (orderBy: readonly SortOrder[], map: (part: Expression) => Expression): readonly SortOrder[] =>
  orderBy.map((order) => ({ ...order, expression: map(order.expression) }));
