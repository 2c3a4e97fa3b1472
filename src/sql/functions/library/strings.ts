/** Text: parts, case, padding, distances. CHAR arguments arrive without trailing blanks and are padded where they count. */

import { CHAR_LENGTH_MAX } from '../../../types/coercion.ts';
import { quote } from '../../../types/kernel.ts';
import { type SqlType, VARCHAR } from '../../../types/type.ts';
import { raise } from '../../../types/raise.ts';
import { concatenation } from '../../render/concatenation.ts';
import { define, direct, type FunctionDefinition, type Render } from '../definition.ts';
import { constantInteger, refuseWhere, whenPresent } from './constants.ts';

/** Characters that a padded or repeated text may have: neither memory limit nor interrupt contain what is larger. */
const TEXT_LENGTH_MAX = 1_000_000;

const padded = (sql: string, type: SqlType | undefined): string =>
  type?.kind === 'char' ? `rpad(${sql}, ${type.length}, ' ')` : sql;

/** Java's idea of white space. */
const WHITE_SPACE = quote(
  ' \t\n\u000B\f\r\u001C\u001D\u001E\u001F\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200A\u2028\u2029\u205F\u3000',
);

/** From the end where `from` is negative, nothing where it is 0 or before the beginning. */
const substring: Render = ([s = '', from = '', count], { bind, expressions, types }) => {
  const text = padded(s, types[0]);
  const start = constantInteger(expressions[1]);
  const length = count === undefined ? undefined : constantInteger(expressions[2]);
  if (start !== undefined && start > 0 && (count === undefined || (length !== undefined && length >= 0))) {
    return `substring(${text}, ${start}${count === undefined ? '' : `, ${length}`})`;
  }
  return bind(text, (t) =>
    bind(from, (f) => {
      const rest = (position: string): string =>
        `substring(${t}, ${position}${count === undefined ? '' : `, greatest(${count}, 0)`})`;
      const present = whenPresent(count === undefined ? [t, f] : [t, f, count], 'true');
      return `CASE WHEN ${present} IS NULL THEN NULL WHEN ${f} > 0 THEN ${rest(f)} WHEN ${f} = 0 OR -${f} > len(${t}) THEN '' ELSE ${rest(`len(${t}) + ${f} + 1`)} END`;
    }),
  );
};

/**
 * Code point by code point, so that `ß`, whose upper case is two letters, stays. The kernel has a capital for it, and for all
 * others the same as Java's Character.toUpperCase.
 */
const upper: Render = ([s = ''], { bind }) =>
  bind(
    s,
    (t) =>
      `CASE WHEN contains(${t}, 'ß') THEN array_to_string(list_transform(string_split(${t}, 'ß'), lambda p: upper(p)), 'ß') ELSE upper(${t}) END`,
  );

const pad =
  (name: 'lpad' | 'rpad'): Render =>
  ([s = '', size = '', filler = ''], { bind, types }) =>
    bind(size, (n) =>
      bind(filler, (p) =>
        refuseWhere(
          `${n} < 0 OR ${n} > ${TEXT_LENGTH_MAX}`,
          `'Target length must be in the range [0..${TEXT_LENGTH_MAX}]'`,
          refuseWhere(
            `${p} = ''`,
            `'Padding string must not be empty'`,
            `${name}(${padded(s, types[0])}, CAST(${n} AS INTEGER), ${p})`,
          ),
        ),
      ),
    );

const length: Render = ([s = ''], { types: [type] }) =>
  type?.kind === 'char' ? whenPresent([s], `CAST(${type.length} AS BIGINT)`) : `len(${s})`;

const TRIMS: FunctionDefinition[] = ['trim', 'ltrim', 'rtrim'].flatMap((name) => [
  define(`${name}(varchar(x)): varchar(x)`, ([s]) => `${name}(${s}, ${WHITE_SPACE})`, { total: true }),
  define(`${name}(varchar(x), varchar): varchar(x)`, ([s, chars]) => `${name}(${s}, ${chars})`, { total: true }),
  define(
    `${name}(varchar(x), char(y)): varchar(x)`,
    ([s, chars = ''], { types }) => `${name}(${s}, ${padded(chars, types[1])})`,
    {
      total: true,
    },
  ),
]);

const concat: Render = (args) => concatenation(args);

const charConcat = (types: readonly SqlType[]): SqlType => ({
  kind: 'char',
  length: Math.min(
    CHAR_LENGTH_MAX,
    types.reduce((n, t) => n + (t.kind === 'char' ? t.length : 0), 0),
  ),
});

