/** Reads the kernel's errors, which carry only text, as errors with codes. The one place that knows those texts. */

import { type ErrorCode, type ErrorInfo, isErrorCode } from '../../common/errors.ts';

/** `sql` is kept for errors that are our bugs. */
export function kernelError(message: string, sql?: string): ErrorInfo {
  const marked = /TUTTI:([A-Z_]+):([\s\S]*?):ITTUT/.exec(message);
  if (marked && isErrorCode(marked[1]!)) return { code: marked[1], message: marked[2]! };
  const text = plainText(message);
  for (const [pattern, code, rewrite] of TEXTS) {
    if (pattern.test(message)) return { code, message: rewrite ? rewrite(text) : text };
  }
  return {
    code: 'GENERIC_INTERNAL_ERROR',
    message: `The kernel refused a generated statement: ${text}`,
    ...(sql !== undefined && { stack: sql.slice(0, SQL_EXCERPT_LENGTH) }),
  };
}

/** Enough of a generated statement to see what was wrong with it. */
const SQL_EXCERPT_LENGTH = 20_000;

/** A sum or product of decimals needs more than 64 bits, see `narrowDecimals`. */
export const isNarrowOverflow = (message: string): boolean =>
  /Overflow in (?:multiplication|addition|subtract(?:ion)?) of DECIMAL\(18\)/i.test(message);

export const isInterrupted = (message: string): boolean => /^INTERRUPT Error/i.test(message);

/** The first pattern that fits decides. */
const TEXTS: readonly (readonly [pattern: RegExp, code: ErrorCode, rewrite?: (text: string) => string])[] = [
  [/^INTERRUPT Error/i, 'USER_CANCELED'],
  [/max_temp_directory_size|failed to offload data block/i, 'EXCEEDED_SPILL_LIMIT'],
  [
    /^Out of Memory Error|bad_alloc|could not allocate|Array buffer allocation failed/i,
    'EXCEEDED_LOCAL_MEMORY_LIMIT',
    (text) => `Query exceeded per-node memory limit: ${text.split('\n')[0]}`,
  ],
  [/^Conversion Error: CSV Error/i, 'FILE_CORRUPT'],
  // No type of SQL stands as INT128 in the kernel: that is the sum of BIGINTs on its way back to one.
  [
    /^Conversion Error: Type INT128 with value \S+ can't be cast .* destination type INT64/i,
    'NUMERIC_VALUE_OUT_OF_RANGE',
    () => 'bigint addition overflow',
  ],
  // A number that its new type cannot hold; texts that are no numbers come below.
  [
    /^Conversion Error: (?:Casting value|Could not cast value|Failed to cast decimal|Type \w+ with value)/i,
    'NUMERIC_VALUE_OUT_OF_RANGE',
  ],
  // Before the words that tell of a bad file: the value that cannot be converted may hold any of them.
  [/^Conversion Error/i, 'INVALID_CAST_ARGUMENT'],
  [/No space left on device/i, 'GENERIC_INSUFFICIENT_RESOURCES', (text) => `A worker's disk is full: ${text}`],
  [/^IO Error: (?:No files found|Cannot open file|Could not open)/i, 'FILE_NOT_FOUND'],
  [
    /^Permission Error/i,
    'PERMISSION_DENIED',
    (text) => `${text}; a catalog reads only below the folders that its configuration names`,
  ],
  [
    /parquet|magic bytes|CSV Error|snappy|zstd|Malformed JSON|thrift|TProtocolException|Invalid unicode|corrupt|page header|dictionary offset|Out of buffer|don't know what type/i,
    'FILE_CORRUPT',
  ],
  [/^IO Error/i, 'FILE_CORRUPT'],
  [/^Out of Range Error/i, 'NUMERIC_VALUE_OUT_OF_RANGE'],
  [/Unknown TimeZone/, 'INVALID_FUNCTION_ARGUMENT', (text) => text.replace(/!?\s*Candidate[\s\S]*$/, '')],
  [/^(?:Invalid Input|Constraint) Error/i, 'INVALID_FUNCTION_ARGUMENT'],
  [/^Not implemented Error/i, 'NOT_SUPPORTED'],
  [
    /Max expression depth limit/i,
    'NOT_SUPPORTED',
    () => 'The statement is nested too deeply for the kernel; compute parts of it in WITH or in a subquery of FROM',
  ],
];

/** Without the kind in front and the excerpt of generated SQL behind, which mean nothing to a user. */
function plainText(message: string): string {
  return message
    .replace(/\n+LINE \d+:[\s\S]*$/, '')
    .replace(/^[A-Z][A-Za-z -]* Error: /, '')
    .trim();
}
