/**
 * The syntax tree: what a statement's text says, before names and types are known. Nouns follow Trino's grammar and tree.
 *
 * Nodes are immutable data. `start` and `end` are UTF-16 offsets into the statement's text (`text.slice(start, end)` quotes
 * a node); `location` is the line and column of the token that errors about the node should point to (for an operator
 * that is the operator's left end, as Trino reports it). Literals keep their exact text: no value passes through a
 * JavaScript number. Chains of AND, OR, `||`, UNION and INTERSECT are flat, so that long ones do not make deep trees.
 */
import type { SourceLocation } from '../common/errors.ts';

type Node<Kind extends string> = {
  readonly kind: Kind;
  readonly location: SourceLocation;
  readonly start: number;
  readonly end: number;
};

// ---------------------------------------------------------------------------------------------------------- statements

export type Statement =
  | Query
  | Explain
  | ExplainAnalyze
  | ShowCatalogs
  | ShowSchemas
  | ShowTables
  | ShowColumns
  | ShowFunctions
  | ShowSession
  | ShowCreate
  | ShowStats
  | Use
  | SetSession
  | ResetSession
  | SetSessionAuthorization
  | ResetSessionAuthorization
  | SetPath
  | SetTimeZone
  | Prepare
  | Deallocate
  | Execute
  | ExecuteImmediate
  | DescribeInput
  | DescribeOutput
  | DescribeQueryOutput
  | StartTransaction
  | Commit
  | Rollback;

export type ExplainOption =
  | (Node<'ExplainFormat'> & { readonly format: 'TEXT' | 'GRAPHVIZ' | 'JSON' })
  | (Node<'ExplainType'> & { readonly type: 'LOGICAL' | 'DISTRIBUTED' | 'VALIDATE' | 'IO' });

export type Explain = Node<'Explain'> & { readonly options: readonly ExplainOption[]; readonly statement: Statement };
export type ExplainAnalyze = Node<'ExplainAnalyze'> & { readonly verbose: boolean; readonly statement: Statement };

/** `LIKE 'pattern' [ESCAPE 'c']` of the SHOW statements. */
export type LikeClause = { readonly pattern: StringLiteral; readonly escape?: StringLiteral };

export type ShowCatalogs = Node<'ShowCatalogs'> & { readonly like?: LikeClause };
export type ShowSchemas = Node<'ShowSchemas'> & { readonly catalog?: Identifier; readonly like?: LikeClause };
export type ShowTables = Node<'ShowTables'> & { readonly schema?: QualifiedName; readonly like?: LikeClause };
/** Also `DESCRIBE table`. */
export type ShowColumns = Node<'ShowColumns'> & { readonly table: QualifiedName; readonly like?: LikeClause };
export type ShowFunctions = Node<'ShowFunctions'> & { readonly schema?: QualifiedName; readonly like?: LikeClause };
export type ShowSession = Node<'ShowSession'> & { readonly like?: LikeClause };
export type ShowCreate = Node<'ShowCreate'> & {
  readonly type: 'TABLE' | 'SCHEMA' | 'VIEW' | 'MATERIALIZED VIEW' | 'FUNCTION';
  readonly name: QualifiedName;
};
export type ShowStats = Node<'ShowStats'> & { readonly relation: Table | TableSubquery };

export type Use = Node<'Use'> & { readonly catalog?: Identifier; readonly schema: Identifier };
export type SetSession = Node<'SetSession'> & { readonly name: QualifiedName; readonly value: Expression };
export type ResetSession = Node<'ResetSession'> & { readonly name: QualifiedName };
export type SetSessionAuthorization = Node<'SetSessionAuthorization'> & { readonly user: Identifier | StringLiteral };
export type ResetSessionAuthorization = Node<'ResetSessionAuthorization'>;
/** Each element has one part (schema) or two (catalog.schema). */
export type SetPath = Node<'SetPath'> & { readonly path: readonly QualifiedName[] };
/** Without `timeZone`: LOCAL. */
export type SetTimeZone = Node<'SetTimeZone'> & { readonly timeZone?: Expression };

export type Prepare = Node<'Prepare'> & { readonly name: Identifier; readonly statement: Statement };
export type Deallocate = Node<'Deallocate'> & { readonly name: Identifier };
export type Execute = Node<'Execute'> & { readonly name: Identifier; readonly parameters: readonly Expression[] };
export type ExecuteImmediate = Node<'ExecuteImmediate'> & {
  readonly sql: StringLiteral;
  readonly parameters: readonly Expression[];
};
export type DescribeInput = Node<'DescribeInput'> & { readonly name: Identifier };
export type DescribeOutput = Node<'DescribeOutput'> & { readonly name: Identifier };

