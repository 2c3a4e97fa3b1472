/** ORDER BY, windows, and the row patterns of MATCH_RECOGNIZE and of window frames. */
import type {
  Expression,
  FrameBound,
  MeasureDefinition,
  OrderBy,
  PatternQuantifier,
  Query,
  RowPattern,
  SkipTo,
  SortItem,
  SubsetDefinition,
  VariableDefinition,
  Window,
  WindowFrame,
  WindowSpecification,
} from '../ast.ts';
import { TypeParser } from './type-parser.ts';

export abstract class WindowParser extends TypeParser {
  protected abstract expression(): Expression;
  protected abstract query(): Query;

  /** `(query)` */
  protected queryInParentheses(): Query {
    this.expect('(');
    const query = this.query();
    this.expect(')');
    return query;
  }

  protected orderBy(): OrderBy | undefined {
    const first = this.token;
    if (!this.accept('ORDER')) return undefined;
    this.expect('BY');
    const items = this.list(() => this.sortItem());
    return { kind: 'OrderBy', ...this.span(first), items };
  }

  protected sortItem(): SortItem {
    const first = this.token;
    const key = this.expression();
    const descending = this.acceptOneOf(['ASC', 'DESC']) === 'DESC';
    const nulls = this.accept('NULLS') ? this.expectOneOf(['FIRST', 'LAST']) : undefined;
    return { kind: 'SortItem', ...this.span(first), key, descending, ...(nulls && { nulls }) };
  }

  /** After OVER. */
  protected window(): Window {
    if (this.at('(')) return this.windowSpecification();
    const first = this.token;
    const name = this.identifier();
    return { kind: 'WindowReference', ...this.span(first), name };
  }

  /** With its parentheses. */
  protected windowSpecification(): WindowSpecification {
    const first = this.expect('(');
    const existingName = this.#atExistingWindow() ? this.identifier() : undefined;
    const partitionBy = this.partitionBy();
    const orderBy = this.orderBy();
    const frame = this.#windowFrame();
    this.expect(')');
    return {
      kind: 'WindowSpecification',
      ...this.span(first),
      ...(existingName && { existingName }),
      partitionBy,
      ...(orderBy && { orderBy }),
      ...(frame && { frame }),
    };
  }

