/** Random statements with subqueries in every place, over tables a, b and u of small numbers and NULLs. */

export class RandomSubqueries {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  statement(): string {
    const where = this.#chance(70) ? ` WHERE ${this.#predicate([{ name: 'a', columns: ['k', 'x'] }], 2)}` : '';
    const scope = [{ name: 'a', columns: ['k', 'x'] }];
    const lateral = this.#chance(30) ? this.#lateral(scope) : '';
    const extra = this.#chance(60) ? `, ${this.#value(scope, 2)} AS v` : '';
    return `SELECT a.k, a.x${lateral === '' ? '' : ', l.*'}${extra} FROM a${lateral}${where}`;
  }

  #lateral(scope: readonly Relation[]): string {
    const table = this.#table();
    const inner = [...scope, table];
    const [first, second] = table.columns.map((column) => `${table.name}.${column}`);
    const where = this.#predicate(inner, 1);
    const type = this.#chance(50) ? 'CROSS JOIN LATERAL' : 'LEFT JOIN LATERAL';
    const on = type.startsWith('LEFT') ? ' ON true' : '';
    const query = this.#of([
      `SELECT ${first} lk, ${second} lv FROM ${from(table)} WHERE ${where}`,
      `SELECT ${second} lv FROM ${from(table)} WHERE ${where} ORDER BY ${second}, ${first} LIMIT ${this.#below(3)}`,
      `SELECT count(*) lc, max(${second}) lm FROM ${from(table)} WHERE ${where}`,
      `SELECT DISTINCT ${second} lv FROM ${from(table)} WHERE ${where}`,
      `SELECT ${second} lv, count(*) lc FROM ${from(table)} WHERE ${where} GROUP BY ${second}`,
      `SELECT ${this.#column(scope)} + 1 lo WHERE ${this.#predicate(scope, 0)}`,
    ]);
    return ` ${type} (${query}) l${on}`;
  }

  #predicate(scope: readonly Relation[], depth: number): string {
    if (depth === 0 || this.#chance(35)) {
      const operator = this.#of(['=', '=', '=', '<', '<=', '<>', '>']);
      return this.#chance(15)
        ? `${this.#column(scope)} IS ${this.#of(['', 'NOT '])}NULL`
        : `${this.#column(scope)} ${operator} ${this.#chance(80) ? this.#column(scope) : String(this.#below(8))}`;
    }
    const again = (): string => this.#predicate(scope, depth - 1);
    switch (this.#below(8)) {
      case 0:
        return `(${again()} OR ${again()})`;
      case 1:
      case 2:
        return `${again()} AND ${again()}`;
      case 3:
        return `NOT (${again()})`;
      case 4:
        return `${this.#of(['', 'NOT '])}EXISTS (${this.#query(scope, depth - 1)})`;
      case 5:
        return `${this.#column(scope)} ${this.#of(['', 'NOT '])}IN (${this.#query(scope, depth - 1)})`;
      case 6:
        return `${this.#column(scope)} ${this.#of(['=', '<', '>=', '<>'])} ${this.#of(['ALL', 'ANY'])} (${this.#query(scope, depth - 1)})`;
      default:
        return `${this.#column(scope)} ${this.#of(['=', '<', '>='])} ${this.#value(scope, depth - 1)}`;
    }
  }

  /** A query of one column. */
  #query(scope: readonly Relation[], depth: number): string {
    const table = this.#table();
    const inner = [...scope, table];
    const [key, value] = table.columns.map((column) => `${table.name}.${column}`);
    const where = this.#predicate(inner, depth);
    return this.#of([
      `SELECT ${value} FROM ${from(table)} WHERE ${where}`,
      `SELECT ${value} FROM ${from(table)} WHERE ${where}`,
      `SELECT ${key} FROM ${from(table)}`,
      `SELECT DISTINCT ${value} FROM ${from(table)} WHERE ${where}`,
      `SELECT max(${value}) FROM ${from(table)} WHERE ${where} GROUP BY ${key}`,
      `SELECT ${value} FROM ${from(table)} WHERE ${where} ORDER BY ${value}, ${key} LIMIT ${1 + this.#below(2)}`,
    ]);
  }

  /** A scalar subquery that has one row. */
  #value(scope: readonly Relation[], depth: number): string {
    const table = this.#table();
    const inner = [...scope, table];
    const [key, value] = table.columns.map((column) => `${table.name}.${column}`);
    const where = this.#predicate(inner, depth);
    const aggregate = this.#of([
      `count(*)`,
      `count(${value})`,
      `sum(${value})`,
      `max(${value})`,
      `count(DISTINCT ${key})`,
    ]);
    const having = this.#chance(20) ? ` HAVING count(*) > ${this.#below(2)}` : '';
    return this.#of([
      `(SELECT ${aggregate} FROM ${from(table)} WHERE ${where}${having})`,
      `(SELECT ${aggregate} + 1 FROM ${from(table)} WHERE ${where})`,
      `(SELECT coalesce(sum(${value} + ${this.#column(scope)}), -1) FROM ${from(table)} WHERE ${where})`,
      `(SELECT ${value} FROM ${from(table)} WHERE ${where} ORDER BY ${value}, ${key} LIMIT 1)`,
      `(SELECT ${this.#column(scope)} WHERE ${this.#predicate(scope, 0)})`,
    ]);
  }

  #serial = 0;

  #table(): Relation {
    this.#serial += 1;
    const base = this.#of(['b', 'u']);
    return { name: `${base}${this.#serial}`, base, columns: base === 'b' ? ['k', 'y'] : ['k', 'z'] };
  }

  /** More often of the innermost relations. */
  #column(scope: readonly Relation[]): string {
    const relation = this.#chance(50) ? scope.at(-1)! : this.#of(scope);
    return `${relation.name}.${this.#of(relation.columns)}`;
  }

  #chance(percent: number): boolean {
    return this.#below(100) < percent;
  }

  #of<T>(values: readonly T[]): T {
    return values[this.#below(values.length)]!;
  }

  /** Mulberry32. */
  #below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % bound;
  }
}

type Relation = { readonly name: string; readonly base?: string; readonly columns: readonly string[] };

const from = ({ name, base }: Relation): string => `${base} ${name}`;
