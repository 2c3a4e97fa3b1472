/** Applies what was decided. Every record that a decision allowed on this state can be applied to it; anything else is our bug. */

import { assert, unreachable } from '../../common/assert.ts';
import { closedFile, committed } from './open-file.ts';
import { emptyMap, entries, get, remove, set } from './ordered-map.ts';
import { reap, retire, retireBlock, retireTree, withoutLease } from './reap.ts';
import { rememberMove, snapshotsOf } from './retention.ts';
import type * as records from './records.ts';
import type { Block, FileNode, FolderNode, Inode, InodeId, Namespace, Snapshot, Time } from './state.ts';
import { changed, newFolder } from './state.ts';
import { chainTo, edit, editBlocks, editFolder, fileOf, shared, withBlocks, withChild, withPlace } from './tree.ts';

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
    case 'publish':
      return publish(state, record);
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

/** The state with an inode in a folder, where nothing has its name, and findable by its id. */
function link(state: Namespace, parent: InodeId, name: string, inode: Inode, time: Time): Namespace {
  const next = editFolder(state, parent, (folder) => touched(withChild(folder, name, undefined, inode), time));
  return withPlace(next, inode.id, { parent, name });
}

const touched = (folder: FolderNode, mtime: Time): FolderNode => ({ ...folder, mtime });

/** The state without a file or a folder and all below it; what they held is reaped later. */
function cut(state: Namespace, id: InodeId, time: Time): Namespace {
  const chain = chainTo(state, id);
  const place = get(state.places, id);
  assert(chain && place, `inode ${id} is in the live tree`);
  const next = retireTree(state, chain);
  return editFolder(next, place.parent, (folder) =>
    touched(withChild(folder, place.name, chain.at(-1), undefined), time),
  );
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
  return editBlocks(changed(state, { nextId: record.block + 1 }), file, blocks, {});
}

function abandonBlock(state: Namespace, record: records.AbandonBlockRecord): Namespace {
  const file = writtenFile(state, record.file);
  const block = file.blocks.at(-1);
  assert(block && block.length === undefined, 'the last block is being written');
  const next = retireBlock(state, file.id, block.id);
  return editBlocks(next, file, file.blocks.slice(0, -1), {});
}

function complete(before: Namespace, record: records.CompleteRecord): Namespace {
  const { state, file } = closed(before, writtenFile(before, record.file), record);
  return edit(state, file.id, () => file);
}

function publish(before: Namespace, record: records.PublishRecord): Namespace {
  const chain = chainTo(before, record.file);
  const { state, file } = closed(before, written(chain?.at(-1), record.file), record);
  return moved(state, chain!, file, record);
}

/** The file as nobody writes it any more, and the state without the lease; the tree still has the file as it was. */
function closed(
  before: Namespace,
  open: FileNode,
  record: Pick<records.CompleteRecord, 'length' | 'time'>,
): { readonly state: Namespace; readonly file: FileNode } {
  const file = closedFile(open, record);
  const dropped = file.blocks.length < open.blocks.length ? open.blocks.at(-1) : undefined;
  const state = dropped ? retireBlock(before, file.id, dropped.id) : withBlocks(before, open.blocks, file.blocks);
  return { state: withoutLease(state, open.client!, file.id), file };
}

const writtenFile = (state: Namespace, id: InodeId): FileNode => written(fileOf(state, id), id);

function written(inode: Inode | undefined, id: InodeId): FileNode {
  assert(inode?.kind === 'file' && inode.client !== undefined, `file ${id} is being written`);
  return inode;
}

function rename(state: Namespace, record: records.RenameRecord): Namespace {
  const chain = chainTo(state, record.inode);
  assert(chain, `inode ${record.inode} is in the live tree`);
  return moved(state, chain, chain.at(-1)!, record);
}

/** The state with what stands at the end of a chain elsewhere, as `inode`. */
function moved(
  before: Namespace,
  chain: readonly Inode[],
  inode: Inode,
  { parent, name, time }: Pick<records.RenameRecord, 'parent' | 'name' | 'time'>,
): Namespace {
  const from = get(before.places, inode.id);
  assert(from, `inode ${inode.id} has a place`);
  let state = rememberMove(before, chain);
  const old = childOf(state, parent, name);
  if (old) state = cut(state, old.id, time);
  const without = (folder: FolderNode): FolderNode => withChild(folder, from.name, chain.at(-1), undefined);
  if (from.parent === parent) {
    // As every file gets its name when it is complete.
    state = editFolder(state, parent, (folder) => touched(withChild(without(folder), name, undefined, inode), time));
    return withPlace(state, inode.id, { parent, name });
  }
  state = editFolder(state, from.parent, (folder) => touched(without(folder), time));
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
  return editBlocks(known, inode, blocks, { attributes });
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
