/**
 * Signatures of functions as text, and their match against argument types.
 *
 * `array_sort(array(T:orderable)): array(T)` · `concat(varchar, varchar...): varchar` ·
 * `transform(array(T), function(T,U)): array(U)` · `ceiling(decimal(p,s)): bigint`.
 * Upper-case letters stand for types, lower-case letters for numbers.
 */

import { canCoerce, commonType, isComparable, isOrderable } from '../../types/coercion.ts';
import { type TypeParameter, typeFromSignature } from '../../types/parse-type.ts';
import { decimal, sameType, type SqlType, UNKNOWN } from '../../types/type.ts';

/** A type with variables in it. */
export type Template =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'number'; readonly name: string }
  | { readonly kind: 'literal'; readonly value: number }
  | { readonly kind: 'type'; readonly name: string; readonly parameters: readonly Template[] };

export type Constraint = 'comparable' | 'orderable';

export type Signature = {
  /** Key of the overload: the text without constraints and result. */
  readonly id: string;
  readonly name: string;
  readonly parameters: readonly Template[];
  /** The last parameter may be repeated, or absent. */
  readonly variadic: boolean;
  readonly result: Template;
  readonly constraints: ReadonlyMap<string, Constraint>;
  readonly generic: boolean;
};

/** A lambda argument before its parameters have types. */
export type LambdaArgument = {
  readonly lambdaArity: number;
  /** The type of the body once the parameters have these types. */
  readonly typeWith: (parameters: readonly SqlType[]) => SqlType;
};

export type Argument = SqlType | LambdaArgument;
export const isLambda = (argument: Argument): argument is LambdaArgument => 'lambdaArity' in argument;

export function parseSignature(text: string): Signature {
  const constraints = new Map<string, Constraint>();
  const plain = text.replaceAll(/\b([A-Z]):(comparable|orderable)/g, (_, name: string, constraint: Constraint) => {
    constraints.set(name, constraint);
    return name;
  });
  const open = plain.indexOf('(');
  const close = plain.lastIndexOf('):');
  const name = plain.slice(0, open).trim();
  const inside = plain.slice(open + 1, close).trim();
  const variadic = inside.endsWith('...');
  const parameters = splitTop(inside.replace(/\.\.\.$/, '')).map(parseTemplate);
  const id = `${name}(${splitTop(inside)
    .map((p) => p.trim())
    .join(',')})`;
  const result = parseTemplate(plain.slice(close + 2));
  return { id, name, parameters, variadic, result, constraints, generic: parameters.some(hasVariable) };
}

/** Splits at commas that stand in no parentheses. */
function splitTop(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    if (text[i] === ')') depth--;
    if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  if (text.trim() !== '') parts.push(text.slice(start));
  return parts;
}

function parseTemplate(text: string): Template {
  const trimmed = text.trim();
  if (/^[A-Z]$/.test(trimmed)) return { kind: 'variable', name: trimmed };
  if (/^[a-z][0-9]?$/.test(trimmed)) return { kind: 'number', name: trimmed };
  if (/^[0-9]+$/.test(trimmed)) return { kind: 'literal', value: Number(trimmed) };
  const open = trimmed.indexOf('(');
  if (open < 0) return { kind: 'type', name: trimmed, parameters: [] };
  const close = trimmed.lastIndexOf(')');
  const name = `${trimmed.slice(0, open)}${trimmed.slice(close + 1)}`;
  return { kind: 'type', name, parameters: splitTop(trimmed.slice(open + 1, close)).map(parseTemplate) };
}

const hasVariable = (template: Template): boolean =>
  template.kind === 'variable' ||
  template.kind === 'number' ||
  (template.kind === 'type' && template.parameters.some(hasVariable));

/** Takes every type, each call and place its own. */
const isAny = (template: Template): boolean => template.kind === 'type' && template.name === 'any';

export type Binding = {
  readonly argumentTypes: readonly SqlType[];
  readonly returnType: SqlType;
  readonly exact: boolean;
};

/**
 * Binds a signature to arguments, or tells that they do not fit. Lambdas count by arity until `typeLambdas` says that
 * this overload is the one, since typing a body may fail for its own reasons.
 */
export function bind(
  signature: Signature,
  argumentList: readonly Argument[],
  typeLambdas: boolean,
  returns?: (types: readonly SqlType[]) => SqlType,
): Binding | undefined {
  const { parameters, variadic } = signature;
  const fixed = variadic ? parameters.length - 1 : parameters.length;
  if (variadic ? argumentList.length < fixed : argumentList.length !== fixed) return undefined;
  const templates = argumentList.map((_, i) => parameters[Math.min(i, parameters.length - 1)]!);
  const matcher = new Matcher();
  for (const [i, argument] of argumentList.entries()) {
    if (!isLambda(argument) && !matcher.unify(templates[i]!, argument)) return undefined;
  }
  for (const [i, argument] of argumentList.entries()) {
    if (!isLambda(argument)) continue;
    const template = templates[i]!;
    if (template.kind !== 'type' || template.name !== 'function') return undefined;
    if (template.parameters.length - 1 !== argument.lambdaArity) return undefined;
  }
  if (typeLambdas && !bindLambdas(matcher, templates, argumentList)) return undefined;
  for (const [name, constraint] of signature.constraints) {
    const type = matcher.types.get(name);
    if (type && !(constraint === 'orderable' ? isOrderable(type) : isComparable(type))) return undefined;
  }
  const argumentTypes: SqlType[] = [];
  let exact = true;
  for (const [i, argument] of argumentList.entries()) {
    if (isLambda(argument) && !typeLambdas) {
      argumentTypes.push({ kind: 'function', arguments: [], result: UNKNOWN });
      continue;
    }
    const type = isAny(templates[i]!) && !isLambda(argument) ? argument : matcher.instantiate(templates[i]!);
    if (!type || (!isLambda(argument) && !canCoerce(argument, type))) return undefined;
    if (!isLambda(argument) && !sameType(argument, type)) exact = false;
    argumentTypes.push(type);
  }
  const returnType =
    returns && typeLambdas ? returns(argumentTypes) : (matcher.instantiate(signature.result) ?? UNKNOWN);
  return { argumentTypes, returnType, exact };
}

