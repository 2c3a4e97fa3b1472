/** Snapshots of folders. The superuser says which folders may have some; their owners take them. */

import { ownersFolder, superusersFolder } from './decide-attributes.ts';
import { change, unchanged } from './decision.ts';
import type { Decision } from './decision.ts';
import { get } from './ordered-map.ts';
import type { Caller } from './permissions.ts';
import { refuse } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { nameFault, own, pathOf, SNAPSHOT_FOLDER } from './resolve.ts';
import type { FolderNode, Namespace, Snapshot, Snapshots, Time } from './state.ts';
import { namesTo } from './tree.ts';

/** As HDFS limits it. */
const SNAPSHOTS_MAX = 65_536;

type FolderRequest = { readonly path: string; readonly caller: Caller };

export function decideAllowSnapshot(state: Namespace, { path, caller }: FolderRequest): Decision<true> {
  const folder = superusersFolder(state, path, caller);
  if (folder.kind === 'refused') return folder;
  if (get(state.snapshots, folder.id)) return unchanged(true);
  return change({ kind: 'allowSnapshot', folder: folder.id, allowed: true }, true);
}

export function decideDisallowSnapshot(state: Namespace, { path, caller }: FolderRequest): Decision<true> {
  const folder = superusersFolder(state, path, caller);
  if (folder.kind === 'refused') return folder;
  const snapshots = get(state.snapshots, folder.id);
  if (!snapshots) return unchanged(true);
  if (snapshots.length > 0) {
    return refuse(
      'SnapshotException',
      `The directory ${path} has snapshot(s). Please redo the operation after removing all the snapshots.`,
    );
  }
  return change({ kind: 'allowSnapshot', folder: folder.id, allowed: false }, true);
}

/** The result is the path of the snapshot. Without a name it is called after the time, in UTC. */
export function decideCreateSnapshot(
  state: Namespace,
  { path, caller, name, now }: FolderRequest & { readonly name?: string | undefined; readonly now: Time },
): Decision<string> {
  const found = snapshottable(state, path, caller);
  if (found.kind === 'refused') return found;
  const { folder, snapshots } = found;
  const chosen = name === undefined || name === '' ? defaultName(now) : name;
  const refused = checkName(chosen, snapshots, path);
  if (refused) return refused;
  if (snapshots.length >= SNAPSHOTS_MAX) {
    return refuse('SnapshotException', `Failed to create snapshot: there are already ${SNAPSHOTS_MAX} of ${path}`);
  }
  return change(
    { kind: 'createSnapshot', folder: folder.id, id: state.nextId, name: own(chosen), time: now },
    pathOf([...namesTo(state, folder.id)!, SNAPSHOT_FOLDER, chosen]),
  );
}

type NamedRequest = FolderRequest & { readonly name: string };

export function decideDeleteSnapshot(state: Namespace, { path, caller, name }: NamedRequest): Decision<true> {
  const found = namedSnapshot(state, path, caller, name);
  if (found.kind === 'refused') return found;
  return change({ kind: 'deleteSnapshot', folder: found.folder.id, id: found.snapshot.id }, true);
}

export function decideRenameSnapshot(
  state: Namespace,
  { path, caller, name, newName }: NamedRequest & { readonly newName: string },
): Decision<true> {
  const found = namedSnapshot(state, path, caller, name);
  if (found.kind === 'refused') return found;
  if (name === newName) return unchanged(true);
  const refused = checkName(newName, found.snapshots, path);
  if (refused) return refused;
  return change({ kind: 'renameSnapshot', folder: found.folder.id, id: found.snapshot.id, name: own(newName) }, true);
}

type Snapshottable = { readonly kind: 'found'; readonly folder: FolderNode; readonly snapshots: Snapshots };

function snapshottable(state: Namespace, path: string, caller: Caller): Snapshottable | Refusal {
  const folder = ownersFolder(state, path, caller);
  if (folder.kind === 'refused') return folder;
  const snapshots = get(state.snapshots, folder.id);
  if (!snapshots) return refuse('SnapshotException', `Directory is not a snapshottable directory: ${path}`);
  return { kind: 'found', folder, snapshots };
}

function namedSnapshot(
  state: Namespace,
  path: string,
  caller: Caller,
  name: string,
): (Snapshottable & { readonly snapshot: Snapshot }) | Refusal {
  const found = snapshottable(state, path, caller);
  if (found.kind === 'refused') return found;
  const snapshot = found.snapshots.find((one) => one.name === name);
  if (!snapshot) return refuse('SnapshotException', `Cannot find the snapshot ${name} of ${path}`);
  return { ...found, snapshot };
}

function checkName(name: string, snapshots: Snapshots, path: string): Refusal | undefined {
  const fault = nameFault(name);
  if (fault || name === SNAPSHOT_FOLDER) {
    const text = fault?.text ?? `${name} is a reserved name`;
    return refuse(
      fault?.tooLong ? 'PathComponentTooLongException' : 'InvalidPathException',
      `Invalid snapshot name: ${name} (${text})`,
    );
  }
  if (snapshots.some((one) => one.name === name)) {
    return refuse('SnapshotException', `There is already a snapshot with the name ${name} of ${path}`);
  }
  return undefined;
}

/** `s20260131-235959.123` */
function defaultName(time: Time): string {
  const digits = new Date(time).toISOString().replaceAll(/[-:Z]/g, '').replace('T', '-');
  return `s${digits}`;
}
