/** Applies what was decided. Every record that a decision allowed on this state can be applied to it; anything else is our bug. */

import { assert, unreachable } from '../../common/assert.ts';
import { emptyMap, entries, get, remove, set } from './ordered-map.ts';
import { reap, retire, retireBlock, retireTree, withoutLease } from './reap.ts';
import { rememberMove, snapshotsOf } from './retention.ts';
import type * as records from './records.ts';
import type { Block, FileNode, FolderNode, Inode, InodeId, Namespace, Snapshot, Time } from './state.ts';
import { changed, newFolder } from './state.ts';
import { chainTo, edit, editBlocks, editFolder, fileOf, shared, withChild, withPlace } from './tree.ts';

export function apply(state: Namespace, record: records.NamespaceRecord): Namespace {
  switch (record.kind) {
    case 'mkdirs':
      return mkdirs(state, record);
    case 'create':
      return create(state, record);
    case 'addBlock':
      return addBlock(state, record);
    case 'abandonBlock':
      return abandonBlock(state, record);
    case 'complete':
      return complete(state, record);
    case 'rename':
      return rename(state, record);
    case 'delete':
      return cut(state, record.inode, record.time);
    case 'setAttributes':
      return setAttributes(state, record);
    case 'setTimes':
      return setTimes(state, record);
    case 'setQuota':
      return editFolder(state, record.folder, (folder) => ({
        ...folder,
        quota: { names: record.names, space: record.space },
      }));
    case 'allowSnapshot':
      return changed(state, {
        snapshots: record.allowed ? set(state.snapshots, record.folder, []) : remove(state.snapshots, record.folder),
      });
    case 'createSnapshot':
      return createSnapshot(state, record);
    case 'deleteSnapshot':
      return deleteSnapshot(state, record);
    case 'renameSnapshot':
      return withSnapshots(
        state,
        record.folder,
        snapshotsOf(state, record.folder).map((one) => (one.id === record.id ? { ...one, name: record.name } : one)),
      );
    case 'setService':
      return setService(state, record);
    case 'reap': {
      const { state: next, freed } = reap(state, record.steps);
      assert(
        freed.length === record.freed.length && freed.every((block, i) => block === record.freed[i]),
        'the blocks that are free now were free when the record was decided',
      );
      return next;
    }
    default:
      return unreachable(record);
  }
}

function mkdirs(state: Namespace, record: records.MkdirsRecord): Namespace {
  assert(record.firstId === state.nextId, 'ids are given in the order of records');
  const { names, owner, group, mode, parentMode, time } = record;
  return newFolders(state, record.parent, names, { owner, group, mode, parentMode, time }).state;
}

/** The state with folders one below the other, and the id of the last. */
function newFolders(
  before: Namespace,
  parent: InodeId,
  names: readonly string[],
  make: { owner: string; group: string; mode: number; parentMode: number; time: Time },
): { readonly state: Namespace; readonly last: InodeId } {
  let [state, last] = [before, parent];
  for (const [i, name] of names.entries()) {
    const mode = i < names.length - 1 ? make.parentMode : make.mode;
    const [known, attributes] = shared(state, {
      owner: make.owner,
      group: make.group,
      mode,
      replication: 0,
      blockSize: 0,
    });
    state = link(known, last, name, newFolder(state.nextId, attributes, make.time), make.time);
    last = state.nextId;
    state = changed(state, { nextId: last + 1 });
  }
  return { state, last };
}

/** The state with an inode in a folder, and findable by its id. */
function link(state: Namespace, parent: InodeId, name: string, inode: Inode, time: Time): Namespace {
  const next = editFolder(state, parent, (folder) => ({ ...withChild(folder, name, inode), mtime: time }));
  return withPlace(next, inode.id, { parent, name });
}

/** The state without a file or a folder and all below it; what they held is reaped later. */
function cut(state: Namespace, id: InodeId, time: Time): Namespace {
  const chain = chainTo(state, id);
  const place = get(state.places, id);
  assert(chain && place, `inode ${id} is in the live tree`);
  const next = retireTree(state, chain);
  return editFolder(next, place.parent, (folder) => ({ ...withChild(folder, place.name, undefined), mtime: time }));
}

function create(before: Namespace, record: records.CreateRecord): Namespace {
  assert(record.firstId === before.nextId, 'ids are given in the order of records');
  const { owner, group, mode, replication, blockSize, client, time } = record;
  const made = newFolders(before, record.parent, record.folders, {
    owner,
    group,
    mode: record.folderMode,
    parentMode: record.folderMode,
    time,
  });
  const id = made.state.nextId;
  const [known, attributes] = shared(changed(made.state, { nextId: id + 1 }), {
    owner,
    group,
    mode,
    replication,
    blockSize,
  });
  let state = known;
  const old = record.folders.length === 0 ? childOf(state, made.last, record.name) : undefined;
  if (old) state = cut(state, old.id, time);
  const file: FileNode = { kind: 'file', id, attributes, mtime: time, atime: time, blocks: [], client };
  return withLease(link(state, made.last, record.name, file, time), client, id, time);
}

function childOf(state: Namespace, folder: InodeId, name: string): Inode | undefined {
  const inode = chainTo(state, folder)?.at(-1);
  assert(inode?.kind === 'folder', `inode ${folder} is a folder`);
  return get(inode.children, name);
}

function withLease(state: Namespace, client: string, file: InodeId, time: Time): Namespace {
  const files = get(state.leases, client)?.files ?? emptyMap<InodeId, true>();
  return changed(state, { leases: set(state.leases, client, { renewedAt: time, files: set(files, file, true) }) });
}

