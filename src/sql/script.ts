/** Reads SQL text that may be unfinished or wrong: for splitting scripts into statements and for a prompt's colours. */
import type { SourceLocation } from '../common/errors.ts';
import { Scanner, type TokenType } from './lexer.ts';

/** One statement of a script, without the semicolon that ends it. */
export type ScriptStatement = {
  readonly text: string;
  /** Where `text` begins in the script: its errors count from there. */
  readonly location: SourceLocation;
  readonly start: number;
  /** Whether a semicolon ended it. A statement that is cut off inside a string or comment is never terminated. */
  readonly terminated: boolean;
};

/** The statements of `script`, in order; comments between them belong to none, and empty ones are left out. */
export function splitStatements(script: string): ScriptStatement[] {
  const statements: ScriptStatement[] = [];
  const scanner = new Scanner(script);
  let begin: { readonly start: number; readonly location: SourceLocation } | undefined;
  let end = 0;
  const finish = (terminated: boolean): void => {
    if (begin) statements.push({ text: script.slice(begin.start, end), ...begin, terminated });
    begin = undefined;
  };
  for (;;) {
    const type = scanner.next();
    if (type === 'eof') {
      finish(false);
      return statements;
    }
    if (type === ';') {
      finish(true);
      continue;
    }
    // An open comment keeps a prompt waiting for its end; a closed one is no part of a statement's beginning or end.
    if (type === 'comment' && scanner.closed) continue;
    begin ??= { start: scanner.start, location: scanner.location() };
    ({ end } = scanner);
  }
}

export type HighlightClass =
  | 'keyword'
  | 'identifier'
  | 'quoted identifier'
  | 'string'
  | 'number'
  | 'operator'
  | 'comment'
  | 'error';

/** A piece of text to be coloured, by UTF-16 offsets. What lies between pieces is white space. */
export type HighlightToken = {
  readonly class: HighlightClass;
  readonly start: number;
  readonly end: number;
  /** Cut off by the end of the text: a string, quoted identifier or comment that is still open. */
  readonly open: boolean;
};

/** All tokens of `sql`, comments too, whatever it contains. */
export function tokenize(sql: string): HighlightToken[] {
  const tokens: HighlightToken[] = [];
  const scanner = new Scanner(sql);
  for (let type = scanner.next(); type !== 'eof'; type = scanner.next()) {
    const { start, end, closed } = scanner;
    tokens.push({ class: classOf(type), start, end, open: !closed });
  }
  return tokens;
}

function classOf(type: TokenType | 'comment'): HighlightClass {
  if (/^[A-Z]/.test(type)) return 'keyword';
  return CLASSES[type] ?? 'operator';
}

const CLASSES: Partial<Record<TokenType | 'comment', HighlightClass>> = {
  comment: 'comment',
  identifier: 'identifier',
  quoted: 'quoted identifier',
  string: 'string',
  'unicode-string': 'string',
  binary: 'string',
  'dollar-string': 'string',
  integer: 'number',
  decimal: 'number',
  double: 'number',
  backquoted: 'error',
  'digit-identifier': 'error',
  unrecognized: 'error',
};
