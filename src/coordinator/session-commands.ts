/** Statements that change the client's session. The server keeps no sessions: the change travels back in headers. */

import type { Metadata } from '../catalog/metadata.ts';
import { nearest, QueryError } from '../common/errors.ts';
import { normalZone } from '../sql/analyzer/date-time-literals.ts';
import type { Expression, Identifier, QualifiedName, SetSession, SetTimeZone, Statement, Use } from '../sql/ast.ts';
import { SESSION_PROPERTIES, sessionProperty } from '../sql/session-properties.ts';
import type { Outcome, Query, SessionChange } from './query.ts';
import type { Transactions } from './transactions.ts';

/** Undefined for statements that do something else. `text` is what `statement` was parsed from. */
export async function runSessionCommand(
  statement: Statement,
  text: string,
  query: Query,
  { metadata, transactions }: { readonly metadata: Metadata; readonly transactions: Transactions },
): Promise<Outcome | undefined> {
  switch (statement.kind) {
    case 'Use':
      return done('USE', await use(statement, query, metadata));
    case 'SetSession':
      return done('SET SESSION', [setSession(statement)]);
    case 'ResetSession': {
      const name = propertyName(statement.name);
      sessionProperty({}, name);
      return done('RESET SESSION', [{ kind: 'clear-session', name }]);
    }
    case 'SetTimeZone':
      return done('SET TIME ZONE', [setTimeZone(statement)]);
    case 'Prepare': {
      const { start, end, kind } = statement.statement;
      if (kind === 'Prepare' || kind === 'Execute' || kind === 'ExecuteImmediate' || kind === 'Deallocate') {
        throw new QueryError('NOT_SUPPORTED', `PREPARE of ${kind.toUpperCase()} is not supported`, statement.location);
      }
      const value = text.slice(start, end);
      return done('PREPARE', [{ kind: 'added-prepare', name: nameOf(statement.name), value }]);
    }
    case 'Deallocate': {
      const name = nameOf(statement.name);
      preparedText(query, name);
      return done('DEALLOCATE', [{ kind: 'deallocated-prepare', name }]);
    }
    case 'StartTransaction':
    case 'Commit':
    case 'Rollback':
      return done(UPDATE_TYPES[statement.kind], [transactions.run(statement, query.submission.transactionId)]);
    case 'SetPath':
    case 'SetSessionAuthorization':
    case 'ResetSessionAuthorization':
      throw new QueryError('NOT_SUPPORTED', 'This statement is not supported yet', statement.location);
    case 'Query':
    case 'Explain':
    case 'ExplainAnalyze':
    case 'ShowCatalogs':
    case 'ShowSchemas':
    case 'ShowTables':
    case 'ShowColumns':
    case 'ShowFunctions':
    case 'ShowSession':
    case 'ShowCreate':
    case 'ShowStats':
    case 'Execute':
    case 'ExecuteImmediate':
    case 'DescribeInput':
    case 'DescribeOutput':
    case 'DescribeQueryOutput':
      return undefined;
  }
}

/** The text of a statement that the client prepared. Throws NOT_FOUND. */
export function preparedText(query: Query, name: string): string {
  const text = query.submission.prepared.get(name);
  if (text !== undefined) return text;
  const near = nearest(name, query.submission.prepared.keys());
  const hint = near ? `; did you mean ${near}?` : '; PREPARE it first, or use EXECUTE IMMEDIATE';
  throw new QueryError('NOT_FOUND', `Prepared statement not found: ${name}${hint}`);
}

async function use(statement: Use, query: Query, metadata: Metadata): Promise<readonly SessionChange[]> {
  const catalog = statement.catalog ? nameOf(statement.catalog) : query.session.catalog;
  const schema = nameOf(statement.schema);
  if (catalog === undefined) {
    throw new QueryError(
      'MISSING_CATALOG_NAME',
      'Catalog must be specified when session catalog is not set: say USE catalog.schema; SHOW CATALOGS lists them',
      statement.location,
    );
  }
  if (!metadata.listCatalogs().includes(catalog)) {
    const near = nearest(catalog, metadata.listCatalogs());
    const hint = near ? `; did you mean ${near}?` : '; SHOW CATALOGS lists them';
    throw new QueryError('CATALOG_NOT_FOUND', `Catalog '${catalog}' does not exist${hint}`, statement.location);
  }
  // Schemas that are not listed may exist all the same, such as sf3 of tpch: they have tables then.
  await metadata.listTables(catalog, schema);
  const setCatalog: SessionChange[] = statement.catalog ? [{ kind: 'set-catalog', value: catalog }] : [];
  return [...setCatalog, { kind: 'set-schema', value: schema }];
}

function setSession({ name, value }: SetSession): SessionChange {
  const property = propertyName(name);
  const text = literalText(value);
  sessionProperty({ [property]: text }, property);
  return { kind: 'set-session', name: property, value: text };
}

function setTimeZone({ timeZone }: SetTimeZone): SessionChange {
  if (!timeZone) return { kind: 'clear-session', name: 'time_zone_id' };
  return { kind: 'set-session', name: 'time_zone_id', value: checkedTimeZone(literalText(timeZone)) };
}

/** As the kernel and clients know it. Throws INVALID_FUNCTION_ARGUMENT for what is neither a region nor an offset. */
export function checkedTimeZone(zone: string): string {
  const normal = normalZone(zone);
  if (normal !== undefined) return normal;
  const advice = 'use a name such as Europe/Zurich or an offset such as +05:30';
  throw new QueryError('INVALID_FUNCTION_ARGUMENT', `Time zone '${zone}' is unknown: ${advice}`);
}

function literalText(value: Expression): string {
  if (value.kind === 'StringLiteral') return value.value;
  if (value.kind === 'BooleanLiteral') return String(value.value);
  if (value.kind === 'IntegerLiteral' || value.kind === 'DecimalLiteral' || value.kind === 'DoubleLiteral') {
    return value.text.replaceAll('_', '');
  }
  const constants = 'The value must be a constant: a string, a number, true or false';
  throw new QueryError('NOT_SUPPORTED', constants, value.location);
}

function propertyName(name: QualifiedName): string {
  if (name.length === 1) return nameOf(name[0]!);
  const known = SESSION_PROPERTIES.map((property) => property.name).join(', ');
  const full = name.map(nameOf).join('.');
  throw new QueryError(
    'INVALID_SESSION_PROPERTY',
    `Session property '${full}' does not exist: catalogs have none; there are ${known}`,
  );
}

const nameOf = (identifier: Identifier): string => identifier.value.toLowerCase();

const UPDATE_TYPES = { StartTransaction: 'START TRANSACTION', Commit: 'COMMIT', Rollback: 'ROLLBACK' } as const;

/** As Trino answers such statements: no rows, a type of update. */
const done = (updateType: string, sessionChanges: readonly SessionChange[]): Outcome => ({
  columns: [],
  pages: [].values(),
  updateType,
  sessionChanges,
});
