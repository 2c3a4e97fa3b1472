/**
 * Renders a fragment's plan as one kernel SELECT: each node a SELECT over its sources', with exactly the node's outputs as
 * columns, named by their symbols. Symbols are unique in a plan, so columns need no qualifiers, also in correlated subqueries.
 */

import { unreachable } from '../../common/assert.ts';
import type { AssignUniqueIdNode, LimitNode, PlanNode, SampleNode } from '../../plan/nodes.ts';
import type { RecursiveUnionNode, TableScanNode, TopNNode, ValuesNode } from '../../plan/nodes.ts';
import type { WindowNode } from '../../plan/nodes.ts';
import { conjunctsOf } from '../../plan/expressions.ts';
import { outputsOf } from '../../plan/nodes.ts';
import type { SortOrder, Symbol } from '../../sql/expression.ts';
import { reference } from '../../sql/expression.ts';
import { raise } from '../../types/raise.ts';
import { renderOrder, renderWindow } from '../../sql/render/render-aggregate.ts';
import { renderCondition, Renderer, renderExpression } from '../../sql/render/render-expression.ts';
import { emptySelect, identifier, kernelType, NO_COLUMNS } from '../../types/kernel.ts';
import type { PlanContext, PlanWorld } from './plan-context.ts';
import { renderAggregation } from './render-aggregation.ts';
import { renderApply } from './render-apply.ts';
import { renderJoin, renderSemiJoin } from './render-join.ts';
import { renderSetOperation } from './render-set-operation.ts';
import { withRepresentatives } from './representatives.ts';
import { renderUnnest } from './render-unnest.ts';
import { column, columnList, singleRow } from './text.ts';

/** The SELECT without parentheses. */
export function renderPlan(node: PlanNode, world: PlanWorld): string {
  const context: PlanContext = { ...world, source: (part) => `(${renderPlan(part, world)})` };
  return renderNode(node, context);
}

function renderNode(node: PlanNode, context: PlanContext): string {
  const expressions = context.expressions;
  switch (node.kind) {
    case 'TableScan':
      return renderScan(node, context);
    case 'Values':
      return renderValues(node, context);
    case 'Filter': {
      const condition = renderCondition(conjunctsOf(node.predicate), expressions) || 'true';
      return `SELECT ${columnList(outputsOf(node))} FROM ${context.source(node.source)} WHERE ${condition}`;
    }
    case 'Project': {
      const columns = node.assignments.map(
        ({ symbol, expression }) => `${renderExpression(expression, expressions)} AS ${column(symbol)}`,
      );
      return `SELECT ${columns.join(', ') || NO_COLUMNS} FROM ${context.source(node.source)}`;
    }
    case 'Join':
      return renderJoin(node, context);
    case 'SemiJoin':
      return renderSemiJoin(node, context);
    case 'Apply':
      return renderApply(node, context);
    case 'Aggregation':
      return renderAggregation(node, context);
    case 'Window':
      return renderWindowNode(node, context);
    case 'Sort':
      return `SELECT ${columnList(outputsOf(node))} FROM ${context.source(node.source)} ${orderBy(node.orderBy, context)}`;
    case 'TopN':
      return renderTopN(node, context);
    case 'Limit':
      return renderLimit(node, context);
    case 'EnforceSingleRow':
      return singleRow(outputsOf(node), context.source(node.source));
    case 'SetOperation':
      return renderSetOperation(node, context);
    case 'Unnest':
      return renderUnnest(node, context);
    case 'AssignUniqueId':
      return renderUniqueId(node, context);
    case 'Sample':
      return renderSample(node, context);
    case 'RecursiveUnion':
      return renderRecursion(node, context);
    case 'WorkingTable':
      // Its columns have the recursion's names: here they are named by position.
      return `SELECT ${columnList(node.symbols)} FROM ${identifier(node.name)} AS working(${node.symbols.map(column).join(', ')})`;
    case 'RemoteSource':
      return context.remote(node);
    case 'Output':
      return renderNode(node.source, context);
    case 'Exchange':
      return unreachable(node as never);
  }
}

function orderBy(order: readonly SortOrder[], { expressions }: PlanContext): string {
  return order.length === 0 ? '' : `ORDER BY ${renderOrder(order, new Renderer(expressions))}`;
}

function renderScan(node: TableScanNode, context: PlanContext): string {
  const columns = [...new Map(node.columns.map((scanned) => [scanned.column.name, scanned.column])).values()];
  const selected = node.columns.map((scanned) => `${identifier(scanned.column.name)} AS ${column(scanned.symbol)}`);
  return `SELECT ${selected.join(', ') || NO_COLUMNS} FROM (${context.scan(node, columns)})`;
}

