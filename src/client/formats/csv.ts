/**
 * CSV as RFC 4180 has it, with a header line and with lines that end as Unix tools want them: fields stand in quotes
 * where they must. NULL is an empty field and the
 * empty string is `""`. Floating numbers are written as Trino's own client does, binary values in hexadecimal digits,
 * arrays, maps and rows as JSON.
 */
import { columnKind, signatureOf } from '../column-kind.ts';
import {
  BACKSLASH,
  CLOSE_BRACKET,
  COMMA,
  nextRow,
  notThePage,
  NULL_START,
  QUOTE,
  skipScalar,
  skipSpace,
  skipValue,
} from '../page-bytes.ts';
import { floatText, nestedJson, valueText } from '../value-text.ts';
import { ByteSink } from './bytes.ts';
import type { ResultFormat, ResultWriter } from './format.ts';

export const csv: ResultFormat = (columns) => {
  const types = columns.map(signatureOf);
  const kinds = types.map(columnKind);
  const sink = new ByteSink();
  sink.text(`${columns.map(({ name }) => quoted(name)).join(',')}\n`);
  const writer: ResultWriter = {
    count: 0,
    rows(rows) {
      const { bytes } = rows;
      for (let at = nextRow(rows, rows.start); at >= 0; at = nextRow(rows, at)) {
        for (let column = 0; column < kinds.length; column++) {
          if (column > 0) {
            sink.byte(COMMA);
            at = skipSpace(bytes, at);
            if (bytes[at++] !== COMMA) throw notThePage();
          }
          at = skipSpace(bytes, at);
          const start = at;
          const first = bytes[at];
          const kind = kinds[column]!;
          if (first === NULL_START) at = skipScalar(bytes, at);
          else if (kind === 'text' && first === QUOTE) at = writeString(bytes, at, sink);
          else if (kind === 'plain') sink.copy(bytes, start, (at = skipScalar(bytes, at)));
          else {
            at = skipValue(bytes, at);
            if (kind === 'float' && isPlainFloat(bytes, start, at)) sink.copy(bytes, start, at);
            else {
              const json = bytes.toString('utf8', start, at);
              sink.text(
                kind === 'float'
                  ? floatText(json)
                  : quoted(
                      kind === 'nested' ? nestedJson(json, types[column]!) : (valueText(json, types[column]!) ?? ''),
                    ),
              );
            }
          }
        }
        sink.byte(NEWLINE);
        writer.count++;
        at = skipSpace(bytes, at);
        if (bytes[at++] !== CLOSE_BRACKET) throw notThePage();
      }
      return sink.take();
    },
    end: () => sink.take(),
  };
  return writer;
};

const NEWLINE = 10;

/** Writes the string whose JSON starts at `from`, without decoding it where its bytes are the field; past its end. */
function writeString(bytes: Buffer, from: number, sink: ByteSink): number {
  let at = from + 1;
  let comma = false;
  for (; bytes[at] !== QUOTE; at++) {
    const byte = bytes[at];
    if (byte === COMMA) comma = true;
    else if (byte === BACKSLASH || byte === undefined) {
      at = skipValue(bytes, from);
      sink.text(quoted(JSON.parse(bytes.toString('utf8', from, at)) as string));
      return at;
    }
  }
  // The JSON's own quotes serve where the field needs some: commas inside, or nothing (NULL has no quotes).
  if (comma || at === from + 1) sink.copy(bytes, from, at + 1);
  else sink.copy(bytes, from + 1, at);
  return at + 1;
}

/** Whether the number is already as Java writes it: digits, a point, digits, between 0.001 and 10,000,000. */
function isPlainFloat(bytes: Buffer, start: number, end: number): boolean {
  const first = bytes[start] === MINUS ? start + 1 : start;
  let point = -1;
  for (let at = first; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === POINT) point = at;
    else if (byte < ZERO || byte > NINE) return false;
  }
  if (point < 0 || point - first > FLOAT_WHOLE_DIGITS_MAX || (end - point > 2 && bytes[end - 1] === ZERO)) return false;
  return bytes[first] !== ZERO || bytes[first + 2] !== ZERO || end - point === 2;
}

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const FLOAT_WHOLE_DIGITS_MAX = 7;

const quoted = (text: string): string =>
  text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
