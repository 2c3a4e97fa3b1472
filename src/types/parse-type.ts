/** Reads a type as people write it (`decimal(12,2)`, `row(x bigint, y array(varchar))`) in catalogs and signatures. */

import { QueryError } from '../common/errors.ts';
import { CHAR_LENGTH_MAX, DECIMAL_PRECISION_MAX, VARCHAR_LENGTH_UNBOUNDED } from './coercion.ts';
import type { RowField, SqlType } from './type.ts';

export function parseType(text: string): SqlType {
  const tokens = text.match(/"(?:[^"]|"")*"|[a-z_][a-z0-9_]*|[0-9]+|[(),]|[^\s]/gi) ?? [];
  const reader = new TypeReader(text, tokens);
  const type = reader.type();
  reader.end();
  return type;
}

/** A parameter of a type: a number, a type, or a row's field. */
export type TypeParameter = number | SqlType | { readonly field: RowField };

const isField = (p: TypeParameter): p is { readonly field: RowField } => typeof p === 'object' && 'field' in p;
const isType = (p: TypeParameter | undefined): p is SqlType => typeof p === 'object' && 'kind' in p;

const SYNONYMS: Readonly<Record<string, string>> = {
  int: 'integer',
  'double precision': 'double',
  dec: 'decimal',
  numeric: 'decimal',
  'character varying': 'varchar',
  character: 'char',
  string: 'varchar',
  'time without time zone': 'time',
  'timestamp without time zone': 'timestamp',
};

/** Digits of the second's fraction that the kernel can hold. */
export const TIMESTAMP_PRECISION_MAX = 9;
export const TIME_PRECISION_MAX = 6;

/**
 * The type called `name` (any case, `timestamp with time zone` in one string) with its parameters.
 * Throws TYPE_MISMATCH for unknown names or parameters and NOT_SUPPORTED for what the kernel cannot hold.
 */
export function typeFromSignature(name: string, parameters: readonly TypeParameter[] = []): SqlType {
  const lower = name.toLowerCase().replaceAll(/\s+/g, ' ').trim();
  const kind = SYNONYMS[lower] ?? lower;
  const numbers = parameters.filter((p) => typeof p === 'number');
  const [first, second] = parameters;
  const wrong = (what: string): QueryError =>
    new QueryError('TYPE_MISMATCH', `Unknown type: ${lower}${parameters.length > 0 ? '(…)' : ''}: ${what}`);
  switch (kind) {
    case 'boolean':
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'real':
    case 'double':
    case 'varbinary':
    case 'json':
    case 'date':
    case 'interval year to month':
    case 'interval day to second':
    case 'uuid':
    case 'ipaddress':
    case 'unknown':
      if (parameters.length > 0) throw wrong('it takes no parameters');
      return { kind };
    case 'decimal': {
      const precision = numbers[0] ?? DECIMAL_PRECISION_MAX;
      const scale = numbers[1] ?? 0;
      if (precision < 1 || precision > DECIMAL_PRECISION_MAX) {
        throw new QueryError('INVALID_FUNCTION_ARGUMENT', `DECIMAL precision must be in range [1, 38]: ${precision}`);
      }
      if (scale > precision) {
        throw new QueryError(
          'INVALID_FUNCTION_ARGUMENT',
          `DECIMAL scale must be in range [0, precision (${precision})]: ${scale}`,
        );
      }
      return { kind, precision, scale };
    }
    case 'varchar':
      if (numbers[0] === undefined || numbers[0] === VARCHAR_LENGTH_UNBOUNDED) return { kind };
      if (numbers[0] > VARCHAR_LENGTH_UNBOUNDED) throw wrong(`length ${numbers[0]} is too large`);
      return { kind, length: numbers[0] };
    case 'char': {
      const length = numbers[0] ?? 1;
      if (length > CHAR_LENGTH_MAX) {
        throw new QueryError(
          'INVALID_FUNCTION_ARGUMENT',
          `CHAR length must be in range [0, ${CHAR_LENGTH_MAX}], got ${length}`,
        );
      }
      return { kind, length };
    }
    case 'time':
    case 'time with time zone':
      return { kind, precision: fraction(kind, numbers[0] ?? 3, TIME_PRECISION_MAX) };
    case 'timestamp':
    case 'timestamp with time zone':
      return { kind, precision: fraction(kind, numbers[0] ?? 3, TIMESTAMP_PRECISION_MAX) };
    case 'array':
      if (!isType(first) || parameters.length !== 1) throw wrong('an array has one element type');
      return { kind, element: first };
    case 'map':
      if (!isType(first) || !isType(second) || parameters.length !== 2) throw wrong('a map has a key and a value type');
      return { kind, key: first, value: second };
    case 'row': {
      const fields = parameters.map((p) => (isField(p) ? p.field : isType(p) ? { type: p } : undefined));
      if (fields.length === 0 || fields.includes(undefined)) throw wrong('a row has fields');
      return { kind, fields: fields.filter((f) => f !== undefined) };
    }
    case 'function': {
      const types = parameters.filter(isType);
      return { kind, arguments: types.slice(0, -1), result: types.at(-1)! };
    }
    default:
      throw new QueryError('TYPE_NOT_FOUND', `Unknown type: ${lower}`);
  }
}

