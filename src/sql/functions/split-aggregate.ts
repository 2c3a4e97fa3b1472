/** Two-step forms of aggregates: parts that each task computes over its rows, and how they combine. */

import { BIGINT, decimal, DOUBLE, type SqlType } from '../../types/type.ts';
import { type AggregateCall, type Expression, reference, type Symbol } from '../expression.ts';

export type SplitAggregate = {
  readonly partial: readonly AggregateCall[];
  /** `partialSymbols` stand for the partial results, in their order. */
  readonly final: (partialSymbols: readonly Symbol[]) => FinalAggregate;
};

export type FinalAggregate = {
  readonly aggregates: readonly AggregateCall[];
  /** The call's value, given references to the results of `aggregates` in their order. */
  readonly project: (finalReferences: readonly Expression[]) => Expression;
};

/** The two steps of `call`; undefined when it must see all its rows in one place. */
export function splitAggregate(call: AggregateCall): SplitAggregate | undefined {
  if (call.distinct || call.orderBy.length > 0) return undefined;
  return SPLITS[call.function]?.(call);
}

type Split = (call: AggregateCall) => SplitAggregate;

const WIDE = decimal(38, 0);

const part = (call: AggregateCall, id: string, type: SqlType, args: readonly Expression[]): AggregateCall => ({
  function: id,
  type,
  arguments: args,
  distinct: false,
  orderBy: [],
  ...(call.filter && { filter: call.filter }),
});

/** The final step's filter has been applied by the partial one. */
const over = (id: string, type: SqlType, symbols: readonly Symbol[]): AggregateCall => ({
  function: id,
  type,
  arguments: symbols.map(reference),
  distinct: false,
  orderBy: [],
});

const first = (references: readonly Expression[]): Expression => references[0]!;

/** min(min(x)): the same function in both steps. */
const same: Split = (call) => ({
  partial: [part(call, call.function, call.type, call.arguments)],
  final: (symbols) => ({ aggregates: [over(call.function, call.type, symbols)], project: first }),
});

/** Counts add up; no partial row at all counts as 0. */
const counted: Split = (call) => ({
  partial: [part(call, call.function, BIGINT, call.arguments)],
  final: (symbols) => ({
    aggregates: [over('sum(bigint)', BIGINT, symbols)],
    project: (references) => ({
      kind: 'Coalesce',
      type: BIGINT,
      arguments: [first(references), { kind: 'Constant', type: BIGINT, value: '0' }],
    }),
  }),
});

/** Partial sums may pass the range of BIGINT though the whole does not. */
const sumInteger: Split = (call) => ({
  partial: [part(call, '$sum_wide(bigint)', WIDE, call.arguments)],
  final: (symbols) => ({ aggregates: [over('$sum_final(decimal(38,0))', BIGINT, symbols)], project: first }),
});

const sumDecimal: Split = (call) => ({
  partial: [part(call, call.function, call.type, call.arguments)],
  final: (symbols) => ({ aggregates: [over('sum(decimal(p,s))', call.type, symbols)], project: first }),
});

const cast = (argument: Expression, type: SqlType): Expression =>
  argument.type.kind === type.kind ? argument : { kind: 'Cast', type, argument, safe: false };

/** Sum and count; `sumId` adds values of `sumType`, `combineId` adds those sums. */
const average =
  (sumId: string, sumType: SqlType, combineId: string, argumentType: SqlType): Split =>
  (call) => {
    const argument = cast(call.arguments[0]!, argumentType);
    return {
      partial: [part(call, sumId, sumType, [argument]), part(call, 'count(T)', BIGINT, [argument])],
      final: ([sum, count]) => ({
        aggregates: [over(combineId, sumType, [sum!]), over('sum(bigint)', BIGINT, [count!])],
        project: ([total, rows]) =>
          cast(
            {
              kind: 'Call',
              type: DOUBLE,
              function: '$divide(double,double)',
              arguments: [cast(total!, DOUBLE), cast(rows!, DOUBLE)],
            },
            call.type,
          ),
      }),
    };
  };

const averageDecimal: Split = (call) => {
  const [argument] = call.arguments;
  const scale = call.type.kind === 'decimal' ? call.type.scale : 0;
  return {
    partial: [
      part(call, 'sum(decimal(p,s))', decimal(38, scale), [argument!]),
      part(call, 'count(T)', BIGINT, [argument!]),
    ],
    final: (symbols) => ({
      aggregates: [over('$average_final(decimal(38,s),bigint)', call.type, symbols)],
      project: first,
    }),
  };
};

/** The value of the least key of each part, beside that key. */
const extremeBy =
  (extreme: string): Split =>
  (call) => {
    const key = call.arguments[1]!;
    return {
      partial: [part(call, call.function, call.type, call.arguments), part(call, extreme, key.type, [key])],
      final: (symbols) => ({ aggregates: [over(call.function, call.type, symbols)], project: first }),
    };
  };

const SPLITS: Readonly<Record<string, Split>> = {
  'count()': counted,
  'count(T)': counted,
  'count_if(boolean)': counted,
  'sum(bigint)': sumInteger,
  'sum(double)': same,
  'sum(real)': same,
  'sum(decimal(p,s))': sumDecimal,
  'sum(interval day to second)': same,
  'sum(interval year to month)': same,
  'avg(bigint)': average('$sum_wide(bigint)', WIDE, 'sum(decimal(p,s))', BIGINT),
  'avg(double)': average('sum(double)', DOUBLE, 'sum(double)', DOUBLE),
  'avg(real)': average('sum(double)', DOUBLE, 'sum(double)', DOUBLE),
  'avg(decimal(p,s))': averageDecimal,
  'min(T)': same,
  'max(T)': same,
  'bool_and(boolean)': same,
  'bool_or(boolean)': same,
  'every(boolean)': same,
  'arbitrary(T)': same,
  'any_value(T)': same,
  'min_by(V,K)': extremeBy('min(T)'),
  'max_by(V,K)': extremeBy('max(T)'),
};
