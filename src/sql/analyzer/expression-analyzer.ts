/** Types one expression: resolves its names in a scope, its operators and functions in the function table. */

import type * as ast from '../ast.ts';
import { QueryError, type SourceLocation } from '../../common/errors.ts';
import { commonTypeOf } from '../../types/coercion.ts';
import { BOOLEAN, type SqlType, typeName, VARCHAR } from '../../types/type.ts';
import type { ComparisonOperator, Expression } from '../expression.ts';
import type { Operator } from '../functions/registry.ts';
import type { BlockCalls } from './block-calls.ts';
import { analyzeFunctionCall } from './call-analyzer.ts';
import { coerce, coerceOrFail } from './coerce.ts';
import { arrayOf, castTo, row } from './constructors.ts';
import { extract } from './extract.ts';
import { ifThen, nullIf, searchedCase, simpleCase } from './conditionals.ts';
import { type AnalyzerContext, quote } from './context.ts';
import { currentDateTime } from './current-time.ts';
import { Desugar } from './desugar.ts';
import { analyzeLiteral, constant } from './literals.ts';
import { columnReference, dereference, subscript } from './references.ts';
import { overlaps } from './overlaps.ts';
import { between, booleanTest, comparisonType, inList, negated, not } from './predicates.ts';
import { notSupported } from './refusals.ts';
import type { Scope } from './scope.ts';
import { matchPredicate, uniquePredicate } from './uniqueness.ts';
import { analyzeSubquery, type SubqueryExpression } from './subquery-analyzer.ts';

/** What an expression may hold at its place besides scalars. */
export type Place = {
  /** For errors: `WHERE clause`. */
  readonly name: string;
  /** Where aggregates and windows go; absent where there may be none. */
  readonly calls?: BlockCalls;
  readonly aggregates: boolean;
  readonly windows: boolean;
  /** The call that this expression is an argument of, for errors about nesting. */
  readonly inside?: 'aggregation' | 'window function' | 'lambda';
  /**
   * Subqueries among the grouping keys, by what they say: the same ones in SELECT or HAVING mean the key. `isKey` is true
   * where they are gathered.
   */
  readonly keySubqueries?: Map<string, Expression>;
  readonly isKey?: true;
  /** The scope in which the WINDOW clause names columns: that of FROM, also for ORDER BY. */
  readonly definitions?: Scope;
  /** What a GROUPING(…) operation is here. */
  readonly grouping?: (operation: ast.GroupingOperation) => Expression;
};

export class ExpressionAnalyzer {
  readonly context: AnalyzerContext;
  readonly scope: Scope;
  readonly place: Place;
  readonly lambdaDepth: number;

  constructor(context: AnalyzerContext, scope: Scope, place: Place, lambdaDepth = 0) {
    this.context = context;
    this.scope = scope;
    this.place = place;
    this.lambdaDepth = lambdaDepth;
  }

  /** The same place seen from within a call's arguments. */
  within(inside: NonNullable<Place['inside']>, aggregates: boolean): ExpressionAnalyzer {
    const place: Place = { ...this.place, inside, aggregates, windows: false };
    return new ExpressionAnalyzer(this.context, this.scope, place, this.lambdaDepth);
  }

  /** The same place where the WINDOW clause stands. */
  atDefinition(): ExpressionAnalyzer {
    const { definitions = this.scope } = this.place;
    return new ExpressionAnalyzer(this.context, definitions, this.place, this.lambdaDepth);
  }

  /** The body of a lambda whose parameters `scope` adds. */
  forLambda(scope: Scope): ExpressionAnalyzer {
    const place: Place = { ...this.place, inside: 'lambda', aggregates: false, windows: false };
    return new ExpressionAnalyzer(this.context, scope, place, this.lambdaDepth + 1);
  }

  /** A predicate; `what` names the clause for the error when it is none. */
  condition(node: ast.Expression, what: string): Expression {
    return coerceOrFail(this.analyze(node), BOOLEAN, what, node.location);
  }

