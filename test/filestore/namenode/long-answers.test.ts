import { expect, test } from 'vitest';
import { LongAnswers } from '../../../src/filestore/namenode/long-answers.ts';
import { SimulatedClock } from '../../cluster/simulated-clock.ts';

const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('who asks again meets the walk that goes on, and gets its answer, also when that was lost on the way', async () => {
  const clock = new SimulatedClock();
  const answers = new LongAnswers(clock);
  const ends: ((answer: object) => void)[] = [];
  const ask = (name: string): Promise<object> =>
    answers.answer(name, () => new Promise((resolve) => void ends.push(resolve)));
  const first = ask('a');
  clock.advance(6_000);
  expect(await first).toEqual({ stillAtWork: true });
  const second = ask('a');
  const other = ask('b');
  expect(ends).toHaveLength(2);
  ends[0]!({ found: 1 });
  ends[1]!({ found: 2 });
  expect([await second, await other, await ask('a')]).toEqual([{ found: 1 }, { found: 2 }, { found: 1 }]);
  // Later it is another question.
  await settled();
  clock.advance(100_000);
  const late = ask('a');
  ends[2]!({ found: 3 });
  expect(await late).toEqual({ found: 3 });
});
