/** The namespace as the journal wants it: a state machine that can be written and read. */

import type { StateMachine } from '../../journal/journal.ts';
import { apply } from './apply.ts';
import { CheckpointReader } from './read-checkpoint.ts';
import { decodeRecord, encodeRecord } from './record-codec.ts';
import type { NamespaceRecord } from './records.ts';
import { newNamespace } from './state.ts';
import type { Namespace } from './state.ts';
import { writeCheckpoint } from './write-checkpoint.ts';

/** A new store begins with an empty root that belongs to `owner`. */
export const namespaceMachine = (root: {
  readonly owner: string;
  readonly group: string;
}): StateMachine<Namespace, NamespaceRecord> => ({
  initial: newNamespace(root),
  apply,
  encode: encodeRecord,
  decode: decodeRecord,
  slices: writeCheckpoint,
  reader: () => {
    const reader = new CheckpointReader();
    return { add: (slice) => reader.add(slice), finish: () => reader.finish() };
  },
});
