/** Reads the kernel's errors, which carry only text, as errors with codes. The one place that knows those texts. */

import { type ErrorCode, type ErrorInfo, isErrorCode } from '../../common/errors.ts';
import { SECRET } from '../../types/kernel.ts';
import { csvErrorText } from './csv-errors.ts';
import { jsonErrorText } from './json-errors.ts';

/** `sql` is kept for errors that are, or may be, our bugs. */
export function kernelError(message: string, sql?: string): ErrorInfo {
  const raised = RAISED.exec(message);
  if (raised && isErrorCode(raised[1]!)) return { code: raised[1], message: raised[2]! };
  const text = plainText(message);
  const statement = sql !== undefined && { stack: sql.slice(0, SQL_EXCERPT_LENGTH).replaceAll(SECRET, '') };
  for (const [pattern, code, rewrite] of OUR_FAULT.test(message) ? [] : TEXTS) {
    const found = pattern.exec(message);
    // What the kernel has not got, we should not have asked for.
    if (found)
      return {
        code,
        message: rewrite ? rewrite(text, ...found.slice(1)) : text,
        ...(code === 'NOT_SUPPORTED' && statement),
      };
  }
  return { code: 'GENERIC_INTERNAL_ERROR', message: `The kernel refused a generated statement: ${text}`, ...statement };
}

