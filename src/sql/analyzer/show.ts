/** SHOW and DESCRIBE: their rows come from the catalogs and the function table, as constants of a VALUES. */

import type { Metadata } from '../../catalog/metadata.ts';
import { nearest, QueryError, type SourceLocation } from '../../common/errors.ts';
import { BIGINT, BOOLEAN, DOUBLE, type SqlType, typeName, UNKNOWN, VARCHAR } from '../../types/type.ts';
import type { ConstantValue } from '../../types/constant.ts';
import type * as ast from '../ast.ts';
import { reference, type Symbol } from '../expression.ts';
import { writtenName } from '../names.ts';
import { FUNCTIONS } from '../functions/registry.ts';
import type { Template } from '../functions/signature.ts';
import { SESSION_PROPERTIES } from '../session-properties.ts';
import type { Session } from '../session.ts';
import type { Analysis } from './analysis.ts';
import { analyze, type AnalyzeOptions } from './analyze.ts';
import { fixedSize, parametersOf, placeholderTypes } from './describe.ts';
import { constant } from './literals.ts';
import { missing, qualify } from './tables.ts';

/** Undefined for statements that show nothing. */
export async function analyzeShow(
  statement: ast.Statement,
  session: Session,
  metadata: Metadata,
  options: AnalyzeOptions,
): Promise<Analysis | undefined> {
  const shown = await show(statement, session, metadata, options);
  return shown && asAnalysis(shown);
}

type Shown = {
  readonly columns: readonly (readonly [name: string, type: SqlType])[];
  readonly rows: readonly (readonly ConstantValue[])[];
};

async function show(
  statement: ast.Statement,
  session: Session,
  metadata: Metadata,
  options: AnalyzeOptions,
): Promise<Shown | undefined> {
  switch (statement.kind) {
    case 'ShowCatalogs':
      return names('Catalog', metadata.listCatalogs(), statement.like);
    case 'ShowSchemas':
      return names('Schema', await metadata.listSchemas(catalogOf(statement, session, metadata)), statement.like);
    case 'ShowTables':
      return names('Table', await tablesOf(statement, session, metadata), statement.like);
    case 'ShowColumns': {
      const { columns } = await tableOf(statement.table, statement.location, session, metadata);
      const rows = columns
        .filter((column) => !column.hidden && matches(column.name, statement.like))
        .map(({ name, type, comment }) => [name, typeName(type), '', comment ?? '']);
      return { columns: [text('Column'), text('Type'), text('Extra'), text('Comment')], rows };
    }
    case 'ShowFunctions':
      return functions(statement.like);
    case 'ShowSession': {
      const rows = SESSION_PROPERTIES.filter(({ name }) => matches(name, statement.like)).map((property) => [
        property.name,
        session.properties[property.name] ?? property.fallback,
        property.fallback,
        property.type,
        property.description,
      ]);
      return { columns: ['Name', 'Value', 'Default', 'Type', 'Description'].map(text), rows };
    }
    case 'ShowCreate': {
      if (statement.type !== 'TABLE') {
        throw new QueryError('NOT_SUPPORTED', `SHOW CREATE ${statement.type} is not supported yet`, statement.location);
      }
      const table = await tableOf(statement.name, statement.location, session, metadata);
      const lines = table.columns
        .filter((column) => !column.hidden)
        .map(({ name, type }) => `   ${writtenName(name)} ${typeName(type)}`);
      const name = [table.catalog, table.schema, table.table].map(writtenName).join('.');
      return { columns: [text('Create Table')], rows: [[`CREATE TABLE ${name} (\n${lines.join(',\n')}\n)`]] };
    }
    case 'ShowStats': {
      if (statement.relation.kind !== 'Table') {
        throw new QueryError('NOT_SUPPORTED', 'SHOW STATS of a query is not supported yet', statement.location);
      }
      return statistics(statement.relation, session, metadata);
    }
    case 'DescribeQueryOutput':
      return describeOutput(await analyze(statement.query, session, metadata, options));
    case 'DescribeOutput':
      return describeOutput(await described(options.prepared!, session, metadata, options));
    case 'DescribeInput': {
      const { types } = await described(options.prepared!, session, metadata, options);
      const rows = types.map((type, position) => [String(position), typeName(type)]);
      return { columns: [['Position', BIGINT], text('Type')], rows };
    }
    case 'Query':
    case 'Explain':
    case 'ExplainAnalyze':
    case 'Use':
    case 'SetSession':
    case 'ResetSession':
    case 'SetSessionAuthorization':
    case 'ResetSessionAuthorization':
    case 'SetPath':
    case 'SetTimeZone':
    case 'Prepare':
    case 'Deallocate':
    case 'Execute':
    case 'ExecuteImmediate':
    case 'StartTransaction':
    case 'Commit':
    case 'Rollback':
      return undefined;
  }
}

