/** The function table: finds the overload that a call means, by Trino's rules, and hands out definitions by id. */

import { nearest, QueryError, type SourceLocation } from '../../common/errors.ts';
import { sameType, type SqlType, typeName } from '../../types/type.ts';
import type { FunctionId } from '../expression.ts';
import type { FunctionDefinition, FunctionKind } from './definition.ts';
import { LIBRARY } from './library/index.ts';
import { type Argument, bind, type Binding, isLambda } from './signature.ts';

export type { Argument } from './signature.ts';

export type ResolvedFunction = {
  readonly id: FunctionId;
  readonly name: string;
  readonly kind: FunctionKind;
  /** To which the call's arguments are to be cast, one per argument. */
  readonly argumentTypes: readonly SqlType[];
  readonly returnType: SqlType;
  readonly deterministic: boolean;
  readonly nullOnNull: boolean;
  /** Aggregates: the result depends on the order of rows. */
  readonly orderSensitive: boolean;
};

export type ResolveOptions = { readonly location?: SourceLocation };

export class FunctionRegistry {
  readonly #byName = new Map<string, FunctionDefinition[]>();
  readonly #byId = new Map<FunctionId, FunctionDefinition>();

  constructor(definitions: readonly FunctionDefinition[] = LIBRARY) {
    for (const definition of definitions) {
      const overloads = this.#byName.get(definition.signature.name);
      if (overloads) overloads.push(definition);
      else this.#byName.set(definition.signature.name, [definition]);
      this.#byId.set(definition.id, definition);
    }
  }

  /** Whether users may call something by this name. */
  has(name: string): boolean {
    return this.#byName.has(name.toLowerCase()) && !name.startsWith('$');
  }

  kindOf(name: string): FunctionKind | undefined {
    return this.#byName.get(name.toLowerCase())?.[0]?.kind;
  }

  /** Throws FUNCTION_NOT_FOUND when no overload takes these arguments. Lambdas are typed through their `typeWith`. */
  resolve(name: string, argumentList: readonly Argument[], options: ResolveOptions = {}): ResolvedFunction {
    const lower = name.toLowerCase();
    const overloads = this.#byName.get(lower) ?? [];
    if (overloads.length === 0) throw this.unknown(name, options.location);
    const found = chooseOverload(overloads, argumentList);
    if (found === 'ambiguous') {
      throw new QueryError(
        'AMBIGUOUS_FUNCTION_CALL',
        `Could not choose a best candidate operator. Explicit type casts must be added: ${lower}(${argumentList.map(argumentName).join(', ')})`,
        options.location,
      );
    }
    const bound = found && bind(found.signature, argumentList, true, found.returns);
    if (!bound) throw unexpectedParameters(lower, argumentList, overloads, options.location);
    return {
      id: found.id,
      name: lower,
      kind: found.kind,
      argumentTypes: bound.argumentTypes,
      returnType: bound.returnType,
      deterministic: found.deterministic,
      nullOnNull: found.nullOnNull,
      orderSensitive: found.orderSensitive,
    };
  }

