/** The datanode in a worker: blocks in the folders that the worker has taken, told to the coordinator's namenode. */

import { randomUUID } from 'node:crypto';
import type { Clock } from '../common/clock.ts';
import { localDisk } from '../common/disk.ts';
import { DataNode } from '../filestore/datanode/datanode.ts';
import type { OpenedFolders } from '../filestore/datanode/open-folders.ts';
import type { StoreNetwork } from '../filestore/network.ts';
import type { Logger } from '../observe/logger.ts';

export type DatanodeServiceOptions = {
  readonly folders: OpenedFolders;
  /** Where other processes reach the worker. */
  readonly url: string;
  readonly namenode: string;
  readonly rack: string;
  readonly host: string;
  readonly network: StoreNetwork;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** Rejects with DataFolderError, or an error of the disk. */
export async function startDatanode(options: DatanodeServiceOptions): Promise<DataNode> {
  const { folders, url, namenode, rack, host, network, clock, logger } = options;
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
