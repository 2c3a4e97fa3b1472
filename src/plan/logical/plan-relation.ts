/** Plans what stands in FROM. A right side that reads columns of the left becomes an Apply, or an Unnest of the left. */

import type { AnalyzedRelation, QueryBlock, SetOperationInput } from '../../sql/analyzer/analysis.ts';
import type { Expression, Symbol } from '../../sql/expression.ts';
import { conjunctsOf, isTrue, referencesIn, substitute } from '../expressions.ts';
import { outputsOf, type PlanNode } from '../nodes.ts';
import { addColumns, asSymbols, identity, joinOn } from '../columns.ts';
import { freeSymbols } from '../free-symbols.ts';
import { oneRow, type PlannerContext } from './context.ts';
import { planSubqueries, planSubqueriesOfJoin } from './plan-subqueries.ts';
import { distinct, filter } from './steps.ts';

type Relation<Kind extends AnalyzedRelation['kind']> = AnalyzedRelation & { readonly kind: Kind };

export function planRelation(context: PlannerContext, relation: AnalyzedRelation): PlanNode {
  switch (relation.kind) {
    case 'table':
      return {
        kind: 'TableScan',
        id: context.newId(),
        table: {
          catalog: relation.table.catalog,
          connector: relation.table.connector,
          schema: relation.table.schema,
          table: relation.table.table,
          handle: relation.table.description.handle,
        },
        columns: relation.columns,
        constraint: {},
      };
    case 'values':
      return planValues(context, relation);
    case 'query':
      return context.planQuery(relation.query);
    case 'set operation':
      return planSetOperation(context, relation);
    case 'join':
      return planJoin(context, relation);
    case 'unnest':
      return planUnnest(context, relation, oneRow(context), 'INNER');
    case 'sample': {
      const { method, ratio } = relation;
      return { kind: 'Sample', id: context.newId(), source: planRelation(context, relation.source), method, ratio };
    }
    case 'recursive': {
      const initial = planInput(context, relation.initial);
      const step = planInput(context, relation.step);
      const plan: PlanNode = {
        kind: 'RecursiveUnion',
        id: context.newId(),
        name: relation.name,
        symbols: relation.symbols,
        initial: initial.plan,
        initialInputs: initial.symbols,
        step: step.plan,
        stepInputs: step.symbols,
        depthMax: relation.depthMax,
      };
      return relation.distinct ? distinct(context, plan) : plan;
    }
    case 'working table':
      return { kind: 'WorkingTable', id: context.newId(), name: relation.name, symbols: relation.symbols };
  }
}

function planValues(context: PlannerContext, relation: Relation<'values'>): PlanNode {
  const { symbols, rows } = relation;
  const reads = (row: readonly Expression[]): boolean =>
    row.some((cell) => [...referencesIn(cell)].some((name) => context.subqueries.has(name)));
  if (!rows.some(reads)) return { kind: 'Values', id: context.newId(), symbols, rows };
  // Rows with subqueries are computed one by one.
  const sources = rows.map((row): PlanNode => {
    const source = planSubqueries(context, oneRow(context), row);
    const assignments = row.map((expression, i) => ({
      symbol: context.newSymbol(symbols[i]!.name, symbols[i]!.type),
      expression,
    }));
    return { kind: 'Project', id: context.newId(), source, assignments };
  });
  return {
    kind: 'SetOperation',
    id: context.newId(),
    operation: 'UNION ALL',
    sources,
    symbols,
    inputs: sources.map((source) => outputsOf(source)),
  };
}

function planSetOperation(context: PlannerContext, relation: Relation<'set operation'>): PlanNode {
  const inputs = flatInputs(relation, relation.distinct).map((input) => planInput(context, input));
  const { operation, symbols } = relation;
  const all = operation === 'UNION' || !relation.distinct;
  const plan: PlanNode = {
    kind: 'SetOperation',
    id: context.newId(),
    operation: all ? `${operation} ALL` : operation,
    sources: inputs.map((input) => input.plan),
    symbols,
    inputs: inputs.map((input) => input.symbols),
  };
  return operation === 'UNION' && relation.distinct ? distinct(context, plan) : plan;
}

/**
 * The inputs, with those of inner unions in their place: repetitions that an inner UNION would drop are dropped by the
 * outer one. Deep chains of unions stay flat so, which the kernel needs: its time doubles with every second level.
 */
