/** Bytes: encodings and digests. Also URLs, the type of a value, and formatted numbers. */

import { kernelType, quote } from '../../../types/kernel.ts';
import { typeName } from '../../../types/type.ts';
import { concatenation } from '../../render/concatenation.ts';
import { define, type FunctionDefinition, type Render } from '../definition.ts';
import { refuseWhere, whenPresent } from './constants.ts';

const fromHex: Render = ([s = ''], { bind }) =>
  bind(s, (t) =>
    refuseWhere(
      `NOT regexp_full_match(${t}, '([0-9A-Fa-f]{2})*')`,
      `'String ''' || ${t} || ''' is not a valid hex string'`,
      `unhex(${t})`,
    ),
  );

/** Base64 without padding, or with the URL alphabet, is made whole first. */
const fromBase64: Render = ([s = ''], { bind }) =>
  bind(`translate(${s}, '-_', '+/')`, (t) =>
    refuseWhere(
      `NOT regexp_full_match(${t}, '[A-Za-z0-9+/]*={0,2}') OR len(rtrim(${t}, '=')) % 4 = 1`,
      `'Illegal base64 text: ' || ${t}`,
      `from_base64(rtrim(${t}, '=') || repeat('=', CAST((4 - len(rtrim(${t}, '=')) % 4) % 4 AS INTEGER)))`,
    ),
  );

const bigEndian =
  (digits: 8 | 16): Render =>
  ([a = ''], { bind }) =>
    bind(a, (x) => {
      const modulus = `CAST('${2n ** BigInt(digits * 4)}' AS HUGEINT)`;
      return whenPresent(
        [x],
        `unhex(lpad(to_hex(CASE WHEN ${x} < 0 THEN CAST(CAST(${x} AS HUGEINT) + ${modulus} AS UBIGINT) ELSE CAST(${x} AS UBIGINT) END), ${digits}, '0'))`,
      );
    });

const fromBigEndian =
  (bytes: 4 | 8): Render =>
  ([a = ''], { bind, type }) =>
    bind(a, (x) => {
      const value = `CAST(('0x' || hex(${x})) AS UBIGINT)`;
      const signed = `CASE WHEN ${value} >= ${2n ** BigInt(bytes * 8 - 1)} THEN CAST(${value} AS HUGEINT) - CAST('${2n ** BigInt(bytes * 8)}' AS HUGEINT) ELSE CAST(${value} AS HUGEINT) END`;
      return refuseWhere(
        `octet_length(${x}) <> ${bytes}`,
        `'expected ${bytes}-byte input, but got instead: ' || octet_length(${x})`,
        `CAST(${signed} AS ${kernelType(type)})`,
      );
    });

const substring: Render = ([s = '', from = '', count], { bind }) =>
  bind(s, (t) =>
    bind(from, (f) => {
      const hex = `hex(${t})`;
      const rest = (position: string): string =>
        `unhex(substring(${hex}, (${position}) * 2 - 1${count === undefined ? '' : `, greatest(${count}, 0) * 2`}))`;
      const size = `octet_length(${t})`;
      return `CASE WHEN ${t} IS NULL OR ${f} IS NULL${count === undefined ? '' : ` OR ${count} IS NULL`} THEN NULL WHEN ${f} > 0 THEN ${rest(f)} WHEN ${f} = 0 OR -${f} > ${size} THEN unhex('') ELSE ${rest(`${size} + ${f} + 1`)} END`;
    }),
  );

/** Parts of a URL by RFC 3986; NULL where the text is none. */
const URL = `'^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://(?:[^/?#@]*@)?(\\[[^\\]]*\\]|[^/?#:]*)(?::([0-9]*))?)?([^?#]*)(?:\\?([^#]*))?(?:#(.*))?$'`;
const VALID_URL = `'[A-Za-z0-9\\-._~:/?#\\[\\]@!$&''()*+,;=%|]*'`;

const urlPart =
  (group: number): Render =>
  ([s = ''], { bind }) =>
    bind(
      s,
      (t) =>
        `CASE WHEN regexp_full_match(${t}, ${VALID_URL}) THEN url_decode(regexp_extract(${t}, ${URL}, ${group})) END`,
    );

const urlPort: Render = ([s = '']) => `TRY_CAST(nullif(regexp_extract(${s}, ${URL}, 3), '') AS BIGINT)`;

const urlParameter: Render = ([s = '', name = ''], { bind }) =>
  bind(s, (t) =>
    bind(name, (n) => {
      const pairs = `string_split(regexp_extract(${t}, ${URL}, 5), '&')`;
      const found = `list_filter(${pairs}, lambda p: split_part(p, '=', 1) = ${n})[1]`;
      return bind(
        found,
        (pair) =>
          `CASE WHEN ${pair} IS NOT NULL THEN CASE WHEN contains(${pair}, '=') THEN url_decode(substring(${pair}, strpos(${pair}, '=') + 1)) ELSE '' END END`,
      );
    }),
  );

