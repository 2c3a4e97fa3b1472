/**
 * Random expressions for comparing parsers: chains of operators of all precedences, with few parentheses, so that what
 * binds to what is for the parser to find out. An oracle that lacks a construct has it left out here.
 */

/** What an oracle can read besides the common ground. */
export type Constructs = {
  readonly intervals: boolean;
  readonly lambdas: boolean;
  readonly parameters: boolean;
  readonly truthTests: boolean;
  readonly symmetricBetween: boolean;
  /** `f(x)[1]`, `(a + b)[1]`. */
  readonly subscriptsOfAnything: boolean;
  /** `-x AT TIME ZONE 'z'` and `x BETWEEN y AT TIME ZONE 'z' AND …`, which bind differently in PostgreSQL. */
  readonly timeZonesAnywhere: boolean;
  /** `-(1)`, which PostgreSQL turns into the literal -1. */
  readonly signsOfAnything: boolean;
  /** `x IN ((SELECT 1))`, to PostgreSQL the same as without the inner parentheses. */
  readonly listsOfOne: boolean;
  /** How long chains are, between 0 and 1: what the oracle's speed allows. */
  readonly length: number;
};

/** A generator of numbers in [0, 1) that is the same for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `depth`: how many brackets may stand inside each other. */
export function randomExpression(next: () => number, can: Constructs, depth: number): string {
  return new Generator(next, can).expression(depth);
}

const LITERALS = `0 1 42 -1 1.5 -0.5 .5 1E3 'text' 'it''s' '' NULL TRUE FALSE DATE_'2020-01-01' TIMESTAMP_'2020-01-01'`
  .split(' ')
  .map((literal) => literal.replace('_', ' '));

class Generator {
  readonly #next: () => number;
  readonly #can: Constructs;

  constructor(next: () => number, can: Constructs) {
    this.#next = next;
    this.#can = can;
  }

  #chance(probability: number): boolean {
    return this.#next() < probability;
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#next() * choices.length)]!;
  }

  /** `item operator item …`, mostly of one item. */
  #chain(operators: readonly string[], more: number, item: () => string): string {
    let text = item();
    while (this.#chance(more * this.#can.length)) text += ` ${this.#pick(operators)} ${item()}`;
    return text;
  }

  expression(depth: number): string {
    return this.#chain(['OR'], 0.25, () =>
      this.#chain(['AND'], 0.25, () => `${this.#chance(0.15) ? 'NOT ' : ''}${this.#predicate(depth)}`),
    );
  }

  #predicate(depth: number): string {
    const left = this.#value(depth);
    if (this.#chance(0.4)) return left;
    const not = this.#chance(0.3) ? 'NOT ' : '';
    const forms = [
      () => `${this.#pick(['=', '<>', '!=', '<', '<=', '>', '>='])} ${this.#value(depth)}`,
      () => `${not}BETWEEN ${this.#symmetric()}${this.#lowerBound(depth)} AND ${this.#value(depth)}`,
      () => `${not}IN (${this.#can.listsOfOne ? '' : '1, '}${this.#list(depth)})`,
      () => `${not}IN (SELECT 1)`,
      () => `${not}LIKE ${this.#value(depth)}${this.#chance(0.3) ? ` ESCAPE ${this.#literal()}` : ''}`,
      () => `IS ${not}NULL`,
      () => `IS ${not}DISTINCT FROM ${this.#value(depth)}`,
      () => `${this.#pick(['=', '<', '>='])} ${this.#pick(['ALL', 'ANY', 'SOME'])} (SELECT 1)`,
      ...(this.#can.truthTests ? [() => `IS ${not}${this.#pick(['TRUE', 'FALSE', 'UNKNOWN'])}`] : []),
    ];
    return `${left} ${this.#pick(forms)()}`;
  }

  #symmetric(): string {
    return this.#can.symmetricBetween && this.#chance(0.2) ? 'SYMMETRIC ' : '';
  }

  #lowerBound(depth: number): string {
    return this.#can.timeZonesAnywhere ? this.#value(depth) : this.#primary(depth);
  }

  #value(depth: number): string {
    return this.#chain(['||'], 0.2, () =>
      this.#chain(['+', '-'], 0.25, () => this.#chain(['*', '/', '%'], 0.25, () => this.#signed(depth))),
    );
  }

  #signed(depth: number): string {
    if (!this.#chance(0.12)) return this.#inTimeZone(depth);
    const sign = this.#pick(['-', '+', '- -', '+ -']);
    return `${sign} ${this.#can.signsOfAnything ? this.#signable(depth) : this.#column()}`;
  }

  /** No bare number: a minus before it would belong to the number. */
  #signable(depth: number): string {
    if (this.#chance(0.3)) return `(${this.expression(depth - 1)})`;
    const zone = this.#can.timeZonesAnywhere && this.#chance(0.3) ? ` AT TIME ZONE 'UTC'` : '';
    return this.#column() + zone;
  }

  #inTimeZone(depth: number): string {
    let text = this.#primary(depth);
    while (this.#chance(0.05)) text += ` AT TIME ZONE ${this.#pick(["'UTC'", "'Europe/Berlin'"])}`;
    return text;
  }

  #primary(depth: number): string {
    if (depth <= 0 || this.#chance(0.7)) return this.#chance(0.6) ? this.#column() : this.#literal();
    const inner = (): string => this.expression(depth - 1);
    const forms = [
      () => `(${inner()})`,
      () => `(${inner()})`,
      () => `f(${this.#list(depth - 1)})`,
      () => `g()`,
      () => `CAST(${inner()} AS ${this.#pick(['bigint', 'date', 'boolean', 'varchar'])})`,
      () => `CASE WHEN ${inner()} THEN ${inner()} END`,
      () => `CASE ${inner()} WHEN ${inner()} THEN ${inner()} ELSE ${inner()} END`,
      () => `COALESCE(${inner()}, ${inner()})`,
      () => `NULLIF(${inner()}, ${inner()})`,
      () => `ROW(${this.#list(depth - 1)})`,
      () => `(${inner()}, ${inner()})`,
      () => `ARRAY[${this.#list(depth - 1)}]`,
      () => `EXISTS (SELECT 1)`,
      () => `(SELECT 1)`,
      () => `EXTRACT(${this.#pick(['YEAR', 'HOUR', 'DOW'])} FROM ${this.#value(depth - 1)})`,
      () => `${this.#column()}[${this.#value(depth - 1)}]`,
      ...(this.#can.subscriptsOfAnything
        ? [() => `f(${inner()})[${this.#value(depth - 1)}]`, () => `(${inner()})[1]`, () => `f(${inner()}).field`]
        : []),
      ...(this.#can.lambdas ? [() => `f((x, y) -> ${inner()})`, () => `f((x) -> ${inner()}, ${inner()})`] : []),
    ];
    return this.#pick(forms)();
  }

  #list(depth: number): string {
    return this.#chain([','], 0.4, () => this.expression(depth - 1));
  }

  #column(): string {
    return this.#pick(['a', 'b', 'c', 't.d', 's.t.e', '"Quoted ""name"', 'year', 'value']);
  }

  #literal(): string {
    return this.#pick([
      ...LITERALS,
      ...(this.#can.intervals ? ["INTERVAL '1' DAY", "INTERVAL -'2' YEAR TO MONTH"] : []),
      ...(this.#can.parameters ? ['?'] : []),
    ]);
  }
}
