/** Statements, by their first words. Those that other parts of Tutti do not carry out yet are recognised and refused. */
import { QueryError } from '../../common/errors.ts';
import type { ExplainOption, Expression, LikeClause, QualifiedName, Statement, TransactionMode } from '../ast.ts';
import type { Token, TokenType } from '../lexer.ts';
import { QueryParser } from './query-parser.ts';

export class StatementParser extends QueryParser {
  /** The whole text: one statement, and a semicolon after it if need be. */
  singleStatement(): Statement {
    const statement = this.statement();
    if (this.token.type === ';') this.advance();
    this.#end();
    return statement;
  }

  standaloneExpression(): Expression {
    const expression = this.expression();
    this.#end();
    return expression;
  }

  #end(): void {
    if (!this.at('eof')) this.fail();
  }

  protected notSupported(what: string, at: Token): QueryError {
    return new QueryError('NOT_SUPPORTED', `${what} is not supported yet`, at.location);
  }

  protected statement(): Statement {
    this.enter();
    const statement = this.#statement(this.token);
    this.leave();
    return statement;
  }

  #statement(first: Token): Statement {
    const type: string = first.type;
    switch (type) {
      case 'SELECT':
      case 'WITH':
      case 'VALUES':
      case 'TABLE':
      case '(':
        return this.rootQuery();
      case 'EXPLAIN':
        return this.#explain(first);
      case 'SHOW':
        return this.#show(first);
      case 'DESCRIBE':
      case 'DESC':
        return this.#describe(first);
      case 'USE':
        return this.#use(first);
      case 'SET':
        return this.#set(first);
      case 'RESET':
        return this.#reset(first);
      case 'PREPARE':
        return this.#prepare(first);
      case 'DEALLOCATE': {
        this.advance();
        this.expect('PREPARE');
        const name = this.identifier();
        return { kind: 'Deallocate', ...this.span(first), name };
      }
      case 'EXECUTE':
        return this.#execute(first);
      case 'START':
        return this.#startTransaction(first);
      case 'COMMIT':
      case 'ROLLBACK':
        this.advance();
        this.accept('WORK');
        return { kind: type === 'COMMIT' ? 'Commit' : 'Rollback', ...this.span(first) };
      default:
        throw this.#unknownStatement(first);
    }
  }

  /** A statement of the language that cannot be carried out, one that goes wrong after its first words, or none at all. */
  #unknownStatement(first: Token): Error {
    if (first.type === 'eof') return this.error('the statement is empty');
    let matched = 0;
    for (const words of LATER) {
      const equal = words.findIndex((word, index) => this.ahead(index) !== word);
      if (equal < 0) return this.notSupported(words.join(' '), first);
      matched = Math.max(matched, equal);
    }
    const beginning = LATER.filter((words) =>
      words.every((word, index) => index >= matched || this.ahead(index) === word),
    );
    for (let word = 0; word < matched; word++) this.advance();
    for (const words of beginning) this.note(`'${words[matched]}'`);
    if (matched === 0) for (const word of BEGINNINGS) this.note(`'${word}'`);
    if (matched === 0) this.note('<query>');
    return this.fail();
  }

  #explain(first: Token): Statement {
    this.advance();
    if (this.accept('ANALYZE')) {
      const verbose = this.accept('VERBOSE');
      const statement = this.statement();
      return { kind: 'ExplainAnalyze', ...this.span(first), verbose, statement };
    }
    const optional = this.at('(') && (this.ahead(1) === 'FORMAT' || this.ahead(1) === 'TYPE');
    const options = optional ? this.parenthesizedList(() => this.#explainOption()) : [];
    const statement = this.statement();
    return { kind: 'Explain', ...this.span(first), options, statement };
  }

  #explainOption(): ExplainOption {
    const first = this.token;
    if (this.accept('FORMAT')) {
      const format = this.expectOneOf(['TEXT', 'GRAPHVIZ', 'JSON']);
      return { kind: 'ExplainFormat', ...this.span(first), format };
    }
    this.expect('TYPE');
    const type = this.expectOneOf(['LOGICAL', 'DISTRIBUTED', 'VALIDATE', 'IO']);
    return { kind: 'ExplainType', ...this.span(first), type };
  }

  // ----------------------------------------------------------------------------------------------- SHOW, DESCRIBE

  #show(first: Token): Statement {
    this.advance();
    const what = this.acceptOneOf([
      ...(['CATALOGS', 'SCHEMAS', 'TABLES', 'COLUMNS', 'FUNCTIONS', 'SESSION', 'CREATE', 'STATS'] as const),
    ]);
    switch (what) {
      case 'CATALOGS':
      case 'SESSION': {
        const like = this.#like();
        return { kind: what === 'CATALOGS' ? 'ShowCatalogs' : 'ShowSession', ...this.span(first), ...like };
      }
      case 'SCHEMAS': {
        const catalog = this.acceptOneOf(['FROM', 'IN']) ? this.identifier() : undefined;
        const like = this.#like();
        return { kind: 'ShowSchemas', ...this.span(first), ...(catalog && { catalog }), ...like };
      }
      case 'TABLES':
      case 'FUNCTIONS': {
        const schema = this.acceptOneOf(['FROM', 'IN']) ? this.qualifiedName() : undefined;
        const like = this.#like();
        const kind = what === 'TABLES' ? 'ShowTables' : 'ShowFunctions';
        return { kind, ...this.span(first), ...(schema && { schema }), ...like };
      }
      case 'COLUMNS': {
        this.expectOneOf(['FROM', 'IN']);
        const table = this.qualifiedName();
        const like = this.#like();
        return { kind: 'ShowColumns', ...this.span(first), table, ...like };
      }
      case 'CREATE':
        return this.#showCreate(first);
      case 'STATS':
        return this.#showStats(first);
      case undefined: {
        const later = SHOW_LATER.find((word) => this.at(word));
        if (later) throw this.notSupported(`SHOW ${later}`, first);
        return this.fail();
      }
    }
  }

  #like(): { like?: LikeClause } {
    if (!this.accept('LIKE')) return {};
    const pattern = this.string();
    const escape = this.accept('ESCAPE') ? this.string() : undefined;
    return { like: { pattern, ...(escape && { escape }) } };
  }

  #showCreate(first: Token): Statement {
    const word = this.expectOneOf(['TABLE', 'SCHEMA', 'VIEW', 'MATERIALIZED', 'FUNCTION']);
    if (word === 'MATERIALIZED') this.expect('VIEW');
    const name = this.qualifiedName();
    return {
      kind: 'ShowCreate',
      ...this.span(first),
      type: word === 'MATERIALIZED' ? 'MATERIALIZED VIEW' : word,
      name,
    };
  }

  #showStats(first: Token): Statement {
    this.expect('FOR');
    const target = this.token;
    if (this.accept('(')) {
      const query = this.rootQuery();
      this.expect(')');
      const relation = { kind: 'TableSubquery', ...this.span(target), query } as const;
      return { kind: 'ShowStats', ...this.span(first), relation };
    }
    const name = this.qualifiedName();
    return { kind: 'ShowStats', ...this.span(first), relation: { kind: 'Table', ...this.span(target), name } };
  }

  /** INPUT and OUTPUT may be tables too: `DESCRIBE output`, `DESCRIBE input.x`. */
  #describe(first: Token): Statement {
    this.advance();
    const next = this.tokenAhead(1);
    if (first.type === 'DESCRIBE' && (next.name || next.type === '(')) {
      const what = this.acceptOneOf(['INPUT', 'OUTPUT']);
      if (what === 'OUTPUT' && this.accept('(')) {
        const query = this.rootQuery();
        this.expect(')');
        return { kind: 'DescribeQueryOutput', ...this.span(first), query };
      }
      if (what) {
        const name = this.identifier();
        return { kind: what === 'INPUT' ? 'DescribeInput' : 'DescribeOutput', ...this.span(first), name };
      }
    }
    const table = this.qualifiedName();
    return { kind: 'ShowColumns', ...this.span(first), table };
  }

  // ----------------------------------------------------------------------------------------------- the session

  #use(first: Token): Statement {
    this.advance();
    const name = this.identifier();
    if (!this.accept('.')) return { kind: 'Use', ...this.span(first), schema: name };
    const schema = this.identifier();
    return { kind: 'Use', ...this.span(first), catalog: name, schema };
  }

  #set(first: Token): Statement {
    this.advance();
    switch (this.expectOneOf(['SESSION', 'PATH', 'TIME', 'ROLE'])) {
      case 'SESSION': {
        if (this.at('AUTHORIZATION') && this.ahead(1) !== '=' && this.ahead(1) !== '.') {
          this.advance();
          const user = this.token.name ? this.identifier() : this.string();
          return { kind: 'SetSessionAuthorization', ...this.span(first), user };
        }
        const name = this.qualifiedName();
        this.expect('=');
        const value = this.expression();
        return { kind: 'SetSession', ...this.span(first), name, value };
      }
      case 'PATH': {
        const path = this.list((): QualifiedName => {
          const schema = this.identifier();
          return this.accept('.') ? [schema, this.identifier()] : [schema];
        });
        return { kind: 'SetPath', ...this.span(first), path };
      }
      case 'TIME': {
        this.expect('ZONE');
        const isLocal = this.at('LOCAL') && (this.ahead(1) === 'eof' || this.ahead(1) === ';');
        if (isLocal) this.advance();
        const timeZone = isLocal ? undefined : this.expression();
        return { kind: 'SetTimeZone', ...this.span(first), ...(timeZone && { timeZone }) };
      }
      case 'ROLE':
        throw this.notSupported('SET ROLE', first);
    }
  }

  #reset(first: Token): Statement {
    this.advance();
    this.expect('SESSION');
    if (this.at('AUTHORIZATION') && this.ahead(1) !== '.') {
      this.advance();
      return { kind: 'ResetSessionAuthorization', ...this.span(first) };
    }
    const name = this.qualifiedName();
    return { kind: 'ResetSession', ...this.span(first), name };
  }

  // ----------------------------------------------------------------------------------------------- prepared statements

  #prepare(first: Token): Statement {
    this.advance();
    const name = this.identifier();
    this.expect('FROM');
    const statement = this.statement();
    return { kind: 'Prepare', ...this.span(first), name, statement };
  }

  #execute(first: Token): Statement {
    this.advance();
    const immediate = this.ahead(1) === 'string' || this.ahead(1) === 'unicode-string';
    if (immediate && this.accept('IMMEDIATE')) {
      const sql = this.string();
      const parameters = this.#parameters();
      return { kind: 'ExecuteImmediate', ...this.span(first), sql, parameters };
    }
    const name = this.identifier();
    const parameters = this.#parameters();
    return { kind: 'Execute', ...this.span(first), name, parameters };
  }

  #parameters(): Expression[] {
    return this.accept('USING') ? this.list(() => this.expression()) : [];
  }

  // ----------------------------------------------------------------------------------------------- transactions

  #startTransaction(first: Token): Statement {
    this.advance();
    this.expect('TRANSACTION');
    const any = this.at('ISOLATION') || this.at('READ');
    const modes = any ? this.list(() => this.#transactionMode()) : [];
    return { kind: 'StartTransaction', ...this.span(first), modes };
  }

  #transactionMode(): TransactionMode {
    const first = this.token;
    if (this.expectOneOf(['ISOLATION', 'READ']) === 'READ') {
      const readOnly = this.expectOneOf(['ONLY', 'WRITE']) === 'ONLY';
      return { kind: 'TransactionAccess', ...this.span(first), readOnly };
    }
    this.expect('LEVEL');
    switch (this.expectOneOf(['READ', 'REPEATABLE', 'SERIALIZABLE'])) {
      case 'READ': {
        const level = `READ ${this.expectOneOf(['UNCOMMITTED', 'COMMITTED'])}` as const;
        return { kind: 'Isolation', ...this.span(first), level };
      }
      case 'REPEATABLE':
        this.expect('READ');
        return { kind: 'Isolation', ...this.span(first), level: 'REPEATABLE READ' };
      case 'SERIALIZABLE':
        return { kind: 'Isolation', ...this.span(first), level: 'SERIALIZABLE' };
    }
  }
}

