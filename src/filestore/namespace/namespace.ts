/** The namespace as the journal wants it: a state machine that can be written and read. */

import { apply } from './apply.ts';
import { CheckpointReader } from './read-checkpoint.ts';
import { decodeRecord, encodeRecord } from './record-codec.ts';
import type { NamespaceRecord } from './records.ts';
import { newNamespace } from './state.ts';
import type { Namespace } from './state.ts';
import { writeCheckpoint } from './write-checkpoint.ts';

/** A new store begins with an empty root that belongs to `owner`. */
export function namespaceMachine(root: { readonly owner: string; readonly group: string }): {
  readonly initial: Namespace;
  readonly apply: (state: Namespace, record: NamespaceRecord) => Namespace;
  readonly encode: (record: NamespaceRecord) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => NamespaceRecord;
  readonly slices: (state: Namespace) => Iterable<Uint8Array>;
  readonly reader: () => CheckpointReader;
} {
  return {
    initial: newNamespace(root),
    apply,
    encode: encodeRecord,
    decode: decodeRecord,
    slices: writeCheckpoint,
    reader: () => new CheckpointReader(),
  };
}
