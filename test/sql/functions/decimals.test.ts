/** Decimal operators of the kernel against exact arithmetic: what `fold` computes with BigInt. */
import { expect, test } from 'vitest';
import type { Expression } from '../../../src/sql/expression.ts';
import { fold } from '../../../src/sql/functions/fold.ts';
import { Random } from '../../simulation/random.ts';
import { analyze, openEvaluator } from './evaluate.ts';

const SEED = 20261121;

function decimalText(random: Random): string {
  const precision = random.between(1, random.chance(0.3) ? 38 : 18);
  const scale = random.below(Math.min(precision, 12));
  const digits = Array.from({ length: precision }, () => random.below(10)).join('');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale) || '0'}.${digits.slice(-scale)}`;
  return `DECIMAL '${random.chance(0.4) ? '-' : ''}${text}'`;
}

test(`+ - * / % of 400 pairs, seed ${SEED}`, async () => {
  const random = new Random(SEED);
  const evaluator = await openEvaluator();
  const differences: string[] = [];
  let compared = 0;
  for (let i = 0; i < 400; i++) {
    const operator = ['+', '-', '*', '/', '%', '/'][i % 6]!;
    const text = `${decimalText(random)} ${operator} ${decimalText(random)}`;
    const expression: Expression = analyze(text);
    if (fold(expression).kind !== 'Constant') continue;
    const [exact, kernel] = [await evaluator.evaluate(text, 'folded'), await evaluator.evaluate(text)];
    compared++;
    // 128 bits may not hold what lies between: then it is an error, never another number.
    if (exact !== kernel && !kernel.startsWith('!! NUMERIC_VALUE_OUT_OF_RANGE')) {
      differences.push(`${text}: ${exact}, kernel ${kernel}`);
    }
  }
  expect(differences).toEqual([]);
  expect(compared).toBeGreaterThan(300);
});