/** `DESCRIBE OUTPUT (query)`. */
export type DescribeQueryOutput = Node<'DescribeQueryOutput'> & { readonly query: Query };

export type TransactionMode =
  | (Node<'Isolation'> & {
      readonly level: 'READ UNCOMMITTED' | 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';
    })
  | (Node<'TransactionAccess'> & { readonly readOnly: boolean });
export type StartTransaction = Node<'StartTransaction'> & { readonly modes: readonly TransactionMode[] };
export type Commit = Node<'Commit'>;
export type Rollback = Node<'Rollback'>;

// ------------------------------------------------------------------------------------------------------------- queries

/** A query with what surrounds its body. ORDER BY, OFFSET and LIMIT stand here, never on the QuerySpecification. */
export type Query = Node<'Query'> & {
  /** `WITH SESSION name = value`, at the root of a statement only. */
  readonly session?: readonly SessionProperty[];
  readonly with?: With;
  readonly body: QueryBody;
  readonly orderBy?: OrderBy;
  readonly offset?: Offset;
  readonly limit?: Limit | FetchFirst;
};

export type SessionProperty = Node<'SessionProperty'> & { readonly name: QualifiedName; readonly value: Expression };

export type With = Node<'With'> & { readonly recursive: boolean; readonly queries: readonly WithQuery[] };
export type WithQuery = Node<'WithQuery'> & {
  readonly name: Identifier;
  readonly columnNames?: readonly Identifier[];
  readonly query: Query;
};

/** `TableSubquery` is a query in parentheses, with its own ORDER BY and LIMIT; `Table` is `TABLE name`. */
export type QueryBody = QuerySpecification | SetOperation | Values | Table | TableSubquery;

export type SetOperation = Union | Intersect | Except;
type SetOperationNode<Kind extends string> = Node<Kind> & {
  readonly distinct: boolean;
  readonly corresponding?: Corresponding;
};
/** Two or more inputs: `a UNION b UNION c` is one node when all are of one quantifier (and none CORRESPONDING). */
export type Union = SetOperationNode<'Union'> & { readonly relations: readonly QueryBody[] };
export type Intersect = SetOperationNode<'Intersect'> & { readonly relations: readonly QueryBody[] };
export type Except = SetOperationNode<'Except'> & { readonly left: QueryBody; readonly right: QueryBody };
/** `CORRESPONDING [BY (columns)]`. */
export type Corresponding = { readonly columns: readonly Identifier[] };

export type Values = Node<'Values'> & { readonly rows: readonly Expression[] };

export type QuerySpecification = Node<'QuerySpecification'> & {
  readonly select: Select;
  /** Comma-separated relations arrive as implicit cross joins: `Join` of type `IMPLICIT`. */
  readonly from?: Relation;
  readonly where?: Expression;
  readonly groupBy?: GroupBy;
  readonly having?: Expression;
  readonly windows: readonly WindowDefinition[];
};

export type Select = Node<'Select'> & { readonly distinct: boolean; readonly items: readonly SelectItem[] };
export type SelectItem = SingleColumn | AllColumns;
export type SingleColumn = Node<'SingleColumn'> & { readonly expression: Expression; readonly alias?: Identifier };
/** `*`, `target.*` and `target.* AS (a, b)`. */
export type AllColumns = Node<'AllColumns'> & {
  readonly target?: Expression;
  readonly aliases: readonly Identifier[];
};

export type GroupBy = Node<'GroupBy'> & {
  readonly distinct: boolean;
  readonly elements: readonly GroupingElement[];
};
export type GroupingElement = SimpleGroupBy | AutoGroupBy | Rollup | Cube | GroupingSets;
/** `AUTO`: all items of SELECT without aggregates. */
export type AutoGroupBy = Node<'AutoGroupBy'>;
/** `a` has one column; `(a, b)` has two and is one grouping set all the same; `()` has none. */
export type SimpleGroupBy = Node<'SimpleGroupBy'> & { readonly columns: readonly Expression[] };
export type Rollup = Node<'Rollup'> & { readonly sets: readonly (readonly Expression[])[] };
export type Cube = Node<'Cube'> & { readonly sets: readonly (readonly Expression[])[] };
export type GroupingSets = Node<'GroupingSets'> & { readonly sets: readonly (readonly Expression[])[] };

