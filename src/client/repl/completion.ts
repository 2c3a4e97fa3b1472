/** What may be typed next: keywords, functions, and the names of catalogs, schemas, tables and columns in reach. */
import { NONRESERVED_KEYWORDS, RESERVED_KEYWORDS } from '../../sql/keywords.ts';
import { writtenName } from '../../sql/names.ts';
import { splitStatements } from '../../sql/script.ts';
import type { Metadata } from './metadata.ts';
import { tablesOf, type TableReference, words } from './table-references.ts';

export type Completion = {
  /** Offset of what the candidates replace, up to the cursor. */
  readonly start: number;
  readonly candidates: readonly string[];
};

export type CompletionSession = { readonly catalog?: string; readonly schema?: string };

const NOTHING: readonly string[] = [];

export async function complete(
  text: string,
  cursor: number,
  session: CompletionSession,
  metadata: Metadata,
): Promise<Completion> {
  const before = text.slice(0, cursor);
  const path = PATH.exec(before)?.[0] ?? '';
  const parts = path.split('.');
  const typed = parts.pop() ?? '';
  const start = cursor - typed.length;
  const qualifier = parts.map(unquote);
  const statement = statementAround(text, cursor);
  const previous = words(before.slice(0, before.length - path.length));
  const wanted = unquote(typed).toLowerCase();
  const fits = (name: string): boolean => name.toLowerCase().startsWith(wanted);

  if (qualifier.length > 0) {
    const names = await qualified(qualifier, expectsTable(previous) ? [] : tablesOf(statement), session, metadata);
    return { start, candidates: names.filter(fits).map(writtenName).sort() };
  }
  if (expectsTable(previous)) {
    const names = await relations(session, metadata, previous.at(-1)?.keyword === 'USE');
    return { start, candidates: unique(names.filter(fits).map(writtenName)) };
  }
  const named = tablesOf(statement);
  const isSelecting = previous.some(({ keyword }) => keyword === 'SELECT');
  const tables = named.length > 0 || !isSelecting ? named : await tablesOfSchema(session, metadata);
  const lists = await Promise.all(tables.map((table) => columnsOf(table, session, metadata)));
  const aliases = named.map(({ alias, path }) => alias ?? path.at(-1) ?? '');
  const names = [...lists.flat(), ...aliases].filter(fits).map(writtenName);
  const functions = wanted === '' || previous.length === 0 ? NOTHING : await metadata.functions();
  const keywords = wanted === '' && names.length > 0 ? NOTHING : KEYWORDS.filter(fits);
  const lower = typed !== '' && typed === typed.toLowerCase();
  return {
    start,
    candidates: unique([
      ...names.sort(),
      ...keywords.map((word) => (lower ? word.toLowerCase() : word)),
      ...functions.filter(fits).map((name) => `${name}(`),
    ]),
  };
}

/** Before FROM is written: a column is likely one of the session's schema. Each table costs a statement, so only so many. */
const TABLES_MAX = 20;

async function tablesOfSchema(session: CompletionSession, metadata: Metadata): Promise<readonly TableReference[]> {
  const { catalog, schema } = session;
  if (catalog === undefined || schema === undefined) return [];
  const names = await metadata.tables(catalog, schema);
  return names.slice(0, TABLES_MAX).map((name) => ({ path: [name], alias: undefined }));
}

/** Words and quoted names with points between them, up to the cursor. */
const PATH = /(?:(?:"(?:[^"]|"")*"|[\p{L}\p{N}_$]+)\.)*(?:"[^"]*|[\p{L}\p{N}_$]*)$/u;

const KEYWORDS: readonly string[] = [...RESERVED_KEYWORDS, ...NONRESERVED_KEYWORDS]
  .filter((word) => word.length > 1)
  .sort();

const unique = (names: readonly string[]): string[] => [...new Set(names)];

function unquote(name: string): string {
  if (!name.startsWith('"')) return name.toLowerCase();
  const end = name.length > 1 && name.endsWith('"') ? -1 : undefined;
  return name.slice(1, end).replaceAll('""', '"');
}

function statementAround(text: string, cursor: number): string {
  const found = splitStatements(text).find(({ start, text }) => cursor >= start && cursor <= start + text.length + 1);
  return found?.text ?? text;
}

const TABLE_FOLLOWS = new Set(['FROM', 'JOIN', 'INTO', 'TABLE', 'UPDATE', 'DESCRIBE', 'DESC', 'USE']);

/** Whether a relation's name comes next: behind FROM and its like, or behind a comma in FROM's list. */
function expectsTable(previous: readonly { readonly keyword: string; readonly text: string }[]): boolean {
  const last = previous.at(-1);
  if (last === undefined) return false;
  if (TABLE_FOLLOWS.has(last.keyword)) return true;
  if (last.text !== ',') return false;
  let depth = 0;
  for (const { keyword, text } of previous.toReversed()) {
    if (text === ')') depth++;
    else if (text === '(' && --depth < 0) return false;
    else if (depth === 0 && keyword === 'FROM') return true;
    else if (depth === 0 && ENDS_FROM.has(keyword)) return false;
  }
  return false;
}

const ENDS_FROM = new Set(['SELECT', 'WHERE', 'GROUP', 'ORDER', 'HAVING', 'ON', 'USING', 'SET', 'VALUES', 'BY']);

/** What may stand where a table does: tables of the current schema, schemas of the current catalog, catalogs. */
async function relations(session: CompletionSession, metadata: Metadata, noTables: boolean): Promise<string[]> {
  const { catalog, schema } = session;
  const [tables, schemas, catalogs] = await Promise.all([
    catalog === undefined || schema === undefined || noTables ? NOTHING : metadata.tables(catalog, schema),
    catalog === undefined ? NOTHING : metadata.schemas(catalog),
    metadata.catalogs(),
  ]);
  return [...tables, ...schemas, ...catalogs];
}

async function qualified(
  qualifier: readonly string[],
  tables: readonly TableReference[],
  session: CompletionSession,
  metadata: Metadata,
): Promise<readonly string[]> {
  const [first = '', second, third] = qualifier;
  if (third !== undefined) return metadata.columns(first, second!, third);
  if (second !== undefined) {
    const [inCatalog, ofTable] = await Promise.all([
      metadata.tables(first, second),
      session.catalog === undefined ? NOTHING : metadata.columns(session.catalog, first, second),
    ]);
    return [...inCatalog, ...ofTable];
  }
  const table = tables.find(({ alias, path }) => (alias ?? path.at(-1)) === first);
  if (table) return columnsOf(table, session, metadata);
  const [inCatalog, inSchema] = await Promise.all([
    (await metadata.catalogs()).includes(first) ? metadata.schemas(first) : NOTHING,
    session.catalog === undefined ? NOTHING : metadata.tables(session.catalog, first),
  ]);
  return [...inCatalog, ...inSchema];
}

function columnsOf(
  { path }: TableReference,
  session: CompletionSession,
  metadata: Metadata,
): Promise<readonly string[]> {
  const [table = '', schema = session.schema, catalog = session.catalog] = path.toReversed();
  if (schema === undefined || catalog === undefined) return Promise.resolve(NOTHING);
  return metadata.columns(catalog, schema, table);
}
