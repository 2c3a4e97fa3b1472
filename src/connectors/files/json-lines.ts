/**
 * JSON lines whose numbers keep their digits. The kernel reads a number with a point or an exponent as a double: exact up to 15
 * digits, so only files with longer ones are read here, line by line, with such numbers made strings.
 */

import { globFree, identifier, quote } from '../../types/kernel.ts';
import { raiseSql } from '../../types/raise.ts';

/** What a number matches that loses digits. Integers without an exponent never do. */
const LONG_NUMBER = [
  ...Array.from({ length: 15 }, (_, i) => `[0-9]{${i + 1}}\\.[0-9]{${15 - i}}`),
  '[0-9]{16}[.eE]',
  // Below the normal doubles digits are lost one by one.
  '[eE]-0*[0-9]{3}',
].join('|');

/** Whether a line may have such a number; most have not, which the first conditions tell fast. */
export const hasLongNumber = (line: string): string =>
  `((regexp_matches(${line}, '[0-9.]{16}') OR contains(${line}, 'e-') OR contains(${line}, 'E-')) ` +
  `AND regexp_matches(${line}, ${quote(LONG_NUMBER)}))`;

export type JsonColumn = {
  readonly name: string;
  /** Reads as a JSON value; otherwise as text, objects and arrays as their JSON. */
  readonly as: 'json' | 'text' | 'nested';
};

/** A FROM item with the columns as text (VARCHAR or JSON) and `filename`. */
export function exactLinesSql(paths: readonly string[], columns: readonly JsonColumn[]): string {
  const list = `[${paths.map(globFree).map(quote).join(', ')}]`;
  const lines = `read_ndjson_objects(${list}, filename = true)`;
  if (columns.length === 0) return lines;
  const kinds = columns.map(({ name, as }) => [name, as === 'json' ? 'JSON' : 'VARCHAR'] as const);
  const structure = quote(JSON.stringify(Object.fromEntries(kinds)));
  const parsed =
    `SELECT filename, ${checkedLine(columns)} AS line, from_json(line, ${structure}) AS "read", ` +
    `CASE WHEN ${hasLongNumber('json')} THEN from_json(${longNumbersAsStrings('line')}, ${structure}) END AS "exact" FROM ${lines}`;
  return `(SELECT filename, ${columns.map(columnSql).join(', ')} FROM (${parsed}))`;
}

function columnSql({ name, as }: JsonColumn): string {
  const [read, exact] = ['"read"', '"exact"'].map((struct) => `${struct}.${identifier(name)}`) as [string, string];
  // Text of objects and arrays: their numbers are to stay numbers.
  const isWhole = `regexp_matches(${exact}, '^[\\[{]')`;
  const chosen = {
    json: read,
    nested: `COALESCE(${exact}, ${read})`,
    text: `CASE WHEN ${exact} IS NULL OR ${isWhole} THEN ${read} ELSE ${exact} END`,
  }[as];
  return `${chosen} AS ${identifier(name)}`;
}

/** The line, or an error when it is no object or has one of the keys twice: the kernel would take the first. */
function checkedLine(columns: readonly JsonColumn[]): string {
  const twice = columns.map(({ name }) => {
    const key = quote(JSON.stringify(name));
    return `contains(substr(json, instr(json, ${key}) + 1), ${key})`;
  });
  const keys = `[${columns.map(({ name }) => quote(name)).join(', ')}]`;
  const known = `list_filter(json_keys(json), lambda k: list_contains(${keys}, k))`;
  return (
    `CASE WHEN NOT starts_with(ltrim(json, ' \t\r\n'), '{') AND json_type(json) <> 'NULL' THEN ${badLine('a line is no JSON object')} ` +
    // An escape may spell a key otherwise.
    `WHEN (contains(json, '\\u') OR ${twice.join(' OR ')}) AND len(${known}) > len(list_distinct(${known})) ` +
    `THEN ${badLine('a JSON object has a key twice')} ELSE json END`
  );
}

const badLine = (what: string): string =>
  raiseSql('FILE_CORRUPT', `filename || ${quote(`: ${what}: `)} || left(json, 100) || '. Correct the file'`);

/** `{"a": 0.12345678901234567, "b": 1.50}` → `{"a": "0.12345678901234567", "b": 1.50}`. */
function longNumbersAsStrings(json: string): string {
  const short = String.raw`-?[0-9](?:[0-9.]{0,15}|[0-9.]{0,14}[eE][+-]?[0-9]{1,2})[,\]}\s]`;
  // Whole strings, short numbers and what begins none; then a number, or the end, which leaves two quotes too many.
  const before = String.raw`((?:"(?:[^"\\]|\\.)*"|${short}|[^"0-9-]|-[^0-9])*)`;
  const pattern = String.raw`${before}(-?[0-9][0-9.eE+-]*|$)`;
  return `left(regexp_replace(${json}, ${quote(pattern)}, '\\1"\\2"', 'gs'), -2)`;
}