  analyze(node: ast.Expression): Expression {
    switch (node.kind) {
      case 'NullLiteral':
      case 'BooleanLiteral':
      case 'StringLiteral':
      case 'BinaryLiteral':
      case 'IntegerLiteral':
      case 'DecimalLiteral':
      case 'DoubleLiteral':
      case 'GenericLiteral':
      case 'IntervalLiteral':
        return analyzeLiteral(node);
      case 'Parameter':
        return this.#parameter(node);
      case 'Identifier':
        return columnReference(this, node, [node.value]);
      case 'Dereference':
        return dereference(this, node);
      case 'Subscript':
        return subscript(this, node);
      case 'ArithmeticBinary':
        return this.#operator(node.operator, [node.left, node.right], node.location);
      case 'ArithmeticUnary':
        if (node.operator === '+') return this.analyze(node.operand);
        return this.#operator('-', [node.operand], node.location);
      case 'Concat': {
        const operands = node.operands.map((operand) => this.analyze(operand));
        return operands.reduce((left, right) => this.operate('||', [left, right], node.location));
      }
      case 'Comparison':
        return this.compare(node.operator, this.analyze(node.left), this.analyze(node.right), node.location);
      case 'Logical': {
        const what = `Logical expression term`;
        return {
          kind: 'Logical',
          type: BOOLEAN,
          operator: node.operator,
          terms: node.terms.map((term) => this.condition(term, what)),
        };
      }
      case 'Not':
        return not(this.condition(node.value, 'Value of logical NOT expression'));
      case 'Between':
        return between(this, node);
      case 'InList':
        return inList(this, node);
      case 'Like': {
        const parts = [node.value, node.pattern, ...(node.escape ? [node.escape] : [])];
        return negated(node.not, this.#operator('LIKE', parts, node.location));
      }
      case 'IsNull':
        return negated(node.not, { kind: 'IsNull', type: BOOLEAN, argument: this.analyze(node.value) });
      case 'BooleanTest':
        return negated(node.not, booleanTest(this, node));
      case 'IsDistinctFrom': {
        const [left, right] = [this.analyze(node.left), this.analyze(node.right)];
        return negated(node.not, this.compare('IS DISTINCT FROM', left, right, node.location));
      }
      case 'CaseOperand':
        throw notSupported('a comparison without a left side', node.location);
      case 'Row':
        return row(this, node);
      case 'Array':
        return arrayOf(this, node);
      case 'SimpleCase':
        return simpleCase(this, node);
      case 'SearchedCase':
        return searchedCase(this, node);
      case 'Coalesce': {
        const operands = node.operands.map((operand) => this.analyze(operand));
        const type = this.common(operands, node.location, 'All COALESCE operands');
        return { kind: 'Coalesce', type, arguments: operands.map((operand) => coerce(operand, type)) };
      }
      case 'NullIf':
        return nullIf(this, node);
      case 'If':
        return ifThen(this, node);
      case 'Try': {
        const argument = this.analyze(node.value);
        return { kind: 'Try', type: argument.type, argument };
      }
      case 'Cast':
        return castTo(this, node);
      case 'Format':
        return this.call(
          'format',
          node.arguments.map((argument) => this.analyze(argument)),
          node.location,
        );
      case 'FunctionCall':
        return analyzeFunctionCall(this, node);
      case 'Extract':
        return extract(this, node);
      case 'AtTimeZone':
        return this.#operator('AT TIME ZONE', [node.value, node.zone], node.location);
      case 'AtLocal': {
        const zone = this.context.session.timeZone;
        return this.operate('AT TIME ZONE', [this.analyze(node.value), constant(VARCHAR, zone)], node.location);
      }
      case 'CurrentDateTime':
        return currentDateTime(node, this.context.session);
      case 'CurrentContext':
        return this.#currentContext(node);
      case 'Trim': {
        const name = { BOTH: 'trim', LEADING: 'ltrim', TRAILING: 'rtrim' }[node.specification];
        const parts = [node.source, ...(node.character ? [node.character] : [])];
        return this.call(
          name,
          parts.map((part) => this.analyze(part)),
          node.location,
        );
      }
      case 'GroupingOperation':
        if (this.place.grouping) return this.place.grouping(node);
        throw this.notScalar(node);
      case 'InSubquery':
      case 'Exists':
      case 'QuantifiedComparison':
      case 'SubqueryExpression':
        return this.#subquery(node);
      case 'Lambda':
        throw new QueryError('TYPE_MISMATCH', 'A lambda expression is an argument of a function only', node.location);
      case 'ArrayWildcard':
        throw notSupported('wildcard accessors of JSON values', node.location);
      case 'Overlaps':
        return overlaps(this, node);
      case 'MatchPredicate':
        return this.analyze(matchPredicate(this, node));
      case 'Unique':
        return this.analyze(uniquePredicate(this, node));
      case 'MethodCall': {
        const parts = [node.receiver, ...node.arguments];
        return this.analyze(new Desugar(node).call(node.method.value, parts));
      }
      case 'StaticMethodCall':
        return this.analyze(new Desugar(node).call(node.method.value, node.arguments));
      case 'Measure':
        throw notSupported('measures of row pattern recognition', node.location);
      case 'JsonExists':
      case 'JsonValue':
      case 'JsonQuery':
      case 'JsonObject':
      case 'JsonArray':
        throw notSupported('SQL/JSON functions', node.location);
    }
  }

  /** A call of a scalar function with analyzed arguments. */
  call(name: string, operands: readonly Expression[], location: SourceLocation): Expression {
    const types = operands.map((operand) => operand.type);
    const resolved = this.context.functions.resolve(name, types, { location });
    return {
      kind: 'Call',
      type: resolved.returnType,
      function: resolved.id,
      arguments: operands.map((operand, i) => coerce(operand, resolved.argumentTypes[i]!)),
    };
  }

  operate(operator: Operator, operands: readonly Expression[], location: SourceLocation): Expression {
    const types = operands.map((operand) => operand.type);
    const resolved = this.context.functions.resolveOperator(operator, types, { location });
    return {
      kind: 'Call',
      type: resolved.returnType,
      function: resolved.id,
      arguments: operands.map((operand, i) => coerce(operand, resolved.argumentTypes[i]!)),
    };
  }

  compare(operator: ComparisonOperator, left: Expression, right: Expression, location: SourceLocation): Expression {
    const type = comparisonType(operator, left.type, right.type, location);
    return { kind: 'Comparison', type: BOOLEAN, operator, left: coerce(left, type), right: coerce(right, type) };
  }

  /** The type that all of `operands` coerce to. */
  common(operands: readonly Expression[], location: SourceLocation, what: string): SqlType {
    const type = commonTypeOf(operands.map((operand) => operand.type));
    if (type) return type;
    const names = [...new Set(operands.map((operand) => typeName(operand.type)))];
    throw new QueryError(
      'TYPE_MISMATCH',
      `${what} must be the same type or coercible to a common type. Cannot find common type between ${names.join(', ')}`,
      location,
    );
  }

  /** The error for aggregates, windows and GROUPING where none may stand. */
  notScalar(node: ast.Expression): QueryError {
    const { inside, name } = this.place;
    const what = quote(this.context, node);
    if (inside === 'aggregation') {
      return new QueryError('NESTED_AGGREGATION', `Cannot nest ${what} inside an aggregation`, node.location);
    }
    if (inside === 'window function') {
      return new QueryError(
        'NESTED_WINDOW',
        `Cannot nest ${what} inside a window function or specification`,
        node.location,
      );
    }
    return new QueryError(
      'EXPRESSION_NOT_SCALAR',
      `${inside === 'lambda' ? 'Lambda expression' : name} cannot contain aggregations, window functions or grouping operations: [${what}]`,
      node.location,
    );
  }

  #parameter(node: ast.Parameter): Expression {
    const value = this.context.parameters[node.position];
    if (value) return value;
    throw new QueryError(
      'INVALID_PARAMETER_USAGE',
      `Incorrect number of parameters: there is none for ? number ${node.position + 1}; use EXECUTE … USING`,
      node.location,
    );
  }