/** As HTML forms encode: blanks are `+`, and `*` stays. */
const urlEncode: Render = ([s = '']) =>
  `replace(replace(replace(url_encode(${s}), '%20', '+'), '%2A', '*'), '~', '%7E')`;

const digest = (name: string, kernel: string): FunctionDefinition =>
  define(`${name}(varbinary): varbinary`, ([a]) => `unhex(${kernel}(${a}))`);

/** Hex of a continuation byte. */
const NEXT = '[89AB].';

/** Hex of what is read as one character, whether it is one or not: a first byte with as many of its others as follow. */
const BYTES_READ = [
  '[0-7].',
  `[CD].${NEXT}`,
  `E.(?:${NEXT}){1,2}`,
  `F[0-7](?:${NEXT}){1,3}`,
  `F[89AB](?:${NEXT}){1,4}`,
  `F[CD](?:${NEXT}){1,5}`,
  '..',
].join('|');

/** Hex of one character: in its shortest form, no surrogate, none beyond the last. */
const CHARACTER = [
  '[0-7].',
  `(?:C[2-9A-F]|D.)${NEXT}`,
  `E0[AB].${NEXT}`,
  `E[1-9A-CEF]${NEXT}${NEXT}`,
  `ED[89].${NEXT}`,
  `F0[9AB].${NEXT}${NEXT}`,
  `F[1-3]${NEXT}${NEXT}${NEXT}`,
  `F48.${NEXT}${NEXT}`,
].join('|');

/** Bytes that are no text become U+FFFD, one for all that were read as one character. */
const fromUtf8: Render = ([a = ''], { bind }) =>
  bind(a, (bytes) => {
    const read = `regexp_extract_all(hex(${bytes}), '${BYTES_READ}')`;
    const mended = `list_transform(${read}, lambda c: CASE WHEN regexp_full_match(c, '${CHARACTER}') THEN c ELSE 'EFBFBD' END)`;
    return `coalesce(TRY(decode(${bytes})), decode(unhex(array_to_string(${mended}, ''))))`;
  });

export const BINARY: readonly FunctionDefinition[] = [
  define('length(varbinary): bigint', ([a]) => `CAST(octet_length(${a}) AS BIGINT)`),
  define('to_utf8(varchar): varbinary', ([a]) => `encode(${a})`),
  define(
    'to_utf8(char(x)): varbinary',
    ([a = ''], { types: [type] }) => `encode(rpad(${a}, ${type?.kind === 'char' ? type.length : 0}, ' '))`,
  ),
  define('from_utf8(varbinary): varchar', fromUtf8),
  define('to_hex(varbinary): varchar', ([a]) => `hex(${a})`),
  define('from_hex(varchar): varbinary', fromHex),
  define('to_base64(varbinary): varchar', ([a]) => `to_base64(${a})`),
  define('to_base64url(varbinary): varchar', ([a]) => `translate(to_base64(${a}), '+/', '-_')`),
  define('from_base64(varchar): varbinary', fromBase64),
  define('from_base64url(varchar): varbinary', fromBase64),
  digest('md5', 'md5'),
  digest('sha1', 'sha1'),
  digest('sha256', 'sha256'),
  define('to_big_endian_64(bigint): varbinary', bigEndian(16)),
  define('to_big_endian_32(integer): varbinary', bigEndian(8)),
  define('from_big_endian_64(varbinary): bigint', fromBigEndian(8)),
  define('from_big_endian_32(varbinary): integer', fromBigEndian(4)),
  ...['substr', 'substring'].flatMap((name) => [
    define(`${name}(varbinary, bigint): varbinary`, substring),
    define(`${name}(varbinary, bigint, bigint): varbinary`, substring),
  ]),
  define('concat(varbinary, varbinary, varbinary...): varbinary', (args) => concatenation(args)),
  define('reverse(varbinary): varbinary', ([a = ''], { bind }) =>
    bind(a, (x) =>
      whenPresent(
        [x],
        `unhex(coalesce(array_to_string(list_transform(range(octet_length(${x}), 0, -1), lambda i: substring(hex(${x}), i * 2 - 1, 2)), ''), ''))`,
      ),
    ),
  ),
  define('uuid(): uuid', () => 'uuid()', { deterministic: false }),
  define('url_extract_protocol(varchar): varchar', urlPart(1)),
  define('url_extract_host(varchar): varchar', urlPart(2)),
  define('url_extract_port(varchar): bigint', urlPort),
  define('url_extract_path(varchar): varchar', urlPart(4)),
  define('url_extract_query(varchar): varchar', urlPart(5)),
  define('url_extract_fragment(varchar): varchar', urlPart(6)),
  define('url_extract_parameter(varchar, varchar): varchar', urlParameter),
  define('url_encode(varchar): varchar', urlEncode),
  define('url_decode(varchar): varchar', ([a]) => `url_decode(replace(${a}, '+', ' '))`),
  define('typeof(T): varchar', (_, { types }) => quote(typeName(types[0]!)), { nullOnNull: false }),
  define('version(): varchar', () => quote('tutti')),
];
