/** date_format and date_parse (MySQL's letters), format_datetime and parse_datetime (Joda's letters). */

import { QueryError } from '../../../common/errors.ts';
import { quote } from '../../../types/kernel.ts';
import { FIRST_OF_TWO, instantOfLocal, offsetText, roundTimestamp } from '../../../types/text.ts';
import { concatenation } from '../../render/concatenation.ts';
import { define, type FunctionDefinition, type Render } from '../definition.ts';
import { constantText, refuseWhere, whenPresent } from './constants.ts';
import { precisionOf, wallClock } from './moments.ts';

/** A piece of a format: text as it is, or a kernel expression over the wall clock. */
type Piece = string | { readonly sql: (local: string, value: string) => string };

const code = (letters: string): Piece => ({ sql: (local) => `strftime(${local}, '${letters}')` });
const number = (part: (local: string) => string, width: number): Piece => ({
  sql: (local) => {
    const digits = `CAST(${part(local)} AS VARCHAR)`;
    return width <= 1 ? digits : `lpad(${digits}, CAST(greatest(${width}, len(${digits})) AS INTEGER), '0')`;
  },
});

const hour12 = (local: string): string => `((hour(${local}) + 11) % 12 + 1)`;

const MYSQL: Readonly<Record<string, Piece>> = {
  a: code('%a'),
  b: code('%b'),
  c: number((t) => `month(${t})`, 1),
  d: code('%d'),
  e: number((t) => `day(${t})`, 1),
  f: code('%f'),
  H: code('%H'),
  h: code('%I'),
  I: code('%I'),
  i: code('%M'),
  j: code('%j'),
  k: number((t) => `hour(${t})`, 1),
  l: number(hour12, 1),
  M: code('%B'),
  m: code('%m'),
  p: code('%p'),
  r: code('%I:%M:%S %p'),
  S: code('%S'),
  s: code('%S'),
  T: code('%H:%M:%S'),
  v: number((t) => `week(${t})`, 2),
  W: code('%A'),
  x: number((t) => `isoyear(${t})`, 4),
  Y: number((t) => `year(${t})`, 4),
  y: code('%y'),
};

const MYSQL_REFUSED = 'DUuVwX';

function mysqlPieces(format: string): Piece[] {
  const pieces: Piece[] = [];
  for (let i = 0; i < format.length; i++) {
    const c = format[i]!;
    if (c !== '%') {
      pieces.push(c);
      continue;
    }
    const letter = format[++i];
    if (letter === undefined) break;
    if (MYSQL_REFUSED.includes(letter)) {
      throw new QueryError('INVALID_FUNCTION_ARGUMENT', `%${letter} not supported in date format string`);
    }
    pieces.push(MYSQL[letter] ?? letter);
  }
  return pieces;
}

const written = (pieces: readonly Piece[], local: string, value: string): string => {
  const parts: string[] = [];
  let text = '';
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      text += piece;
      continue;
    }
    if (text !== '') parts.push(quote(text));
    text = '';
    parts.push(piece.sql(local, value));
  }
  if (text !== '' || parts.length === 0) parts.push(quote(text));
  return concatenation(parts);
};

const dynamic = (what: string): QueryError => new QueryError('NOT_SUPPORTED', `${what} needs a literal format`);

const format =
  (name: string, read: (format: string) => Piece[]): Render =>
  ([a = ''], { expressions, types, bind }) => {
    const text = constantText(expressions[1]);
    if (text === undefined) {
      if (expressions[1]?.kind === 'Constant') return 'CAST(NULL AS VARCHAR)';
      throw dynamic(name);
    }
    const pieces = read(text);
    return bind(a, (value) =>
      bind(toMillis(wallClock(value, types[0]), precisionOf(types[0])), (local) =>
        whenPresent([local], written(pieces, local, value)),
      ),
    );
  };

/** These functions know milliseconds only. */
const toMillis = (local: string, precision: number): string =>
  precision > 3 ? `CAST(${roundTimestamp(local, 3, precision)} AS TIMESTAMP)` : local;

/** What strptime reads for each letter. */
const MYSQL_PARSE: Readonly<Record<string, string>> = {
  a: '%a',
  b: '%b',
  c: '%-m',
  d: '%d',
  e: '%-d',
  f: '%f',
  H: '%H',
  h: '%I',
  I: '%I',
  i: '%M',
  j: '%j',
  k: '%-H',
  l: '%-I',
  M: '%B',
  m: '%m',
  p: '%p',
  r: '%I:%M:%S %p',
  S: '%S',
  s: '%S',
  T: '%H:%M:%S',
  W: '%A',
  Y: '%Y',
  y: '%y',
  '%': '%%',
};

