/**
 * Cuts a protocol page into its envelope and its rows without decoding the rows. Rows stay bytes until a format writes
 * them, so that a number of 19 digits is never rounded and millions of rows need no object each.
 */
import { ConnectionFailure } from './failures.ts';

/** Rows of a page: the bytes between the brackets of `data`, `[1,"a"],[2,"b"]`. */
export type RowBytes = { readonly bytes: Buffer; readonly start: number; readonly end: number };

export function splitPage(body: Buffer): { envelope: unknown; rows: RowBytes | undefined } {
  const rows = findRows(body);
  if (rows === undefined) return { envelope: parseJson(body.toString()), rows };
  const around = `${body.toString('utf8', 0, rows.start)}${body.toString('utf8', rows.end)}`;
  return { envelope: parseJson(around), rows };
}

/** The member `data` of the outermost object when it is an array. */
function findRows(body: Buffer): RowBytes | undefined {
  let at = skipSpace(body, 0);
  if (body[at] !== OPEN_BRACE) throw notThePage();
  at = skipSpace(body, at + 1);
  while (body[at] === QUOTE) {
    const key = at;
    at = skipSpace(body, skipString(body, at));
    const isData = at - key >= DATA_KEY.length && body.compare(DATA_KEY, 0, DATA_KEY.length, key, key + 6) === 0;
    at = skipSpace(body, at + 1);
    const value = at;
    at = skipValue(body, at);
    if (isData && body[value] === OPEN_BRACKET) return { bytes: body, start: value + 1, end: at - 1 };
    at = skipSpace(body, at);
    if (body[at] === COMMA) at = skipSpace(body, at + 1);
  }
  return undefined;
}

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const BACKSLASH = 0x5c;
export const OPEN_BRACKET = 0x5b;
export const CLOSE_BRACKET = 0x5d;
/** The first byte of `null`; no other JSON value starts with it. */
export const NULL_START = 0x6e;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const DATA_KEY = Buffer.from('"data"');

export function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at]! <= 0x20) at++;
  return at;
}

/** Past the string whose opening quote stands at `from`. */
export function skipString(bytes: Buffer, from: number): number {
  for (let at = from + 1; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) at++;
  }
  throw notThePage();
}

/** Past the value that starts at `from`. */
export function skipValue(bytes: Buffer, from: number): number {
  const first = bytes[from];
  if (first === QUOTE) return skipString(bytes, from);
  if (first !== OPEN_BRACKET && first !== OPEN_BRACE) return skipScalar(bytes, from);
  let depth = 0;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) at = skipString(bytes, at) - 1;
    else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) depth++;
    else if ((byte === CLOSE_BRACKET || byte === CLOSE_BRACE) && --depth === 0) return at + 1;
  }
  throw notThePage();
}

/** Past a number, `true`, `false` or `null`. */
export function skipScalar(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length) {
    const byte = bytes[at]!;
    if (byte === COMMA || byte === CLOSE_BRACKET || byte === CLOSE_BRACE || byte <= 0x20) break;
    at++;
  }
  if (at === from) throw notThePage();
  return at;
}

/** The start of each row in turn: the offset after its opening bracket, or -1 after the last row. */
export function nextRow(rows: RowBytes, from: number): number {
  let at = skipSpace(rows.bytes, from);
  if (rows.bytes[at] === COMMA && at < rows.end) at = skipSpace(rows.bytes, at + 1);
  if (at >= rows.end) return -1;
  if (rows.bytes[at] !== OPEN_BRACKET) throw notThePage();
  return at + 1;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notThePage(cause);
  }
}

export const notThePage = (cause?: unknown): ConnectionFailure =>
  new ConnectionFailure('the server answered with something that is not a page of the Trino protocol', { cause });
