/** The JSON functions of the SQL standard, which have a syntax of their own. */
import type {
  Expression,
  Identifier,
  JsonArray,
  JsonBehavior,
  JsonExists,
  JsonFormat,
  JsonObject,
  JsonPathInvocation,
  JsonQuery,
  JsonReturning,
  JsonTable,
  JsonTableColumn,
  JsonTableDefaultPlan,
  JsonTablePlan,
  JsonValue,
  JsonValueBehavior,
  JsonValueExpression,
  JsonWrapper,
} from '../ast.ts';
import { WindowParser } from './window-parser.ts';

export abstract class JsonParser extends WindowParser {
  protected jsonExists(): JsonExists {
    const first = this.expect('JSON_EXISTS');
    this.expect('(');
    const invocation = this.#pathInvocation();
    const onError = this.acceptOneOf(['TRUE', 'FALSE', 'UNKNOWN', 'ERROR']);
    if (onError) this.#on('ERROR');
    this.expect(')');
    return { kind: 'JsonExists', ...this.span(first), invocation, ...(onError && { onError }) };
  }

  protected jsonValue(): JsonValue {
    const first = this.expect('JSON_VALUE');
    this.expect('(');
    const invocation = this.#pathInvocation();
    const returning = this.accept('RETURNING') ? this.dataType() : undefined;
    const behaviors = this.#valueBehaviors();
    this.expect(')');
    return { kind: 'JsonValue', ...this.span(first), invocation, ...(returning && { returning }), ...behaviors };
  }

  protected jsonQuery(): JsonQuery {
    const first = this.expect('JSON_QUERY');
    this.expect('(');
    const invocation = this.#pathInvocation();
    const returning = this.#returning();
    const wrapping = this.#wrapping();
    const behaviors = this.#queryBehaviors();
    this.expect(')');
    const options = { ...(returning && { returning }), ...wrapping, ...behaviors };
    return { kind: 'JsonQuery', ...this.span(first), invocation, ...options };
  }

  protected jsonObject(): JsonObject {
    const first = this.expect('JSON_OBJECT');
    this.expect('(');
    const empty = this.token.type === ')' || this.token.type === 'RETURNING';
    const members = empty ? [] : this.list(() => this.#objectMember());
    const nullOnNull = !empty && !this.#absentOnNull(true);
    const uniqueKeys = !empty && this.#uniqueKeys();
    const returning = this.#returning();
    this.expect(')');
    const options = { nullOnNull: empty || nullOnNull, uniqueKeys, ...(returning && { returning }) };
    return { kind: 'JsonObject', ...this.span(first), members, ...options };
  }

  protected jsonArray(): JsonArray {
    const first = this.expect('JSON_ARRAY');
    this.expect('(');
    const empty = this.token.type === ')' || this.token.type === 'RETURNING';
    const elements = empty ? [] : this.list(() => this.#valueExpression());
    const nullOnNull = !empty && !this.#absentOnNull(false);
    const returning = this.#returning();
    this.expect(')');
    return { kind: 'JsonArray', ...this.span(first), elements, nullOnNull, ...(returning && { returning }) };
  }

  protected jsonTable(): JsonTable {
    const first = this.expect('JSON_TABLE');
    this.expect('(');
    const invocation = this.#pathInvocation();
    this.expect('COLUMNS');
    const columns = this.parenthesizedList(() => this.#tableColumn());
    const plan = this.accept('PLAN') ? this.#plan() : undefined;
    const onError = this.acceptOneOf(['ERROR', 'EMPTY']);
    if (onError) this.#on('ERROR');
    this.expect(')');
    const options = { ...(plan && { plan }), ...(onError && { onError }) };
    return { kind: 'JsonTable', ...this.span(first), invocation, columns, ...options };
  }

  // ------------------------------------------------------------------------------------------------ arguments

  #pathInvocation(): JsonPathInvocation {
    const input = this.#valueExpression();
    this.expect(',');
    const path = this.string();
    const pathName = this.accept('AS') ? this.identifier() : undefined;
    const passing = this.accept('PASSING') ? this.list(() => this.#argument()) : [];
    return { input, path, ...(pathName && { pathName }), passing };
  }

  #argument(): JsonValueExpression & { name: Identifier } {
    const value = this.#valueExpression();
    this.expect('AS');
    return { ...value, name: this.identifier() };
  }

  #valueExpression(): JsonValueExpression {
    const value = this.expression();
    const format = this.accept('FORMAT') ? this.#representation() : undefined;
    return { value, ...(format && { format }) };
  }

  #representation(): JsonFormat {
    this.expect('JSON');
    return this.accept('ENCODING') ? this.expectOneOf(['UTF8', 'UTF16', 'UTF32']) : 'JSON';
  }

