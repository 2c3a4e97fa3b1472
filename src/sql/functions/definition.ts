/** What one overload of a function is: its signature, its properties, and how a call of it reads in kernel SQL. */

import type { Expression, FunctionId } from '../expression.ts';
import type { SqlType } from '../../types/type.ts';
import { parseSignature, type Signature } from './signature.ts';

export type FunctionKind = 'scalar' | 'aggregate' | 'window';

/** What of the query reaches the kernel SQL of expressions. Fixed by the coordinator, so that every task sees the same. */
export type QueryContext = {
  /** The session's zone: a region name, `UTC`, or an offset such as `+05:30`. */
  readonly timeZone: string;
  /** Start of the query, ISO 8601 in UTC: `2026-11-21T06:00:00.123Z`. */
  readonly now: string;
  readonly user: string;
  readonly catalog?: string;
  readonly schema?: string;
  /**
   * Sums and products of decimals may stay in the kernel's 64 bits, with its overflow check, although their type has more
   * than 18 digits: whoever runs the statement answers that overflow by rendering it anew without this. Such values have
   * the right digits in a narrower kernel type, so they are cast where their type is seen from outside.
   */
  readonly narrowDecimals?: boolean;
};

/** What a definition's `render` may use besides the arguments' kernel SQL. */
export type RenderKit = {
  /** Result type of the call. */
  readonly type: SqlType;
  readonly types: readonly SqlType[];
  readonly expressions: readonly Expression[];
  readonly query: QueryContext;
  /** Evaluates `sql` once where `body` would repeat it. Plain columns and constants are repeated. */
  readonly bind: (sql: string, body: (name: string) => string) => string;
  /** A lambda parameter name that no other has. */
  readonly fresh: () => string;
  /**
   * A call of a kernel aggregate or window function with the call's DISTINCT, ORDER BY, FILTER and OVER. Aggregates are
   * written through this, since one of ours may be a formula over several of the kernel's.
   */
  readonly aggregate: (name: string, args: string, where?: string) => string;
  /** Kernel SQL of another typed expression in the same place. */
  readonly render: (expression: Expression) => string;
};

/** What casts need of it. */
export type CastKit = Pick<RenderKit, 'bind' | 'fresh' | 'query'>;

export type Render = (args: readonly string[], kit: RenderKit) => string;

export type FunctionDefinition = {
  readonly id: FunctionId;
  readonly kind: FunctionKind;
  readonly signature: Signature;
  readonly render: Render;
  /** False for random() and its like. */
  readonly deterministic: boolean;
  /** Whether any NULL argument makes the result NULL without evaluation. */
  readonly nullOnNull: boolean;
  /** Whether every value of its arguments has a result: no call of it ends a query. False when unsure. */
  readonly total: boolean;
  /** Not for users: operators and parts of split aggregates; names begin with `$`. */
  readonly hidden: boolean;
  /** Aggregates whose result depends on the order of their input: floating sums, array_agg, arbitrary. */
  readonly orderSensitive: boolean;
  /** Aggregates that compare their arguments by key already: what DISTINCT leaves then is right for every type. */
  readonly distinctByKey: boolean;
  /** Result type where it is computed from the arguments' types rather than named by the signature. */
  readonly returns?: (types: readonly SqlType[]) => SqlType;
};

type Options = Partial<
  Pick<
    FunctionDefinition,
    'kind' | 'deterministic' | 'nullOnNull' | 'total' | 'orderSensitive' | 'distinctByKey' | 'returns'
  >
>;

/** `define('substr(varchar(x), bigint): varchar(x)', ([s, from]) => …)`. */
export function define(text: string, render: Render, options: Options = {}): FunctionDefinition {
  const signature = parseSignature(text);
  return {
    id: signature.id,
    kind: 'scalar',
    signature,
    render,
    deterministic: true,
    nullOnNull: true,
    total: false,
    orderSensitive: false,
    distinctByKey: false,
    hidden: signature.name.startsWith('$'),
    ...options,
  };
}

/** A scalar that is one kernel function of the same arguments. */
export const direct = (text: string, kernelName: string, options: Options = {}): FunctionDefinition =>
  define(text, (args) => `${kernelName}(${args.join(', ')})`, options);

export const aggregate = (text: string, render: Render, options: Options = {}): FunctionDefinition =>
  define(text, render, { kind: 'aggregate', nullOnNull: false, ...options });