/**
 * Text by strptime's format, NULL where it does not fit. A day that the format lacks is 1970-01-01 (1900 in the kernel), a year
 * of which there are months or days is 2000, as Joda has it, an hour of twelve without its half is one before noon, and years of two digits are those of the century from `first`.
 */
function readBy(text: string, format: string, first: number): string {
  const reads = (letters: string): boolean => new RegExp(`%-?[${letters}]`).test(format.replaceAll('%%', ''));
  const missing = reads('mbBdjaA') ? '2000 ' : '1970 ';
  const [year, yearFormat] = reads('Yy') ? ['', ''] : [missing, '%Y '];
  const [half, halfFormat] = reads('I') && !reads('p') ? [' AM', ' %p'] : ['', ''];
  const read = `try_strptime(${quote(year)} || ${text} || ${quote(half)}, ${quote(yearFormat + format + halfFormat)})`;
  if (!reads('y')) return read;
  const moved = `CASE WHEN year(m) < ${first} THEN m + INTERVAL 100 YEAR WHEN year(m) >= ${first + 100} THEN m - INTERVAL 100 YEAR ELSE m END`;
  return `list_transform([${read}], lambda m: ${moved})[1]`;
}

const dateParse: Render = ([a = ''], { expressions, bind }) => {
  const text = constantText(expressions[1]);
  if (text === undefined) {
    if (expressions[1]?.kind === 'Constant') return 'CAST(NULL AS TIMESTAMP)';
    throw dynamic('date_parse');
  }
  let kernel = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c !== '%') {
      kernel += c;
      continue;
    }
    const letter = text[++i] ?? '';
    const read = MYSQL_PARSE[letter];
    if (read === undefined && (MYSQL_REFUSED + 'vx').includes(letter)) {
      throw new QueryError('INVALID_FUNCTION_ARGUMENT', `%${letter} not supported in date format string`);
    }
    kernel += read ?? letter;
  }
  return bind(a, (s) => {
    const bad = refuseWhere('true', `'Invalid format: "' || ${s} || '"'`, 'NULL');
    const read = readBy(s, kernel, 1970);
    return bind(read, (moment) => whenPresent([s], `coalesce(date_trunc('millisecond', ${moment}), ${bad})`));
  });
};

/** Joda: runs of a letter; text in quotes; `''` is a quote. */
function jodaTokens(format: string): (readonly [letter: string, count: number] | string)[] {
  const tokens: (readonly [string, number] | string)[] = [];
  for (let i = 0; i < format.length;) {
    const c = format[i]!;
    if (c === "'") {
      if (format[i + 1] === "'") {
        tokens.push("'");
        i += 2;
        continue;
      }
      const end = format.indexOf("'", i + 1);
      if (end < 0)
        throw new QueryError('INVALID_FUNCTION_ARGUMENT', `Illegal pattern: unterminated quote in ${format}`);
      tokens.push(format.slice(i + 1, end));
      i = end + 1;
    } else if (/[A-Za-z]/.test(c)) {
      let count = 1;
      while (format[i + count] === c) count++;
      tokens.push([c, count]);
      i += count;
    } else {
      tokens.push(c);
      i++;
    }
  }
  return tokens;
}

/** In minutes. The local time was rounded to milliseconds, the instant not: a millisecond away from zero makes up for it. */
const offsetOf = (local: string, value: string): string => {
  const micros = `(epoch_us(CAST(${local} AS TIMESTAMP)) - epoch_us(CAST((${value}).instant AS TIMESTAMP)))`;
  return `CAST((${micros} + 1000 * sign(${micros})) // 60000000 AS INTEGER)`;
};

function jodaPieces(format: string): Piece[] {
  return jodaTokens(format).map((token): Piece => {
    if (typeof token === 'string') return token;
    const [letter, count] = token;
    switch (letter) {
      case 'y':
      case 'Y':
        return count === 2 ? code('%y') : number((t) => `year(${t})`, count);
      case 'x':
        return number((t) => (count === 2 ? `(isoyear(${t}) % 100)` : `isoyear(${t})`), count);
      case 'M':
        if (count >= 4) return code('%B');
        return count === 3 ? code('%b') : number((t) => `month(${t})`, count);
      case 'd':
        return number((t) => `day(${t})`, count);
      case 'D':
        return number((t) => `dayofyear(${t})`, count);
      case 'w':
        return number((t) => `week(${t})`, count);
      case 'e':
        return number((t) => `isodow(${t})`, count);
      case 'E':
        return code(count >= 4 ? '%A' : '%a');
      case 'a':
        return code('%p');
      case 'H':
        return number((t) => `hour(${t})`, count);
      case 'k':
        return number((t) => `((hour(${t}) + 23) % 24 + 1)`, count);
      case 'K':
        return number((t) => `(hour(${t}) % 12)`, count);
      case 'h':
        return number(hour12, count);
      case 'm':
        return number((t) => `minute(${t})`, count);
      case 's':
        return number((t) => `second(${t})`, count);
      case 'S':
        return { sql: (local) => `rpad(left(strftime(${local}, '%g'), ${Math.min(count, 3)}), ${count}, '0')` };
      case 'Z':
        return {
          sql: (local, value) => {
            if (count >= 3) return `(${value}).zone`;
            const text = offsetText(offsetOf(local, value));
            return count === 2 ? text : `replace(${text}, ':', '')`;
          },
        };
      default:
        throw new QueryError('INVALID_FUNCTION_ARGUMENT', `Illegal pattern component: ${letter.repeat(count)}`);
    }
  });
}

