/** Bytes of a store into a file of this machine, durable when it is done. */

import type { Disk } from '../common/disk.ts';
import { EarlySyncs } from './early-syncs.ts';
import type { Bytes } from './network.ts';

/**
 * The path must be free. What was written stays when it fails. Each piece is written while the next one is on its way: it stays as it is until
 * the next but one is asked for.
 */
export async function saveFile(disk: Disk, path: string, bytes: Bytes): Promise<void> {
  const file = await disk.open(path, 'create');
  try {
    const syncs = new EarlySyncs(file);
    let writing = Promise.resolve();
    try {
      let at = 0;
      for await (const piece of bytes) {
        await writing;
        syncs.throwIfFailed();
        writing = file.write(at, piece).then(() => syncs.wrote(piece.length));
        // Heard when it is awaited.
        writing.catch(() => undefined);
        at += piece.length;
      }
      await writing;
    } finally {
      await writing.catch(() => undefined);
      await syncs.ended();
    }
    syncs.throwIfFailed();
    await file.sync();
  } finally {
    await file.close();
  }
}
