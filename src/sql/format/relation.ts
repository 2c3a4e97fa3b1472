/** Writes what stands after FROM. */
import type {
  Expression,
  GroupBy,
  GroupingElement,
  Identifier,
  Join,
  JsonTable,
  JsonTableColumn,
  JsonTableDefaultPlan,
  JsonTablePlan,
  PatternRecognition,
  Query,
  Relation,
  SingleColumn,
  TableArgument,
  TableFunctionArgument,
} from '../ast.ts';
import {
  writeBehaviors,
  writeDataType,
  writeIdentifier,
  writeName,
  writeOrderBy,
  writePath,
  writeSortItem,
  writeString,
  writeWrapping,
} from './expression.ts';
import { writeDefinitions, writeMatching, writeMeasures, writePartitionBy, writePattern } from './window.ts';

export type Writers = {
  readonly expression: (expression: Expression) => string;
  /** Without parentheses. */
  readonly query: (query: Query) => string;
};

const list = (items: readonly string[]): string => items.join(', ');

export function writeRelation(relation: Relation, writers: Writers): string {
  const write = writers.expression;
  switch (relation.kind) {
    case 'Table': {
      const { name, period } = relation;
      return `${writeName(name)}${period ? ` FOR ${period.type} AS OF ${write(period.asOf)}` : ''}`;
    }
    case 'TableSubquery':
      return `(${writers.query(relation.query)})`;
    case 'Lateral':
      return `LATERAL (${writers.query(relation.query)})`;
    case 'Unnest':
      return `UNNEST(${list(relation.expressions.map(write))})${relation.withOrdinality ? ' WITH ORDINALITY' : ''}`;
    case 'TableFunctionInvocation': {
      const args = list(relation.arguments.map((argument) => writeArgument(argument, writers)));
      const tables = relation.copartitioning.map((group) => `(${list(group.map(writeName))})`);
      return `TABLE(${writeName(relation.name)}(${args}${tables.length > 0 ? ` COPARTITION ${list(tables)}` : ''}))`;
    }
    case 'JsonTable':
      return writeJsonTable(relation, write);
    case 'Nearest': {
      const where = relation.where ? ` WHERE ${write(relation.where)}` : '';
      return `NEAREST (FROM ${writeRelation(relation.from, writers)}${where} MATCH ${write(relation.match)})`;
    }
    case 'AliasedRelation': {
      const { alias, columnNames } = relation;
      return `${operand(relation.relation, writers, ALIASABLE)} AS ${writeIdentifier(alias)}${columnNames ? writeColumns(columnNames) : ''}`;
    }
    case 'SampledRelation': {
      const input = operand(relation.relation, writers, SAMPLEABLE);
      return `${input} TABLESAMPLE ${relation.method} (${write(relation.percentage)})`;
    }
    case 'PatternRecognition':
      return writePatternRecognition(relation, writers);
    case 'Pivot': {
      const { aggregations, keys, values, groupBy } = relation;
      const items = (columns: readonly SingleColumn[]): string => list(columns.map((item) => writeItem(item, write)));
      const key = keys.length === 1 ? write(keys[0]!) : `(${list(keys.map(write))})`;
      const grouping = groupBy ? ` ${writeGroupBy(groupBy, write)}` : '';
      const input = operand(relation.input, writers, MATCHABLE);
      return `${input} PIVOT (${items(aggregations)} FOR ${key} IN (${items(values)})${grouping})`;
    }
    case 'Join':
      return writeJoin(relation, writers);
  }
}

/** Relations that need no parentheses in a place. A subquery must never get any: they would make it another query. */
const PRIMARY = ['Table', 'TableSubquery', 'Lateral', 'Unnest', 'TableFunctionInvocation', 'JsonTable', 'Nearest'];
const ALIASABLE: ReadonlySet<string> = new Set([...PRIMARY, 'PatternRecognition', 'Pivot']);
const SAMPLEABLE: ReadonlySet<string> = new Set([...ALIASABLE, 'AliasedRelation']);
const JOINABLE: ReadonlySet<string> = new Set([...SAMPLEABLE, 'SampledRelation']);
const MATCHABLE: ReadonlySet<string> = new Set(PRIMARY);

