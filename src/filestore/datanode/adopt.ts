/**
 * A file that the kernel wrote becomes a block. The kernel never syncs what it writes, and a checksum is taken of what the system gives
 * back for it. On the datanode's own file system the block is a second name of the file; from elsewhere it is copied.
 */

import { diskErrorCode } from '../../common/disk.ts';
import type { Disk, DiskStat } from '../../common/disk.ts';
import { StoreError } from '../network.ts';
import type { Replica } from '../protocol.ts';
import { encodeChecksums } from './checksum-file.ts';
import type { Checksums } from './checksum-file.ts';
import type { DataFolder } from './data-folder.ts';
import { ChunkSummer } from './chunk-summer.ts';
import { writeSynced } from './incoming-replica.ts';
import type { StoredReplica, TemporaryReplica } from './incoming-replica.ts';
import type { ReplicaSink } from './replica-writer.ts';

/** Why a link cannot be made: another file system, one without links, or a rule against links to what others own. */
const NO_LINK_CODES = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS']);

export type Adoption = {
  readonly disk: Disk;
  readonly path: string;
  readonly replica: Omit<Replica, 'length'>;
  readonly chunkBytes: number;
  /** Where a link may go, best first. None when the block is there already. */
  readonly folders: readonly DataFolder[];
  readonly publish: (folder: DataFolder, checksums: Checksums, temporary: TemporaryReplica) => Promise<StoredReplica>;
  readonly create: (bytesMax: number) => Promise<ReplicaSink>;
};

export async function adoptFile(adoption: Adoption): Promise<StoredReplica> {
  for (const folder of adoption.folders) {
    const linked = await link(adoption, folder);
    if (linked === undefined) continue;
    try {
      return await adoptLink(adoption, folder, linked);
    } finally {
      await folder.writing(() => folder.removeTemporary(linked, `${linked}.crc`)).catch(() => undefined);
    }
  }
  return copy(adoption);
}

/** A second name of the file in the folder; undefined when there can be none. */
async function link({ disk, path, replica }: Adoption, folder: DataFolder): Promise<string | undefined> {
  const temporary = folder.temporaryPath(replica);
  return folder.writing(async () => {
    try {
      await disk.link(path, temporary);
      return temporary;
    } catch (error) {
      const code = diskErrorCode(error);
      if (code === 'ENOENT')
        throw new StoreError('FileNotFoundException', `there is no file ${path}`, { cause: error });
      if (code !== undefined && NO_LINK_CODES.has(code)) return undefined;
      throw error;
    }
  });
}

async function adoptLink(adoption: Adoption, folder: DataFolder, linked: string): Promise<StoredReplica> {
  const { disk, path, replica, chunkBytes, publish } = adoption;
  const checksums = await folder.writing(async () => {
    const before = await disk.stat(linked);
    const summer = new ChunkSummer(chunkBytes);
    await passFile(disk, linked, { sync: true, chunkBytes }, (bytes) => Promise.resolve(summer.pass(bytes)));
    const sums = summer.end(replica);
    assertUnchanged(path, before, await disk.stat(linked), sums.length);
    await writeSynced(disk, `${linked}.crc`, encodeChecksums(sums));
    return sums;
  });
  return publish(folder, checksums, { block: linked, checksums: `${linked}.crc` });
}

async function copy({ disk, path, chunkBytes, create }: Adoption): Promise<StoredReplica> {
  const before = await disk.stat(path);
  const sink = await create(before.bytes);
  try {
    let length = 0;
    await passFile(disk, path, { sync: false, chunkBytes }, async (bytes) => {
      length += bytes.length;
      // The sink may keep the piece beyond the call.
      await sink.write(Uint8Array.from(bytes));
    });
    assertUnchanged(path, before, await disk.stat(path), length);
    return await sink.commit();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

/** A file that somebody still writes to has no checksum. */
function assertUnchanged(path: string, before: DiskStat, after: DiskStat, length: number): void {
  if (before.bytes === length && after.bytes === length && before.modifiedMs === after.modifiedMs) return;
  throw new StoreError('IllegalArgumentException', `${path} is still being written and cannot become a block`);
}

/** All bytes of a file through one buffer. */
async function passFile(
  disk: Disk,
  path: string,
  options: { readonly sync: boolean; readonly chunkBytes: number },
  take: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const file = await disk.open(path, 'read');
  try {
    if (options.sync) await file.sync();
    const buffer = Buffer.allocUnsafeSlow(options.chunkBytes);
    for (let at = 0; ;) {
      const read = await file.read(at, buffer);
      if (read > 0) await take(buffer.subarray(0, read));
      at += read;
      if (read < buffer.length) return;
    }
  } finally {
    await file.close();
  }
}
