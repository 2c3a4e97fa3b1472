/** Kernel SQL of typed expressions. Filters that compare columns with constants stay plain, so that scans can use them. */

import { assert, AssertionError } from '../../common/assert.ts';
import { constantSql, fieldName, kernelType } from '../../types/kernel.ts';
import { childrenOf, type Expression, remembered } from '../expression.ts';
import type { QueryContext, RenderKit } from '../functions/definition.ts';
import type { FunctionRegistry } from '../functions/registry.ts';
import { renderCast } from './render-cast.ts';
import { type ComparisonTools, renderBetween, renderComparison, renderIn } from './render-comparison.ts';
import { type LogicalTools, renderConjuncts, renderLogical } from './render-logical.ts';
import { isVolatile, listFor } from './volatile.ts';

export type RenderContext = {
  readonly registry: FunctionRegistry;
  readonly query: QueryContext;
  /** Kernel SQL of the column that a Reference names, quoted as it must be. */
  readonly column: (name: string) => string;
};

/** `expression` as a kernel expression of type `kernelType(expression.type)`. */
export const renderExpression = (expression: Expression, context: RenderContext): string =>
  new Renderer(context).render(expression);

/** `conjuncts` as the condition of a filter, see `renderConjuncts`. */
export const renderCondition = (conjuncts: readonly Expression[], context: RenderContext): string =>
  new Renderer(context).renderConjuncts(conjuncts);

/** Texts up to this length are repeated rather than bound to a name: the kernel computes common parts once. */
const REPEATABLE_LENGTH_MAX = 48;

/**
 * Texts up to this length are repeated where they guard other terms: over the rows that are left, that is cheaper than a name.
 * Guards within guards double it each time.
 */
const GUARD_LENGTH_MAX = 1000;

/**
 * The time that the kernel takes to bind calls within calls grows with the cube of their depth: a sum of 400 terms takes
 * seconds. What stands this deep gets a name, with which the depth begins anew.
 */
const DEPTH_OF_NAMES = 48;

/** The part of a call that is to have a name, unless one on the way to it has. */
function partAtDepth(call: Expression, named: ReadonlyMap<Expression, string>): Expression | undefined {
  let part = call;
  for (let depth = 0; depth < DEPTH_OF_NAMES; depth++) {
    if (part.kind !== 'Call' && part.kind !== 'Cast') return undefined;
    const deepest = childrenOf(part).find((child) => depthOf(child) === depthOf(part) - 1);
    if (!deepest || named.has(deepest)) return undefined;
    part = deepest;
  }
  return part.kind === 'Call' || part.kind === 'Cast' ? part : undefined;
}

/** Of a value without parts it is 1. */
const depthOf: (expression: Expression) => number = remembered(
  (expression) => 1 + childrenOf(expression).reduce((depth, part) => Math.max(depth, depthOf(part)), 0),
);

export class Renderer {
  readonly #context: RenderContext;
  readonly #parameters: ReadonlyMap<string, string>;
  readonly #names: { next: number };
  /** Parts that stand by a name here. */
  readonly #named = new Map<Expression, string>();

  constructor(context: RenderContext, parameters: ReadonlyMap<string, string> = new Map(), names = { next: 0 }) {
    this.#context = context;
    this.#parameters = parameters;
    this.#names = names;
  }

