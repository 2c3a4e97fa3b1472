/** The errors a person or a client sees: a code, a category, a position where there is one, and a next step in words. */

/** Trino's four categories. Retry policy reads the category, never the text. */
export type ErrorCategory = 'USER_ERROR' | 'INTERNAL_ERROR' | 'INSUFFICIENT_RESOURCES' | 'EXTERNAL';

/** Numbers and categories as Trino's StandardErrorCode has them, so that existing clients understand them. */
const CODES = {
  GENERIC_USER_ERROR: [0, 'USER_ERROR'],
  SYNTAX_ERROR: [1, 'USER_ERROR'],
  ABANDONED_QUERY: [2, 'USER_ERROR'],
  USER_CANCELED: [3, 'USER_ERROR'],
  PERMISSION_DENIED: [4, 'USER_ERROR'],
  NOT_FOUND: [5, 'USER_ERROR'],
  FUNCTION_NOT_FOUND: [6, 'USER_ERROR'],
  INVALID_FUNCTION_ARGUMENT: [7, 'USER_ERROR'],
  DIVISION_BY_ZERO: [8, 'USER_ERROR'],
  INVALID_CAST_ARGUMENT: [9, 'USER_ERROR'],
  OPERATOR_NOT_FOUND: [10, 'USER_ERROR'],
  INVALID_VIEW: [11, 'USER_ERROR'],
  ALREADY_EXISTS: [12, 'USER_ERROR'],
  NOT_SUPPORTED: [13, 'USER_ERROR'],
  INVALID_SESSION_PROPERTY: [14, 'USER_ERROR'],
  INVALID_WINDOW_FRAME: [15, 'USER_ERROR'],
  CONSTRAINT_VIOLATION: [16, 'USER_ERROR'],
  TRANSACTION_CONFLICT: [17, 'USER_ERROR'],
  INVALID_TABLE_PROPERTY: [18, 'USER_ERROR'],
  NUMERIC_VALUE_OUT_OF_RANGE: [19, 'USER_ERROR'],
  UNKNOWN_TRANSACTION: [20, 'USER_ERROR'],
  NOT_IN_TRANSACTION: [21, 'USER_ERROR'],
  AUTOCOMMIT_WRITE_CONFLICT: [25, 'USER_ERROR'],
  SUBQUERY_MULTIPLE_ROWS: [28, 'USER_ERROR'],
  AMBIGUOUS_FUNCTION_CALL: [32, 'USER_ERROR'],
  INVALID_SCHEMA_PROPERTY: [33, 'USER_ERROR'],
  QUERY_TEXT_TOO_LARGE: [35, 'USER_ERROR'],
  TYPE_NOT_FOUND: [43, 'USER_ERROR'],
  CATALOG_NOT_FOUND: [44, 'USER_ERROR'],
  SCHEMA_NOT_FOUND: [45, 'USER_ERROR'],
  TABLE_NOT_FOUND: [46, 'USER_ERROR'],
  COLUMN_NOT_FOUND: [47, 'USER_ERROR'],
  ROLE_NOT_FOUND: [48, 'USER_ERROR'],
  SCHEMA_ALREADY_EXISTS: [49, 'USER_ERROR'],
  TABLE_ALREADY_EXISTS: [50, 'USER_ERROR'],
  COLUMN_ALREADY_EXISTS: [51, 'USER_ERROR'],
  DUPLICATE_NAMED_QUERY: [53, 'USER_ERROR'],
  DUPLICATE_COLUMN_NAME: [54, 'USER_ERROR'],
  MISSING_COLUMN_NAME: [55, 'USER_ERROR'],
  MISSING_CATALOG_NAME: [56, 'USER_ERROR'],
  MISSING_SCHEMA_NAME: [57, 'USER_ERROR'],
  TYPE_MISMATCH: [58, 'USER_ERROR'],
  INVALID_LITERAL: [59, 'USER_ERROR'],
  COLUMN_TYPE_UNKNOWN: [60, 'USER_ERROR'],
  MISMATCHED_COLUMN_ALIASES: [61, 'USER_ERROR'],
  AMBIGUOUS_NAME: [62, 'USER_ERROR'],
  INVALID_COLUMN_REFERENCE: [63, 'USER_ERROR'],
  MISSING_GROUP_BY: [64, 'USER_ERROR'],
  MISSING_ORDER_BY: [65, 'USER_ERROR'],
  MISSING_OVER: [66, 'USER_ERROR'],
  NESTED_AGGREGATION: [67, 'USER_ERROR'],
  NESTED_WINDOW: [68, 'USER_ERROR'],
  EXPRESSION_NOT_IN_DISTINCT: [69, 'USER_ERROR'],
  TOO_MANY_GROUPING_SETS: [70, 'USER_ERROR'],
  FUNCTION_NOT_WINDOW: [71, 'USER_ERROR'],
  FUNCTION_NOT_AGGREGATE: [72, 'USER_ERROR'],
  EXPRESSION_NOT_AGGREGATE: [73, 'USER_ERROR'],
  EXPRESSION_NOT_SCALAR: [74, 'USER_ERROR'],
  EXPRESSION_NOT_CONSTANT: [75, 'USER_ERROR'],
  INVALID_ARGUMENTS: [76, 'USER_ERROR'],
  TOO_MANY_ARGUMENTS: [77, 'USER_ERROR'],
  INVALID_PRIVILEGE: [78, 'USER_ERROR'],
  DUPLICATE_PROPERTY: [79, 'USER_ERROR'],
  INVALID_PARAMETER_USAGE: [80, 'USER_ERROR'],
  VIEW_IS_STALE: [81, 'USER_ERROR'],
  VIEW_IS_RECURSIVE: [82, 'USER_ERROR'],
  NULL_TREATMENT_NOT_ALLOWED: [83, 'USER_ERROR'],
  INVALID_ROW_FILTER: [84, 'USER_ERROR'],
  INVALID_COLUMN_MASK: [85, 'USER_ERROR'],
  MISSING_TABLE: [86, 'USER_ERROR'],
  INVALID_RECURSIVE_REFERENCE: [87, 'USER_ERROR'],
  MISSING_COLUMN_ALIASES: [88, 'USER_ERROR'],
  NESTED_RECURSIVE: [89, 'USER_ERROR'],
  INVALID_LIMIT_CLAUSE: [90, 'USER_ERROR'],
  INVALID_ORDER_BY: [91, 'USER_ERROR'],
  DUPLICATE_WINDOW_NAME: [92, 'USER_ERROR'],
  INVALID_WINDOW_REFERENCE: [93, 'USER_ERROR'],
  INVALID_PARTITION_BY: [94, 'USER_ERROR'],
  INVALID_MATERIALIZED_VIEW_PROPERTY: [95, 'USER_ERROR'],
  INVALID_LABEL: [96, 'USER_ERROR'],
  INVALID_PROCESSING_MODE: [97, 'USER_ERROR'],
  INVALID_NAVIGATION_NESTING: [98, 'USER_ERROR'],
  INVALID_ROW_PATTERN: [99, 'USER_ERROR'],
  NESTED_ROW_PATTERN_RECOGNITION: [100, 'USER_ERROR'],
  TABLE_HAS_NO_COLUMNS: [101, 'USER_ERROR'],
  INVALID_RANGE: [102, 'USER_ERROR'],
  INVALID_CATALOG_PROPERTY: [111, 'USER_ERROR'],

  GENERIC_INTERNAL_ERROR: [65536, 'INTERNAL_ERROR'],
  TOO_MANY_REQUESTS_FAILED: [65537, 'INTERNAL_ERROR'],
  PAGE_TOO_LARGE: [65538, 'INTERNAL_ERROR'],
  PAGE_TRANSPORT_ERROR: [65539, 'INTERNAL_ERROR'],
  PAGE_TRANSPORT_TIMEOUT: [65540, 'INTERNAL_ERROR'],
  NO_NODES_AVAILABLE: [65541, 'INTERNAL_ERROR'],
  REMOTE_TASK_ERROR: [65542, 'INTERNAL_ERROR'],
  COMPILER_ERROR: [65543, 'INTERNAL_ERROR'],
  REMOTE_TASK_MISMATCH: [65544, 'INTERNAL_ERROR'],
  SERVER_SHUTTING_DOWN: [65545, 'INTERNAL_ERROR'],
  REMOTE_HOST_GONE: [65558, 'INTERNAL_ERROR'],

  GENERIC_INSUFFICIENT_RESOURCES: [131072, 'INSUFFICIENT_RESOURCES'],
  EXCEEDED_GLOBAL_MEMORY_LIMIT: [131073, 'INSUFFICIENT_RESOURCES'],
  QUERY_QUEUE_FULL: [131074, 'INSUFFICIENT_RESOURCES'],
  EXCEEDED_TIME_LIMIT: [131075, 'INSUFFICIENT_RESOURCES'],
  CLUSTER_OUT_OF_MEMORY: [131076, 'INSUFFICIENT_RESOURCES'],
  EXCEEDED_CPU_LIMIT: [131077, 'INSUFFICIENT_RESOURCES'],
  EXCEEDED_SPILL_LIMIT: [131078, 'INSUFFICIENT_RESOURCES'],
  EXCEEDED_LOCAL_MEMORY_LIMIT: [131079, 'INSUFFICIENT_RESOURCES'],
  ADMINISTRATIVELY_PREEMPTED: [131080, 'INSUFFICIENT_RESOURCES'],
  EXCEEDED_SCAN_LIMIT: [131081, 'INSUFFICIENT_RESOURCES'],

  /** A table's own files or remote system failed us: damaged Parquet, missing file, unreadable CSV. */
  FILE_CORRUPT: [16777216, 'EXTERNAL'],
  FILE_NOT_FOUND: [16777217, 'EXTERNAL'],
  FILE_UNSUPPORTED: [16777218, 'EXTERNAL'],
  /** Its file system does not answer, or gave none of its replicas to who asked. */
  FILE_SYSTEM_ERROR: [16777219, 'EXTERNAL'],
  /** It is not the file any more that the query was planned with. */
  FILE_CHANGED: [16777220, 'EXTERNAL'],
  /** A part of it is on no machine that lives: nobody can read it before one of them is back. */
  FILE_UNAVAILABLE: [16777221, 'EXTERNAL'],
} as const satisfies Record<string, readonly [number, ErrorCategory]>;

