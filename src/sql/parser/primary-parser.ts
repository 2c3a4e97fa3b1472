/** Operands: literals, names, calls, everything in brackets, and what may be appended to them. */
import type { CurrentContext, Expression, FunctionCall, Identifier, Literal } from '../ast.ts';
import type { Token, TokenType } from '../lexer.ts';
import { decodeBinary } from './literals.ts';
import { specialCall } from './special-calls.ts';
import { SpecialFormParser } from './special-form-parser.ts';
import { isIntervalField } from './type-parser.ts';

type Modifiers = Pick<FunctionCall, 'filter' | 'nullTreatment' | 'window'>;

export abstract class PrimaryParser extends SpecialFormParser {
  /** The last operand that was read whole, to tell `a.*` from `1 + a.*`. */
  protected lastOperand: Expression | undefined;

  protected primary(): Expression {
    const first = this.token;
    let value = this.#operand(first);
    for (;;) {
      if (this.token.type === '[') {
        value = this.#subscript(first, value);
      } else if (this.token.type === '.' && this.ahead(1) !== '*') {
        this.advance();
        value = this.#member(first, value);
      } else {
        this.lastOperand = value;
        return value;
      }
    }
  }

  /** `[index]` or `[*]` */
  #subscript(first: Token, base: Expression): Expression {
    this.expect('[');
    if (this.accept('*')) {
      this.expect(']');
      return { kind: 'ArrayWildcard', ...this.span(first), base };
    }
    const index = this.valueExpression();
    this.expect(']');
    return { kind: 'Subscript', ...this.span(first), base, index };
  }

  /** `.field` or `.method(arguments)`; any keyword may name a method. */
  #member(first: Token, value: Expression): Expression {
    if (this.ahead(1) !== '(') {
      const field = isString(this.token.type) ? this.#quotedField() : this.identifier();
      return { kind: 'Dereference', ...this.span(first), base: value, field };
    }
    const method = this.#methodName();
    const args = this.#plainArguments();
    return { kind: 'MethodCall', ...this.span(first), receiver: value, method, arguments: args };
  }

  #quotedField(): Identifier {
    const { location, start, end, value } = this.string();
    return { kind: 'Identifier', location, start, end, value, quoted: true };
  }

  #methodName(): Identifier {
    const isWord = this.token.name || /^[A-Z]/.test(this.token.type);
    return isWord ? this.toIdentifier(this.advance()) : this.identifier();
  }

  #plainArguments(): Expression[] {
    this.expect('(');
    const args = this.token.type === ')' ? [] : this.list(() => this.expression());
    this.expect(')');
    return args;
  }

  #operand(first: Token): Expression {
    const type: string = first.type;
    switch (type) {
      case 'identifier':
      case 'quoted':
      case 'backquoted':
      case 'digit-identifier':
        return this.#named(first);
      case 'integer':
      case 'decimal':
      case 'double':
        return this.number(first);
      case '(':
        return this.#parenthesized(first);
      case 'string':
      case 'unicode-string':
        return this.string();
      case 'binary': {
        this.advance();
        const hex = decodeBinary(this.sql.slice(first.start + 2, first.end - 1), first.location);
        return { kind: 'BinaryLiteral', ...this.span(first), hex };
      }
      case 'NULL':
        this.advance();
        return { kind: 'NullLiteral', ...this.span(first) };
      case 'TRUE':
      case 'FALSE':
        this.advance();
        return { kind: 'BooleanLiteral', ...this.span(first), value: type === 'TRUE' };
      case '?':
        this.advance();
        return { kind: 'Parameter', ...this.span(first), position: this.parameters++ };
      case '[':
        return this.#array(first);
      case 'CASE':
        return this.caseExpression();
      case 'CAST':
        return this.cast(false);
      case 'EXISTS':
        this.advance();
        return { kind: 'Exists', query: this.queryInParentheses(), ...this.span(first) };
      case 'EXTRACT':
        return this.extract();
      case 'TRIM':
        return this.trim();
      case 'NORMALIZE':
        return this.normalize();
      case 'LISTAGG':
        return this.listagg();
      case 'GROUPING':
        return this.grouping();
      case 'CURRENT_DATE':
      case 'CURRENT_TIME':
      case 'CURRENT_TIMESTAMP':
      case 'LOCALTIME':
      case 'LOCALTIMESTAMP':
        return this.currentDateTime(type);
      case 'CURRENT_USER':
      case 'CURRENT_CATALOG':
      case 'CURRENT_SCHEMA':
      case 'CURRENT_PATH':
        return this.#currentContext(type);
      case 'JSON_EXISTS':
        return this.jsonExists();
      case 'JSON_VALUE':
        return this.jsonValue();
      case 'JSON_QUERY':
        return this.jsonQuery();
      case 'JSON_OBJECT':
        return this.jsonObject();
      case 'JSON_ARRAY':
        return this.jsonArray();
      default:
        if (!first.name) this.fail();
        return this.#keywordForm(first) ?? this.#named(first);
    }
  }

  /** The forms that begin with a word that may also be a name. */
  #keywordForm(first: Token): Expression | undefined {
    const next = this.ahead(1);
    const type: string = first.type;
    switch (type) {
      case 'INTERVAL':
        return this.#interval(first);
      case 'DOUBLE':
        return next === 'PRECISION' && isString(this.ahead(2)) ? this.#genericLiteral(first) : undefined;
      case 'ARRAY':
        if (next !== '[') return undefined;
        this.advance();
        return this.#array(first);
      case 'ROW':
        return next === '(' && this.ahead(2) !== ')' ? this.#row(first) : undefined;
      case 'TRY_CAST':
        return next === '(' ? this.cast(true) : undefined;
      case 'POSITION':
        return this.argumentsHave('IN') ? this.positionOf() : undefined;
      case 'SUBSTRING':
        return this.argumentsHave('FROM') ? this.substring() : undefined;
      case 'OVERLAY':
        return this.argumentsHave('PLACING') ? this.overlay() : undefined;
      case 'UNIQUE':
        if (next !== '(' || !this.isQuery(this.position + 1)) return undefined;
        this.advance();
        return { kind: 'Unique', query: this.queryInParentheses(), ...this.span(first) };
      default:
        return undefined;
    }
  }

  // ----------------------------------------------------------------------------------------------- literals

  /** `sign` is the minus before the digits, when they belong together. */
  protected number(first: Token): Literal {
    const { type, start, end } = this.advance();
    const text = (first.type === '-' ? '-' : '') + this.sql.slice(start, end);
    if (type === 'integer') return { kind: 'IntegerLiteral', ...this.span(first), text };
    if (type === 'decimal') return { kind: 'DecimalLiteral', ...this.span(first), text: text.replaceAll('_', '') };
    return { kind: 'DoubleLiteral', ...this.span(first), text };
  }

  #interval(first: Token): Literal | undefined {
    // `interval - '1'` is a subtraction from a column, unless a field follows. Without a sign no column makes sense.
    const signed = this.ahead(1) === '-' || this.ahead(1) === '+';
    if (!isString(this.ahead(signed ? 2 : 1)) || (signed && !isIntervalField(this.ahead(3)))) return undefined;
    this.advance();
    const sign = this.acceptOneOf(['+', '-']) ?? '+';
    const { value } = this.string();
    const qualifier = this.intervalQualifier();
    return { kind: 'IntervalLiteral', ...this.span(first), value, sign, ...qualifier };
  }

  #genericLiteral(first: Token): Literal {
    const type = this.identifier().value;
    this.accept('PRECISION');
    const { value } = this.string();
    return { kind: 'GenericLiteral', ...this.span(first), type, value };
  }

  #array(first: Token): Expression {
    this.expect('[');
    const elements = this.token.type === ']' ? [] : this.list(() => this.expression());
    this.expect(']');
    return { kind: 'Array', ...this.span(first), elements };
  }

  #row(first: Token): Expression {
    this.advance();
    const fields = this.parenthesizedList(() => {
      const expression = this.expression();
      const name = this.accept('AS') || this.token.name ? this.identifier() : undefined;
      return { expression, ...(name && { name }) };
    });
    return { kind: 'Row', ...this.span(first), fields };
  }

  #currentContext(name: CurrentContext['function']): CurrentContext {
    const first = this.advance();
    return { kind: 'CurrentContext', ...this.span(first), function: name };
  }

  // ----------------------------------------------------------------------------------------------- names and calls

  /** What begins with a name: `DATE '…'`, a lambda, a call, a measure, a column. */
  #named(first: Token): Expression {
    const next = this.tokenAhead(1);
    if (isString(next.type)) return this.#genericLiteral(first);
    if (next.type === '->') return this.#lambda(first);
    if (next.type === 'OVER' && (this.ahead(2) === '(' || this.tokenAhead(2).name)) {
      const name = this.identifier();
      this.expect('OVER');
      return { kind: 'Measure', name, window: this.window(), ...this.span(first) };
    }
    if (next.name && (first.type === 'RUNNING' || first.type === 'FINAL') && this.#callFollows(1)) {
      this.advance();
      return this.#call(first, first.type);
    }
    if ((next.type === '(' || next.type === '.' || next.type === '::') && this.#callFollows(0))
      return this.#call(first);
    return this.identifier();
  }

  /** Whether a qualified name from `distance` on is followed by a parenthesis or `::`. */
  #callFollows(distance: number): boolean {
    let at = distance + 1;
    while (this.ahead(at) === '.' && this.tokenAhead(at + 1).name) at += 2;
    return this.ahead(at) === '(' || (this.ahead(at) === '::' && this.ahead(at + 2) === '(');
  }

  #call(first: Token, processingMode?: 'RUNNING' | 'FINAL'): Expression {
    const name = this.qualifiedName();
    if (this.accept('::')) {
      const method = this.#methodName();
      const args = this.#plainArguments();
      return { kind: 'StaticMethodCall', ...this.span(first), type: name, method, arguments: args };
    }
    this.expect('(');
    const mode = processingMode ? { processingMode } : {};
    const star = this.#star();
    const empty = star !== undefined || this.token.type === ')' || this.token.type === 'ORDER';
    const distinct = !empty && this.setQuantifier();
    const names: (Identifier | undefined)[] = [];
    const args = empty ? [] : this.list(() => this.#argument(names));
    const orderBy = star ? undefined : this.orderBy();
    this.expect(')');
    const modifiers = this.#modifiers();
    const call: FunctionCall = {
      kind: 'FunctionCall',
      ...this.span(first),
      name,
      arguments: args,
      ...(names.some((given) => given) && { argumentNames: names }),
      star: false,
      ...star,
      distinct,
      ...(orderBy && { orderBy }),
      ...mode,
      ...modifiers,
    };
    return specialCall(call) ?? call;
  }

  /** `*` or `label.*` */
  #star(): { star: true; starLabel?: Identifier } | undefined {
    if (this.at('*')) {
      this.advance();
      return { star: true };
    }
    if (!this.token.name || this.ahead(1) !== '.' || this.ahead(2) !== '*') return undefined;
    const starLabel = this.identifier();
    this.expect('.');
    this.expect('*');
    return { star: true, starLabel };
  }

  #argument(names: (Identifier | undefined)[]): Expression {
    const name = this.token.name && this.ahead(1) === '=>' ? this.identifier() : undefined;
    if (name) this.expect('=>');
    names.push(name);
    return this.expression();
  }

  /** What may follow the arguments. FILTER, IGNORE, RESPECT and OVER may be aliases too. */
  #modifiers(): Modifiers {
    const filter = this.filter();
    let nullTreatment: 'IGNORE' | 'RESPECT' | undefined;
    if (this.ahead(1) === 'NULLS' && this.ahead(2) === 'OVER') {
      nullTreatment = this.acceptOneOf(['IGNORE', 'RESPECT']);
      if (nullTreatment) this.expect('NULLS');
    }
    const over = this.at('OVER') && (this.ahead(1) === '(' || this.tokenAhead(1).name);
    if (over) this.advance();
    const window = over ? this.window() : undefined;
    return {
      ...(filter && { filter }),
      ...(nullTreatment && { nullTreatment }),
      ...(window && { window }),
    };
  }

  // ----------------------------------------------------------------------------------------------- parentheses

  /** A subquery, a lambda, an expression, or a row of several. */
  #parenthesized(first: Token): Expression {
    const open = this.position;
    if (this.tokens[this.partner(open) + 1]?.type === '->') return this.#lambda(first);
    if (this.isQuery(open))
      return { kind: 'SubqueryExpression', query: this.queryInParentheses(), ...this.span(first) };
    this.expect('(');
    const expression = this.expression();
    if (this.accept(')')) return expression;
    if (!this.at(',')) this.expect(')');
    const fields = [{ expression }];
    while (this.accept(',')) fields.push({ expression: this.expression() });
    this.expect(')');
    return { kind: 'Row', ...this.span(first), fields };
  }

  #lambda(first: Token): Expression {
    let parameters: Identifier[] = [];
    if (this.accept('(')) {
      if (this.token.type !== ')') parameters = this.list(() => this.identifier());
      this.expect(')');
    } else {
      parameters = [this.identifier()];
    }
    this.expect('->');
    const body = this.expression();
    return { kind: 'Lambda', ...this.span(first), parameters, body };
  }
}

const isString = (type: TokenType): boolean => type === 'string' || type === 'unicode-string';
