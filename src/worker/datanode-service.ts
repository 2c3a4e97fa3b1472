/** The datanode in a worker: blocks below the data directory, or on the disks that it is given, told to the coordinator's namenode. */

import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Clock } from '../common/clock.ts';
import { localDisk } from '../common/disk.ts';
import { DataNode } from '../filestore/datanode/datanode.ts';
import { FolderInUseError } from '../filestore/datanode/folder-identity.ts';
import type { StoreNetwork } from '../filestore/network.ts';
import type { Logger } from '../observe/logger.ts';

export type DatanodeServiceOptions = {
  readonly dataDirectory: string;
  /** Each best on a disk of its own; one may fail. Absent = one below the data directory. */
  readonly directories?: readonly string[];
  /** Of the worker, when it has the same one at each start. */
  readonly nodeId?: string;
  /** Where other processes reach the worker. */
  readonly url: string;
  readonly namenode: string;
  readonly rack: string;
  readonly host: string;
  readonly network: StoreNetwork;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** Workers without a name that share a data directory, at most. */
const FOLDERS_MAX = 64;

/** Rejects with DataFolderError, or an error of the disk. */
export async function startDatanode(options: DatanodeServiceOptions): Promise<DataNode> {
  const { dataDirectory, nodeId } = options;
  const { directories = [path.join(dataDirectory, 'blocks')] } = options;
  // A worker whose name is new at every start finds the blocks of one that ended.
  for (let number = 1; ; number++) {
    const name = nodeId ?? `node-${number}`;
    try {
      return await open(
        directories.map((directory) => path.join(directory, name)),
        options,
      );
    } catch (problem) {
      const isTaken = problem instanceof FolderInUseError && nodeId === undefined && number < FOLDERS_MAX;
      if (!isTaken) throw problem;
    }
  }
}

async function open(folders: readonly string[], options: DatanodeServiceOptions): Promise<DataNode> {
  const { url, namenode, rack, host, network, clock, logger } = options;
  const datanode = await DataNode.open({
    disk: localDisk,
    folders,
    clock,
    network,
    logger,
    address: url,
    rack,
    host,
    namenodes: [namenode],
    newId: randomUUID,
    random: Math.random,
    fatal: (problem) => logger.error({ problem: problem.message }, 'the datanode ended'),
  });
  datanode.start();
  return datanode;
}