function flatInputs(relation: Relation<'set operation'>, isDistinct: boolean): readonly SetOperationInput[] {
  if (relation.operation !== 'UNION') return relation.inputs;
  return relation.inputs.flatMap((input): readonly SetOperationInput[] => {
    const { query } = input;
    const inner = query.from;
    if (inner?.kind !== 'set operation' || inner.operation !== 'UNION' || !isPlain(query)) return [input];
    if (inner.distinct && !isDistinct) return [input];
    return flatInputs(inner, isDistinct).map((part) => {
      const made = new Map(inner.symbols.map((symbol, i) => [symbol.name, part.columns[i]!]));
      return { query: part.query, columns: input.columns.map((column) => substitute(column, made)) };
    });
  });
}

/** A query that hands on what it reads. */
const isPlain = (query: QueryBlock): boolean =>
  !query.where &&
  !query.grouping &&
  query.windows.length === 0 &&
  !query.distinct &&
  query.orderBy.length === 0 &&
  !query.limit &&
  query.offset === undefined &&
  query.outputs.every(({ symbol, expression }) => expression.kind === 'Reference' && expression.name === symbol.name);

/** A query with its columns brought to the operation's types. */
function planInput(
  context: PlannerContext,
  input: SetOperationInput,
): { readonly plan: PlanNode; readonly symbols: readonly Symbol[] } {
  return asSymbols(context, context.planQuery(input.query), input.columns, 'expr');
}

function planJoin(context: PlannerContext, relation: Relation<'join'>): PlanNode {
  return addMerged(context, relation, joined(context, relation));
}

function joined(context: PlannerContext, relation: Relation<'join'>): PlanNode {
  const { type, condition } = relation;
  const left = planRelation(context, relation.left);
  const isInner = type === 'INNER';
  if (relation.right.kind === 'unnest' && (isInner || (type === 'LEFT' && (!condition || isTrue(condition))))) {
    const plan = planUnnest(context, relation.right, left, isInner ? 'INNER' : 'LEFT');
    return isInner && condition ? filter(context, plan, condition) : plan;
  }
  const right = planRelation(context, relation.right);
  const correlation = correlated(left, right);
  if (correlation.length > 0 && (type === 'INNER' || type === 'LEFT')) {
    if (isInner || !condition || isTrue(condition)) {
      const plan: PlanNode = {
        kind: 'Apply',
        id: context.newId(),
        source: left,
        subquery: right,
        correlation,
        form: { kind: 'lateral', type },
      };
      return condition && !isTrue(condition) ? filter(context, plan, condition) : plan;
    }
    const form = { kind: 'lateral', type, filter: condition } as const;
    return { kind: 'Apply', id: context.newId(), source: left, subquery: right, correlation, form };
  }
  if (!condition || (isInner && isTrue(condition))) {
    return { kind: 'Join', id: context.newId(), type, left, right, criteria: [] };
  }
  return conditional(context, type, left, right, condition);
}

function conditional(
  context: PlannerContext,
  type: Relation<'join'>['type'],
  left: PlanNode,
  right: PlanNode,
  condition: Expression,
): PlanNode {
  const planned = planSubqueriesOfJoin(context, left, right, condition, type);
  if (!planned.above) return joinOn(context, type, planned.left, planned.right, conjunctsOf(condition));
  const cross: PlanNode = { kind: 'Join', id: context.newId(), type, left, right, criteria: [] };
  return filter(context, cross, condition);
}

function addMerged(context: PlannerContext, { merged }: Relation<'join'>, plan: PlanNode): PlanNode {
  const source = planSubqueries(
    context,
    plan,
    merged.map(({ expression }) => expression),
  );
  return addColumns(context, source, merged);
}

/** Symbols of `left` that `right` reads. */
function correlated(left: PlanNode, right: PlanNode): readonly Symbol[] {
  const free = freeSymbols(right);
  return outputsOf(left).filter(
    (symbol, i, all) => free.has(symbol.name) && all.findIndex((s) => s.name === symbol.name) === i,
  );
}

function planUnnest(
  context: PlannerContext,
  relation: Relation<'unnest'>,
  left: PlanNode,
  type: 'INNER' | 'LEFT',
): PlanNode {
  const expressions = relation.items.map((item) => item.expression);
  const source = planSubqueries(context, left, expressions);
  // Each array has a column of its own, so that no two unnestings share one.
  const inputs = relation.items.map((item) => context.newSymbol('unnest', item.expression.type));
  const plan = addColumns(
    context,
    source,
    inputs.map((symbol, i) => ({ symbol, expression: expressions[i]! })),
  );
  return {
    kind: 'Unnest',
    id: context.newId(),
    source: plan,
    replicate: identity(outputsOf(left)).map((assignment) => assignment.symbol),
    unnest: relation.items.map((item, i) => ({ input: inputs[i]!, outputs: item.outputs })),
    ...(relation.ordinality && { ordinality: relation.ordinality }),
    type,
  };
}
