/**
 * Whose folders these are. A datanode keeps its id in each of its folders, and the id of the store once it has registered: a folder of
 * another datanode or store, or one that another process serves, is refused instead of reported as if its blocks were ours.
 */

import path from 'node:path';
import { crc32c } from '../../common/crc32c.ts';
import { diskErrorCode } from '../../common/disk.ts';
import type { Disk } from '../../common/disk.ts';
import { LOCK_FILE } from '../../common/folder-lock.ts';
import type { DatanodeId, StoreId } from '../protocol.ts';
import { DataFolderError } from './folder-errors.ts';

export type FolderIdentity = { readonly node: DatanodeId; readonly store: StoreId | undefined };

const FORMAT = 1;
const FILE = 'datanode.json';

/** What may stand in a folder that nobody used before: our own first steps, and what a file system puts into its root. */
const NAMES_OF_NEW = new Set([LOCK_FILE, `${FILE}.new`, 'lost+found']);

/** Undefined when the folder is new. */
export async function readIdentity(disk: Disk, folder: string): Promise<FolderIdentity | undefined> {
  const text = await readText(disk, path.join(folder, FILE));
  if (text === undefined) {
    const strange = (await disk.list(folder)).find(({ name }) => !NAMES_OF_NEW.has(name));
    if (strange) {
      throw new DataFolderError(
        'FOLDER_MISMATCH',
        `${folder} holds "${strange.name}" and is no data folder; name an empty folder`,
      );
    }
    return undefined;
  }
  const [line = '', checksum] = text.split('\n');
  if (checksum !== checksumOf(line)) throw new Error(`${path.join(folder, FILE)} is damaged`);
  const { format, node, store } = JSON.parse(line) as { format: number; node: DatanodeId; store?: StoreId };
  if (format !== FORMAT)
    throw new DataFolderError(
      'FOLDER_MISMATCH',
      `${folder} has format ${format}, this version knows ${FORMAT}; start the version that wrote it, or name another folder`,
    );
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
        'FOLDER_MISMATCH',
        `${other.folder} belongs to datanode ${other.node}, ${first!.folder} to ${first!.node}; name folders of one datanode`,
      );
    }
    if (other.store !== undefined && other.store !== bound!.store) {
      throw new DataFolderError(
        'FOLDER_MISMATCH',
        `${other.folder} belongs to store ${other.store}, ${bound!.folder} to ${bound!.store}; name folders of one store`,
      );
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