function addBlock(state: Namespace, record: records.AddBlockRecord): Namespace {
  assert(record.block === state.nextId, 'ids are given in the order of records');
  const file = writtenFile(state, record.file);
  const { replication } = file.attributes;
  const block: Block = { id: record.block, file: file.id, length: undefined, generation: 1, replication };
  const blocks = committed(file.blocks, record.previousLength).concat(block);
  return editBlocks(changed(state, { nextId: record.block + 1 }), file.id, blocks, {});
}

function abandonBlock(state: Namespace, record: records.AbandonBlockRecord): Namespace {
  const file = writtenFile(state, record.file);
  const block = file.blocks.at(-1);
  assert(block && block.length === undefined, 'the last block is being written');
  const next = retireBlock(state, file.id, block.id);
  return editBlocks(next, file.id, file.blocks.slice(0, -1), {});
}

function complete(before: Namespace, record: records.CompleteRecord): Namespace {
  let state = before;
  const file = writtenFile(state, record.file);
  let blocks = file.blocks;
  const last = blocks.at(-1);
  if (last && last.length === undefined && record.length === 0) {
    state = retireBlock(state, file.id, last.id);
    blocks = blocks.slice(0, -1);
  } else {
    blocks = committed(blocks, record.length);
  }
  state = editBlocks(state, file.id, blocks, { client: undefined, mtime: record.time });
  return withoutLease(state, file.client!, file.id);
}

function committed(blocks: readonly Block[], length: number | undefined): readonly Block[] {
  const last = blocks.at(-1);
  if (last === undefined || last.length !== undefined) {
    assert(length === undefined, 'only an open block gets a length');
    return blocks;
  }
  assert(length !== undefined && length >= 0, 'an open block is closed with its length');
  return blocks.with(blocks.length - 1, { ...last, length });
}

function writtenFile(state: Namespace, id: InodeId): FileNode {
  const file = fileOf(state, id);
  assert(file?.client !== undefined, `file ${id} is being written`);
  return file;
}

function rename(before: Namespace, record: records.RenameRecord): Namespace {
  const { inode: id, parent, name, time } = record;
  const chain = chainTo(before, id);
  const from = get(before.places, id);
  assert(chain && from, `inode ${id} is in the live tree`);
  let state = rememberMove(before, chain);
  const inode = chain.at(-1)!;
  const old = childOf(state, parent, name);
  if (old) state = cut(state, old.id, time);
  const without = (folder: FolderNode): FolderNode => withChild(folder, from.name, undefined);
  if (from.parent === parent) {
    // As every file gets its name when it is complete.
    state = editFolder(state, parent, (folder) => ({ ...withChild(without(folder), name, inode), mtime: time }));
    return withPlace(state, id, { parent, name });
  }
  state = editFolder(state, from.parent, (folder) => ({ ...without(folder), mtime: time }));
  return link(state, parent, name, inode, time);
}

function setAttributes(state: Namespace, record: records.SetAttributesRecord): Namespace {
  const inode = chainTo(state, record.inode)?.at(-1);
  assert(inode, `inode ${record.inode} is in the live tree`);
  const { owner, group, mode, replication } = { ...inode.attributes, ...record };
  const { blockSize } = inode.attributes;
  const [known, attributes] = shared(state, { owner, group, mode, replication, blockSize });
  if (inode.kind === 'folder' || record.replication === undefined) {
    return edit(known, inode.id, (one) => ({ ...one, attributes }));
  }
  const blocks = inode.blocks.map((block) => ({ ...block, replication }));
  return editBlocks(known, inode.id, blocks, { attributes });
}

function setTimes(state: Namespace, { inode, mtime, atime }: records.SetTimesRecord): Namespace {
  return edit(state, inode, (one) =>
    one.kind === 'file'
      ? { ...one, mtime: mtime ?? one.mtime, atime: atime ?? one.atime }
      : { ...one, mtime: mtime ?? one.mtime },
  );
}

function setService(state: Namespace, { node, address, service }: records.SetServiceRecord): Namespace {
  const { services } = state;
  return changed(state, {
    services: service === 'normal' ? remove(services, node) : set(services, node, { service, address }),
  });
}

function withSnapshots(state: Namespace, folder: InodeId, list: readonly Snapshot[]): Namespace {
  return changed(state, { snapshots: set(state.snapshots, folder, list) });
}

function createSnapshot(state: Namespace, record: records.CreateSnapshotRecord): Namespace {
  const { folder: id, name, time } = record;
  assert(record.id === state.nextId, 'ids are given in the order of records');
  const folder = chainTo(state, id)?.at(-1);
  assert(folder?.kind === 'folder' && get(state.snapshots, id), 'the folder may have snapshots');
  const snapshot: Snapshot = { id: record.id, name, time, root: folder };
  const next = changed(state, { nextId: record.id + 1, lastSnapshot: record.id });
  return withSnapshots(next, id, [...snapshotsOf(state, id), snapshot]);
}

function deleteSnapshot(before: Namespace, { folder, id }: records.DeleteSnapshotRecord): Namespace {
  const list = snapshotsOf(before, folder);
  assert(
    list.some((one) => one.id === id),
    'the snapshot is there',
  );
  let state = withSnapshots(
    before,
    folder,
    list.filter((one) => one.id !== id),
  );
  const blocks = get(state.retained, id);
  if (blocks) {
    state = changed(state, { retained: remove(state.retained, id) });
    state = retire(state, { kind: 'snapshot', blocks, after: undefined });
  }
  for (const [, others] of entries(state.snapshots)) if (others.length > 0) return state;
  // Nobody asks any more where an inode once stood; later snapshots are younger than every move until now.
  return changed(state, { lastSnapshot: 0, moves: emptyMap() });
}
