/** How a call finds its overload, and what it says when there is none. */
import { expect, test } from 'vitest';
import { FunctionRegistry, type Argument } from '../../../src/sql/functions/registry.ts';
import { splitAggregate } from '../../../src/sql/functions/split-aggregate.ts';
import { LIBRARY } from '../../../src/sql/functions/library/index.ts';
import { parseType } from '../../../src/types/parse-type.ts';
import { BIGINT, typeName } from '../../../src/types/type.ts';

const registry = new FunctionRegistry();
const types = (text: string): Argument[] => text.split(';').filter(Boolean).map(parseType);
const operator = (op: '+' | '-' | '*' | '/' | '%' | '||' | '[]', text: string): string => {
  const { id, argumentTypes, returnType } = registry.resolveOperator(op, types(text) as never);
  return `${id} ${argumentTypes.map(typeName).join(';')} -> ${typeName(returnType)}`;
};

test.each([
  ['+', 'integer;bigint', '$add(bigint,bigint) bigint;bigint -> bigint'],
  ['+', 'decimal(10,2);integer', '$add(decimal(p,s),decimal(q,t)) decimal(10,2);decimal(10,0) -> decimal(13,2)'],
  [
    '*',
    'decimal(12,2);decimal(13,2)',
    '$multiply(decimal(p,s),decimal(q,t)) decimal(12,2);decimal(13,2) -> decimal(25,4)',
  ],
  [
    '/',
    'decimal(38,6);decimal(38,4)',
    '$divide(decimal(p,s),decimal(q,t)) decimal(38,6);decimal(38,4) -> decimal(38,6)',
  ],
  ['+', 'double;decimal(3,1)', '$add(double,double) double;double -> double'],
  ['-', 'date;interval day to second', '$subtract(date,interval day to second) date;interval day to second -> date'],
  [
    '+',
    'interval year to month;timestamp(3)',
    '$add(interval year to month,timestamp(p)) interval year to month;timestamp(3) -> timestamp(3)',
  ],
  ['||', 'varchar(3);varchar(5)', '$concat(varchar,varchar) varchar;varchar -> varchar'],
  ['[]', 'array(date);integer', '$subscript(array(T),bigint) array(date);bigint -> date'],
  ['[]', 'map(varchar, bigint);varchar(2)', '$subscript(map(K,V),K) map(varchar, bigint);varchar -> bigint'],
] as const)('%s over %s', (op, args, expected) => {
  expect(operator(op, args)).toBe(expected);
});

test('errors name what is expected', () => {
  expect(() => registry.resolve('coutn', [BIGINT])).toThrow("Function 'coutn' not registered; did you mean 'count'?");
  expect(() => registry.resolve('bool_and', [BIGINT])).toThrow(
    'Unexpected parameters (bigint) for function bool_and. Expected: bool_and(boolean)',
  );
  expect(() => registry.resolveOperator('+', [parseType('varchar'), BIGINT])).toThrow(
    'Cannot apply operator: varchar + bigint',
  );
});

test('ids are unique', () => {
  const ids = LIBRARY.map((d) => d.id);
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
});

test('an average splits into a sum and a count', () => {
  const call = {
    function: 'avg(bigint)',
    type: parseType('double'),
    arguments: [{ kind: 'Reference', type: BIGINT, name: 'x' }],
    distinct: false,
    orderBy: [],
  } as const;
  expect(splitAggregate(call)?.partial.map((p) => p.function)).toEqual(['$sum_wide(bigint)', 'count(T)']);
  expect(splitAggregate({ ...call, distinct: true })).toBeUndefined();
});
