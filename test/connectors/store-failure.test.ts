/** What a query says of a file system's refusals: the code that decides whether a task runs again. */

import { expect, test } from 'vitest';
import { asQueryError } from '../../src/connectors/store-failure.ts';
import { NetworkError, StoreError } from '../../src/filestore/network.ts';

test.each([
  [new StoreError('BlockMissingException', 'nobody has it'), 'FILE_UNAVAILABLE'],
  [new StoreError('SafeModeException', 'nobody has reported it'), 'FILE_UNAVAILABLE'],
  [new StoreError('IOException', 'somebody does not give it'), 'FILE_SYSTEM_ERROR'],
  [new NetworkError('no answer'), 'FILE_SYSTEM_ERROR'],
  [new StoreError('FileNotFoundException', 'there is none'), 'FILE_NOT_FOUND'],
])('%s is %s', async (problem, code) => {
  const read = asQueryError('tutti:///a', () => Promise.reject(problem));
  await expect(read).rejects.toMatchObject({ code, message: `tutti:///a cannot be read: ${problem.message}` });
});