function fraction(kind: string, precision: number, max: number): number {
  if (precision > 12) {
    throw new QueryError(
      'INVALID_FUNCTION_ARGUMENT',
      `${kind.toUpperCase()} precision must be in range [0, 12]: ${precision}`,
    );
  }
  if (precision > max) {
    throw new QueryError(
      'NOT_SUPPORTED',
      `${kind} with precision ${precision} is not supported; use a precision of at most ${max}`,
    );
  }
  return precision;
}

const NAMED_WITH_SPACES: readonly string[] = [
  'double precision',
  'character varying',
  'interval year to month',
  'interval day to second',
];

class TypeReader {
  readonly #text: string;
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string, tokens: readonly string[]) {
    this.#text = text;
    this.#tokens = tokens;
  }

  type(): SqlType {
    let name = this.#word();
    for (const long of NAMED_WITH_SPACES) {
      const words = long.split(' ');
      if (name === words[0] && words.slice(1).every((word, i) => this.#peek(i) === word)) {
        this.#at += words.length - 1;
        name = long;
        break;
      }
    }
    const parameters = this.#parameters(name);
    if (name === 'time' || name === 'timestamp') {
      const tail = [this.#peek(0), this.#peek(1), this.#peek(2)].join(' ');
      if (tail === 'with time zone' || tail === 'without time zone') {
        this.#at += 3;
        if (tail === 'with time zone') name = `${name} with time zone`;
      }
    }
    return typeFromSignature(name, parameters);
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw this.#error();
  }

  #parameters(name: string): TypeParameter[] {
    if (!this.#take('(')) return [];
    const parameters: TypeParameter[] = [];
    do {
      parameters.push(name === 'row' ? { field: this.#field() } : this.#parameter());
    } while (this.#take(','));
    if (!this.#take(')')) throw this.#error();
    return parameters;
  }

  #parameter(): TypeParameter {
    const token = this.#tokens[this.#at];
    if (token === undefined || !/^[0-9]+$/.test(token)) return this.type();
    this.#at++;
    return Number(token);
  }

  /** `x bigint`, `"x y" bigint`, or only a type. */
  #field(): RowField {
    const token = this.#tokens[this.#at];
    const start = this.#at;
    if (token?.startsWith('"')) {
      this.#at++;
      return { name: token.slice(1, -1).replaceAll('""', '"'), type: this.type() };
    }
    if (token !== undefined && /^[a-z_]/i.test(token) && /^[a-z_]/i.test(this.#tokens[start + 1] ?? '')) {
      const words = [token, this.#tokens[start + 1]].join(' ').toLowerCase();
      if (!NAMED_WITH_SPACES.some((long) => long.startsWith(words)) && !/^(time|timestamp) with/.test(words)) {
        this.#at++;
        return { name: token.toLowerCase(), type: this.type() };
      }
    }
    return { type: this.type() };
  }

  #word(): string {
    const token = this.#tokens[this.#at];
    if (token === undefined || !/^[a-z_]/i.test(token)) throw this.#error();
    this.#at++;
    return token.toLowerCase();
  }

  #peek(ahead: number): string | undefined {
    return this.#tokens[this.#at + ahead]?.toLowerCase();
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #error(): QueryError {
    const found = this.#tokens[this.#at];
    return new QueryError(
      'TYPE_MISMATCH',
      `Cannot read the type '${this.#text}': ${found === undefined ? 'it ends too early' : `unexpected '${found}'`}`,
    );
  }
}
