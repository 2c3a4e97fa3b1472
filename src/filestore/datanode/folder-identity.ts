/**
 * Whose folders these are. A datanode keeps its id in each of its folders, and the id of the store once it has registered: a folder of
 * another datanode or store, or one that another process serves, is refused instead of reported as if its blocks were ours.
 */

import path from 'node:path';
import { crc32c } from '../../common/crc32c.ts';
import { diskErrorCode } from '../../common/disk.ts';
import type { Disk, DiskLock } from '../../common/disk.ts';
import { makeFolders } from '../../common/files.ts';
import type { DatanodeId, StoreId } from '../protocol.ts';

/** The folders cannot be served, and why: for the person who starts the process. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
}

/** Another process serves a folder. */
export class FolderInUseError extends DataFolderError {}

export type FolderIdentity = { readonly node: DatanodeId; readonly store: StoreId | undefined };

const FORMAT = 1;
const FILE = 'datanode.json';

/** What may stand in a folder that nobody used before: our own first steps, and what a file system puts into its root. */
const NAMES_OF_NEW = new Set(['lock', `${FILE}.new`, 'lost+found']);

/** Locks the folder, which is made if need be. Throws errors of the disk, and DataFolderError when another has it. */
export async function lockFolder(disk: Disk, folder: string): Promise<DiskLock> {
  await makeFolders(disk, path.dirname(folder));
  try {
    await disk.mkdir(folder);
    await disk.syncFolder(path.dirname(folder));
  } catch (error) {
    if (diskErrorCode(error) !== 'EEXIST') throw error;
  }
  const lock = await disk.lock(path.join(folder, 'lock'));
  if (!lock)
    throw new FolderInUseError(`${folder} is in use: another process serves it; stop that one or name another folder`);
  return lock;
}

/** Undefined when the folder is new. */
export async function readIdentity(disk: Disk, folder: string): Promise<FolderIdentity | undefined> {
  const text = await readText(disk, path.join(folder, FILE));
  if (text === undefined) {
    const strange = (await disk.list(folder)).find(({ name }) => !NAMES_OF_NEW.has(name));
    if (strange) {
      throw new DataFolderError(`${folder} holds "${strange.name}" and is no data folder; name an empty folder`);
    }
    return undefined;
  }
  const [line = '', checksum] = text.split('\n');
  if (checksum !== checksumOf(line)) throw new Error(`${path.join(folder, FILE)} is damaged`);
  const { format, node, store } = JSON.parse(line) as { format: number; node: DatanodeId; store?: StoreId };
  if (format !== FORMAT) throw new DataFolderError(`${folder} has format ${format}; this version knows ${FORMAT}`);
  return { node, store };
}

/** The whole new content or the old one, whenever the power fails. */
export async function writeIdentity(disk: Disk, folder: string, identity: FolderIdentity): Promise<void> {
  const [target, temporary] = [path.join(folder, FILE), path.join(folder, `${FILE}.new`)];
  const line = JSON.stringify({ format: FORMAT, ...identity });
  try {
    await disk.remove(temporary);
  } catch (error) {
    if (diskErrorCode(error) !== 'ENOENT') throw error;
  }
  const file = await disk.open(temporary, 'create');
  try {
    await file.write(0, Buffer.from(`${line}\n${checksumOf(line)}\n`));
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, target);
  await disk.syncFolder(folder);
}

/** What all folders agree on; `newNode` when all are new. */
export function commonIdentity(
  folders: readonly { readonly path: string; readonly found: FolderIdentity | undefined }[],
  newNode: () => DatanodeId,
): FolderIdentity {
  const known = folders.flatMap(({ path: folder, found }) => (found ? [{ folder, ...found }] : []));
  const bound = known.find(({ store }) => store !== undefined);
  const [first] = known;
  for (const other of known) {
    if (other.node !== first!.node) {
      throw new DataFolderError(
        `${other.folder} belongs to datanode ${other.node}, ${first!.folder} to ${first!.node}`,
      );
    }
    if (other.store !== undefined && other.store !== bound!.store) {
      throw new DataFolderError(`${other.folder} belongs to store ${other.store}, ${bound!.folder} to ${bound!.store}`);
    }
  }
  return { node: first?.node ?? newNode(), store: bound?.store };
}

const checksumOf = (line: string): string => crc32c(Buffer.from(line)).toString(16).padStart(8, '0');

async function readText(disk: Disk, file: string): Promise<string | undefined> {
  try {
    const handle = await disk.open(file, 'read');
    try {
      const buffer = Buffer.alloc(await handle.bytes());
      const read = await handle.read(0, buffer);
      return buffer.subarray(0, read).toString();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (diskErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
