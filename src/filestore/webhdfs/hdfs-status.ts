/** What is known of a file or folder, in the words of WebHDFS. */

import type { Status } from '../namespace/queries.ts';

/** `FileStatus` as the documentation of WebHDFS has it. */
export function hdfsStatus(status: Status, pathSuffix: string): object {
  const isFile = status.kind === 'file';
  return {
    accessTime: status.atime,
    blockSize: isFile ? status.blockSize : 0,
    childrenNum: status.children,
    fileId: status.id,
    group: status.group,
    length: status.length,
    modificationTime: status.mtime,
    owner: status.owner,
    pathSuffix,
    permission: status.mode.toString(8),
    replication: isFile ? status.replication : 0,
    ...(status.snapshottable && { snapshotEnabled: true }),
    storagePolicy: 0,
    type: isFile ? 'FILE' : 'DIRECTORY',
  };
}
