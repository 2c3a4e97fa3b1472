/** The namenode in a coordinator: its journal in the data directory, opened beside everything else that starts. */

import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../common/clock.ts';
import { localDisk } from '../common/disk.ts';
import { LocalFileSystem } from '../filestore/local-file-system.ts';
import { NameNode } from '../filestore/namenode/namenode.ts';
import { namespaceMachine } from '../filestore/namespace/namespace.ts';
import type { Operations } from '../filestore/network.ts';
import { openFileJournal } from '../journal/open-file-journal.ts';
import type { Logger } from '../observe/logger.ts';

export type NamenodeServiceOptions = {
  readonly dataDirectory: string;
  /** Absent = one below the data directory. */
  readonly journalDirectories?: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** The journal failed: the process has to end. */
  readonly fatal: (problem: Error) => void;
};

export type NamenodeService = {
  readonly operations: Operations;
  readonly namenode: NameNode;
  readonly close: () => Promise<void>;
};

/** Rejects with a JournalError, or an error of the disk. */
export async function startNamenode(options: NamenodeServiceOptions): Promise<NamenodeService> {
  const { clock, logger, fatal } = options;
  const folder = path.join(options.dataDirectory, 'store');
  await mkdir(folder, { recursive: true });
  const [first = path.join(folder, 'journal'), ...more] = options.journalDirectories ?? [];
  const journal = await openFileJournal({
    machine: namespaceMachine({ owner: 'tutti', group: 'tutti' }),
    disk: localDisk,
    folders: [first, ...more],
    random: (bytes) => randomBytes(bytes),
    fatal,
    logger,
    pause: () => nextTurn(),
  });
  const namenode = new NameNode({
    store: await storeId(folder, clock),
    journal,
    clock,
    random: Math.random,
    logger,
  });
  return {
    operations: namenode.operations(),
    namenode,
    close: async () => {
      namenode.stop();
      await journal.close();
    },
  };
}

/** Made with the store, and kept beside its journal. */
async function storeId(folder: string, clock: Clock): Promise<string> {
  const files = new LocalFileSystem({ disk: localDisk, root: folder, clock });
  await files.createIfAbsent('/id', Buffer.from(randomUUID()));
  const file = await files.open('/id');
  try {
    return Buffer.from(await file.read(0, file.length)).toString();
  } finally {
    await file.close();
  }
}
