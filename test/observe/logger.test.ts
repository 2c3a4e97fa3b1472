/** What operators read. */
import { expect, test } from 'vitest';
import { makeLogger } from '../../src/observe/logger.ts';

test('an error is logged with its message', () => {
  const lines: string[] = [];
  const logger = makeLogger('worker', {}, { write: (line) => void lines.push(line) });
  logger.warn({ error: new TypeError('no store') }, 'the namenode did not answer');
  const [line] = lines.map((each) => JSON.parse(each) as object);
  expect(line).toMatchObject({
    role: 'worker',
    error: { type: 'TypeError', message: 'no store' },
    msg: 'the namenode did not answer',
  });
});
