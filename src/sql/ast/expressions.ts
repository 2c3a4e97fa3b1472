/** Expressions: literals, names, operators, calls. */

import type { DataType } from './data-types.ts';
import type { JsonArray, JsonExists, JsonObject, JsonQuery, JsonValue } from './json.ts';
import type { Node } from './node.ts';
import type { OrderBy, Query, Window } from './queries.ts';

export type Expression =
  | Literal
  | Parameter
  | Identifier
  | Dereference
  | Subscript
  | ArrayWildcard
  | ArithmeticBinary
  | ArithmeticUnary
  | Concat
  | Comparison
  | QuantifiedComparison
  | Logical
  | Not
  | Between
  | InList
  | InSubquery
  | Like
  | IsNull
  | BooleanTest
  | IsDistinctFrom
  | MatchPredicate
  | Overlaps
  | CaseOperand
  | Exists
  | Unique
  | SubqueryExpression
  | Row
  | ArrayConstructor
  | SimpleCase
  | SearchedCase
  | Coalesce
  | NullIf
  | If
  | Try
  | Format
  | Cast
  | FunctionCall
  | MethodCall
  | StaticMethodCall
  | Measure
  | Lambda
  | Extract
  | AtTimeZone
  | AtLocal
  | CurrentDateTime
  | CurrentContext
  | Trim
  | GroupingOperation
  | JsonExists
  | JsonValue
  | JsonQuery
  | JsonObject
  | JsonArray;

export type Literal =
  | NullLiteral
  | BooleanLiteral
  | StringLiteral
  | BinaryLiteral
  | IntegerLiteral
  | DecimalLiteral
  | DoubleLiteral
  | GenericLiteral
  | IntervalLiteral;

export type NullLiteral = Node<'NullLiteral'>;
export type BooleanLiteral = Node<'BooleanLiteral'> & { readonly value: boolean };
/** `value` is decoded: quotes and U& escapes are gone. */
export type StringLiteral = Node<'StringLiteral'> & { readonly value: string };
/** `hex` holds the digits only, upper case, of even length. */
export type BinaryLiteral = Node<'BinaryLiteral'> & { readonly hex: string };
/** Source text, perhaps with a leading `-`, a 0x, 0o or 0b prefix, and underscores. `BigInt` reads `digits`. */
export type IntegerLiteral = Node<'IntegerLiteral'> & { readonly text: string };
/** Source text without underscores, perhaps with a leading `-`: `-1.50`, `.5`, `1.`. */
export type DecimalLiteral = Node<'DecimalLiteral'> & { readonly text: string };
/** Source text, perhaps with a leading `-`: `1.5e0`, `1E10`. */
export type DoubleLiteral = Node<'DoubleLiteral'> & { readonly text: string };
/** `DATE '2001-01-01'`: type name as written (unquoted names in any case), decoded text. DOUBLE PRECISION is `double`. */
export type GenericLiteral = Node<'GenericLiteral'> & { readonly type: string; readonly value: string };
export type IntervalField = 'YEAR' | 'MONTH' | 'DAY' | 'HOUR' | 'MINUTE' | 'SECOND';
export type IntervalLiteral = Node<'IntervalLiteral'> & {
  readonly value: string;
  readonly sign: '+' | '-';
} & IntervalQualifier;
/** Precisions are the literals' texts: `DAY(3) TO SECOND(6)`. */
export type IntervalQualifier = {
  readonly from: IntervalField;
  readonly to?: IntervalField;
  readonly precision?: string;
  readonly fractionalPrecision?: string;
};

/** `?`; `position` counts from 0 in the order of the text. */
export type Parameter = Node<'Parameter'> & { readonly position: number };

/** A column reference, when it stands as an expression. `value` keeps the case of the text; names match regardless of it. */
export type Identifier = Node<'Identifier'> & { readonly value: string; readonly quoted: boolean };
/** At least one part. */
export type QualifiedName = readonly Identifier[];
/** Also `value.'field'`, with a quoted field. */
export type Dereference = Node<'Dereference'> & { readonly base: Expression; readonly field: Identifier };
export type Subscript = Node<'Subscript'> & { readonly base: Expression; readonly index: Expression };