function renderValues({ symbols, rows }: ValuesNode, { expressions }: PlanContext): string {
  if (symbols.length === 0)
    return rows.length === 1 ? `SELECT ${NO_COLUMNS}` : `SELECT ${NO_COLUMNS} FROM range(${rows.length})`;
  if (rows.length === 0) return emptySelect(symbols);
  const cells = rows.map((row) => row.map((expression) => renderExpression(expression, expressions)));
  if (rows.length === 1)
    return `SELECT ${symbols.map((symbol, i) => `${cells[0]![i]!} AS ${column(symbol)}`).join(', ')}`;
  const names = symbols.map(column).join(', ');
  const typed = symbols.map((symbol) => `CAST(${column(symbol)} AS ${kernelType(symbol.type)}) AS ${column(symbol)}`);
  const lines = cells.map((row) => `(${row.join(', ')})`);
  return `SELECT ${typed.join(', ')} FROM (VALUES ${lines.join(', ')}) AS "values"(${names})`;
}

function renderWindowNode(node: WindowNode, context: PlanContext): string {
  const over = { partitionBy: node.partitionBy.map(reference), orderBy: node.orderBy };
  const { calls, from } = withRepresentatives(node.functions, node.partitionBy, context.source(node.source), context);
  const values = calls.map(
    ({ symbol, call }) => `${renderWindow(call, over, context.expressions)} AS ${column(symbol)}`,
  );
  return `SELECT ${[...outputsOf(node.source).map(column), ...values].join(', ')} FROM ${from}`;
}

/** Counts beyond it are more rows than there are. */
const ROWS_MAX = 1n << 62n;

const rowCount = (digits: string): string => (BigInt(digits) > ROWS_MAX ? ROWS_MAX : BigInt(digits)).toString();

function renderTopN(node: TopNNode, context: PlanContext): string {
  const order = orderBy(node.orderBy, context);
  const columns = columnList(outputsOf(node));
  const from = context.source(node.source);
  if (!node.withTies) {
    const offset = node.offset === '0' ? '' : ` OFFSET ${rowCount(node.offset)}`;
    return `SELECT ${columns} FROM ${from} ${order} LIMIT ${rowCount(node.count)}${offset}`;
  }
  if (node.count === '0') return `SELECT ${columns} FROM ${from} LIMIT 0`;
  const last = rowCount((BigInt(node.count) + BigInt(node.offset)).toString());
  // Ties of the last row share its rank, which is at most its number.
  const skip = node.offset === '0' ? '' : `row_number() OVER (${order}) > ${rowCount(node.offset)} AND `;
  return `SELECT ${columns} FROM ${from} QUALIFY ${skip}rank() OVER (${order}) <= ${last} ${order}`;
}

function renderLimit(node: LimitNode, context: PlanContext): string {
  const limit = node.count === undefined ? '' : ` LIMIT ${rowCount(node.count)}`;
  const offset = node.offset === '0' ? '' : ` OFFSET ${rowCount(node.offset)}`;
  return `SELECT ${columnList(outputsOf(node))} FROM ${context.source(node.source)}${limit}${offset}`;
}

/** Tasks count in ranges of their own: 2^40 rows each. */
function renderUniqueId(node: AssignUniqueIdNode, context: PlanContext): string {
  const first = (BigInt(context.task) << 40n).toString();
  const columns = outputsOf(node.source).map(column);
  const id = `CAST(${first} + row_number() OVER () AS BIGINT) AS ${column(node.symbol)}`;
  return `SELECT ${[...columns, id].join(', ')} FROM ${context.source(node.source)}`;
}

function renderSample(node: SampleNode, context: PlanContext): string {
  // Plain digits: the kernel reads no exponents here.
  const percent = (node.ratio * 100).toFixed(10);
  const seed = (context.seed % 2 ** 31).toFixed(0);
  return `SELECT ${columnList(outputsOf(node))} FROM ${context.source(node.source)} AS sampled TABLESAMPLE ${node.method}(${percent}%) REPEATABLE (${seed})`;
}

/** Rounds are counted in a column beside the rows, so that one too many is an error before it runs. */
function renderRecursion(node: RecursiveUnionNode, context: PlanContext): string {
  const name = identifier(node.name);
  const names = node.symbols.map(column);
  const typed = (inputs: readonly Symbol[]): string =>
    node.symbols.map((symbol, i) => `CAST(${column(inputs[i]!)} AS ${kernelType(symbol.type)})`).join(', ');
  const tooDeep = raise(
    'NOT_SUPPORTED',
    `Recursion depth limit exceeded (${node.depthMax}). Use 'max_recursion_depth' session property to modify the limit.`,
  );
  const round = `(SELECT CASE WHEN max("round.") >= ${node.depthMax} THEN ${tooDeep} ELSE max("round.") + 1 END FROM ${name})`;
  const initial = `SELECT ${typed(node.initialInputs)}, CAST(0 AS INTEGER) FROM ${context.source(node.initial)}`;
  const step = `SELECT ${typed(node.stepInputs)}, ${round} FROM ${context.source(node.step)}`;
  return `WITH RECURSIVE ${name}(${[...names, '"round."'].join(', ')}) AS (${initial} UNION ALL ${step}) SELECT ${names.join(', ')} FROM ${name}`;
}
