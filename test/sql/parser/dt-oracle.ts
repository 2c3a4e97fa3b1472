/** dt-sql-parser's Trino grammar (ANTLR) as an oracle: what it makes of an expression, every operator in parentheses. */
import { require } from 'tsx/cjs/api';
import type { Constructs } from './random-expressions.ts';

export const DT_CONSTRUCTS: Constructs = {
  intervals: true,
  lambdas: true,
  parameters: true,
  truthTests: false,
  symmetricBetween: false,
  subscriptsOfAnything: true,
  timeZonesAnywhere: true,
  signsOfAnything: true,
  listsOfOne: true,
  length: 0.5,
};

type Context = { readonly children?: readonly Context[] | null; getText: () => string };
type Problem = { readonly message: string };
type DtParser = { parse: (sql: string) => Context; validate: (sql: string) => readonly Problem[] };

// The package's ES modules lack file extensions, so Node cannot import them; tsx can. Of its dialects, one is loaded.
const { TrinoSQL } = require('dt-sql-parser/dist/parser/trino', import.meta.url) as { TrinoSQL: new () => DtParser };

export const dtAccepts = (sql: string): boolean => new TrinoSQL().validate(sql).length === 0;

const dt = new TrinoSQL();

export function dtOracle(expression: string): string {
  // Its grammar needs no semicolon between statements: without GROUP BY it makes two of `WHERE a = ALL (SELECT 1)`.
  const found = find(dt.parse(`SELECT * FROM t WHERE ${expression} GROUP BY 1`), 'WhereClauseContext')?.children?.[1];
  if (!found) throw new Error(`the oracle found no expression in ${expression}`);
  return write(found);
}

const kindOf = (context: Context): string => context.constructor.name;

function find(context: Context, kind: string): Context | undefined {
  if (kindOf(context) === kind) return context;
  for (const child of context.children ?? []) {
    const found = find(child, kind);
    if (found) return found;
  }
  return undefined;
}

const OPERATORS: ReadonlySet<string> = new Set([
  'AndContext',
  'OrContext',
  'LogicalNotContext',
  'ArithmeticBinaryContext',
  'ArithmeticUnaryContext',
  'ConcatenationContext',
  'AtTimeZoneContext',
]);
const NAMES: ReadonlySet<string> = new Set(['ColumnReferenceContext', 'DereferenceContext', 'SubscriptContext']);

function write(context: Context): string {
  const children = context.children ?? [];
  if (children.length === 0) return context.getText();
  const kind = kindOf(context);
  const written = children.map(write);
  if (kind === 'ParenthesizedExpressionContext') return written[1]!;
  if (OPERATORS.has(kind) || (kind === 'PredicatedContext' && children.length > 1)) return `(${written.join(' ')})`;
  if (kind === 'RowConstructorContext' && written[0] === '(') return `ROW${written.join(' ')}`;
  if (kind === 'SubscriptContext' || kind === 'DereferenceContext') {
    const plain = NAMES.has(kindOf(innermost(children[0]!)));
    return `${plain ? written[0] : `(${written[0]})`}${written.slice(1).join(' ')}`;
  }
  return written.join(' ');
}

/** Through contexts of a single child and through parentheses. */
function innermost(context: Context): Context {
  const kind = kindOf(context);
  const child = kind === 'ParenthesizedExpressionContext' ? context.children?.[1] : context.children?.[0];
  const through = kind === 'ParenthesizedExpressionContext' || (context.children?.length === 1 && !NAMES.has(kind));
  return through && child ? innermost(child) : context;
}