  /** A name, unless it begins one of the clauses: PARTITION, MEASURES, RANGE, ROWS and GROUPS may be names too. */
  #atExistingWindow(): boolean {
    if (!this.token.name) {
      this.note('<identifier>');
      return false;
    }
    const next = this.ahead(1);
    if (this.token.type === 'PARTITION') return next !== 'BY';
    const framing = ['MEASURES', 'RANGE', 'ROWS', 'GROUPS'].includes(this.token.type);
    return !framing || next === ')' || next === 'ORDER' || (next === 'PARTITION' && this.ahead(2) === 'BY');
  }

  protected partitionBy(): Expression[] {
    if (!this.accept('PARTITION')) return [];
    this.expect('BY');
    return this.list(() => this.expression());
  }

  #windowFrame(): WindowFrame | undefined {
    const first = this.token;
    const measures = this.measures();
    const type = this.acceptOneOf(['RANGE', 'ROWS', 'GROUPS']);
    if (!type) return measures.length > 0 ? this.fail() : undefined;
    const between = this.accept('BETWEEN');
    const frameStart = this.#frameBound();
    if (between) this.expect('AND');
    const frameEnd = between ? this.#frameBound() : undefined;
    const afterMatch = this.afterMatch();
    const searchMode = this.acceptOneOf(['INITIAL', 'SEEK']);
    const pattern = this.at('PATTERN') ? this.pattern() : undefined;
    const subsets = this.subsets();
    const variables = this.at('DEFINE') ? this.define() : [];
    return {
      kind: 'WindowFrame',
      ...this.span(first),
      type,
      frameStart,
      ...(frameEnd && { frameEnd }),
      measures,
      ...(afterMatch && { afterMatch }),
      ...(searchMode && { searchMode }),
      ...(pattern && { pattern }),
      subsets,
      variables,
    };
  }

  #frameBound(): FrameBound {
    const first = this.token;
    const next = this.ahead(1);
    if (this.at('UNBOUNDED') && (next === 'PRECEDING' || next === 'FOLLOWING')) {
      this.advance();
      this.advance();
      return { kind: 'FrameBound', ...this.span(first), type: `UNBOUNDED ${next}` };
    }
    if (this.acceptAll('CURRENT', 'ROW')) return { kind: 'FrameBound', ...this.span(first), type: 'CURRENT ROW' };
    const value = this.expression();
    const type = this.expectOneOf(['PRECEDING', 'FOLLOWING']);
    return { kind: 'FrameBound', ...this.span(first), type, value };
  }

  // --------------------------------------------------------------------------------------------------- row patterns

  protected measures(): MeasureDefinition[] {
    if (!this.accept('MEASURES')) return [];
    return this.list(() => {
      const first = this.token;
      const expression = this.expression();
      this.expect('AS');
      const name = this.identifier();
      return { kind: 'MeasureDefinition', ...this.span(first), expression, name };
    });
  }

  protected afterMatch(): SkipTo | undefined {
    const first = this.token;
    if (!this.accept('AFTER')) return undefined;
    this.expect('MATCH');
    this.expect('SKIP');
    const skip = (position: SkipTo['position']): SkipTo => ({ kind: 'SkipTo', ...this.span(first), position });
    if (this.accept('PAST')) {
      this.expect('LAST');
      this.expect('ROW');
      return skip('PAST LAST ROW');
    }
    this.expect('TO');
    if (this.acceptAll('NEXT', 'ROW')) return skip('NEXT ROW');
    const edge = this.tokenAhead(1).name ? this.acceptOneOf(['FIRST', 'LAST']) : undefined;
    const variable = this.identifier();
    return { kind: 'SkipTo', ...this.span(first), position: edge ?? 'LAST', variable };
  }

  /** `PATTERN (…)` */
  protected pattern(): RowPattern {
    this.expect('PATTERN');
    this.expect('(');
    const pattern = this.#rowPattern();
    this.expect(')');
    return pattern;
  }

  protected subsets(): SubsetDefinition[] {
    if (!this.accept('SUBSET')) return [];
    return this.list(() => {
      const first = this.token;
      const name = this.identifier();
      this.expect('=');
      const variables = this.parenthesizedList(() => this.identifier());
      return { kind: 'SubsetDefinition', ...this.span(first), name, variables };
    });
  }

  protected define(): VariableDefinition[] {
    this.expect('DEFINE');
    return this.list(() => this.#variableDefinition());
  }

  #variableDefinition(): VariableDefinition {
    const first = this.token;
    const name = this.identifier();
    this.expect('AS');
    const expression = this.expression();
    return { kind: 'VariableDefinition', ...this.span(first), name, expression };
  }

  #rowPattern(): RowPattern {
    this.enter();
    const first = this.token;
    const alternatives = [this.#patternSequence()];
    while (this.accept('|')) alternatives.push(this.#patternSequence());
    this.leave();
    if (alternatives.length === 1) return alternatives[0]!;
    return { kind: 'PatternAlternation', ...this.span(first), patterns: alternatives };
  }

  #patternSequence(): RowPattern {
    const first = this.token;
    const patterns = [this.#quantifiedPattern()];
    while (this.#atPatternPrimary()) patterns.push(this.#quantifiedPattern());
    if (patterns.length === 1) return patterns[0]!;
    return { kind: 'PatternConcatenation', ...this.span(first), patterns };
  }

  #atPatternPrimary(): boolean {
    const { type, name } = this.token;
    return name || type === '(' || type === '^' || type === '$' || type === '{-';
  }

  #quantifiedPattern(): RowPattern {
    const first = this.token;
    const pattern = this.#patternPrimary();
    const quantifier = this.#patternQuantifier();
    return quantifier ? { kind: 'QuantifiedPattern', ...this.span(first), pattern, quantifier } : pattern;
  }

  #patternPrimary(): RowPattern {
    const first = this.token;
    if (!this.#atPatternPrimary()) {
      this.note('<pattern>');
      this.fail();
    }
    if (this.accept('^')) return { kind: 'AnchorPattern', ...this.span(first), type: 'PARTITION_START' };
    if (this.accept('$')) return { kind: 'AnchorPattern', ...this.span(first), type: 'PARTITION_END' };
    if (this.accept('{-')) {
      const pattern = this.#rowPattern();
      this.expect('-}');
      return { kind: 'ExcludedPattern', ...this.span(first), pattern };
    }
    if (this.accept('(')) {
      if (this.accept(')')) return { kind: 'EmptyPattern', ...this.span(first) };
      const pattern = this.#rowPattern();
      this.expect(')');
      return pattern;
    }
    if (first.type === 'PERMUTE' && this.ahead(1) === '(') {
      this.advance();
      const patterns = this.parenthesizedList(() => this.#rowPattern());
      return { kind: 'PatternPermutation', ...this.span(first), patterns };
    }
    const name = this.identifier();
    return { kind: 'PatternVariable', ...this.span(first), name };
  }

  #patternQuantifier(): PatternQuantifier | undefined {
    const first = this.token;
    const bounds = this.#patternBounds();
    if (!bounds) return undefined;
    const greedy = !this.accept('?');
    return { kind: 'PatternQuantifier', ...this.span(first), ...bounds, greedy };
  }

  #patternBounds(): { atLeast: string; atMost?: string } | undefined {
    if (this.accept('*')) return { atLeast: '0' };
    if (this.accept('+')) return { atLeast: '1' };
    if (this.accept('?')) return { atLeast: '0', atMost: '1' };
    if (!this.accept('{')) return undefined;
    const least = this.token.type === 'integer' ? this.integer() : undefined;
    if (!this.accept(',')) {
      const exactly = least ?? this.integer();
      this.expect('}');
      return { atLeast: exactly, atMost: exactly };
    }
    const most = this.token.type === 'integer' ? this.integer() : undefined;
    this.expect('}');
    return { atLeast: least ?? '0', ...(most !== undefined && { atMost: most }) };
  }
}