function operand(relation: Relation, writers: Writers, plain: ReadonlySet<string>): string {
  const written = writeRelation(relation, writers);
  return plain.has(relation.kind) ? written : `(${written})`;
}

function writeJoin({ type, left, right, criteria }: Join, writers: Writers): string {
  if (type === 'IMPLICIT') return `${writeRelation(left, writers)}, ${writeRelation(right, writers)}`;
  const sides = `${writeRelation(left, writers)} ${criteria?.kind === 'NaturalJoin' ? 'NATURAL ' : ''}${type} JOIN `;
  const joined = sides + operand(right, writers, JOINABLE);
  if (criteria?.kind === 'JoinOn') return `${joined} ON ${writers.expression(criteria.expression)}`;
  return criteria?.kind === 'JoinUsing' ? `${joined} USING ${writeColumns(criteria.columns)}` : joined;
}

export const writeColumns = (columns: readonly Identifier[]): string => `(${list(columns.map(writeIdentifier))})`;

export const writeItem = ({ expression, alias }: SingleColumn, write: Writers['expression']): string =>
  `${write(expression)}${alias ? ` AS ${writeIdentifier(alias)}` : ''}`;

// ------------------------------------------------------------------------------------------------------ GROUP BY

export function writeGroupBy({ distinct, elements }: GroupBy, write: Writers['expression']): string {
  return `GROUP BY ${distinct ? 'DISTINCT ' : ''}${list(elements.map((element) => writeGrouping(element, write)))}`;
}

function writeGrouping(element: GroupingElement, write: Writers['expression']): string {
  const set = (columns: readonly Expression[]): string => `(${list(columns.map(write))})`;
  switch (element.kind) {
    case 'SimpleGroupBy':
      return element.columns.length === 1 ? write(element.columns[0]!) : set(element.columns);
    case 'AutoGroupBy':
      return 'AUTO';
    case 'Rollup':
      return `ROLLUP (${list(element.sets.map(set))})`;
    case 'Cube':
      return `CUBE (${list(element.sets.map(set))})`;
    case 'GroupingSets':
      return `GROUPING SETS (${list(element.sets.map(set))})`;
  }
}

// ------------------------------------------------------------------------------------------------------ the others

function writePatternRecognition(node: PatternRecognition, writers: Writers): string {
  const write = writers.expression;
  const parts = [
    ...writePartitionBy(node.partitionBy, write),
    ...(node.orderBy ? [writeOrderBy(node.orderBy, write)] : []),
    ...writeMeasures(node.measures, write),
    ...(node.rowsPerMatch ? [ROWS_PER_MATCH[node.rowsPerMatch]] : []),
    ...writeMatching(node),
    `PATTERN (${writePattern(node.pattern)})`,
    ...writeDefinitions(node, write),
  ];
  return `${operand(node.input, writers, MATCHABLE)} MATCH_RECOGNIZE (${parts.join(' ')})`;
}

const ROWS_PER_MATCH = {
  ONE: 'ONE ROW PER MATCH',
  'ALL SHOW EMPTY': 'ALL ROWS PER MATCH SHOW EMPTY MATCHES',
  'ALL OMIT EMPTY': 'ALL ROWS PER MATCH OMIT EMPTY MATCHES',
  'ALL WITH UNMATCHED': 'ALL ROWS PER MATCH WITH UNMATCHED ROWS',
} as const;