/** `value[*]`, of JSON values: all elements. `value.*` is an AllColumns. */
export type ArrayWildcard = Node<'ArrayWildcard'> & { readonly base: Expression };

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';
export type ArithmeticBinary = Node<'ArithmeticBinary'> & {
  readonly operator: ArithmeticOperator;
  readonly left: Expression;
  readonly right: Expression;
};
export type ArithmeticUnary = Node<'ArithmeticUnary'> & { readonly operator: '+' | '-'; readonly operand: Expression };
/** `a || b || c`, two or more operands, applied from the left. */
export type Concat = Node<'Concat'> & { readonly operands: readonly Expression[] };

export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=';
export type Comparison = Node<'Comparison'> & {
  readonly operator: ComparisonOperator;
  readonly left: Expression;
  readonly right: Expression;
};
export type QuantifiedComparison = Node<'QuantifiedComparison'> & {
  readonly operator: ComparisonOperator;
  readonly quantifier: 'ALL' | 'ANY' | 'SOME';
  readonly value: Expression;
  readonly query: Query;
};
/** Two or more terms; a term of an AND is never itself an AND unless parentheses said so. */
export type Logical = Node<'Logical'> & { readonly operator: 'AND' | 'OR'; readonly terms: readonly Expression[] };
export type Not = Node<'Not'> & { readonly value: Expression };
/** `symmetric`: the bounds may come in either order. */
export type Between = Node<'Between'> & {
  readonly not: boolean;
  readonly symmetric: boolean;
  readonly value: Expression;
  readonly min: Expression;
  readonly max: Expression;
};
export type InList = Node<'InList'> & {
  readonly not: boolean;
  readonly value: Expression;
  readonly list: readonly Expression[];
};
export type InSubquery = Node<'InSubquery'> & {
  readonly not: boolean;
  readonly value: Expression;
  readonly query: Query;
};
export type Like = Node<'Like'> & {
  readonly not: boolean;
  readonly value: Expression;
  readonly pattern: Expression;
  readonly escape?: Expression;
};
export type IsNull = Node<'IsNull'> & { readonly not: boolean; readonly value: Expression };
/** `value IS [NOT] TRUE|FALSE|UNKNOWN`. */
export type BooleanTest = Node<'BooleanTest'> & {
  readonly not: boolean;
  readonly value: Expression;
  readonly truth: 'TRUE' | 'FALSE' | 'UNKNOWN';
};
export type IsDistinctFrom = Node<'IsDistinctFrom'> & {
  readonly not: boolean;
  readonly left: Expression;
  readonly right: Expression;
};
/** `value MATCH [UNIQUE] [SIMPLE|PARTIAL|FULL] (query)`. */
export type MatchPredicate = Node<'MatchPredicate'> & {
  readonly value: Expression;
  readonly unique: boolean;
  readonly type: 'SIMPLE' | 'PARTIAL' | 'FULL';
  readonly query: Query;
};
/** `(start, end) OVERLAPS (start, end)`. */
export type Overlaps = Node<'Overlaps'> & { readonly left: Expression; readonly right: Expression };
/** Stands for the operand of the enclosing simple CASE, in `CASE x WHEN > 5 THEN …`: Comparison(CaseOperand, 5). */
export type CaseOperand = Node<'CaseOperand'>;
export type Exists = Node<'Exists'> & { readonly query: Query };
/** `UNIQUE (query)`. */
export type Unique = Node<'Unique'> & { readonly query: Query };
/** A query in parentheses used as a value. */
export type SubqueryExpression = Node<'SubqueryExpression'> & { readonly query: Query };

/** `ROW(a AS x, b)` and `(a, b)`. */
export type Row = Node<'Row'> & { readonly fields: readonly RowField[] };
export type RowField = { readonly name?: Identifier; readonly expression: Expression };
export type ArrayConstructor = Node<'Array'> & { readonly elements: readonly Expression[] };

export type WhenClause = Node<'WhenClause'> & { readonly operand: Expression; readonly result: Expression };
export type SimpleCase = Node<'SimpleCase'> & {
  readonly operand: Expression;
  readonly whenClauses: readonly WhenClause[];
  readonly defaultValue?: Expression;
};
export type SearchedCase = Node<'SearchedCase'> & {
  readonly whenClauses: readonly WhenClause[];
  readonly defaultValue?: Expression;
};
export type Coalesce = Node<'Coalesce'> & { readonly operands: readonly Expression[] };
export type NullIf = Node<'NullIf'> & { readonly first: Expression; readonly second: Expression };
export type If = Node<'If'> & {
  readonly condition: Expression;
  readonly trueValue: Expression;
  readonly falseValue?: Expression;
};
export type Try = Node<'Try'> & { readonly value: Expression };
/** `format(pattern, arguments…)`. */
export type Format = Node<'Format'> & { readonly arguments: readonly Expression[] };
/** `safe` is TRY_CAST. */
export type Cast = Node<'Cast'> & { readonly value: Expression; readonly type: DataType; readonly safe: boolean };

