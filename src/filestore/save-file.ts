/** Bytes of a store into a file of this machine, durable when it is done. */

import type { Disk } from '../common/disk.ts';
import { EarlySyncs } from './early-syncs.ts';
import type { Bytes } from './network.ts';

/** The path must be free. What was written stays when it fails. */
export async function saveFile(disk: Disk, path: string, bytes: Bytes): Promise<void> {
  const file = await disk.open(path, 'create');
  try {
    const syncs = new EarlySyncs(file);
    let at = 0;
    try {
      for await (const piece of bytes) {
        syncs.throwIfFailed();
        await file.write(at, piece);
        at += piece.length;
        syncs.wrote(piece.length);
      }
    } finally {
      await syncs.ended();
    }
    syncs.throwIfFailed();
    await file.sync();
  } finally {
    await file.close();
  }
}