  #returning(): JsonReturning | undefined {
    if (!this.accept('RETURNING')) return undefined;
    const type = this.dataType();
    const format = this.accept('FORMAT') ? this.#representation() : undefined;
    return { type, ...(format && { format }) };
  }

  #objectMember(): { key: Expression; value: JsonValueExpression } {
    if (this.#atKeyWord()) this.advance();
    const key = this.expression();
    if (!this.accept(':')) this.expect('VALUE');
    return { key, value: this.#valueExpression() };
  }

  /** `KEY k VALUE v`: the word KEY may also be a column, `key VALUE v`, `key: v`, `key + 1 VALUE v`. */
  #atKeyWord(): boolean {
    if (!this.at('KEY')) return false;
    const next = this.tokenAhead(1);
    if (next.type === 'VALUE') return this.ahead(2) === 'VALUE' || this.ahead(2) === '.';
    const literals = ['string', 'unicode-string', 'integer', 'decimal', 'double', '?', '(', '-', '+', 'CASE', 'CAST'];
    return next.name || literals.includes(next.type);
  }

  /** `NULL ON NULL | ABSENT ON NULL`, or the function's own habit. */
  #absentOnNull(nullByDefault: boolean): boolean {
    const choice = this.acceptOneOf(['NULL', 'ABSENT']);
    if (choice) this.#on('NULL');
    return choice ? choice === 'ABSENT' : !nullByDefault;
  }

  #uniqueKeys(): boolean {
    const choice = this.acceptOneOf(['WITH', 'WITHOUT']);
    if (!choice) return false;
    this.expect('UNIQUE');
    this.accept('KEYS');
    return choice === 'WITH';
  }

  // ------------------------------------------------------------------------------------------------ behaviours

  #on(what: 'EMPTY' | 'ERROR' | 'NULL'): void {
    this.expect('ON');
    this.expect(what);
  }

  #valueBehaviors(): { onEmpty?: JsonValueBehavior; onError?: JsonValueBehavior } {
    return this.#behaviors(() => this.#valueBehavior());
  }

  #queryBehaviors(): { onEmpty?: JsonBehavior; onError?: JsonBehavior } {
    return this.#behaviors(() => this.#queryBehavior());
  }

  /** `[behaviour ON EMPTY] [behaviour ON ERROR]` */
  #behaviors<B>(behavior: () => B | undefined): { onEmpty?: B; onError?: B } {
    const first = behavior();
    if (!first) return {};
    this.expect('ON');
    if (this.expectOneOf(['EMPTY', 'ERROR']) === 'ERROR') return { onError: first };
    const second = behavior();
    if (!second) return { onEmpty: first };
    this.#on('ERROR');
    return { onEmpty: first, onError: second };
  }

  #valueBehavior(): JsonValueBehavior | undefined {
    if (this.accept('DEFAULT')) return { kind: 'DEFAULT', value: this.expression() };
    const kind = this.acceptOneOf(['ERROR', 'NULL']);
    return kind && { kind };
  }

  #queryBehavior(): JsonBehavior | undefined {
    if (this.accept('EMPTY')) return { kind: `EMPTY ${this.expectOneOf(['ARRAY', 'OBJECT'])}` };
    const kind = this.acceptOneOf(['ERROR', 'NULL']);
    return kind && { kind };
  }

  #wrapping(): { wrapper?: JsonWrapper; quotes?: 'KEEP' | 'OMIT' } {
    const wrapper = this.#wrapper();
    const quotes = this.acceptOneOf(['KEEP', 'OMIT']);
    if (quotes) this.expect('QUOTES');
    if (quotes && this.accept('ON')) {
      this.expect('SCALAR');
      this.expect('STRING');
    }
    return { ...(wrapper && { wrapper }), ...(quotes && { quotes }) };
  }

  #wrapper(): JsonWrapper | undefined {
    const choice = this.acceptOneOf(['WITH', 'WITHOUT']);
    if (!choice) return undefined;
    const condition = choice === 'WITH' ? this.acceptOneOf(['CONDITIONAL', 'UNCONDITIONAL']) : undefined;
    this.accept('ARRAY');
    this.expect('WRAPPER');
    return choice === 'WITHOUT' ? 'WITHOUT' : (condition ?? 'UNCONDITIONAL');
  }

  // ------------------------------------------------------------------------------------------------ JSON_TABLE

  #tableColumn(): JsonTableColumn {
    this.enter();
    const column = this.#nestedColumns() ?? this.#plainColumn();
    this.leave();
    return column;
  }

  #nestedColumns(): JsonTableColumn | undefined {
    const first = this.token;
    const next = this.ahead(1);
    if (!this.at('NESTED') || (next !== 'PATH' && next !== 'string' && next !== 'unicode-string')) return undefined;
    this.advance();
    this.accept('PATH');
    const path = this.string();
    const pathName = this.accept('AS') ? this.identifier() : undefined;
    this.expect('COLUMNS');
    const columns = this.parenthesizedList(() => this.#tableColumn());
    return { kind: 'NestedColumns', ...this.span(first), path, ...(pathName && { pathName }), columns };
  }

  #plainColumn(): JsonTableColumn {
    const first = this.token;
    const name = this.identifier();
    if (this.accept('FOR')) {
      this.expect('ORDINALITY');
      return { kind: 'OrdinalityColumn', ...this.span(first), name };
    }
    const type = this.dataType();
    const format = this.accept('FORMAT') ? this.#representation() : undefined;
    const path = this.accept('PATH') ? { path: this.string() } : {};
    if (!format) {
      const behaviors = this.#valueBehaviors();
      return { kind: 'ValueColumn', ...this.span(first), name, type, ...path, ...behaviors };
    }
    const options = { ...this.#wrapping(), ...this.#queryBehaviors() };
    return { kind: 'QueryColumn', ...this.span(first), name, type, format, ...path, ...options };
  }

  #plan(): JsonTablePlan | JsonTableDefaultPlan {
    const first = this.token;
    const isDefault = this.accept('DEFAULT');
    this.expect('(');
    const plan = isDefault ? this.#defaultPlan() : this.#specificPlan();
    this.expect(')');
    return plan.kind === 'JsonTableDefaultPlan' ? { ...plan, ...this.span(first) } : plan;
  }

  #defaultPlan(): JsonTableDefaultPlan {
    const first = this.token;
    let parentChild = this.acceptOneOf(['OUTER', 'INNER']);
    const siblings = !parentChild || this.accept(',') ? this.expectOneOf(['UNION', 'CROSS']) : 'UNION';
    if (!parentChild && this.accept(',')) parentChild = this.expectOneOf(['OUTER', 'INNER']);
    return { kind: 'JsonTableDefaultPlan', ...this.span(first), parentChild: parentChild ?? 'OUTER', siblings };
  }

  #specificPlan(): JsonTablePlan {
    this.enter();
    const first = this.token;
    const left = this.#planPrimary();
    let plan = left;
    const type = left.kind === 'PlanLeaf' && first.name ? this.acceptOneOf(['OUTER', 'INNER']) : undefined;
    if (type && left.kind === 'PlanLeaf') {
      const child = this.#planPrimary();
      plan = { kind: 'PlanParentChild', ...this.span(first), type, parent: left.name, child };
    } else {
      const operator = this.acceptOneOf(['UNION', 'CROSS']);
      if (operator) {
        const siblings = [left, this.#planPrimary()];
        while (this.accept(operator)) siblings.push(this.#planPrimary());
        plan = { kind: 'PlanSiblings', ...this.span(first), type: operator, siblings };
      }
    }
    this.leave();
    return plan;
  }

  #planPrimary(): JsonTablePlan {
    const first = this.token;
    if (this.accept('(')) {
      const plan = this.#specificPlan();
      this.expect(')');
      return plan;
    }
    const name = this.identifier();
    return { kind: 'PlanLeaf', ...this.span(first), name };
  }
}
