/** The tables that a half-written statement names, found by its words alone: the parser would refuse it. */
import { keywordOf, Scanner } from '../../sql/lexer.ts';

export type TableReference = {
  /** One to three names, the table last. */
  readonly path: readonly string[];
  readonly alias: string | undefined;
};

export type Word = {
  readonly text: string;
  /** In upper case, or '' for what is no keyword. */
  readonly keyword: string;
  /** Whether it can be a name. */
  readonly name: boolean;
};

export function words(sql: string): Word[] {
  const scanner = new Scanner(sql);
  const found: Word[] = [];
  for (;;) {
    const type = scanner.next();
    if (type === 'eof') return found;
    if (type === 'comment') continue;
    const text = sql.slice(scanner.start, scanner.end);
    if (type === ';') found.length = 0;
    else found.push({ text, keyword: keywordOf(text) ?? '', name: /^["\p{L}_]/u.test(text) });
  }
}

export function tablesOf(sql: string): TableReference[] {
  const all = words(sql);
  const found: TableReference[] = [];
  for (let at = 0; at < all.length; at++) {
    if (!BEFORE_TABLE.has(all[at]!.keyword)) continue;
    let reference = referenceAt(all, at + 1);
    while (reference) {
      found.push(reference.table);
      at = reference.next - 1;
      reference = all[reference.next]?.text === ',' ? referenceAt(all, reference.next + 1) : undefined;
    }
  }
  return found;
}

const BEFORE_TABLE = new Set(['FROM', 'JOIN', 'INTO', 'UPDATE', 'TABLE', 'DESCRIBE', 'DESC']);
/** Words that follow a table and are no alias of it. */
const NO_ALIAS = new Set(
  (
    'WHERE GROUP ORDER HAVING LIMIT OFFSET FETCH UNION EXCEPT INTERSECT JOIN INNER LEFT RIGHT FULL CROSS NATURAL ON ' +
    'USING TABLESAMPLE WINDOW SET SELECT VALUES FOR MATCH_RECOGNIZE WHEN'
  ).split(' '),
);

function referenceAt(all: readonly Word[], from: number): { table: TableReference; next: number } | undefined {
  const path: string[] = [];
  let at = from;
  while (all[at]?.name) {
    path.push(nameOf(all[at]!.text));
    if (all[++at]?.text !== '.') break;
    at++;
  }
  if (path.length === 0 || path.length > 3) return undefined;
  if (all[at]?.keyword === 'AS') at++;
  const word = all[at];
  if (!word?.name || NO_ALIAS.has(word.keyword)) return { table: { path, alias: undefined }, next: at };
  return { table: { path, alias: nameOf(word.text) }, next: at + 1 };
}

const nameOf = (text: string): string =>
  text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text.toLowerCase();
