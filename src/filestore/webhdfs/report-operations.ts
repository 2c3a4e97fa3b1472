/** The operations of WebHDFS that only tell: of quotas, permissions, blocks, snapshots, and of the store itself. */

import path from 'node:path';
import type { StoreReport } from '../namenode/administration.ts';
import type { StoreDefaults } from '../namenode/trash-emptier.ts';
import type { NamenodeCalls } from '../namenode/namenode-calls.ts';
import type { Caller } from '../namespace/permissions.ts';
import type { ContentSummary, SnapshotFolders, SnapshotList, Status } from '../namespace/queries.ts';
import { trashOf } from '../namespace/trash.ts';
import { StoreError } from '../network.ts';
import type { BlockLocation } from '../protocol.ts';
import { hdfsStatus } from './hdfs-status.ts';
import { DONE, json } from './operation.ts';
import type { Answer, Asked, Operation } from './operation.ts';
import { invalid } from './web-request.ts';

export const REPORT_OPERATIONS: Readonly<Record<string, Operation>> = {
  'GET CHECKACCESS': checkAccess,
  'GET GETFILEBLOCKLOCATIONS': blockLocations,
  'GET GETQUOTAUSAGE': quotaUsage,
  'GET GETSERVERDEFAULTS': serverDefaults,
  'GET GETSNAPSHOTLIST': snapshotList,
  'GET GETSNAPSHOTTABLEDIRECTORYLIST': snapshottableFolders,
  'GET GETSTATUS': status,
  'GET GETTRASHROOTS': trashRoots,
  'GET GETTRASHROOT': async ({ caller }) => json({ Path: trashOf(caller.user) }),
};

/** The caller's own, when it is there. With `allusers` HDFS names those of all users, to its superuser. */
async function trashRoots({ namenode, caller, request }: Asked): Promise<Answer> {
  const isForAll = request.boolean('allusers') === true && caller.superuser;
  const users = isForAll ? await usersOf(namenode, caller) : [caller.user];
  const found: object[] = [];
  for (const user of users) {
    const { status: one } = await namenode.read<{ status?: Status }>('stat', caller, { path: trashOf(user) });
    if (one?.kind !== 'folder') continue;
    found.push({
      access_time: one.atime,
      block_replication: 0,
      blocksize: 0,
      group: one.group,
      isdir: true,
      length: 0,
      modification_time: one.mtime,
      owner: one.owner,
      path: trashOf(user),
      permission: one.mode.toString(8),
    });
  }
  return json({ Paths: found.length > 0 ? found : null });
}

async function usersOf(namenode: NamenodeCalls, caller: Caller): Promise<readonly string[]> {
  const users: string[] = [];
  for (let after: string | undefined; ;) {
    const ask = { path: '/user', limit: 1000, ...(after !== undefined && { after }) };
    const { entries, remaining } = await namenode
      .read<{ readonly entries: readonly Status[]; readonly remaining: number }>('list', caller, ask)
      .catch(noUsers);
    users.push(...entries.filter(({ kind }) => kind === 'folder').map(({ name }) => name));
    if (remaining === 0) return users;
    after = entries.at(-1)!.name;
  }
}

function noUsers(problem: unknown): { readonly entries: readonly Status[]; readonly remaining: number } {
  if (problem instanceof StoreError && problem.name === 'FileNotFoundException') return { entries: [], remaining: 0 };
  throw problem;
}

async function quotaUsage({ namenode, caller, request }: Asked): Promise<Answer> {
  const summary = await namenode.read<ContentSummary>('contentSummary', caller, { path: request.path });
  const { files, folders, space, quota } = summary;
  return json({
    QuotaUsage: {
      fileAndDirectoryCount: files + folders,
      quota: quota.names ?? -1,
      spaceConsumed: space,
      spaceQuota: quota.space ?? -1,
      typeQuota: {},
    },
  });
}

/** `fsaction=r-x`. */
async function checkAccess({ namenode, caller, request }: Asked): Promise<Answer> {
  const action = request.required('fsaction');
  if (!/^[r-][w-][x-]$/.test(action)) throw invalid('fsaction', `${JSON.stringify(action)} is not such as "r-x"`);
  const access = Number.parseInt(action.replaceAll(/[rwx]/g, '1').replaceAll('-', '0'), 2);
  await namenode.read('checkAccess', caller, { path: request.path, access });
  return DONE;
}

async function blockLocations({ namenode, caller, request }: Asked): Promise<Answer> {
  const start = request.integer('offset', 0) ?? 0;
  const end = start + (request.integer('length', 0) ?? Number.MAX_SAFE_INTEGER);
  const range = { path: request.path, start, end };
  const { blocks } = await namenode.read<{ readonly blocks: readonly BlockLocation[] }>('locate', caller, range);
  const BlockLocation = blocks.map(({ offset, length, replicas }) => {
    const addresses = replicas.map(({ address }) => new URL(address));
    return {
      cachedHosts: [],
      corrupt: replicas.length === 0,
      hosts: addresses.map(({ hostname }) => hostname),
      length,
      names: addresses.map(({ host }) => host),
      offset,
      storageTypes: replicas.map(() => 'DISK'),
      topologyPaths: addresses.map(({ host }, i) => path.posix.join(replicas[i]!.rack, host)),
    };
  });
  return json({ BlockLocations: { BlockLocation } });
}

async function serverDefaults({ namenode, caller }: Asked): Promise<Answer> {
  const { replication, blockSize, trashMs } = await namenode.read<StoreDefaults>('serverDefaults', caller, {});
  return json({
    FsServerDefaults: {
      blockSize,
      bytesPerChecksum: 512,
      // CRC-32C, by its number in Hadoop.
      checksumType: 2,
      defaultStoragePolicyId: 7,
      encryptDataTransfer: false,
      fileBufferSize: 4096,
      keyProviderUri: '',
      replication,
      // In minutes; 0 would be none.
      trashInterval: Math.ceil(trashMs / 60_000),
      writePacketSize: 65_536,
    },
  });
}

async function status({ namenode, caller }: Asked): Promise<Answer> {
  const { datanodes } = await namenode.read<StoreReport>('report', caller, {});
  const sum = { used: 0, remaining: 0, capacity: 0 };
  for (const { isAlive, usedBytes, freeBytes, capacityBytes } of datanodes) {
    if (!isAlive) continue;
    sum.used += usedBytes;
    sum.remaining += freeBytes;
    sum.capacity += capacityBytes;
  }
  return json({ FsStatus: sum });
}

async function snapshottableFolders({ namenode, caller }: Asked): Promise<Answer> {
  const { folders } = await namenode.read<SnapshotFolders>('snapshottableFolders', caller, {});
  const list = folders.map(({ parent, status: one, snapshots }) => ({
    dirStatus: hdfsStatus(one, one.name),
    parentFullPath: parent,
    snapshotNumber: snapshots,
    snapshotQuota: 65_536,
  }));
  // As HDFS: none is no list.
  return json({ SnapshottableDirectoryList: list.length > 0 ? list : null });
}

async function snapshotList({ namenode, caller, request }: Asked): Promise<Answer> {
  const { snapshots } = await namenode.read<SnapshotList>('snapshots', caller, { path: request.path });
  const list = snapshots.map(({ status: one, id, path: fullPath }) => ({
    deletionStatus: 'ACTIVE',
    dirStatus: hdfsStatus(one, one.name),
    fullPath,
    snapshotID: id,
  }));
  return json({ SnapshotList: list });
}