const notEmptyDelimiter = (delimiter: string, body: string): string =>
  refuseWhere(`${delimiter} = ''`, `'The delimiter may not be the empty string'`, body);

const split: Render = ([s = '', delimiter = ''], { bind }) =>
  bind(s, (t) => bind(delimiter, (d) => notEmptyDelimiter(d, whenPresent([t, d], `string_split(${t}, ${d})`))));

/** At most `limit` parts: the last holds the rest. */
const splitLimited: Render = ([s = '', delimiter = '', limit = ''], { bind }) =>
  bind(s, (t) =>
    bind(delimiter, (d) =>
      bind(limit, (n) => {
        const parts = `string_split(${t}, ${d})`;
        const limited = `CASE WHEN len(${parts}) <= ${n} THEN ${parts} ELSE list_append(${parts}[1:${n} - 1], array_to_string(${parts}[${n}:], ${d})) END`;
        return refuseWhere(
          `${n} <= 0`,
          `'Limit must be positive'`,
          notEmptyDelimiter(d, whenPresent([t, d, n], limited)),
        );
      }),
    ),
  );

const splitPart: Render = ([s = '', delimiter = '', index = ''], { bind }) =>
  bind(s, (t) =>
    bind(delimiter, (d) =>
      bind(index, (i) =>
        refuseWhere(
          `${i} <= 0`,
          `'Index must be greater than zero'`,
          whenPresent(
            [t, d, i],
            `CASE WHEN ${d} = '' THEN CASE WHEN ${i} > len(${t}) THEN CASE WHEN ${i} = 1 THEN '' END ELSE substring(${t}, CAST(${i} AS BIGINT), 1) END ELSE string_split(${t}, ${d})[${i}] END`,
          ),
        ),
      ),
    ),
  );

/** Pairs of key and value; a repeated key is an error unless `many`. */
const splitToMap: Render = ([s = '', between = '', inside = ''], { bind }) =>
  bind(s, (t) =>
    bind(between, (d) =>
      bind(inside, (e) => {
        const entries = `list_filter(string_split(${t}, ${d}), lambda x: x <> '')`;
        const bad = `list_bool_or(list_transform(${entries}, lambda x: len(string_split(x, ${e})) <> 2))`;
        const keys = `list_transform(${entries}, lambda x: split_part(x, ${e}, 1))`;
        const values = `list_transform(${entries}, lambda x: split_part(x, ${e}, 2))`;
        const map = refuseWhere(
          bad,
          `'Key-value delimiter must appear exactly once in each entry. Bad input: ''' || ${t} || ''''`,
          refuseWhere(
            `len(${keys}) <> list_unique(${keys})`,
            `'Duplicate keys are not allowed'`,
            `map(${keys}, ${values})`,
          ),
        );
        return refuseWhere(
          `${d} = '' OR ${e} = ''`,
          `'the delimiters may not be empty'`,
          refuseWhere(
            `${d} = ${e}`,
            `'entryDelimiter and keyValueDelimiter must not be the same'`,
            whenPresent([t, d, e], map),
          ),
        );
      }),
    ),
  );

/** The n-th occurrence, from the end where n is negative; 0 where there is none. */
const strposInstance: Render = ([s = '', part = '', n = ''], { bind }) =>
  bind(s, (t) =>
    bind(part, (p) =>
      bind(n, (i) => {
        const starts = `list_filter(range(1, len(${t}) - len(${p}) + 2), lambda k: substring(${t}, k, len(${p})) = ${p})`;
        const found = `CASE WHEN ${p} = '' THEN 1 ELSE coalesce(CAST(${starts}[${i}] AS BIGINT), 0) END`;
        return refuseWhere(
          `${i} = 0`,
          `'''instance'' must be a positive or negative number.'`,
          whenPresent([t, p, i], found),
        );
      }),
    ),
  );

const concatWithSeparator: Render = ([separator = '', ...parts], { bind }) => {
  const list = `[${parts.join(', ')}]`;
  return bind(separator, (d) =>
    whenPresent(
      [d],
      `coalesce(array_to_string(list_filter(${parts.length === 0 ? `CAST([] AS VARCHAR[])` : list}, lambda x: x IS NOT NULL), ${d}), '')`,
    ),
  );
};

const concatArrayWithSeparator: Render = ([separator = '', list = '']) =>
  whenPresent(
    [separator, list],
    `coalesce(array_to_string(list_filter(${list}, lambda x: x IS NOT NULL), ${separator}), '')`,
  );