export type ErrorCode = keyof typeof CODES;

export const isErrorCode = (name: string): name is ErrorCode => Object.hasOwn(CODES, name);
export const errorNumber = (code: ErrorCode): number => CODES[code][0];
export const errorCategory = (code: ErrorCode): ErrorCategory => CODES[code][1];

/** A place in the statement's text. Line and column count from 1, as Trino's messages do; columns are UTF-16 units. */
export type SourceLocation = { readonly line: number; readonly column: number };

/**
 * An error that a user caused or can act on. `message` begins with `line L:C: ` when `location` is given, so that it
 * reads the same in every client.
 */
export class QueryError extends Error {
  override readonly name = 'QueryError';
  readonly code: ErrorCode;
  readonly location: SourceLocation | undefined;

  constructor(code: ErrorCode, message: string, location?: SourceLocation, options?: ErrorOptions) {
    super(location ? `line ${location.line}:${location.column}: ${message}` : message, options);
    this.code = code;
    this.location = location;
  }

  get category(): ErrorCategory {
    return errorCategory(this.code);
  }
}

/** An error as it travels between processes. */
export type ErrorInfo = {
  readonly code: ErrorCode;
  /** Complete text, with its `line L:C: ` prefix where there is a location. */
  readonly message: string;
  readonly location?: SourceLocation;
  readonly stack?: string;
};

/** Anything thrown, as data. What is not a QueryError is our own bug: GENERIC_INTERNAL_ERROR with its stack. */
export function toErrorInfo(problem: unknown): ErrorInfo {
  if (problem instanceof QueryError) {
    return { code: problem.code, message: problem.message, ...(problem.location && { location: problem.location }) };
  }
  const message = problem instanceof Error ? problem.message : String(problem);
  const stack = problem instanceof Error ? problem.stack : undefined;
  return { code: 'GENERIC_INTERNAL_ERROR', message, ...(stack && { stack }) };
}

/** The error that another process reported, to be thrown on here. */
export function fromErrorInfo(info: ErrorInfo): QueryError {
  const error = new QueryError(info.code, info.message);
  return info.location ? Object.assign(error, { location: info.location }) : error;
}

/** The nearest of `candidates` to `name` when it is near enough to be a typing mistake, for "did you mean". */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Damerau-Levenshtein (adjacent transpositions count once). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