export type OrderBy = Node<'OrderBy'> & { readonly items: readonly SortItem[] };
/** Without `nulls`: NULLS LAST, whatever the direction. */
export type SortItem = Node<'SortItem'> & {
  readonly key: Expression;
  readonly descending: boolean;
  readonly nulls?: 'FIRST' | 'LAST';
};

export type Offset = Node<'Offset'> & { readonly count: IntegerLiteral | Parameter };
export type Limit = Node<'Limit'> & { readonly count: IntegerLiteral | Parameter | 'ALL' };
/** Without `count`: one row. */
export type FetchFirst = Node<'FetchFirst'> & {
  readonly count?: IntegerLiteral | Parameter;
  readonly withTies: boolean;
};

// ----------------------------------------------------------------------------------------------------------- relations

export type Relation =
  | Table
  | TableSubquery
  | Lateral
  | Unnest
  | TableFunctionInvocation
  | JsonTable
  | Nearest
  | AliasedRelation
  | SampledRelation
  | PatternRecognition
  | Pivot
  | Join;

export type Table = Node<'Table'> & { readonly name: QualifiedName; readonly period?: QueryPeriod };
/** `FOR TIMESTAMP|VERSION AS OF end`. */
export type QueryPeriod = Node<'QueryPeriod'> & {
  readonly type: 'TIMESTAMP' | 'VERSION';
  readonly asOf: Expression;
};
export type TableSubquery = Node<'TableSubquery'> & { readonly query: Query };
export type Lateral = Node<'Lateral'> & { readonly query: Query };
export type Unnest = Node<'Unnest'> & {
  readonly expressions: readonly Expression[];
  readonly withOrdinality: boolean;
};
export type AliasedRelation = Node<'AliasedRelation'> & {
  readonly relation: Relation;
  readonly alias: Identifier;
  readonly columnNames?: readonly Identifier[];
};
export type SampledRelation = Node<'SampledRelation'> & {
  readonly relation: Relation;
  readonly method: 'BERNOULLI' | 'SYSTEM';
  readonly percentage: Expression;
};

/** `NEAREST (FROM relation WHERE condition MATCH condition)`. */
export type Nearest = Node<'Nearest'> & {
  readonly from: Relation;
  readonly where?: Expression;
  readonly match: Expression;
};

/** `input PIVOT (aggregations FOR keys IN (values) GROUP BY …)`. Without `groupBy` the result is one row. */
export type Pivot = Node<'Pivot'> & {
  readonly input: Relation;
  /** Expressions over aggregates. */
  readonly aggregations: readonly SingleColumn[];
  readonly keys: readonly Expression[];
  /** With several keys, each is a Row of as many fields. */
  readonly values: readonly SingleColumn[];
  readonly groupBy?: GroupBy;
};

export type Join = Node<'Join'> & {
  readonly type: 'INNER' | 'LEFT' | 'RIGHT' | 'FULL' | 'CROSS' | 'IMPLICIT';
  readonly left: Relation;
  readonly right: Relation;
  /** Absent for CROSS and IMPLICIT only. */
  readonly criteria?: JoinCriteria;
};
export type JoinCriteria =
  | { readonly kind: 'JoinOn'; readonly expression: Expression }
  | { readonly kind: 'JoinUsing'; readonly columns: readonly Identifier[] }
  | { readonly kind: 'NaturalJoin' };

/** `TABLE(name(arguments COPARTITION …))`. */
export type TableFunctionInvocation = Node<'TableFunctionInvocation'> & {
  readonly name: QualifiedName;
  readonly arguments: readonly TableFunctionArgument[];
  readonly copartitioning: readonly (readonly QualifiedName[])[];
};
export type TableFunctionArgument = Node<'TableFunctionArgument'> & {
  readonly name?: Identifier;
  readonly value: Expression | TableArgument | DescriptorArgument;
};
export type TableArgument = Node<'TableArgument'> & {
  /** A Table or TableSubquery, perhaps aliased. */
  readonly table: Relation;
  readonly partitionBy?: readonly Expression[];
  readonly orderBy?: OrderBy;
  readonly emptyTreatment?: 'KEEP' | 'PRUNE';
};
/** Without `fields`: `CAST(NULL AS DESCRIPTOR)`. */
export type DescriptorArgument = Node<'DescriptorArgument'> & {
  readonly fields?: readonly { readonly name: Identifier; readonly type?: DataType }[];
};

// --------------------------------------------------------------------------------------------- row pattern recognition