  /** Operators are functions named `$add` …; throws TYPE_MISMATCH in Trino's words. */
  resolveOperator(operator: Operator, types: readonly SqlType[], options: ResolveOptions = {}): ResolvedFunction {
    const name = types.length === 1 && operator === '-' ? '$negate' : OPERATORS[operator];
    const found = chooseOverload(this.#byName.get(name) ?? [], types);
    const bound = found && found !== 'ambiguous' && bind(found.signature, types, true, found.returns);
    if (!bound && operator === '||') {
      // The concatenation operator is the function concat by another name.
      throw unexpectedParameters('concat', types, this.#byName.get('concat') ?? [], options.location);
    }
    if (!bound) {
      const names = types.map(typeName);
      const what = types.length === 2 ? `${names[0]} ${operator} ${names[1]}` : `${operator}${names.join(', ')}`;
      throw new QueryError('TYPE_MISMATCH', `Cannot apply operator: ${what}`, options.location);
    }
    return {
      id: found.id,
      name,
      kind: 'scalar',
      argumentTypes: bound.argumentTypes,
      returnType: bound.returnType,
      deterministic: found.deterministic,
      nullOnNull: found.nullOnNull,
      orderSensitive: false,
    };
  }

  /** The definition behind an id that `resolve` gave out, here or in another process of the same version. */
  get(id: FunctionId): FunctionDefinition {
    const definition = this.#byId.get(id);
    if (!definition) throw new QueryError('FUNCTION_NOT_FOUND', `Function ${id} is not in the function table`);
    return definition;
  }

  /** What SHOW FUNCTIONS lists. */
  list(): readonly FunctionDefinition[] {
    return [...this.#byId.values()].filter((d) => !d.hidden).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The error for a name that nobody defines, with the nearest one. */
  unknown(name: string, location: SourceLocation | undefined): QueryError {
    const near = nearest(
      name,
      [...this.#byName.keys()].filter((key) => !key.startsWith('$')),
    );
    const hint = near === undefined ? '; SHOW FUNCTIONS lists what there is' : `; did you mean '${near}'?`;
    return new QueryError('FUNCTION_NOT_FOUND', `Function '${name}' not registered${hint}`, location);
  }
}

const OPERATORS = {
  '+': '$add',
  '-': '$subtract',
  '*': '$multiply',
  '/': '$divide',
  '%': '$modulus',
  '||': '$concat',
  '[]': '$subscript',
  LIKE: '$like',
  'AT TIME ZONE': '$at_timezone',
} as const;

export type Operator = keyof typeof OPERATORS;

type Candidate = { readonly definition: FunctionDefinition; readonly binding: Binding };

/** Exact without variables, exact with variables, then the most specific of those reached by coercion. */
function chooseOverload(
  overloads: readonly FunctionDefinition[],
  argumentList: readonly Argument[],
): FunctionDefinition | 'ambiguous' | undefined {
  const candidates: Candidate[] = [];
  for (const definition of overloads) {
    const binding = bind(definition.signature, argumentList, false);
    if (binding) candidates.push({ definition, binding });
  }
  const exact = candidates.filter(({ binding }) => binding.exact);
  const plain = exact.find(({ definition }) => !definition.signature.generic);
  if (plain) return plain.definition;
  if (exact.length > 0) return exact[0]!.definition;
  const specific = candidates.filter((one) =>
    candidates.every((other) => one === other || isMoreSpecific(one, other, argumentList)),
  );
  if (specific.length > 0) return specific[0]!.definition;
  if (candidates.length === 0) return undefined;
  // NULLs alone fit everything alike: the overloads must then agree on the result.
  const minimal = candidates.filter((one) =>
    candidates.every(
      (other) => one === other || !isMoreSpecific(other, one, argumentList) || isMoreSpecific(one, other, argumentList),
    ),
  );
  if (minimal.length === 1) return minimal[0]!.definition;
  const plainOnes = minimal.filter(({ definition }) => !definition.signature.generic);
  if (plainOnes.length === 1) return plainOnes[0]!.definition;
  const onlyUnknown = argumentList.every((a) => !isLambda(a) && a.kind === 'unknown');
  const [first] = minimal;
  if (first && (onlyUnknown || minimal.every((m) => sameType(m.binding.returnType, first.binding.returnType)))) {
    return first.definition;
  }
  return 'ambiguous';
}

/** Whether what `a` takes could be passed on to `b`. */
const isMoreSpecific = (a: Candidate, b: Candidate, argumentList: readonly Argument[]): boolean => {
  const passedOn = a.binding.argumentTypes.map((type, i) => {
    const argument = argumentList[i]!;
    return isLambda(argument) ? argument : type;
  });
  return bind(b.definition.signature, passedOn, false) !== undefined;
};

const argumentName = (argument: Argument): string => (isLambda(argument) ? 'function' : typeName(argument));

function unexpectedParameters(
  name: string,
  argumentList: readonly Argument[],
  overloads: readonly FunctionDefinition[],
  location: SourceLocation | undefined,
): QueryError {
  const given = argumentList.map(argumentName).join(', ');
  const expected = overloads.map(({ signature }) => {
    const constraints = [...signature.constraints].map(([variable, c]) => `${variable}:${c}`).join(', ');
    return `${signature.id}${constraints && ` ${constraints}`}`;
  });
  return new QueryError(
    'FUNCTION_NOT_FOUND',
    `Unexpected parameters (${given}) for function ${name}. Expected: ${expected.join(', ')}`,
    location,
  );
}

/** The function table is the same in every process and never changes. */
export const FUNCTIONS = new FunctionRegistry();
