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

test('an answer that was given before anybody was told to ask again is not kept', async () => {
  const clock = new SimulatedClock();
  const answers = new LongAnswers(clock);
  let walks = 0;
  const ask = (): Promise<object> => answers.answer('a', () => Promise.resolve({ walk: (walks += 1) }));
  expect(await ask()).toEqual({ walk: 1 });
  await settled();
  expect(await ask()).toEqual({ walk: 2 });
});

test('each answer is kept for its own minute', async () => {
  const clock = new SimulatedClock();
  const answers = new LongAnswers(clock);
  const ends = new Map<string, (answer: object) => void>();
  const ask = (name: string): Promise<object> =>
    answers.answer(name, () => new Promise((resolve) => void ends.set(name, resolve)));
  const told = [ask('a'), ask('b')];
  clock.advance(6_000);
  await Promise.all(told);
  // The one that was asked for first ends last.
  ends.get('b')!({ found: 'b' });
  await settled();
  clock.advance(50_000);
  ends.get('a')!({ found: 'a' });
  await settled();
  clock.advance(20_000);
  expect(await ask('a')).toEqual({ found: 'a' });
  const late = ask('b');
  ends.get('b')!({ found: 'anew' });
  expect(await late).toEqual({ found: 'anew' });
});
