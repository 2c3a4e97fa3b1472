/** Terms that are written alike stand once, unless each draws for itself. */
import { expect, test } from 'vitest';
import { and, conjunctsOf, disjunctsOf, or } from '../../src/plan/expressions.ts';
import type { Expression } from '../../src/sql/expression.ts';
import { DOUBLE } from '../../src/types/type.ts';
import { big, compare, ref } from './build.ts';

const random: Expression = { kind: 'Call', type: DOUBLE, function: 'random()', arguments: [] };
const half: Expression = { kind: 'Constant', type: DOUBLE, value: '0.5' };

test('equal terms', () => {
  const term = compare(ref('a'), '>', big(1));
  expect(conjunctsOf(and([term, term]))).toEqual([term]);
  expect(disjunctsOf(or([term, term]))).toEqual([term]);
});

test('terms that draw', () => {
  const draw = compare(random, '<', half);
  expect(conjunctsOf(and([draw, draw]))).toHaveLength(2);
  expect(disjunctsOf(or([draw, draw]))).toHaveLength(2);
});
