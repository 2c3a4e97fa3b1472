/** Writes expressions as canonical SQL on one line, with every operator in parentheses, so that nobody need know precedences. */
import type {
  DataType,
  Expression,
  FunctionCall,
  Identifier,
  IntervalQualifier,
  JsonPathInvocation,
  JsonReturning,
  JsonValueBehavior,
  JsonValueExpression,
  ListaggOverflow,
  OrderBy,
  QualifiedName,
  Query,
  SortItem,
  TypeArgument,
  WhenClause,
  Window,
  WindowSpecification,
} from '../ast.ts';
import { quotedName } from '../../common/names.ts';
import { keywordOf } from '../lexer.ts';
import { isReserved } from '../names.ts';

/** How the parts that are not expressions are written: queries and windows hold expressions, and expressions hold them. */
export type Formats = {
  readonly query: (query: Query) => string;
  readonly window: (window: WindowSpecification) => string;
};

const list = (items: readonly string[]): string => items.join(', ');

export function writeExpression(expression: Expression, formats: Formats): string {
  const write = (inner: Expression): string => writeExpression(inner, formats);
  const all = (inner: readonly Expression[]): string => list(inner.map(write));
  const query = (inner: Query): string => `(${formats.query(inner)})`;
  /** A predicate; without parentheses and left side where it tests the operand of a CASE. */
  const predicate = (left: Expression, rest: string): string =>
    left.kind === 'CaseOperand' ? rest : `(${write(left)} ${rest})`;

  switch (expression.kind) {
    case 'NullLiteral':
      return 'NULL';
    case 'BooleanLiteral':
      return expression.value ? 'TRUE' : 'FALSE';
    case 'StringLiteral':
      return writeString(expression.value);
    case 'BinaryLiteral':
      return `X'${expression.hex}'`;
    case 'IntegerLiteral':
    case 'DecimalLiteral':
    case 'DoubleLiteral':
      return expression.text;
    case 'GenericLiteral':
      return `${writeTypeName(expression.type)} ${writeString(expression.value)}`;
    case 'IntervalLiteral': {
      const sign = expression.sign === '-' ? '-' : '';
      return `INTERVAL ${sign}${writeString(expression.value)} ${writeQualifier(expression)}`;
    }
    case 'Parameter':
      return '?';
    case 'Identifier':
      return writeIdentifier(expression);
    case 'Dereference':
      return `${writeBase(expression.base, write)}.${writeIdentifier(expression.field)}`;
    case 'Subscript':
      return `${writeBase(expression.base, write)}[${write(expression.index)}]`;
    case 'ArrayWildcard':
      return `${writeBase(expression.base, write)}[*]`;
    case 'ArithmeticBinary':
      return `(${write(expression.left)} ${expression.operator} ${write(expression.right)})`;
    case 'ArithmeticUnary': {
      // Parentheses keep `-(1)` from becoming the literal -1, and `-(-1)` from becoming a comment.
      const isNumber = ['IntegerLiteral', 'DecimalLiteral', 'DoubleLiteral'].includes(expression.operand.kind);
      const operand = write(expression.operand);
      return `(${expression.operator}${isNumber ? `(${operand})` : operand})`;
    }
    case 'Concat':
      return `(${expression.operands.map(write).join(' || ')})`;
    case 'Comparison':
      return predicate(expression.left, `${expression.operator} ${write(expression.right)}`);
    case 'QuantifiedComparison': {
      const { operator, quantifier } = expression;
      return predicate(expression.value, `${operator} ${quantifier} ${query(expression.query)}`);
    }
    case 'Logical':
      return `(${expression.terms.map(write).join(` ${expression.operator} `)})`;
    case 'Not':
      return `(NOT ${write(expression.value)})`;
    case 'Between': {
      const bounds = `${write(expression.min)} AND ${write(expression.max)}`;
      const symmetric = expression.symmetric ? 'SYMMETRIC ' : '';
      return predicate(expression.value, `${not(expression.not)}BETWEEN ${symmetric}${bounds}`);
    }
    case 'InList':
      return predicate(expression.value, `${not(expression.not)}IN (${all(expression.list)})`);
    case 'InSubquery':
      return predicate(expression.value, `${not(expression.not)}IN ${query(expression.query)}`);
    case 'Like': {
      const escape = expression.escape ? ` ESCAPE ${write(expression.escape)}` : '';
      return predicate(expression.value, `${not(expression.not)}LIKE ${write(expression.pattern)}${escape}`);
    }
    case 'IsNull':
      return predicate(expression.value, `IS ${not(expression.not)}NULL`);
    case 'BooleanTest':
      return predicate(expression.value, `IS ${not(expression.not)}${expression.truth}`);
    case 'IsDistinctFrom':
      return predicate(expression.left, `IS ${not(expression.not)}DISTINCT FROM ${write(expression.right)}`);
    case 'MatchPredicate': {
      const unique = expression.unique ? 'UNIQUE ' : '';
      return predicate(expression.value, `MATCH ${unique}${expression.type} ${query(expression.query)}`);
    }
    case 'Overlaps':
      return predicate(expression.left, `OVERLAPS ${write(expression.right)}`);
    case 'CaseOperand':
      return '';
    case 'Exists':
      return `EXISTS ${query(expression.query)}`;
    case 'Unique':
      return `UNIQUE ${query(expression.query)}`;
    case 'SubqueryExpression':
      return query(expression.query);
    case 'Row': {
      const field = ({ name, expression: value }: (typeof expression.fields)[number]): string =>
        name ? `${write(value)} AS ${writeIdentifier(name)}` : write(value);
      return `ROW(${list(expression.fields.map(field))})`;
    }
    case 'Array':
      return `ARRAY[${all(expression.elements)}]`;
    case 'SimpleCase':
      return `CASE ${write(expression.operand)} ${writeWhens(expression, write)}`;
    case 'SearchedCase':
      return `CASE ${writeWhens(expression, write)}`;
    case 'Coalesce':
      return `COALESCE(${all(expression.operands)})`;
    case 'NullIf':
      return `NULLIF(${all([expression.first, expression.second])})`;
    case 'If': {
      const { condition, trueValue, falseValue } = expression;
      return `IF(${all(falseValue ? [condition, trueValue, falseValue] : [condition, trueValue])})`;
    }
    case 'Try':
      return `TRY(${write(expression.value)})`;
    case 'Format':
      return `format(${all(expression.arguments)})`;
    case 'Cast':
      return `${expression.safe ? 'TRY_CAST' : 'CAST'}(${write(expression.value)} AS ${writeDataType(expression.type)})`;
    case 'FunctionCall':
      return writeCall(expression, formats);
    case 'MethodCall': {
      const { receiver, method } = expression;
      return `(${write(receiver)}).${writeIdentifier(method)}(${all(expression.arguments)})`;
    }
    case 'StaticMethodCall': {
      const { type, method } = expression;
      return `${writeName(type)}::${writeIdentifier(method)}(${all(expression.arguments)})`;
    }
    case 'Measure':
      return `${writeIdentifier(expression.name)} OVER ${writeOver(expression.window, formats)}`;
    case 'Lambda':
      return `(${list(expression.parameters.map(writeIdentifier))}) -> ${write(expression.body)}`;
    case 'Extract':
      return `EXTRACT(${expression.field} FROM ${write(expression.value)})`;
    case 'AtTimeZone':
      return `(${write(expression.value)} AT TIME ZONE ${write(expression.zone)})`;
    case 'AtLocal':
      return `(${write(expression.value)} AT LOCAL)`;
    case 'CurrentDateTime':
      return expression.precision === undefined
        ? expression.function
        : `${expression.function}(${expression.precision})`;
    case 'CurrentContext':
      return expression.function;
    case 'Trim': {
      const { specification, character, source } = expression;
      return `TRIM(${specification} ${character ? `(${write(character)}) ` : ''}FROM ${write(source)})`;
    }
    case 'GroupingOperation':
      return `GROUPING(${list(expression.columns.map(writeName))})`;
    case 'JsonExists': {
      const onError = expression.onError ? ` ${expression.onError} ON ERROR` : '';
      return `JSON_EXISTS(${writePath(expression.invocation, write)}${onError})`;
    }
    case 'JsonValue': {
      const returning = expression.returning ? ` RETURNING ${writeDataType(expression.returning)}` : '';
      return `JSON_VALUE(${writePath(expression.invocation, write)}${returning}${writeBehaviors(expression, write)})`;
    }
    case 'JsonQuery': {
      const options = writeWrapping(expression) + writeBehaviors(expression, write);
      return `JSON_QUERY(${writePath(expression.invocation, write)}${writeReturning(expression.returning)}${options})`;
    }
    case 'JsonObject': {
      const members = expression.members.map(
        ({ key, value }) => `KEY (${write(key)}) VALUE ${writeJson(value, write)}`,
      );
      const nulls = members.length > 0 && !expression.nullOnNull ? ' ABSENT ON NULL' : '';
      const keys = expression.uniqueKeys ? ' WITH UNIQUE KEYS' : '';
      return `JSON_OBJECT(${list(members)}${nulls}${keys}${writeReturning(expression.returning)})`;
    }
    case 'JsonArray': {
      const elements = list(expression.elements.map((element) => writeJson(element, write)));
      const nulls = expression.nullOnNull ? ' NULL ON NULL' : '';
      return `JSON_ARRAY(${elements}${nulls}${writeReturning(expression.returning)})`;
    }
  }
}

