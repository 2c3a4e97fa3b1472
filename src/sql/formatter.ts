/**
 * Turns syntax trees back into SQL. Reading the result gives the same tree again, but for positions; parameters keep
 * their numbers too, except inside `position(? IN ?)` and `trim(?, ?)`, whose trees hold them in another order.
 */
import type { ExplainOption, Expression, LikeClause, Statement, TransactionMode } from './ast.ts';
import { writeIdentifier, writeName, writeString } from './format/expression.ts';
import { write, writeQuery } from './format/query.ts';

/** On one line, every operator in parentheses: for messages, EXPLAIN, and comparing what was read with what was meant. */
export const formatExpression: (expression: Expression) => string = write;

/** A clause a line. */
export function formatStatement(statement: Statement): string {
  switch (statement.kind) {
    case 'Query':
      return writeQuery(statement, '\n');
    case 'Explain': {
      const options = statement.options.map(writeExplainOption);
      return `EXPLAIN ${options.length > 0 ? `(${options.join(', ')}) ` : ''}${formatStatement(statement.statement)}`;
    }
    case 'ExplainAnalyze':
      return `EXPLAIN ANALYZE ${statement.verbose ? 'VERBOSE ' : ''}${formatStatement(statement.statement)}`;
    case 'ShowCatalogs':
      return `SHOW CATALOGS${writeLike(statement.like)}`;
    case 'ShowSchemas':
      return `SHOW SCHEMAS${statement.catalog ? ` FROM ${writeIdentifier(statement.catalog)}` : ''}${writeLike(statement.like)}`;
    case 'ShowTables':
      return `SHOW TABLES${statement.schema ? ` FROM ${writeName(statement.schema)}` : ''}${writeLike(statement.like)}`;
    case 'ShowColumns':
      return `SHOW COLUMNS FROM ${writeName(statement.table)}${writeLike(statement.like)}`;
    case 'ShowFunctions':
      return `SHOW FUNCTIONS${statement.schema ? ` FROM ${writeName(statement.schema)}` : ''}${writeLike(statement.like)}`;
    case 'ShowSession':
      return `SHOW SESSION${writeLike(statement.like)}`;
    case 'ShowCreate':
      return `SHOW CREATE ${statement.type} ${writeName(statement.name)}`;
    case 'ShowStats': {
      const { relation } = statement;
      return `SHOW STATS FOR ${relation.kind === 'Table' ? writeName(relation.name) : `(${writeQuery(relation.query, ' ')})`}`;
    }
    case 'Use':
      return `USE ${writeName(statement.catalog ? [statement.catalog, statement.schema] : [statement.schema])}`;
    case 'SetSession':
      return `SET SESSION ${writeName(statement.name)} = ${write(statement.value)}`;
    case 'ResetSession':
      return `RESET SESSION ${writeName(statement.name)}`;
    case 'SetSessionAuthorization':
      return `SET SESSION AUTHORIZATION ${write(statement.user)}`;
    case 'ResetSessionAuthorization':
      return 'RESET SESSION AUTHORIZATION';
    case 'SetPath':
      return `SET PATH ${statement.path.map(writeName).join(', ')}`;
    case 'SetTimeZone':
      return `SET TIME ZONE ${statement.timeZone ? write(statement.timeZone) : 'LOCAL'}`;
    case 'Prepare':
      return `PREPARE ${writeIdentifier(statement.name)} FROM ${formatStatement(statement.statement)}`;
    case 'Deallocate':
      return `DEALLOCATE PREPARE ${writeIdentifier(statement.name)}`;
    case 'Execute':
      return `EXECUTE ${writeIdentifier(statement.name)}${writeUsing(statement.parameters)}`;
    case 'ExecuteImmediate':
      return `EXECUTE IMMEDIATE ${writeString(statement.sql.value)}${writeUsing(statement.parameters)}`;
    case 'DescribeInput':
      return `DESCRIBE INPUT ${writeIdentifier(statement.name)}`;
    case 'DescribeOutput':
      return `DESCRIBE OUTPUT ${writeIdentifier(statement.name)}`;
    case 'DescribeQueryOutput':
      return `DESCRIBE OUTPUT (${writeQuery(statement.query, ' ')})`;
    case 'StartTransaction':
      return ['START TRANSACTION', statement.modes.map(writeMode).join(', ')].filter(Boolean).join(' ');
    case 'Commit':
      return 'COMMIT';
    case 'Rollback':
      return 'ROLLBACK';
  }
}

const writeExplainOption = (option: ExplainOption): string =>
  option.kind === 'ExplainFormat' ? `FORMAT ${option.format}` : `TYPE ${option.type}`;

function writeLike(like: LikeClause | undefined): string {
  if (!like) return '';
  return ` LIKE ${writeString(like.pattern.value)}${like.escape ? ` ESCAPE ${writeString(like.escape.value)}` : ''}`;
}

const writeUsing = (parameters: readonly Expression[]): string =>
  parameters.length > 0 ? ` USING ${parameters.map(write).join(', ')}` : '';

const writeMode = (mode: TransactionMode): string =>
  mode.kind === 'Isolation' ? `ISOLATION LEVEL ${mode.level}` : `READ ${mode.readOnly ? 'ONLY' : 'WRITE'}`;