const BEGINNINGS: readonly TokenType[] = [
  ...(['EXPLAIN', 'SHOW', 'DESCRIBE', 'DESC', 'USE', 'SET', 'RESET', 'PREPARE', 'DEALLOCATE', 'EXECUTE'] as const),
  ...(['START', 'COMMIT', 'ROLLBACK'] as const),
];

/** First words of statements that the parser knows of and does not read. */
const LATER: readonly (readonly string[])[] = `
  CREATE CATALOG, CREATE SCHEMA, CREATE TABLE, CREATE VIEW, CREATE MATERIALIZED VIEW, CREATE FUNCTION
  CREATE ROLE, CREATE BRANCH, CREATE OR REPLACE TABLE, CREATE OR REPLACE VIEW
  CREATE OR REPLACE MATERIALIZED VIEW, CREATE OR REPLACE FUNCTION, CREATE OR REPLACE BRANCH
  DROP CATALOG, DROP SCHEMA, DROP TABLE, DROP VIEW, DROP MATERIALIZED VIEW, DROP FUNCTION, DROP ROLE
  DROP BRANCH, ALTER SCHEMA, ALTER TABLE, ALTER VIEW, ALTER MATERIALIZED VIEW, ALTER BRANCH
  INSERT INTO, DELETE FROM, TRUNCATE TABLE, UPDATE, MERGE INTO, COMMENT ON, ANALYZE, CALL
  REFRESH MATERIALIZED VIEW, GRANT, REVOKE, DENY
`
  .trim()
  .split(/,?\s*\n\s*|, /)
  .map((words) => words.split(' '));

const SHOW_LATER: readonly TokenType[] = ['BRANCHES', 'GRANTS', 'ROLES', 'ROLE', 'CURRENT'];