/** The kernel's works on UTF-8 bytes: sums over code points instead. */
const hamming: Render = ([a = '', b = ''], { bind }) =>
  bind(a, (x) =>
    bind(b, (y) =>
      refuseWhere(
        `len(${x}) <> len(${y})`,
        `'The input strings to hamming_distance function must have the same length'`,
        whenPresent(
          [x, y],
          `CAST(len(list_filter(range(1, len(${x}) + 1), lambda i: substring(${x}, i, 1) <> substring(${y}, i, 1))) AS BIGINT)`,
        ),
      ),
    ),
  );

/** Lengths whose product is bounded: the work grows with it. */
const LEVENSHTEIN_WORK_MAX = 1_000_000;

/** The kernel's counts bytes: characters beyond ASCII are first given single bytes that the texts do not use. */
const levenshtein: Render = ([a = '', b = ''], { bind }) =>
  bind(a, (x) =>
    bind(b, (y) => {
      const foreign = `list_distinct(list_filter(string_split(${x} || ${y}, ''), lambda c: strlen(c) > 1))`;
      const spare = `array_to_string(list_transform(range(1, 32), lambda i: chr(CAST(i AS INTEGER))), '')`;
      const plain = (text: string): string =>
        `translate(${text}, array_to_string(list_sort(${foreign}), ''), left(${spare}, len(${foreign})))`;
      const many = raise(
        'NOT_SUPPORTED',
        'levenshtein_distance of texts with more than 31 different characters beyond ASCII is not supported',
      );
      const ascii = `len(${x}) = strlen(${x}) AND len(${y}) = strlen(${y})`;
      const distance = `CASE WHEN ${ascii} THEN levenshtein(${x}, ${y}) WHEN len(${foreign}) > 31 THEN ${many} ELSE levenshtein(${plain(x)}, ${plain(y)}) END`;
      return refuseWhere(
        `len(${x}) * len(${y}) > ${LEVENSHTEIN_WORK_MAX}`,
        `'The combined inputs for Levenshtein distance are too large'`,
        whenPresent([x, y], `CAST(${distance} AS BIGINT)`),
      );
    }),
  );

const luhn: Render = ([s = ''], { bind }) =>
  bind(s, (t) => {
    const digits = `list_transform(string_split(reverse(${t}), ''), lambda c, i: CASE WHEN i % 2 = 1 THEN CAST(c AS INTEGER) ELSE CAST(c AS INTEGER) * 2 // 10 + CAST(c AS INTEGER) * 2 % 10 END)`;
    return `CASE WHEN ${t} = '' THEN false WHEN NOT regexp_full_match(${t}, '[0-9]*') THEN ${raise('INVALID_FUNCTION_ARGUMENT', 'Only digits are accepted')} ELSE list_sum(${digits}) % 10 = 0 END`;
  });

/** Unlike the kernel's, every code point by itself. */
const reverseText: Render = ([s = ''], { bind }) =>
  bind(
    s,
    (t) =>
      `coalesce(array_to_string(list_reverse(string_split(${t}, '')), ''), CASE WHEN ${t} IS NOT NULL THEN '' END)`,
  );

const soundex: Render = ([s = ''], { bind }) =>
  bind(s, (t) => {
    const letters = `upper(regexp_replace(${t}, '[^A-Za-z]', '', 'g'))`;
    const codes = `translate(regexp_replace(${letters}, '(.)[HW]+', '\\1', 'g'), 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '01230120022455012623010202')`;
    const runs = `regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(${codes}, '1+', '1', 'g'), '2+', '2', 'g'), '3+', '3', 'g'), '4+', '4', 'g'), '5+', '5', 'g'), '6+', '6', 'g')`;
    const code = `left(left(${letters}, 1) || replace(substring(${runs}, 2), '0', '') || '000', 4)`;
    return `CASE WHEN ${t} IS NULL THEN NULL WHEN ${letters} = '' THEN '' WHEN strlen(${t}) <> len(${t}) THEN ${raise('INVALID_FUNCTION_ARGUMENT', 'soundex takes ASCII letters')} ELSE ${code} END`;
  });

const overlay: Render = ([s = '', part = '', from = '', count], { bind }) =>
  bind(s, (t) =>
    bind(part, (p) =>
      bind(from, (f) => {
        const n = count ?? `len(${p})`;
        return whenPresent(
          [t, p, f, n],
          `substring(${t}, 1, greatest(${f} - 1, 0)) || ${p} || substring(${t}, greatest(${f} + ${n}, 1))`,
        );
      }),
    ),
  );