const text = (name: string): readonly [string, SqlType] => [name, VARCHAR];

const names = (column: string, all: readonly string[], like: ast.LikeClause | undefined): Shown => ({
  columns: [text(column)],
  rows: all.filter((name) => matches(name, like)).map((name) => [name]),
});

/** LIKE: `%` any text, `_` any character. */
function matches(name: string, like: ast.LikeClause | undefined): boolean {
  if (!like) return true;
  const escape = like.escape?.value;
  if (escape !== undefined && Array.from(escape).length !== 1) {
    throw new QueryError(
      'INVALID_FUNCTION_ARGUMENT',
      'Escape string must be a single character',
      like.escape?.location,
    );
  }
  let pattern = '';
  const characters = Array.from(like.pattern.value);
  for (let i = 0; i < characters.length; i++) {
    let character = characters[i]!;
    if (character === escape) {
      i++;
      character = characters[i] ?? '';
      pattern += literal(character);
    } else if (character === '%') pattern += '.*';
    else pattern += character === '_' ? '.' : literal(character);
  }
  return new RegExp(`^${pattern}$`, 'su').test(name);
}

const literal = (character: string): string => character.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);

function catalogOf(statement: ast.ShowSchemas, session: Session, metadata: Metadata): string {
  const catalog = statement.catalog?.value.toLowerCase() ?? session.catalog;
  return existing(catalog, statement.catalog?.location ?? statement.location, metadata);
}

function existing(catalog: string | undefined, location: SourceLocation, metadata: Metadata): string {
  if (catalog === undefined) {
    throw new QueryError(
      'MISSING_CATALOG_NAME',
      'Catalog must be specified when session catalog is not set: name it after FROM, or say USE catalog.schema first; SHOW CATALOGS lists them',
      location,
    );
  }
  const catalogs = metadata.listCatalogs();
  if (catalogs.includes(catalog)) return catalog;
  const near = nearest(catalog, catalogs);
  const hint = near === undefined ? '' : `; did you mean '${near}'?`;
  throw new QueryError('CATALOG_NOT_FOUND', `Catalog '${catalog}' not found${hint}`, location);
}

async function tablesOf(statement: ast.ShowTables, session: Session, metadata: Metadata): Promise<readonly string[]> {
  const parts = statement.schema?.map((part) => part.value.toLowerCase()) ?? [];
  const location = statement.schema?.[0]?.location ?? statement.location;
  const catalog = existing(parts.at(-2) ?? session.catalog, location, metadata);
  const schema = parts.at(-1) ?? session.schema;
  if (schema === undefined) {
    throw new QueryError('MISSING_SCHEMA_NAME', 'Schema must be specified when session schema is not set', location);
  }
  try {
    return await metadata.listTables(catalog, schema);
  } catch (problem) {
    if (!(problem instanceof QueryError) || problem.code !== 'SCHEMA_NOT_FOUND') throw problem;
    const near = nearest(schema, await metadata.listSchemas(catalog));
    const hint = near === undefined ? '' : `; did you mean '${near}'?`;
    throw new QueryError('SCHEMA_NOT_FOUND', `Schema '${schema}' does not exist${hint}`, location, { cause: problem });
  }
}

async function tableOf(
  name: ast.QualifiedName,
  location: SourceLocation,
  session: Session,
  metadata: Metadata,
): ReturnType<typeof found> {
  return found(name, name[0]?.location ?? location, session, metadata);
}

async function found(
  name: ast.QualifiedName,
  location: SourceLocation,
  session: Session,
  metadata: Metadata,
): Promise<NonNullable<Awaited<ReturnType<Metadata['table']>>>> {
  const qualified = qualify(name, session);
  if (qualified instanceof QueryError) throw new QueryError(qualified.code, qualified.message, location);
  const table = await metadata.table(qualified);
  if (table) return table;
  const problem = await missing(qualified, metadata);
  throw new QueryError(problem.code, problem.message, location);
}