type Write = (expression: Expression) => string;

const not = (negated: boolean): string => (negated ? 'NOT ' : '');

export const writeString = (value: string): string => `'${value.replaceAll("'", "''")}'`;

export const writeIdentifier = ({ value, quoted }: Identifier): string => (quoted ? quotedName(value) : value);

export const writeName = (name: QualifiedName): string => name.map(writeIdentifier).join('.');

/** A type name of which only the text is known: quoted where it would not be read as one word. */
function writeTypeName(name: string): string {
  const plain = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !isReserved(name);
  return plain ? name : quotedName(name);
}

/** What `.field` and `[index]` are appended to. Only names and calls can do without parentheses. */
function writeBase(base: Expression, write: Write): string {
  const plain = ['Identifier', 'Dereference', 'Subscript', 'ArrayWildcard'].includes(base.kind);
  return plain ? write(base) : `(${write(base)})`;
}

function writeWhens(node: { whenClauses: readonly WhenClause[]; defaultValue?: Expression }, write: Write): string {
  const whens = node.whenClauses.map(({ operand, result }) => `WHEN ${write(operand)} THEN ${write(result)}`);
  return [...whens, ...(node.defaultValue ? [`ELSE ${write(node.defaultValue)}`] : []), 'END'].join(' ');
}

