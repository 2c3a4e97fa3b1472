/** Turns SQL text into syntax trees. What cannot be read ends in a QueryError with a position, never in a stack overflow. */
import { QueryError } from '../common/errors.ts';
import type { Expression, Statement } from './ast.ts';
import { scan, type Token } from './lexer.ts';
import { checkDepth } from './parser/depth.ts';
import { StatementParser } from './parser/statement-parser.ts';

/** Characters of one statement; Trino's limit. */
export const SQL_LENGTH_MAX = 1_000_000;

/** The one statement that `sql` is; a semicolon may close it. */
export function parseStatement(sql: string): Statement {
  return parse(sql, (parser) => parser.singleStatement());
}

/** The expression that `sql` is, whole. */
export function parseExpression(sql: string): Expression {
  return parse(sql, (parser) => parser.standaloneExpression());
}

const TOO_DEEP = 'the statement is nested too deeply. Split it with WITH';

function parse<T extends Statement | Expression>(sql: string, read: (parser: StatementParser) => T): T {
  if (sql.length > SQL_LENGTH_MAX) {
    throw new QueryError(
      'SYNTAX_ERROR',
      `the statement has ${sql.length} characters; at most ${SQL_LENGTH_MAX} are read`,
    );
  }
  const tokens = scan(sql);
  const tree = readOrExplain(sql, tokens, read);
  checkDepth(tree, tokens.length);
  return tree;
}

/** A failed parse is done again by a parser that notes what it expects: noting costs time that good statements save. */
function readOrExplain<T>(sql: string, tokens: readonly Token[], read: (parser: StatementParser) => T): T {
  try {
    return read(new StatementParser(sql, tokens, false));
  } catch (problem) {
    // The bounds on nesting leave half of a usual stack free; a caller deep in a stack of its own may have less.
    if (problem instanceof RangeError) throw new QueryError('SYNTAX_ERROR', TOO_DEEP, undefined, { cause: problem });
    if (!(problem instanceof QueryError)) throw problem;
    return read(new StatementParser(sql, tokens, true));
  }
}
