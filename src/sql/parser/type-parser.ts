/** Data types and interval qualifiers. */
import type { DataType, IntervalField, IntervalQualifier, RowDataType, TypeArgument } from '../ast.ts';
import type { Token } from '../lexer.ts';
import { Lookahead } from './lookahead.ts';

const INTERVAL_FIELDS = ['YEAR', 'MONTH', 'DAY', 'HOUR', 'MINUTE', 'SECOND'] as const;

export const isIntervalField = (type: Token['type']): boolean => (INTERVAL_FIELDS as readonly string[]).includes(type);

export class TypeParser extends Lookahead {
  protected dataType(): DataType {
    this.enter();
    const first = this.token;
    let type = this.#simpleType(first);
    // `bigint ARRAY ARRAY`, `bigint ARRAY[10]`: the length is read and means nothing, as in Trino.
    while (this.at('ARRAY')) {
      const word = this.advance();
      if (this.accept('[')) {
        this.integer();
        this.expect(']');
      }
      const name = { kind: 'Identifier', ...spanOf(word), value: 'array', quoted: false } as const;
      type = { kind: 'GenericDataType', ...this.span(first), name, arguments: [type] };
    }
    this.leave();
    return type;
  }

  #simpleType(first: Token): DataType {
    this.named('<type>');
    if (first.type === 'ROW' && this.ahead(1) === '(') return this.#rowType(first);
    if (first.type === 'INTERVAL' && isIntervalField(this.ahead(1))) {
      this.advance();
      const qualifier = this.intervalQualifier();
      return { kind: 'IntervalDataType', ...this.span(first), ...qualifier };
    }
    if (first.type === 'TIME' || first.type === 'TIMESTAMP') return this.#dateTimeType(first, first.type);
    if (first.type === 'DOUBLE' && this.ahead(1) === 'PRECISION') {
      const name = { ...this.identifier(), value: 'double' };
      this.advance();
      return { kind: 'GenericDataType', ...this.span(first), name, arguments: [] };
    }
    const name = this.identifier();
    const types: TypeArgument[] = [];
    if ((first.type === 'ARRAY' || first.type === 'MAP') && this.accept('<')) {
      types.push(this.dataType());
      if (first.type === 'MAP') {
        this.expect(',');
        types.push(this.dataType());
      }
      this.expect('>');
    } else if (this.at('(')) {
      types.push(...this.parenthesizedList(() => this.#typeArgument()));
    }
    return { kind: 'GenericDataType', ...this.span(first), name, arguments: types };
  }

  #typeArgument(): TypeArgument {
    const first = this.token;
    if (first.type !== 'integer') return this.dataType();
    const text = this.integer();
    return { kind: 'NumericTypeArgument', ...this.span(first), text };
  }

  #rowType(first: Token): RowDataType {
    this.advance();
    const fields = this.parenthesizedList(() => {
      // `ROW(x bigint)` names its field, `ROW(bigint)` does not: after a whole type stands a comma or the end. A first
      // word that is followed by another begins a named field unless the two are one type.
      const named = this.token.name && this.tokenAhead(1).name && !this.#isTwoWordType();
      const name = named ? this.identifier() : undefined;
      return { ...(name && { name }), type: this.dataType() };
    });
    return { kind: 'RowDataType', ...this.span(first), fields };
  }

  #isTwoWordType(): boolean {
    const first = this.token.type;
    const second = this.ahead(1);
    const third = this.tokenAhead(2);
    if (second === 'ARRAY')
      return third.type === ',' || third.type === ')' || third.type === '[' || third.type === 'ARRAY';
    const endsHere = !third.name || third.type === 'ARRAY' || third.type === 'TO';
    if (first === 'DOUBLE' && second === 'PRECISION') return endsHere;
    if (first === 'INTERVAL' && isIntervalField(second)) return endsHere;
    return (first === 'TIME' || first === 'TIMESTAMP') && second === 'WITHOUT' && third.type === 'TIME';
  }

  #dateTimeType(first: Token, type: 'TIME' | 'TIMESTAMP'): DataType {
    this.advance();
    let precision: TypeArgument | undefined;
    if (this.accept('(')) {
      precision = this.#typeArgument();
      this.expect(')');
    }
    const withTimeZone = this.acceptAll('WITH', 'TIME', 'ZONE');
    if (!withTimeZone) this.acceptAll('WITHOUT', 'TIME', 'ZONE');
    return { kind: 'DateTimeDataType', ...this.span(first), type, withTimeZone, ...(precision && { precision }) };
  }

  /** `YEAR TO MONTH`, `DAY(3) TO SECOND(6)`, `SECOND(3, 6)`. */
  protected intervalQualifier(): IntervalQualifier {
    const from = this.expectOneOf(INTERVAL_FIELDS);
    let precision: string | undefined;
    let fractionalPrecision: string | undefined;
    if (this.accept('(')) {
      precision = this.integer();
      if (from === 'SECOND' && this.accept(',')) fractionalPrecision = this.integer();
      this.expect(')');
    }
    // `INTERVAL '1' YEAR to` has an alias.
    const finer = this.#finerFields(from);
    const ranges = finer.length > 0 && this.at('TO') && isIntervalField(this.ahead(1));
    if (ranges) this.advance();
    const to = ranges ? this.expectOneOf(finer) : undefined;
    if (to === 'SECOND' && this.accept('(')) {
      fractionalPrecision = this.integer();
      this.expect(')');
    }
    return {
      from,
      ...(to && { to }),
      ...(precision !== undefined && { precision }),
      ...(fractionalPrecision !== undefined && { fractionalPrecision }),
    };
  }

  /** What may follow TO. `DAY TO DAY` is nothing to Trino's analyzer, but the grammar lets `HOUR TO HOUR` pass. */
  #finerFields(from: IntervalField): readonly IntervalField[] {
    if (from === 'YEAR') return ['MONTH'];
    return from === 'DAY' || from === 'HOUR' || from === 'MINUTE' ? ['HOUR', 'MINUTE', 'SECOND'] : [];
  }
}

const spanOf = ({ location, start, end }: Token) => ({ location, start, end });