// ---------------------------------------------------------------------------------------------------------- calls

function writeCall(call: FunctionCall, formats: Formats): string {
  const write: Write = (inner) => writeExpression(inner, formats);
  const [only] = call.name;
  const word = call.name.length === 1 && only && !only.quoted ? keywordOf(only.value) : undefined;
  const mode = call.processingMode ? `${call.processingMode} ` : '';
  const modifiers =
    (call.filter ? ` FILTER (WHERE ${write(call.filter)})` : '') +
    (call.nullTreatment ? ` ${call.nullTreatment} NULLS` : '') +
    (call.window ? ` OVER ${writeOver(call.window, formats)}` : '');
  if (word === 'NORMALIZE') return writeNormalize(call, write);
  if (call.star) {
    const label = call.starLabel ? `${writeIdentifier(call.starLabel)}.` : '';
    return `${mode}${writeName(call.name)}(${label}*)${modifiers}`;
  }
  const args = call.arguments.map((argument, index) => {
    const name = call.argumentNames?.[index];
    return name ? `${writeIdentifier(name)} => ${write(argument)}` : write(argument);
  });
  const distinct = call.distinct ? 'DISTINCT ' : '';
  if (word === 'LISTAGG') {
    const within = ` WITHIN GROUP (${writeOrderBy(call.orderBy!, write)})`;
    return `${writeName(call.name)}(${distinct}${list(args)}${writeOverflow(call.overflow)})${within}${modifiers}`;
  }
  const orderBy = call.orderBy ? `${args.length > 0 ? ' ' : ''}${writeOrderBy(call.orderBy, write)}` : '';
  return `${mode}${writeName(call.name)}(${distinct}${list(args)}${orderBy})${modifiers}`;
}

/** `normalize` has a syntax of its own, of which the second argument is a word. */
function writeNormalize(call: FunctionCall, write: Write): string {
  const [value, form] = call.arguments;
  return `normalize(${write(value!)}, ${form?.kind === 'StringLiteral' ? form.value : 'NFC'})`;
}

