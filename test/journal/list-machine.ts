/** The simplest state that shows what a journal did: the list of all records. */

import type { StateMachine } from '../../src/journal/journal.ts';

export const listMachine: StateMachine<readonly string[], string> = {
  initial: [],
  apply: (state, record) => [...state, record],
  encode: (record) => Buffer.from(record),
  decode: (bytes) => Buffer.from(bytes).toString(),
  slices: function* (state) {
    for (let at = 0; at < state.length; at += 3) yield Buffer.from(JSON.stringify(state.slice(at, at + 3)));
  },
  reader: () => {
    const read: string[] = [];
    return {
      add: (slice) => read.push(...(JSON.parse(Buffer.from(slice).toString()) as string[])),
      finish: () => read,
    };
  },
};
