/** The namenode in a coordinator: its journal in the data directory, opened beside everything else that starts. */

import { randomBytes, randomUUID } from 'node:crypto';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../common/clock.ts';
import { localDisk } from '../common/disk.ts';
import { makeFolders } from '../common/files.ts';
import { NameNode } from '../filestore/namenode/namenode.ts';
import { emptyTrash, type StoreDefaults } from '../filestore/namenode/trash-emptier.ts';
import { STORE_OWNER } from '../filestore/namespace/permissions.ts';
import { namespaceMachine } from '../filestore/namespace/namespace.ts';
import type { Operations } from '../filestore/network.ts';
import { FILE_DEFAULTS } from '../filestore/store-file-system.ts';
import { NamenodeCalls } from '../filestore/namenode/namenode-calls.ts';
import { openFileJournal } from '../journal/open-file-journal.ts';
import type { Logger } from '../observe/logger.ts';

export type NamenodeServiceOptions = {
  readonly dataDirectory: string;
  /** Absent = one below the data directory. */
  readonly journalDirectories?: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long what was thrown away is kept; 0: not at all. */
  readonly trashMs: number;
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
  const { clock, logger, trashMs, fatal } = options;
  const folder = path.join(options.dataDirectory, 'store');
  await makeFolders(localDisk, folder);
  const [first = path.join(folder, 'journal'), ...more] = options.journalDirectories ?? [];
  const journal = await openFileJournal({
    machine: namespaceMachine({ owner: STORE_OWNER, group: STORE_OWNER }),
    disk: localDisk,
    folders: [first, ...more],
    random: (bytes) => randomBytes(bytes),
    fatal,
    logger,
    pause: () => nextTurn(),
  });
  // Else a wrong folder looks like a store that has lost all its files.
  if (journal.sequence === 0)
    logger.info({ store: journal.id, folders: [first, ...more] }, 'the store is new: its journal is empty');
  const namenode = new NameNode({
    // Bound to the journal: under another one, datanodes would be told to delete blocks that it knows nothing of.
    store: journal.id,
    journal,
    clock,
    random: Math.random,
    logger,
  });
  const { replication, blockSize } = FILE_DEFAULTS;
  const defaults: StoreDefaults = { replication, blockSize, trashMs };
  const operations: Operations = {
    ...namenode.operations(),
    serverDefaults: () => Promise.resolve({ answer: defaults }),
  };
  const stopEmptying = emptyTrash({
    namenode: new NamenodeCalls(() => Promise.resolve(operations), `trash-${randomUUID()}`),
    state: () => namenode.state,
    clock,
    trashMs,
    logger,
  });
  return {
    operations,
    namenode,
    close: async () => {
      stopEmptying();
      namenode.stop();
      await journal.close();
    },
  };
}
