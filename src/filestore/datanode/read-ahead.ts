/** Bytes that are read one piece ahead of their taker, from a file that is closed however the taking ends, also before it began. */

import type { Bytes } from '../network.ts';

type Result = IteratorResult<Uint8Array, void>;

const DONE: Result = { done: true, value: undefined };

export function readAhead(first: Result, next: () => Promise<Result>, close: () => Promise<void>): Bytes {
  let ahead = Promise.resolve(first);
  let ended = false;
  const end = async (): Promise<Result> => {
    if (ended) return DONE;
    ended = true;
    // How it ended nobody wants to know any more.
    await ahead.catch(() => undefined);
    await close();
    return DONE;
  };
  const iterator = {
    next: async (): Promise<Result> => {
      if (ended) return DONE;
      try {
        const result = await ahead;
        if (result.done) return await end();
        ahead = next();
        ahead.catch(() => undefined);
        return result;
      } catch (error) {
        await end();
        throw error;
      }
    },
    return: end,
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