/** Found in no value, but in the types of a statement. */
const OUR_FAULT = /^Conversion Error: Unimplemented type for cast \(/;

/** An error that our SQL raised, see `raise`. Texts that the kernel quotes never hold the secret. */
const RAISED = new RegExp(
  `^Conversion Error: Could not convert string 'TUTTI:${SECRET}:([A-Z_]+):([\\s\\S]*?):ITTUT' to INT64`,
);

/** Enough of a generated statement to see what was wrong with it. */
const SQL_EXCERPT_LENGTH = 20_000;

/** A sum or product of decimals needs more than 64 bits, see `narrowDecimals`. */
export const isNarrowOverflow = (message: string): boolean =>
  /^Out of Range Error: Overflow in (?:multiplication|addition|subtract(?:ion)?) of DECIMAL\(18\)/i.test(message);

export const isInterrupted = (message: string): boolean => /^INTERRUPT Error/i.test(message);

/** `parts` are what the pattern captured. */
type Rewrite = (text: string, ...parts: string[]) => string;

const always =
  (text: string): Rewrite =>
  () =>
    text;

/** The kernel's integers by SQL's names. */
const INTEGERS: Readonly<Record<string, string>> = {
  INT8: 'tinyint',
  INT16: 'smallint',
  INT32: 'integer',
  INT64: 'bigint',
};

/** The integer type whose least value this is: what has no positive counterpart. */
const LEAST: Readonly<Record<string, string>> = {
  '-128': 'tinyint',
  '-32768': 'smallint',
  '-2147483648': 'integer',
  '-9223372036854775808': 'bigint',
};

/**
 * The first pattern that fits decides. Each begins with the message's own beginning: what follows may quote what users wrote,
 * or hold in their data.
 */
const TEXTS: readonly (readonly [pattern: RegExp, code: ErrorCode, rewrite?: Rewrite])[] = [
  [/^INTERRUPT Error/i, 'USER_CANCELED'],
  [
    /^Out of Memory Error: (?:failed to offload data block|[^']*\n[^\n]*max_temp_directory_size)/i,
    'EXCEEDED_SPILL_LIMIT',
  ],
  [
    /^(?:Out of Memory Error|(?:[A-Z][A-Za-z ]* ?Error: )?(?:(?:std::)?bad_alloc|could not allocate|Array buffer allocation failed))/i,
    'EXCEEDED_LOCAL_MEMORY_LIMIT',
    (text) => `Query exceeded per-node memory limit: ${text.split('\n')[0]}`,
  ],
  // Arithmetic in Trino's words.
  [
    /^Out of Range Error: Overflow in (addition|subtraction|multiplication) of (INT8|INT16|INT32|INT64) \((.*)\)!/,
    'NUMERIC_VALUE_OUT_OF_RANGE',
    (_, operation, type, operands) => `${INTEGERS[type]} ${operation} overflow: ${operands}`,
  ],
  [
    /^Out of Range Error: Overflow in division of ((-\d+) \/ -1)/,
    'NUMERIC_VALUE_OUT_OF_RANGE',
    (_, operands, least) => `${LEAST[least] ?? 'bigint'} division overflow: ${operands}`,
  ],
  [
    /^Out of Range Error: Overflow in negation of numeric value/,
    'NUMERIC_VALUE_OUT_OF_RANGE',
    always('negation overflow: the least value of an integer type has no positive counterpart'),
  ],
  [
    /^Out of Range Error: Overflow on abs\((-\d+)\)/,
    'NUMERIC_VALUE_OUT_OF_RANGE',
    (_, value) => `Value ${value} is out of range for abs(${LEAST[value] ?? 'bigint'})`,
  ],
  // Integers of 128 bits are decimals, or on their way to one.
  [
    /^Out of Range Error: Overflow in (?:\w+ of (?:DECIMAL|INT128)|HUGEINT)/,
    'NUMERIC_VALUE_OUT_OF_RANGE',
    always('Decimal overflow'),
  ],
  // No type of SQL stands as INT128 in the kernel: that is the sum of BIGINTs on its way back to one.
  [
    /^Conversion Error: Type INT128 with value \S+ can't be cast .* destination type INT64/i,
    'NUMERIC_VALUE_OUT_OF_RANGE',
    always('bigint addition overflow'),
  ],
  [
    /^Conversion Error: (?:Casting value "\S+" to type|Could not cast value \S+ to|Failed to cast decimal value \S+ to type|Type INT128 with value \S+ can't be cast .* destination type) DECIMAL/i,
    'NUMERIC_VALUE_OUT_OF_RANGE',
    always('Decimal overflow'),
  ],
  [/^Conversion Error: Type VARCHAR with value/i, 'INVALID_CAST_ARGUMENT'],
  // A number that its new type cannot hold; texts that are no numbers come below.
  [
    /^Conversion Error: (?:Casting value|Could not cast value|Failed to cast decimal|Type \w+ with value)/i,
    'NUMERIC_VALUE_OUT_OF_RANGE',
  ],
  // Files, by the words with which messages about them begin.
  [
    /^(?:Conversion|Invalid Input) Error: (?:CSV Error|Error when (?:converting|sniffing))/i,
    'FILE_CORRUPT',
    csvErrorText,
  ],
  [/^Invalid Input Error: (?:Malformed JSON in file|JSON transform error in file)/, 'FILE_CORRUPT', jsonErrorText],
  [
    /^Invalid Input Error: (?:No magic bytes found|File '[^']*' too small|Failed to read file|Failed to read Parquet|Invalid string encoding found in Parquet|Invalid unicode|Incorrect stats size|The width \(\d+\) of the bitpacked|[a-z ]*\bparquet\b)/i,
    'FILE_CORRUPT',
  ],
  [
    /^Invalid Error: (?:Failed to decompress|Input is invalid|Out of buffer|TProtocol|don't know what type|invalid TType|Parquet file|Payload value bigger|Prefetch registered|Page |Varint|Snappy|ZSTD|LZ4|GZIP|Brotli|.{0,40}\bpage header)/i,
    'FILE_CORRUPT',
  ],
  // Of what a file says of itself; types of SQL are never that wide.
  [/^INTERNAL Error: Decimal has a width of/i, 'FILE_CORRUPT'],
  [/^Conversion Error/i, 'INVALID_CAST_ARGUMENT'],
  [
    /^IO Error[\s\S]*No space left on device/i,
    'GENERIC_INSUFFICIENT_RESOURCES',
    (text) => `A worker's disk is full: ${text}`,
  ],
  [/^IO Error: (?:No files found|Cannot open file|Could not open)/i, 'FILE_NOT_FOUND'],
  [
    /^Permission Error/i,
    'PERMISSION_DENIED',
    (text) => `${text}; a catalog reads only below the folders that its configuration names`,
  ],
  [/^IO Error/i, 'FILE_CORRUPT'],
  [/^Out of Range Error/i, 'NUMERIC_VALUE_OUT_OF_RANGE'],
  [
    /^Not implemented Error: Unknown TimeZone/,
    'INVALID_FUNCTION_ARGUMENT',
    (text) => text.replace(/!?\s*Candidate[\s\S]*$/, ''),
  ],
  [/^(?:Invalid Input|Constraint) Error/i, 'INVALID_FUNCTION_ARGUMENT'],
  [/^Not implemented Error/i, 'NOT_SUPPORTED'],
  [
    /^(?:Parser|Binder) Error: Max expression depth limit/i,
    'NOT_SUPPORTED',
    always('The statement is nested too deeply for the kernel; compute parts of it in WITH or in a subquery of FROM'),
  ],
];

/** Without the kind in front and the excerpt of generated SQL behind, which mean nothing to a user. */
function plainText(message: string): string {
  return message
    .replace(/\n+LINE \d+:[\s\S]*$/, '')
    .replace(/^[A-Z][A-Za-z -]* Error: /, '')
    .trim();
}