function writeArgument({ name, value }: TableFunctionArgument, writers: Writers): string {
  const prefix = name ? `${writeIdentifier(name)} => ` : '';
  if (value.kind === 'TableArgument') return prefix + writeTableArgument(value, writers);
  if (value.kind !== 'DescriptorArgument') return prefix + writers.expression(value);
  const fields = value.fields?.map((field) =>
    field.type ? `${writeIdentifier(field.name)} ${writeDataType(field.type)}` : writeIdentifier(field.name),
  );
  return `${prefix}${fields ? `DESCRIPTOR(${list(fields)})` : 'CAST(NULL AS DESCRIPTOR)'}`;
}

function writeTableArgument(argument: TableArgument, writers: Writers): string {
  const write = writers.expression;
  const aliased = argument.table.kind === 'AliasedRelation' ? argument.table : undefined;
  const table = aliased ? aliased.relation : argument.table;
  const inner = writeRelation(table, writers);
  const alias = aliased
    ? ` AS ${writeIdentifier(aliased.alias)}${aliased.columnNames ? writeColumns(aliased.columnNames) : ''}`
    : '';
  const partition = argument.partitionBy ? ` PARTITION BY (${list(argument.partitionBy.map(write))})` : '';
  const empty = argument.emptyTreatment ? ` ${argument.emptyTreatment} WHEN EMPTY` : '';
  const order = argument.orderBy
    ? ` ORDER BY (${list(argument.orderBy.items.map((item) => writeSortItem(item, write)))})`
    : '';
  return `TABLE${table.kind === 'TableSubquery' ? inner : `(${inner})`}${alias}${partition}${empty}${order}`;
}

function writeJsonTable({ invocation, columns, plan, onError }: JsonTable, write: Writers['expression']): string {
  const written = list(columns.map((column) => writeJsonColumn(column, write)));
  const planned = plan
    ? ` PLAN ${plan.kind === 'JsonTableDefaultPlan' ? writeDefaultPlan(plan) : `(${writePlan(plan)})`}`
    : '';
  return `JSON_TABLE(${writePath(invocation, write)} COLUMNS (${written})${planned}${onError ? ` ${onError} ON ERROR` : ''})`;
}

function writeJsonColumn(column: JsonTableColumn, write: Writers['expression']): string {
  switch (column.kind) {
    case 'OrdinalityColumn':
      return `${writeIdentifier(column.name)} FOR ORDINALITY`;
    case 'ValueColumn': {
      const path = column.path ? ` PATH ${writeString(column.path.value)}` : '';
      return `${writeIdentifier(column.name)} ${writeDataType(column.type)}${path}${writeBehaviors(column, write)}`;
    }
    case 'QueryColumn': {
      const format = ` FORMAT JSON${column.format === 'JSON' ? '' : ` ENCODING ${column.format}`}`;
      const path = column.path ? ` PATH ${writeString(column.path.value)}` : '';
      const options = `${path}${writeWrapping(column)}${writeBehaviors(column, write)}`;
      return `${writeIdentifier(column.name)} ${writeDataType(column.type)}${format}${options}`;
    }
    case 'NestedColumns': {
      const named = column.pathName ? ` AS ${writeIdentifier(column.pathName)}` : '';
      const inner = list(column.columns.map((nested) => writeJsonColumn(nested, write)));
      return `NESTED PATH ${writeString(column.path.value)}${named} COLUMNS (${inner})`;
    }
  }
}

const writeDefaultPlan = ({ parentChild, siblings }: JsonTableDefaultPlan): string =>
  `DEFAULT (${parentChild}, ${siblings})`;

function writePlan(plan: JsonTablePlan): string {
  const inner = (child: JsonTablePlan): string =>
    child.kind === 'PlanLeaf' ? writeIdentifier(child.name) : `(${writePlan(child)})`;
  switch (plan.kind) {
    case 'PlanLeaf':
      return writeIdentifier(plan.name);
    case 'PlanParentChild':
      return `${writeIdentifier(plan.parent)} ${plan.type} ${inner(plan.child)}`;
    case 'PlanSiblings':
      return plan.siblings.map(inner).join(` ${plan.type} `);
  }
}