export type PatternRecognition = Node<'PatternRecognition'> & {
  readonly input: Relation;
  readonly partitionBy: readonly Expression[];
  readonly orderBy?: OrderBy;
  readonly measures: readonly MeasureDefinition[];
  readonly rowsPerMatch?: 'ONE' | 'ALL SHOW EMPTY' | 'ALL OMIT EMPTY' | 'ALL WITH UNMATCHED';
  readonly afterMatch?: SkipTo;
  readonly searchMode?: 'INITIAL' | 'SEEK';
  readonly pattern: RowPattern;
  readonly subsets: readonly SubsetDefinition[];
  readonly variables: readonly VariableDefinition[];
};
export type MeasureDefinition = Node<'MeasureDefinition'> & {
  readonly expression: Expression;
  readonly name: Identifier;
};
export type SkipTo = Node<'SkipTo'> & {
  readonly position: 'PAST LAST ROW' | 'NEXT ROW' | 'FIRST' | 'LAST';
  /** The variable of FIRST and LAST. */
  readonly variable?: Identifier;
};
export type SubsetDefinition = Node<'SubsetDefinition'> & {
  readonly name: Identifier;
  readonly variables: readonly Identifier[];
};
export type VariableDefinition = Node<'VariableDefinition'> & {
  readonly name: Identifier;
  readonly expression: Expression;
};

export type RowPattern =
  | (Node<'PatternVariable'> & { readonly name: Identifier })
  | Node<'EmptyPattern'>
  | (Node<'AnchorPattern'> & { readonly type: 'PARTITION_START' | 'PARTITION_END' })
  | (Node<'ExcludedPattern'> & { readonly pattern: RowPattern })
  | (Node<'PatternPermutation'> & { readonly patterns: readonly RowPattern[] })
  | (Node<'PatternConcatenation'> & { readonly patterns: readonly RowPattern[] })
  | (Node<'PatternAlternation'> & { readonly patterns: readonly RowPattern[] })
  | (Node<'QuantifiedPattern'> & { readonly pattern: RowPattern; readonly quantifier: PatternQuantifier });
/** `*` is 0 to ∞, `+` 1 to ∞, `?` 0 to 1, `{n}` n to n. Counts are the literals' texts; no `atMost`: no bound. */
export type PatternQuantifier = Node<'PatternQuantifier'> & {
  readonly atLeast: string;
  readonly atMost?: string;
  readonly greedy: boolean;
};

// ------------------------------------------------------------------------------------------------------------- windows

export type WindowDefinition = Node<'WindowDefinition'> & {
  readonly name: Identifier;
  readonly window: WindowSpecification;
};
/** What follows OVER. */
export type Window = WindowReference | WindowSpecification;
export type WindowReference = Node<'WindowReference'> & { readonly name: Identifier };
export type WindowSpecification = Node<'WindowSpecification'> & {
  readonly existingName?: Identifier;
  readonly partitionBy: readonly Expression[];
  readonly orderBy?: OrderBy;
  readonly frame?: WindowFrame;
};
export type WindowFrame = Node<'WindowFrame'> & {
  readonly type: 'RANGE' | 'ROWS' | 'GROUPS';
  readonly frameStart: FrameBound;
  /** Absent in the short form: CURRENT ROW. */
  readonly frameEnd?: FrameBound;
  readonly measures: readonly MeasureDefinition[];
  readonly afterMatch?: SkipTo;
  readonly searchMode?: 'INITIAL' | 'SEEK';
  readonly pattern?: RowPattern;
  readonly subsets: readonly SubsetDefinition[];
  readonly variables: readonly VariableDefinition[];
};
export type FrameBound = Node<'FrameBound'> & {
  readonly type: 'UNBOUNDED PRECEDING' | 'PRECEDING' | 'CURRENT ROW' | 'FOLLOWING' | 'UNBOUNDED FOLLOWING';
  /** The distance of PRECEDING and FOLLOWING. */
  readonly value?: Expression;
};

// --------------------------------------------------------------------------------------------------------- expressions

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

// ---------------------------------------------------------------------------------------------------------- JSON forms

export type JsonFormat = 'JSON' | 'UTF8' | 'UTF16' | 'UTF32';
export type JsonValueExpression = { readonly value: Expression; readonly format?: JsonFormat };
export type JsonPathInvocation = {
  readonly input: JsonValueExpression;
  readonly path: StringLiteral;
  readonly pathName?: Identifier;
  readonly passing: readonly (JsonValueExpression & { readonly name: Identifier })[];
};
export type JsonBehavior = { readonly kind: 'ERROR' | 'NULL' | 'EMPTY ARRAY' | 'EMPTY OBJECT' };
export type JsonValueBehavior =
  | { readonly kind: 'ERROR' | 'NULL' }
  | { readonly kind: 'DEFAULT'; readonly value: Expression };