/** A lambda whose result feeds its own parameter's type (reduce) is typed again until that type stands. */
function bindLambdas(matcher: Matcher, templates: readonly Template[], args: readonly Argument[]): boolean {
  for (let round = 0; round < 4; round++) {
    const before = matcher.signature();
    for (const [i, argument] of args.entries()) {
      const template = templates[i]!;
      if (!isLambda(argument) || template.kind !== 'type') continue;
      const types = template.parameters.slice(0, -1).map((t) => matcher.instantiate(t));
      if (types.includes(undefined)) return false;
      const result = argument.typeWith(types.filter((t) => t !== undefined));
      if (!matcher.unify(template.parameters.at(-1)!, result)) return false;
    }
    if (matcher.signature() === before) return true;
  }
  return true;
}

/** Digits that hold every value of an integer type. */
const INTEGER_DIGITS: Readonly<Record<string, number>> = { tinyint: 3, smallint: 5, integer: 10, bigint: 19 };

class Matcher {
  readonly types = new Map<string, SqlType>();
  readonly #numbers = new Map<string, number>();

  unify(template: Template, actual: SqlType): boolean {
    if (template.kind === 'variable') {
      const bound = this.types.get(template.name);
      const common = bound ? commonType(bound, actual) : actual;
      if (!common) return false;
      this.types.set(template.name, common);
      return true;
    }
    if (template.kind !== 'type' || isAny(template)) return true;
    if (!hasVariable(template)) return canCoerce(actual, this.instantiate(template)!);
    const shaped = shapedLike(template.name, actual);
    if (shaped === 'any') return true;
    if (!shaped) return false;
    const parameters = parametersOf(shaped);
    // Rows of any width are one variable: there is no template for their fields.
    if (parameters.length !== template.parameters.length) return false;
    return template.parameters.every((parameter, i) => {
      const given = parameters[i]!;
      if (typeof given !== 'number') return this.unify(parameter, given);
      if (parameter.kind === 'literal') return given <= parameter.value;
      if (parameter.kind === 'number') {
        this.#numbers.set(parameter.name, Math.max(given, this.#numbers.get(parameter.name) ?? 0));
      }
      return true;
    });
  }

  instantiate(template: Template): SqlType | undefined {
    if (template.kind === 'variable') return this.types.get(template.name);
    if (template.kind !== 'type') return undefined;
    const parameters: TypeParameter[] = [];
    for (const parameter of template.parameters) {
      const value =
        parameter.kind === 'type' || parameter.kind === 'variable'
          ? this.instantiate(parameter)
          : this.#number(parameter);
      if (value === undefined) return undefined;
      parameters.push(value);
    }
    return typeFromSignature(template.name, parameters);
  }

  /** What is bound so far, to notice changes. */
  signature(): string {
    return JSON.stringify([...this.types]);
  }

  #number(template: Template): number {
    if (template.kind === 'literal') return template.value;
    return template.kind === 'number' ? (this.#numbers.get(template.name) ?? 0) : 0;
  }
}

/** Stands for an unbounded varchar among lengths, as the largest of all. */
const UNBOUNDED = 2147483647;

/** `actual` as a type of the kind `name`, if it coerces to one; 'any' for the type of NULL. */
function shapedLike(name: string, actual: SqlType): SqlType | 'any' | undefined {
  if (actual.kind === name) return actual;
  if (actual.kind === 'unknown') {
    if (name === 'decimal') return decimal(1, 0);
    return name === 'array' || name === 'map' ? undefinedParts(name) : 'any';
  }
  if (name === 'decimal' && actual.kind in INTEGER_DIGITS) return decimal(INTEGER_DIGITS[actual.kind]!, 0);
  if (name === 'varchar' && actual.kind === 'char') return { kind: 'varchar', length: actual.length };
  if (name === 'timestamp' && actual.kind === 'date') return { kind: name, precision: 0 };
  if (name === 'timestamp with time zone') {
    if (actual.kind === 'date') return { kind: name, precision: 0 };
    if (actual.kind === 'timestamp') return { kind: name, precision: actual.precision };
  }
  if (name === 'time with time zone' && actual.kind === 'time') return { kind: name, precision: actual.precision };
  return undefined;
}

const undefinedParts = (name: 'array' | 'map'): SqlType =>
  name === 'array' ? { kind: 'array', element: UNKNOWN } : { kind: 'map', key: UNKNOWN, value: UNKNOWN };

function parametersOf(type: SqlType): readonly (number | SqlType)[] {
  if (type.kind === 'decimal') return [type.precision, type.scale];
  if (type.kind === 'varchar') return [type.length ?? UNBOUNDED];
  if (type.kind === 'char') return [type.length];
  if (type.kind === 'array') return [type.element];
  if (type.kind === 'map') return [type.key, type.value];
  if (type.kind === 'function') return [...type.arguments, type.result];
  return 'precision' in type ? [type.precision] : [];
}
