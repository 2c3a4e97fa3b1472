/** Writes queries, a clause a line where there is room, on one line inside expressions. */
import type {
  AllColumns,
  Expression,
  FetchFirst,
  Limit,
  Query,
  QueryBody,
  QuerySpecification,
  SelectItem,
  SetOperation,
  With,
} from '../ast.ts';
import { writeExpression, writeIdentifier, writeName, writeOrderBy } from './expression.ts';
import { writeColumns, writeGroupBy, writeItem, writeRelation, type Writers } from './relation.ts';
import { writeWindow } from './window.ts';

/** Expressions, with the queries and windows inside them. */
export const write = (expression: Expression): string => writeExpression(expression, FORMATS);

const FORMATS = {
  query: (query: Query): string => writeQuery(query, ' '),
  window: (window: Parameters<typeof writeWindow>[0]): string => writeWindow(window, write),
};

const WRITERS: Writers = { expression: write, query: FORMATS.query };

/** `separator` stands between clauses: a space, or a newline with the indentation of the lines. */
export function writeQuery(query: Query, separator: string): string {
  const session = query.session?.map(({ name, value }) => `${writeName(name)} = ${write(value)}`);
  return [
    ...(session ? [`WITH SESSION ${session.join(', ')}`] : []),
    ...(query.with ? [writeWith(query.with, separator)] : []),
    writeBody(query.body, separator),
    ...(query.orderBy ? [writeOrderBy(query.orderBy, write)] : []),
    ...(query.offset ? [`OFFSET ${writeCount(query.offset.count)} ROWS`] : []),
    ...(query.limit ? [writeLimit(query.limit)] : []),
  ].join(separator);
}

function writeWith({ recursive, queries }: With, separator: string): string {
  const written = queries.map(({ name, columnNames, query }) => {
    const head = `${writeIdentifier(name)}${columnNames ? ` ${writeColumns(columnNames)}` : ''} AS `;
    if (separator === ' ') return `${head}(${writeQuery(query, separator)})`;
    const indented = `${separator}  `;
    return `${head}(${indented}${writeQuery(query, indented)}${separator})`;
  });
  return `WITH ${recursive ? 'RECURSIVE ' : ''}${written.join(`,${separator}`)}`;
}

function writeBody(body: QueryBody, separator: string): string {
  switch (body.kind) {
    case 'QuerySpecification':
      return writeSpecification(body, separator);
    case 'Values':
      return `VALUES ${body.rows.map(write).join(', ')}`;
    case 'Table':
      return `TABLE ${writeName(body.name)}`;
    case 'TableSubquery':
      return `(${writeQuery(body.query, ' ')})`;
    case 'Union':
    case 'Intersect':
      return body.relations.map((input) => writeBody(input, separator)).join(writeOperator(body, separator));
    case 'Except':
      return [body.left, body.right].map((input) => writeBody(input, separator)).join(writeOperator(body, separator));
  }
}

function writeOperator({ kind, distinct, corresponding }: SetOperation, separator: string): string {
  const by = corresponding && corresponding.columns.length > 0 ? ` BY ${writeColumns(corresponding.columns)}` : '';
  const suffix = corresponding ? ` CORRESPONDING${by}` : '';
  return `${separator}${kind.toUpperCase()}${distinct ? '' : ' ALL'}${suffix}${separator}`;
}

function writeSpecification(specification: QuerySpecification, separator: string): string {
  const { select, from, where, groupBy, having, windows } = specification;
  const definitions = windows.map(({ name, window }) => `${writeIdentifier(name)} AS ${writeWindow(window, write)}`);
  return [
    `SELECT ${select.distinct ? 'DISTINCT ' : ''}${select.items.map(writeSelectItem).join(', ')}`,
    ...(from ? [`FROM ${writeRelation(from, WRITERS)}`] : []),
    ...(where ? [`WHERE ${write(where)}`] : []),
    ...(groupBy ? [writeGroupBy(groupBy, write)] : []),
    ...(having ? [`HAVING ${write(having)}`] : []),
    ...(definitions.length > 0 ? [`WINDOW ${definitions.join(', ')}`] : []),
  ].join(separator);
}

const writeSelectItem = (item: SelectItem): string =>
  item.kind === 'SingleColumn' ? writeItem(item, write) : writeAllColumns(item);

function writeAllColumns({ target, aliases }: AllColumns): string {
  if (!target) return '*';
  const plain = ['Identifier', 'Dereference', 'Subscript', 'ArrayWildcard'].includes(target.kind);
  const written = plain ? write(target) : `(${write(target)})`;
  return `${written}.*${aliases.length > 0 ? ` AS ${writeColumns(aliases)}` : ''}`;
}

const writeCount = (count: Exclude<Limit['count'], 'ALL'>): string => write(count);

function writeLimit(limit: Limit | FetchFirst): string {
  if (limit.kind === 'Limit') return `LIMIT ${limit.count === 'ALL' ? 'ALL' : writeCount(limit.count)}`;
  const count = limit.count ? ` ${writeCount(limit.count)}` : '';
  return `FETCH FIRST${count} ROWS ${limit.withTies ? 'WITH TIES' : 'ONLY'}`;
}
