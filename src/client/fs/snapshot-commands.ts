/** Snapshots of folders. */

import type { SnapshotFolders, SnapshotList } from '../../filestore/namespace/queries.ts';
import { modeText } from '../../filestore/namespace/permissions.ts';
import { StoreError } from '../../filestore/network.ts';
import { pathBelow } from '../../filestore/store-path.ts';
import { listing, minuteText, table } from './columns.ts';
import type { FsCommands } from './command.ts';
import { PathFailure } from './fs-shell.ts';

export const SNAPSHOT_COMMANDS: FsCommands = {
  allowSnapshot: {
    usage: '-allowSnapshot <folder>',
    does: 'let a folder have snapshots',
    words: [1, 1],
    run: async (shell, [at]) => {
      await shell.change('allowSnapshot', { path: shell.path(at!) });
      await shell.say(`Allowing snapshot on ${at} succeeded`);
    },
  },
  disallowSnapshot: {
    usage: '-disallowSnapshot <folder>',
    does: 'no more snapshots of a folder that has none left',
    words: [1, 1],
    run: async (shell, [at]) => {
      await shell.change('disallowSnapshot', { path: shell.path(at!) });
      await shell.say(`Disallowing snapshot on ${at} succeeded`);
    },
  },
  createSnapshot: {
    usage: '-createSnapshot <folder> [<name>]',
    does: 'keep a folder as it is now, as <folder>/.snapshot/<name>',
    words: [1, 2],
    run: async (shell, [at, name]) => {
      const request = { path: shell.path(at!), ...(name !== undefined && { name }) };
      const made = await shell.change<string>('createSnapshot', request).catch((problem: unknown) => {
        if (!(problem instanceof StoreError && problem.message.includes('not a snapshottable directory')))
          throw problem;
        throw new PathFailure(at!, `${problem.message} (tutti fs -allowSnapshot ${at} makes it one)`);
      });
      await shell.say(`Created snapshot ${made}`);
    },
  },
  renameSnapshot: {
    usage: '-renameSnapshot <folder> <old name> <new name>',
    does: 'rename a snapshot',
    words: [3, 3],
    run: async (shell, [at, name, newName]) => {
      await shell.change('renameSnapshot', { path: shell.path(at!), name, newName });
      await shell.say(`Renamed snapshot ${name} to ${newName} under ${shell.path(at!)}`);
    },
  },
  deleteSnapshot: {
    usage: '-deleteSnapshot <folder> <name>',
    does: 'let go of a snapshot',
    words: [2, 2],
    run: async (shell, [at, name]) => {
      await shell.change('deleteSnapshot', { path: shell.path(at!), name });
      await shell.say(`Deleted snapshot ${name} under ${shell.path(at!)}`);
    },
  },
  lsSnapshot: {
    usage: '-lsSnapshot <folder>',
    does: "list a folder's snapshots",
    words: [1, 1],
    run: async (shell, [at]) => {
      const { snapshots } = await shell.ask<SnapshotList>('snapshots', { path: shell.path(at!) });
      for (const line of listing(snapshots)) await shell.say(line);
    },
  },
  lsSnapshottableDir: {
    usage: '-lsSnapshottableDir',
    does: 'list the folders that may have snapshots, and how many they have of how many at most',
    words: [0, 0],
    run: async (shell) => {
      const { folders } = await shell.ask<SnapshotFolders>('snapshottableFolders');
      const rows = folders.map(({ parent, status, snapshots }) => [
        `d${modeText(status.mode)}`,
        status.owner,
        status.group,
        minuteText(status.mtime),
        String(snapshots),
        '65536',
        status.name === '' ? '/' : pathBelow(parent, status.name),
      ]);
      for (const line of table(rows, new Set([4]))) await shell.say(line);
    },
  },
};