const JODA_PARSE: Readonly<Record<string, (count: number) => string>> = {
  y: (n) => (n === 2 ? '%y' : '%Y'),
  Y: (n) => (n === 2 ? '%y' : '%Y'),
  M: (n) => (n >= 4 ? '%B' : n === 3 ? '%b' : n === 2 ? '%m' : '%-m'),
  d: (n) => (n === 1 ? '%-d' : '%d'),
  D: () => '%j',
  E: (n) => (n >= 4 ? '%A' : '%a'),
  a: () => '%p',
  H: (n) => (n === 1 ? '%-H' : '%H'),
  h: (n) => (n === 1 ? '%-I' : '%I'),
  m: (n) => (n === 1 ? '%-M' : '%M'),
  s: (n) => (n === 1 ? '%-S' : '%S'),
  S: () => '%f',
};

/** The zone at the end, where the format has one, is read apart from the rest. */
const parseDatetime: Render = ([a = ''], { expressions, query, bind }) => {
  const text = constantText(expressions[1]);
  if (text === undefined) throw dynamic('parse_datetime');
  const tokens = jodaTokens(text);
  const last = tokens.at(-1);
  const zoned = typeof last !== 'string' && last?.[0] === 'Z';
  const kernel = (zoned ? tokens.slice(0, -1) : tokens)
    .map((token) => {
      if (typeof token === 'string') return token.replaceAll('%', '%%');
      const read = JODA_PARSE[token[0]];
      if (!read)
        throw new QueryError(
          'INVALID_FUNCTION_ARGUMENT',
          `parse_datetime cannot read the pattern component ${token[0]}`,
        );
      return read(token[1]);
    })
    .join('');
  const zone = `'(Z|[+-][0-9]{2}:?[0-9]{2}|[A-Za-z_]+/[A-Za-z_/]+|[A-Z]{3,4})$'`;
  return bind(a, (s) => {
    const bad = refuseWhere('true', `'Invalid format: "' || ${s} || '"'`, 'NULL');
    const body = zoned ? `regexp_replace(${s}, ${zone}, '')` : s;
    const read = zoned ? `regexp_extract(${s}, ${zone}, 1)` : quote(query.timeZone);
    const name = `CASE WHEN ${read} IN ('Z', 'UTC', 'GMT', '+0000', '+00:00') THEN 'UTC' WHEN regexp_full_match(${read}, '[+-][0-9]{4}') THEN left(${read}, 3) || ':' || right(${read}, 2) ELSE ${read} END`;
    // Joda takes two digits for a year from 80 years before this one on.
    const first = Number(query.now.slice(0, 4)) - 80;
    return bind(readBy(body, kernel, first), (local) =>
      bind(
        name,
        (z) =>
          `CASE WHEN ${s} IS NULL THEN NULL WHEN ${local} IS NULL OR ${z} = '' THEN ${bad} ELSE {'instant': ${instantOfLocal(local, z, 3, FIRST_OF_TWO)}, 'zone': ${z}} END`,
      ),
    );
  });
};

export const DATE_FORMATS: readonly FunctionDefinition[] = [
  ...['timestamp(p)', 'timestamp(p) with time zone'].flatMap((t) => [
    define(`date_format(${t}, varchar): varchar`, format('date_format', mysqlPieces)),
  ]),
  define('format_datetime(timestamp(p) with time zone, varchar): varchar', format('format_datetime', jodaPieces)),
  define('format_datetime(timestamp(p), varchar): varchar', ([a = '', f = ''], kit) => {
    const text = constantText(kit.expressions[1]) ?? '';
    if (/Z/.test(text.replaceAll(/'[^']*'/g, ''))) {
      throw new QueryError(
        'INVALID_FUNCTION_ARGUMENT',
        "format_datetime for TIMESTAMP type, cannot use 'Z' nor 'z' in format, as this type does not contain TZ information",
      );
    }
    return format('format_datetime', jodaPieces)([a, f], kit);
  }),
  define('date_parse(varchar, varchar): timestamp(3)', dateParse),
  define('parse_datetime(varchar, varchar): timestamp(3) with time zone', parseDatetime),
];