/**
 * Also the forms that are functions underneath: `position(a IN b)` is strpos(b, a), `substring(a FROM b FOR c)` is
 * substr(a, b, c), `normalize(a, NFC)` is normalize(a, 'NFC'), `overlay(a PLACING b FROM c FOR d)` is overlay(a, b, c, d).
 */
export type FunctionCall = Node<'FunctionCall'> & {
  readonly name: QualifiedName;
  readonly arguments: readonly Expression[];
  /** For `f(name => value)`: as long as `arguments`, undefined where an argument has no name. Absent when none has. */
  readonly argumentNames?: readonly (Identifier | undefined)[];
  /** `count(*)`, and `count(label.*)` where `starLabel` is given; `arguments` is then empty. */
  readonly star: boolean;
  readonly starLabel?: Identifier;
  readonly distinct: boolean;
  readonly orderBy?: OrderBy;
  /** `WITHIN GROUP (ORDER BY …)` of listagg stands in `orderBy`, its overflow behaviour here. */
  readonly overflow?: ListaggOverflow;
  readonly filter?: Expression;
  readonly nullTreatment?: 'IGNORE' | 'RESPECT';
  readonly processingMode?: 'RUNNING' | 'FINAL';
  readonly window?: Window;
};
export type ListaggOverflow =
  | { readonly kind: 'ERROR' }
  | { readonly kind: 'TRUNCATE'; readonly filler?: StringLiteral; readonly withCount: boolean };
/** `value.method(arguments)`. Where `value` is a mere name, this is a FunctionCall of a qualified name instead. */
export type MethodCall = Node<'MethodCall'> & {
  readonly receiver: Expression;
  readonly method: Identifier;
  readonly arguments: readonly Expression[];
};
/** `type::method(arguments)`. */
export type StaticMethodCall = Node<'StaticMethodCall'> & {
  readonly type: QualifiedName;
  readonly method: Identifier;
  readonly arguments: readonly Expression[];
};
/** `name OVER window`: a measure computed by a window's row pattern. */
export type Measure = Node<'Measure'> & { readonly name: Identifier; readonly window: Window };

export type Lambda = Node<'Lambda'> & { readonly parameters: readonly Identifier[]; readonly body: Expression };

export type ExtractField =
  | 'YEAR'
  | 'QUARTER'
  | 'MONTH'
  | 'WEEK'
  | 'DAY'
  | 'DAY_OF_MONTH'
  | 'DAY_OF_WEEK'
  | 'DOW'
  | 'DAY_OF_YEAR'
  | 'DOY'
  | 'YEAR_OF_WEEK'
  | 'YOW'
  | 'HOUR'
  | 'MINUTE'
  | 'SECOND'
  | 'TIMEZONE_HOUR'
  | 'TIMEZONE_MINUTE';
export type Extract = Node<'Extract'> & { readonly field: ExtractField; readonly value: Expression };
export type AtTimeZone = Node<'AtTimeZone'> & {
  readonly value: Expression;
  readonly zone: StringLiteral | IntervalLiteral;
};
/** `value AT LOCAL`: in the session's time zone. */
export type AtLocal = Node<'AtLocal'> & { readonly value: Expression };
export type CurrentDateTime = Node<'CurrentDateTime'> & {
  readonly function: 'CURRENT_DATE' | 'CURRENT_TIME' | 'CURRENT_TIMESTAMP' | 'LOCALTIME' | 'LOCALTIMESTAMP';
  readonly precision?: string;
};
export type CurrentContext = Node<'CurrentContext'> & {
  readonly function: 'CURRENT_USER' | 'CURRENT_CATALOG' | 'CURRENT_SCHEMA' | 'CURRENT_PATH';
};
export type Trim = Node<'Trim'> & {
  readonly specification: 'LEADING' | 'TRAILING' | 'BOTH';
  readonly source: Expression;
  readonly character?: Expression;
};
export type GroupingOperation = Node<'GroupingOperation'> & { readonly columns: readonly QualifiedName[] };
