/** What clients may ask of the namespace: each name with the pure function that decides or answers it. */

import * as attributes from '../namespace/decide-attributes.ts';
import * as snapshotDecisions from '../namespace/decide-snapshots.ts';
import * as tree from '../namespace/decide-tree.ts';
import * as writes from '../namespace/decide-writes.ts';
import type { Decision } from '../namespace/decision.ts';
import type { Caller } from '../namespace/permissions.ts';
import * as queries from '../namespace/queries.ts';
import type { Refusal } from '../namespace/refusal.ts';
import type { Namespace } from '../namespace/state.ts';
import { planTrash } from '../namespace/trash.ts';

/** Decided on the newest state, answered when it is durable. `client`, `caller` and `now` stand in the request. */
export const CHANGES = {
  mkdirs: tree.decideMkdirs,
  create: writes.decideCreate,
  abandonBlock: writes.decideAbandonBlock,
  abandonFile: writes.decideAbandonFile,
  rename: tree.decideRename,
  setPermission: attributes.decideSetPermission,
  setOwner: attributes.decideSetOwner,
  setTimes: attributes.decideSetTimes,
  setReplication: attributes.decideSetReplication,
  setQuota: attributes.decideSetQuota,
  allowSnapshot: snapshotDecisions.decideAllowSnapshot,
  disallowSnapshot: snapshotDecisions.decideDisallowSnapshot,
  createSnapshot: snapshotDecisions.decideCreateSnapshot,
  deleteSnapshot: snapshotDecisions.decideDeleteSnapshot,
  renameSnapshot: snapshotDecisions.decideRenameSnapshot,
} as const;

type Read<Request> = (state: Namespace, request: Request & { readonly caller: Caller }) => object | Refusal;
type AtPath = { readonly path: string };

const stat: Read<AtPath> = (state, { path, caller }) => queries.stat(state, path, caller);
const list: Read<AtPath & { readonly after?: string; readonly limit: number }> = (state, { path, caller, ...page }) =>
  queries.list(state, path, caller, page);
const contentSummary: Read<AtPath> = (state, { path, caller }) => queries.contentSummary(state, path, caller);

const checkAccess: Read<AtPath & { readonly access: number }> = (state, { path, caller, access }) =>
  queries.checkAccessTo(state, path, caller, access);
const snapshots: Read<AtPath> = (state, { path, caller }) => queries.snapshotsOf(state, path, caller);
const snapshottableFolders: Read<object> = (state, { caller }) => queries.snapshottableFolders(state, caller);
const trashPlan: Read<AtPath & { readonly now: number }> = (state, { path, caller, now }) => {
  const seen = queries.stat(state, path, caller);
  return seen.kind === 'refused' ? seen : planTrash(state, path, caller.user, now);
};

/** Answered from what is durable. */
export const READS = {
  stat,
  list,
  contentSummary,
  checkAccess,
  snapshots,
  snapshottableFolders,
  trashPlan,
} as const;

export type Change = (state: Namespace, request: never) => Decision<unknown>;