  #operator(operator: Operator, operands: readonly ast.Expression[], location: SourceLocation): Expression {
    return this.operate(
      operator,
      operands.map((operand) => this.analyze(operand)),
      location,
    );
  }

  #currentContext(node: ast.CurrentContext): Expression {
    const { session } = this.context;
    switch (node.function) {
      case 'CURRENT_USER':
        return constant(VARCHAR, session.user);
      case 'CURRENT_CATALOG':
        return constant(VARCHAR, session.catalog ?? null);
      case 'CURRENT_SCHEMA':
        return constant(VARCHAR, session.schema ?? null);
      case 'CURRENT_PATH':
        return constant(VARCHAR, '');
    }
  }

  #subquery(node: SubqueryExpression): Expression {
    if (this.place.inside === 'lambda') throw notSupported('subqueries in lambda expressions', node.location);
    const { keySubqueries, isKey } = this.place;
    if (!keySubqueries || this.place.inside || (!isKey && keySubqueries.size === 0)) return analyzeSubquery(this, node);
    const key = JSON.stringify(node, (name, value: unknown) =>
      name === 'location' || name === 'start' || name === 'end' ? undefined : value,
    );
    const known = keySubqueries.get(key);
    if (known) return known;
    const expression = analyzeSubquery(this, node);
    if (isKey) keySubqueries.set(key, expression);
    return expression;
  }
}
