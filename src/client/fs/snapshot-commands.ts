/** Snapshots of folders. */

import type { StillAtWork } from '../../filestore/namenode/long-answers.ts';
import type { SnapshotDiffPage } from '../../filestore/namenode/snapshot-diffs.ts';
import type { SnapshotFolders, SnapshotList } from '../../filestore/namespace/queries.ts';
import { modeText } from '../../filestore/namespace/permissions.ts';
import type { Difference } from '../../filestore/namespace/snapshot-diff.ts';
import { StoreError } from '../../filestore/network.ts';
import { pathBelow } from '../../filestore/store-path.ts';
import { listing, minuteText, table } from './columns.ts';
import { type FsCommands, refuseEmpty } from './command.ts';
import { type FsShell, noSuchFile, PathFailure } from './fs-shell.ts';

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
      const made = await ofFolder(at!, shell.change<string>('createSnapshot', request));
      await shell.say(`Created snapshot ${made}`);
    },
  },
  renameSnapshot: {
    usage: '-renameSnapshot <folder> <old name> <new name>',
    does: 'rename a snapshot',
    words: [3, 3],
    run: async (shell, [at, name, newName]) => {
      await ofFolder(at!, shell.change('renameSnapshot', { path: shell.path(at!), name, newName }));
      await shell.say(`Renamed snapshot ${name} to ${newName} under ${shell.path(at!)}`);
    },
  },
  deleteSnapshot: {
    usage: '-deleteSnapshot <folder> <name>',
    does: 'let go of a snapshot',
    words: [2, 2],
    run: async (shell, [at, name]) => {
      await ofFolder(at!, shell.change('deleteSnapshot', { path: shell.path(at!), name }));
      await shell.say(`Deleted snapshot ${name} under ${shell.path(at!)}`);
    },
  },
  lsSnapshot: {
    usage: '-lsSnapshot <folder>',
    does: "list a folder's snapshots",
    words: [1, 1],
    run: async (shell, [at]) => {
      const { snapshots } = await ofFolder(at!, shell.ask<SnapshotList>('snapshots', { path: shell.path(at!) }));
      for (const line of listing(snapshots)) await shell.say(line);
    },
  },
  snapshotDiff: {
    usage: '-snapshotDiff <folder> <from> <to>',
    does: 'what has changed in a folder between two snapshots, or one and now (.)',
    details: `
M modified   + created   - deleted   R renamed or moved within the folder, however its content changed
A rename goes from where it stood in <from> to where it stands in <to>; other paths are those of the older of the two. What
is in a folder that was created or deleted is not listed. The folder may be one below the one that has the snapshots.`,
    emptyWords: true,
    words: [3, 3],
    run: snapshotDiff,
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

/** Names of snapshots stand behind the folder's: what is wrong is said of the folder. */
async function ofFolder<T>(folder: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (problem) {
    if (!(problem instanceof StoreError)) throw problem;
    if (problem.name === 'FileNotFoundException') throw noSuchFile(folder);
    if (!problem.message.includes('not a snapshottable directory')) throw problem;
    throw new PathFailure(folder, `${problem.message} (tutti fs -allowSnapshot ${folder} makes it one)`);
  }
}

const SIGNS: Readonly<Record<Difference['kind'], string>> = { modified: 'M', created: '+', deleted: '-', renamed: 'R' };

async function snapshotDiff(shell: FsShell, [text, from, to]: readonly string[]): Promise<void> {
  refuseEmpty([text!]);
  const path = shell.path(text!);
  const [older, newer] = [snapshotName(from!), snapshotName(to!)];
  const asked = { path, ...(older !== '' && { from: older }), ...(newer !== '' && { to: newer }) };
  const request = shell.fs.client.unique();
  for (let after = 0; ;) {
    const asking = shell.ask<SnapshotDiffPage | StillAtWork>('snapshotDiff', { ...asked, request, after });
    const page = await ofFolder(text!, asking);
    if ('stillAtWork' in page) continue;
    if (after === 0) await shell.say(`Difference between ${said(older)} and ${said(newer)} under directory ${path}:`);
    for (const one of page.differences) {
      const target = one.kind === 'renamed' ? ` -> ${belowText(one.target)}` : '';
      await shell.say(`${SIGNS[one.kind]}\t${belowText(one.path)}${target}`);
    }
    after += page.differences.length;
    if (page.remaining === 0) return;
  }
}

/** '': now. As Hadoop takes them. */
const snapshotName = (text: string): string => (text === '.' ? '' : text.replace(/^\/?\.snapshot\//, ''));

const said = (snapshot: string): string => (snapshot === '' ? 'current directory' : `snapshot ${snapshot}`);

const belowText = (path: string): string => (path === '' ? '.' : `./${path}`);