export const STRINGS: readonly FunctionDefinition[] = [
  define('length(varchar): bigint', length, { total: true }),
  define('length(char(x)): bigint', length, { total: true }),
  ...['substr', 'substring'].flatMap((name) => [
    define(`${name}(varchar(x), bigint): varchar(x)`, substring),
    define(`${name}(varchar(x), bigint, bigint): varchar(x)`, substring),
    define(`${name}(char(x), bigint): varchar(x)`, substring),
    define(`${name}(char(x), bigint, bigint): varchar(x)`, substring),
  ]),
  direct('lower(varchar(x)): varchar(x)', 'lower', { total: true }),
  direct('lower(char(x)): char(x)', 'lower', { total: true }),
  define('upper(varchar(x)): varchar(x)', upper, { total: true }),
  define('upper(char(x)): char(x)', upper, { total: true }),
  ...(['lpad', 'rpad'] as const).flatMap((name) => [
    define(`${name}(varchar, bigint, varchar): varchar`, pad(name)),
    define(`${name}(char(x), bigint, varchar): varchar`, pad(name)),
  ]),
  ...TRIMS,
  define('concat(varchar, varchar, varchar...): varchar', concat, { returns: () => VARCHAR }),
  define('concat(char(x), char(y)): char(x)', ([a = '', b], { types }) => `(${padded(a, types[0])} || ${b})`, {
    returns: charConcat,
  }),
  define('concat_ws(varchar, varchar...): varchar', concatWithSeparator, { nullOnNull: false }),
  define('concat_ws(varchar, array(varchar)): varchar', concatArrayWithSeparator),
  define(
    'replace(varchar, varchar): varchar',
    ([s, what]) => `CASE WHEN ${what} = '' THEN ${s} ELSE replace(${s}, ${what}, '') END`,
  ),
  define('replace(varchar, varchar, varchar): varchar', ([s = '', what = '', by = ''], { bind }) =>
    bind(s, (t) =>
      bind(by, (r) => {
        const between = `${r} || coalesce(array_to_string(list_transform(string_split(${t}, ''), lambda c: c || ${r}), ''), '')`;
        return `CASE WHEN ${what} = '' THEN ${whenPresent([t, r], `CASE WHEN ${t} = '' THEN ${r} ELSE ${between} END`)} ELSE replace(${t}, ${what}, ${r}) END`;
      }),
    ),
  ),
  define('reverse(varchar(x)): varchar(x)', reverseText),
  define(
    'reverse(char(x)): char(x)',
    ([s = '', ...rest], kit) => `rtrim(${reverseText([padded(s, kit.types[0]), ...rest], kit)}, ' ')`,
  ),
  define('split(varchar, varchar): array(varchar)', split),
  define('split(varchar, varchar, bigint): array(varchar)', splitLimited),
  define('split_part(varchar, varchar, bigint): varchar', splitPart),
  define('split_to_map(varchar, varchar, varchar): map(varchar,varchar)', splitToMap),
  define('strpos(varchar, varchar): bigint', ([s, part]) => `CAST(strpos(${s}, ${part}) AS BIGINT)`),
  define('strpos(varchar, varchar, bigint): bigint', strposInstance),
  define('position(varchar, varchar): bigint', ([part, s]) => `CAST(strpos(${s}, ${part}) AS BIGINT)`),
  direct('starts_with(varchar, varchar): boolean', 'starts_with', { total: true }),
  direct('ends_with(varchar, varchar): boolean', 'suffix', { total: true }),
  direct('translate(varchar, varchar, varchar): varchar', 'translate'),
  define('chr(bigint): varchar(1)', ([n = ''], { bind }) =>
    bind(n, (c) =>
      refuseWhere(
        `${c} < 0 OR ${c} > 1114111 OR ${c} BETWEEN 55296 AND 57343`,
        `'Not a valid Unicode code point: ' || ${c}`,
        `chr(CAST(${c} AS INTEGER))`,
      ),
    ),
  ),
  define('codepoint(varchar(1)): integer', ([s = ''], { bind }) =>
    bind(s, (t) => refuseWhere(`len(${t}) <> 1`, `'codepoint takes one character'`, `unicode(${t})`)),
  ),
  define('levenshtein_distance(varchar, varchar): bigint', levenshtein),
  define('hamming_distance(varchar, varchar): bigint', hamming),
  define('luhn_check(varchar): boolean', luhn),
  define('soundex(varchar): varchar(4)', soundex),
  define('normalize(varchar): varchar', ([s]) => `nfc_normalize(${s})`),
  define('overlay(varchar, varchar, bigint): varchar', overlay),
  define('overlay(varchar, varchar, bigint, bigint): varchar', overlay),
];