function writeOverflow(overflow: ListaggOverflow | undefined): string {
  if (!overflow) return '';
  if (overflow.kind === 'ERROR') return ' ON OVERFLOW ERROR';
  const filler = overflow.filler ? ` ${writeString(overflow.filler.value)}` : '';
  return ` ON OVERFLOW TRUNCATE${filler} ${overflow.withCount ? 'WITH' : 'WITHOUT'} COUNT`;
}

const writeOver = (window: Window, formats: Formats): string =>
  window.kind === 'WindowReference' ? writeIdentifier(window.name) : formats.window(window);

export function writeSortItem({ key, descending, nulls }: SortItem, write: Write): string {
  return `${write(key)} ${descending ? 'DESC' : 'ASC'}${nulls ? ` NULLS ${nulls}` : ''}`;
}

export function writeOrderBy({ items }: OrderBy, write: Write): string {
  return `ORDER BY ${list(items.map((item) => writeSortItem(item, write)))}`;
}

// ---------------------------------------------------------------------------------------------------------- JSON

const writeJson = ({ value, format }: JsonValueExpression, write: Write): string =>
  `${write(value)}${writeJsonFormat(format)}`;

const writeJsonFormat = (format: JsonValueExpression['format']): string =>
  format ? ` FORMAT JSON${format === 'JSON' ? '' : ` ENCODING ${format}`}` : '';

export function writePath({ input, path, pathName, passing }: JsonPathInvocation, write: Write): string {
  const named = pathName ? ` AS ${writeIdentifier(pathName)}` : '';
  const passed = passing.map((argument) => `${writeJson(argument, write)} AS ${writeIdentifier(argument.name)}`);
  return `${writeJson(input, write)}, ${writeString(path.value)}${named}${passed.length > 0 ? ` PASSING ${list(passed)}` : ''}`;
}

const writeReturning = (returning: JsonReturning | undefined): string =>
  returning ? ` RETURNING ${writeDataType(returning.type)}${writeJsonFormat(returning.format)}` : '';

type Behavior = JsonValueBehavior | { readonly kind: string };

export function writeBehaviors({ onEmpty, onError }: { onEmpty?: Behavior; onError?: Behavior }, write: Write): string {
  const behavior = (chosen: Behavior): string => ('value' in chosen ? `DEFAULT ${write(chosen.value)}` : chosen.kind);
  return (onEmpty ? ` ${behavior(onEmpty)} ON EMPTY` : '') + (onError ? ` ${behavior(onError)} ON ERROR` : '');
}

export function writeWrapping({ wrapper, quotes }: { wrapper?: string; quotes?: string }): string {
  const wrapping = wrapper === 'WITHOUT' ? ' WITHOUT WRAPPER' : wrapper ? ` WITH ${wrapper} WRAPPER` : '';
  return `${wrapping}${quotes ? ` ${quotes} QUOTES` : ''}`;
}

// ---------------------------------------------------------------------------------------------------------- types

export function writeDataType(type: DataType): string {
  switch (type.kind) {
    case 'GenericDataType': {
      const args = type.arguments.length > 0 ? `(${list(type.arguments.map(writeTypeArgument))})` : '';
      return `${writeIdentifier(type.name)}${args}`;
    }
    case 'RowDataType':
      return `ROW(${list(type.fields.map(({ name, type: inner }) => `${name ? `${writeIdentifier(name)} ` : ''}${writeDataType(inner)}`))})`;
    case 'DateTimeDataType': {
      const precision = type.precision ? `(${writeTypeArgument(type.precision)})` : '';
      return `${type.type}${precision}${type.withTimeZone ? ' WITH TIME ZONE' : ''}`;
    }
    case 'IntervalDataType':
      return `INTERVAL ${writeQualifier(type)}`;
  }
}

const writeTypeArgument = (argument: TypeArgument): string =>
  argument.kind === 'NumericTypeArgument' ? argument.text : writeDataType(argument);

function writeQualifier({ from, to, precision, fractionalPrecision }: IntervalQualifier): string {
  const leading = [precision, to ? undefined : fractionalPrecision].filter((digits) => digits !== undefined);
  const end = to ? ` TO ${to}${fractionalPrecision === undefined ? '' : `(${fractionalPrecision})`}` : '';
  return `${from}${leading.length > 0 ? `(${list(leading)})` : ''}${end}`;
}
