/** A file that is whole gets its name, in one step: nobody sees it before, and one that cannot have the name is nobody's. */

import { assert } from '../../common/assert.ts';
import { decideMove } from './decide-tree.ts';
import { decideComplete } from './decide-writes.ts';
import type { CompleteRequest } from './decide-writes.ts';
import { change, unchanged } from './decision.ts';
import type { Decision } from './decision.ts';
import { closedFile } from './open-file.ts';
import type { Caller } from './permissions.ts';
import type { Refusal } from './refusal.ts';
import { resolveInode } from './resolve.ts';
import type { FileNode, Namespace } from './state.ts';

export type PublishRequest = CompleteRequest & {
  readonly path: string;
  readonly caller: Caller;
  /** A file that has the name is gone with the same record; false: then this one is. */
  readonly overwrite: boolean;
};

export type Published = {
  /** As it was before: while it was written, or, when this is asked again, complete. */
  readonly file: FileNode;
  /** Why it could not have the name, and is gone. */
  readonly refusal?: Refusal;
};

export function decidePublish(state: Namespace, request: PublishRequest): Decision<Published> {
  const { path, caller, overwrite, now } = request;
  const completed = decideComplete(state, request);
  if (completed.kind === 'refused') return completed;
  const { result: file } = completed;
  // Asked again, of another namenode than the first time: it has had its name, whatever has become of that.
  if (completed.kind === 'unchanged') return unchanged({ file });
  assert(completed.record.kind === 'complete', 'completing a file is a record of its own');
  const { length } = completed.record;
  const source = resolveInode(state, file.id);
  assert(source, 'a file that is completed is in the live tree');
  // Written under its own name.
  if (source.path === path) return change(completed.record, { file });
  // Quotas count what was written, not what might have been.
  const chain = [...source.chain.slice(0, -1), closedFile(file, { length, time: now })];
  const how = overwrite ? 'overwrite' : 'exact';
  const renamed = decideMove(state, { ...source, chain }, { target: path, caller, how, now });
  if (renamed.kind === 'refused') {
    return change({ kind: 'delete', inode: file.id, time: now }, { file, refusal: renamed });
  }
  assert(renamed.kind === 'change' && renamed.record.kind === 'rename', 'another path is another place');
  const { parent, name } = renamed.record;
  return change({ kind: 'publish', file: file.id, length, parent, name, time: now }, { file });
}
