/**
 * JSON, one object a line: a stream can be read while it grows, and no tool needs the whole. Integers keep all their
 * digits, decimals and datetimes are strings, binary values base64, rows objects. A second column of the same name is
 * called `name_2`.
 */
import { columnKind, holdsRow, signatureOf } from '../column-kind.ts';
import { CLOSE_BRACKET, COMMA, nextRow, notThePage, skipScalar, skipSpace, skipValue } from '../page-bytes.ts';
import { nestedJson, uniqueNames } from '../value-text.ts';
import { ByteSink } from './bytes.ts';
import type { ResultFormat, ResultWriter } from './format.ts';

export const jsonLines: ResultFormat = (columns) => {
  const types = columns.map(signatureOf);
  const plain = types.map((type) => columnKind(type) === 'plain');
  const withRows = types.map((type) => holdsRow(type));
  const names = uniqueNames(columns.map(({ name }) => name));
  const prefixes = names.map((name, index) => Buffer.from(`${index === 0 ? '{' : ','}${JSON.stringify(name)}:`));
  const sink = new ByteSink();
  const writer: ResultWriter = {
    count: 0,
    rows(rows) {
      const { bytes } = rows;
      for (let at = nextRow(rows, rows.start); at >= 0; at = nextRow(rows, at)) {
        for (let column = 0; column < prefixes.length; column++) {
          const prefix = prefixes[column]!;
          sink.copy(prefix, 0, prefix.length);
          at = skipSpace(bytes, at);
          if (column > 0) {
            if (bytes[at] !== COMMA) throw notThePage();
            at = skipSpace(bytes, at + 1);
          }
          const start = at;
          at = plain[column] ? skipScalar(bytes, at) : skipValue(bytes, at);
          if (withRows[column]) sink.text(nestedJson(bytes.toString('utf8', start, at), types[column]!));
          else sink.copy(bytes, start, at);
        }
        if (prefixes.length === 0) sink.byte(OPEN_BRACE);
        sink.byte(CLOSE_BRACE);
        sink.byte(NEWLINE);
        writer.count++;
        at = skipSpace(bytes, at);
        if (bytes[at] !== CLOSE_BRACKET) throw notThePage();
        at++;
      }
      return sink.take();
    },
    end: () => sink.take(),
  };
  return writer;
};

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const NEWLINE = 10;