export type JsonWrapper = 'WITHOUT' | 'CONDITIONAL' | 'UNCONDITIONAL';
export type JsonReturning = { readonly type: DataType; readonly format?: JsonFormat };

export type JsonExists = Node<'JsonExists'> & {
  readonly invocation: JsonPathInvocation;
  readonly onError?: 'TRUE' | 'FALSE' | 'UNKNOWN' | 'ERROR';
};
export type JsonValue = Node<'JsonValue'> & {
  readonly invocation: JsonPathInvocation;
  readonly returning?: DataType;
  readonly onEmpty?: JsonValueBehavior;
  readonly onError?: JsonValueBehavior;
};
export type JsonQuery = Node<'JsonQuery'> & {
  readonly invocation: JsonPathInvocation;
  readonly returning?: JsonReturning;
  readonly wrapper?: JsonWrapper;
  readonly quotes?: 'KEEP' | 'OMIT';
  readonly onEmpty?: JsonBehavior;
  readonly onError?: JsonBehavior;
};
export type JsonObject = Node<'JsonObject'> & {
  readonly members: readonly { readonly key: Expression; readonly value: JsonValueExpression }[];
  readonly nullOnNull: boolean;
  readonly uniqueKeys: boolean;
  readonly returning?: JsonReturning;
};
export type JsonArray = Node<'JsonArray'> & {
  readonly elements: readonly JsonValueExpression[];
  readonly nullOnNull: boolean;
  readonly returning?: JsonReturning;
};

export type JsonTable = Node<'JsonTable'> & {
  readonly invocation: JsonPathInvocation;
  readonly columns: readonly JsonTableColumn[];
  readonly plan?: JsonTablePlan | JsonTableDefaultPlan;
  readonly onError?: 'ERROR' | 'EMPTY';
};
export type JsonTableColumn =
  | (Node<'OrdinalityColumn'> & { readonly name: Identifier })
  | (Node<'ValueColumn'> & {
      readonly name: Identifier;
      readonly type: DataType;
      readonly path?: StringLiteral;
      readonly onEmpty?: JsonValueBehavior;
      readonly onError?: JsonValueBehavior;
    })
  | (Node<'QueryColumn'> & {
      readonly name: Identifier;
      readonly type: DataType;
      readonly format: JsonFormat;
      readonly path?: StringLiteral;
      readonly wrapper?: JsonWrapper;
      readonly quotes?: 'KEEP' | 'OMIT';
      readonly onEmpty?: JsonBehavior;
      readonly onError?: JsonBehavior;
    })
  | (Node<'NestedColumns'> & {
      readonly path: StringLiteral;
      readonly pathName?: Identifier;
      readonly columns: readonly JsonTableColumn[];
    });
export type JsonTablePlan =
  | (Node<'PlanLeaf'> & { readonly name: Identifier })
  | (Node<'PlanParentChild'> & {
      readonly type: 'OUTER' | 'INNER';
      readonly parent: Identifier;
      readonly child: JsonTablePlan;
    })
  | (Node<'PlanSiblings'> & { readonly type: 'UNION' | 'CROSS'; readonly siblings: readonly JsonTablePlan[] });
export type JsonTableDefaultPlan = Node<'JsonTableDefaultPlan'> & {
  readonly parentChild: 'OUTER' | 'INNER';
  readonly siblings: 'UNION' | 'CROSS';
};

// --------------------------------------------------------------------------------------------------------------- types

export type DataType = GenericDataType | RowDataType | DateTimeDataType | IntervalDataType;
/** `decimal(10, 2)`, `array(bigint)` (also written `bigint ARRAY`), `map(varchar, double)`; DOUBLE PRECISION is `double`. */
export type GenericDataType = Node<'GenericDataType'> & {
  readonly name: Identifier;
  readonly arguments: readonly TypeArgument[];
};
export type TypeArgument = NumericTypeArgument | DataType;
export type NumericTypeArgument = Node<'NumericTypeArgument'> & { readonly text: string };
export type RowDataType = Node<'RowDataType'> & {
  readonly fields: readonly { readonly name?: Identifier; readonly type: DataType }[];
};
/** `precision` may be a type variable in a function's signature, hence TypeArgument. */
export type DateTimeDataType = Node<'DateTimeDataType'> & {
  readonly type: 'TIME' | 'TIMESTAMP';
  readonly withTimeZone: boolean;
  readonly precision?: TypeArgument;
};
export type IntervalDataType = Node<'IntervalDataType'> & IntervalQualifier;