function functions(like: ast.LikeClause | undefined): Shown {
  const rows = FUNCTIONS.list()
    .filter(({ signature }) => matches(signature.name, like))
    .map(({ id, signature, kind, deterministic }) => [
      signature.name,
      templateText(signature.result),
      id.slice(id.indexOf('(') + 1, -1).replaceAll(',', ', '),
      kind,
      deterministic,
      '',
    ]);
  const columns = [
    text('Function'),
    text('Return Type'),
    text('Argument Types'),
    text('Function Type'),
    ['Deterministic', BOOLEAN],
    text('Description'),
  ] as const;
  return { columns, rows };
}

/** A type of a signature as SHOW FUNCTIONS writes it: `array(T)`, `timestamp(p) with time zone`. */
function templateText(template: Template): string {
  if (template.kind === 'literal') return String(template.value);
  if (template.kind !== 'type') return template.name;
  if (template.parameters.length === 0) return template.name;
  const [first, ...rest] = template.name.split(' ');
  return [`${first}(${template.parameters.map(templateText).join(', ')})`, ...rest].join(' ');
}

async function statistics(relation: ast.Table, session: Session, metadata: Metadata): Promise<Shown> {
  const table = await found(relation.name, relation.location, session, metadata);
  const { rows, columns } = await metadata.statistics(table);
  const lines = table.columns
    .filter((column) => !column.hidden)
    .map(({ name }) => {
      const known = columns[name];
      const size = known?.averageBytes !== undefined && rows !== undefined ? known.averageBytes * rows : undefined;
      return [
        name,
        whole(size),
        whole(known?.distinctValues),
        textOf(known?.nullFraction),
        null,
        textOf(known?.low),
        textOf(known?.high),
      ];
    });
  const shape = [
    text('column_name'),
    ['data_size', DOUBLE],
    ['distinct_values_count', DOUBLE],
    ['nulls_fraction', DOUBLE],
    ['row_count', DOUBLE],
    text('low_value'),
    text('high_value'),
  ] as const;
  return { columns: shape, rows: [...lines, [null, null, null, null, whole(rows), null, null]] };
}

/** Estimates of bytes and rows: parts of one tell nobody anything. */
const whole = (value: number | undefined): string | null => textOf(value && Math.round(value));

const textOf = (value: ConstantValue | number | undefined): string | null =>
  value === undefined || value === null ? null : String(value);

/** The columns of a prepared statement, and the types of its parameters. */
async function described(
  prepared: ast.Statement,
  session: Session,
  metadata: Metadata,
  { text: sql = '' }: AnalyzeOptions,
): Promise<Described & { readonly types: readonly SqlType[] }> {
  const options: AnalyzeOptions = { text: sql, describe: true };
  const analysis =
    prepared.kind === 'Query'
      ? await analyze(prepared, session, metadata, options)
      : await analyzeShow(prepared, session, metadata, options);
  const found = analysis && placeholderTypes(analysis);
  const types = parametersOf(prepared).map((type, position) => type ?? found?.get(position) ?? UNKNOWN);
  return { columns: analysis?.columns ?? [], lineage: analysis?.lineage ?? [], types };
}

type Described = Pick<Analysis, 'columns' | 'lineage'>;

function describeOutput({ columns, lineage }: Described): Shown {
  const rows = columns.map(({ name, symbol: { type } }, i) => {
    const { origin: [catalog = '', schema = '', table = ''] = [], aliased = false } = lineage[i]!;
    return [name, catalog, schema, table, typeName(type), String(fixedSize(type)), aliased];
  });
  const shape = [
    ...['Column Name', 'Catalog', 'Schema', 'Table', 'Type'].map(text),
    ['Type Size', BIGINT],
    ['Aliased', BOOLEAN],
  ] as const;
  return { columns: shape, rows };
}

/** The rows as a VALUES. */
function asAnalysis({ columns, rows }: Shown): Analysis {
  const symbols = columns.map(([name, type], i): Symbol => ({
    name: `${name.toLowerCase().replaceAll(/[^a-z0-9]/g, '_')}_${i + 1}`,
    type,
  }));
  return {
    root: {
      from: {
        kind: 'values',
        symbols,
        rows: rows.map((row) => row.map((value, i) => constant(columns[i]![1], value))),
      },
      windows: [],
      outputs: symbols.map((symbol) => ({ symbol, expression: reference(symbol) })),
      distinct: false,
      orderBy: [],
      outerReferences: new Set(),
    },
    columns: columns.map(([name], i) => ({ name, symbol: symbols[i]! })),
    lineage: columns.map(() => ({})),
    subqueries: new Map(),
    tables: [],
    lastSymbol: columns.length,
  };
}