  readonly render = (expression: Expression): string => {
    const render = this.render;
    const name = this.#named.get(expression);
    if (name !== undefined) return name;
    switch (expression.kind) {
      case 'Constant':
        return constantSql(expression.type, expression.value);
      case 'Reference':
        return this.#parameters.get(expression.name) ?? this.#context.column(expression.name);
      case 'Call':
        return this.#call(expression);
      case 'Cast':
        return this.#cast(expression);
      case 'Comparison':
        return renderComparison(expression, this.#tools());
      case 'Between':
        return renderBetween(expression, this.#tools());
      case 'In':
        return renderIn(expression, this.#tools());
      case 'Logical':
        return renderLogical(expression.operator, expression.terms, this.#tools());
      case 'Not':
        return `(NOT ${render(expression.argument)})`;
      case 'IsNull':
        return `(${render(expression.argument)} IS NULL)`;
      case 'Case': {
        const branches = expression.branches.map((b) => `WHEN ${render(b.when)} THEN ${render(b.result)}`);
        return `CASE ${branches.join(' ')} ELSE ${render(expression.otherwise)} END`;
      }
      case 'Switch':
        return this.#switch(expression);
      case 'Coalesce':
        return `coalesce(${expression.arguments.map(render).join(', ')})`;
      case 'NullIf': {
        const { first, second, comparisonType } = expression;
        return this.bind(render(first), (value) => {
          const left = renderCast(first.type, comparisonType, value, this.kit(comparisonType, [first]));
          const right = renderCast(second.type, comparisonType, render(second), this.kit(comparisonType, [second]));
          const equal = this.#equal(comparisonType, left, right);
          return `CASE WHEN ${equal} THEN CAST(NULL AS ${kernelType(expression.type)}) ELSE ${value} END`;
        });
      }
      case 'Try':
        return `TRY(${render(expression.argument)})`;
      case 'Row':
        return `{${expression.fields.map((field, i) => `'${fieldName(i)}': ${render(field)}`).join(', ')}}`;
      case 'Array':
        return `CAST([${expression.elements.map(render).join(', ')}] AS ${kernelType(expression.type)})`;
      case 'Field':
        return `(${render(expression.base)}).${fieldName(expression.index)}`;
      case 'Lambda':
        return this.#lambda(expression);
    }
  };

  /** Lists and maps are told what the lambdas are that run over them. */
  #arguments(expressions: readonly Expression[]): readonly string[] {
    const rendered = expressions.map(this.render);
    const lambdas = rendered.filter((_, i) => expressions[i]!.kind === 'Lambda').join(' ');
    return rendered.map((sql, i) => (isCollection(expressions[i]!.type) ? listFor(lambdas, sql) : sql));
  }

  renderConjuncts(conjuncts: readonly Expression[]): string {
    return renderConjuncts(conjuncts, this.#tools());
  }

  /** Evaluates `sql` once: `list_transform([sql], lambda n: body(n))[1]`. What is new at each call is never repeated. */
  readonly bind = (sql: string, body: (name: string) => string): string => {
    const repeatable = sql.length <= REPEATABLE_LENGTH_MAX || /^("[^"]*"|'[^']*')$/.test(sql);
    return repeatable && !isVolatile(sql) ? body(sql) : this.#name(sql, body);
  };

  #name(sql: string, body: (name: string) => string): string {
    const name = this.fresh();
    const lambda = `lambda ${name}: ${body(name)}`;
    return `list_transform(${listFor(lambda, `[${sql}]`)}, ${lambda})[1]`;
  }

  readonly fresh = (): string => `v${this.#names.next++}`;

  kit(
    type: Expression['type'],
    expressions: readonly Expression[],
    aggregate: RenderKit['aggregate'] = notAnAggregate,
  ): RenderKit {
    return {
      aggregate,
      type,
      types: expressions.map((e) => e.type),
      expressions,
      query: this.#context.query,
      bind: this.bind,
      fresh: this.fresh,
      render: this.render,
    };
  }

  #tools(): LogicalTools & ComparisonTools {
    return {
      render: this.render,
      bind: this.bind,
      fresh: this.fresh,
      name: (sql, body) => this.#name(sql, body),
      mayRepeat: (sql) => sql.length <= GUARD_LENGTH_MAX && !isVolatile(sql),
    };
  }

  #call(expression: Extract<Expression, { kind: 'Call' }>): string {
    const deep = partAtDepth(expression, this.#named);
    if (deep) {
      return this.#name(this.render(deep), (name) => {
        this.#named.set(deep, name);
        const sql = this.#call(expression);
        this.#named.delete(deep);
        return sql;
      });
    }
    const { function: id, type, arguments: args } = expression;
    return this.#context.registry.get(id).render(this.#arguments(args), this.kit(type, args));
  }

  #cast(expression: Extract<Expression, { kind: 'Cast' }>): string {
    const { argument, type, safe } = expression;
    const sql = this.render(argument);
    const kit = this.kit(type, [argument]);
    if (!safe) return renderCast(argument.type, type, sql, kit);
    // Only the cast's own failure is NULL, not one inside its argument.
    if (argument.kind === 'Reference' || argument.kind === 'Constant') {
      return `TRY(${renderCast(argument.type, type, sql, kit)})`;
    }
    const name = this.fresh();
    return `list_transform([${sql}], lambda ${name}: TRY(${renderCast(argument.type, type, name, kit)}))[1]`;
  }

  #switch({ operand, branches, otherwise }: Extract<Expression, { kind: 'Switch' }>): string {
    return this.bind(this.render(operand), (value) => {
      const whens = branches.map(
        ({ when, result }) => `WHEN ${this.#equal(operand.type, value, this.render(when))} THEN ${this.render(result)}`,
      );
      return `CASE ${whens.join(' ')} ELSE ${this.render(otherwise)} END`;
    });
  }

  #equal(type: Expression['type'], left: string, right: string): string {
    const raw = (sql: string): Expression => ({ kind: 'Reference', type, name: sql });
    const tools = { ...this.#tools(), render: (e: Expression) => (e.kind === 'Reference' ? e.name : this.render(e)) };
    return renderComparison(
      { kind: 'Comparison', type: { kind: 'boolean' }, operator: '=', left: raw(left), right: raw(right) },
      tools,
    );
  }

  #lambda(expression: Extract<Expression, { kind: 'Lambda' }>): string {
    assert(expression.parameters.length > 0, 'a lambda has parameters');
    const parameters = new Map(this.#parameters);
    const names = expression.parameters.map((parameter) => {
      const name = this.fresh();
      parameters.set(parameter.name, name);
      return name;
    });
    const inner = new Renderer(this.#context, parameters, this.#names);
    return `lambda ${names.join(', ')}: ${inner.render(expression.body)}`;
  }
}

const isCollection = ({ kind }: Expression['type']): boolean => kind === 'array' || kind === 'map';

const notAnAggregate = (name: string): string => {
  throw new AssertionError(`${name} is rendered as an aggregate`);
};
