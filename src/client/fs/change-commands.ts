/** Commands that change what is there: names, owners, permissions, replicas, quotas, and what is thrown away. */

import path from 'node:path';
import { isLeaving } from '../../filestore/namespace/decide-services.ts';
import type { TrashPlan } from '../../filestore/namespace/trash.ts';
import { trashMark, trashMarkTime, trashOf, TRASH_MODE } from '../../filestore/namespace/trash.ts';
import { StoreError } from '../../filestore/network.ts';
import type { StoreReport } from '../../filestore/namenode/administration.ts';
import type { BlockLocation } from '../../filestore/protocol.ts';
import { write } from '../console.ts';
import { UsageFailure } from '../failures.ts';
import { plural } from '../quantities.ts';
import { ANY, type FsCommands, type Options, wholeNumber } from './command.ts';
import { type FsShell, type Item, PathFailure, whyNot } from './fs-shell.ts';
import { modeChange } from './mode-change.ts';

export const CHANGE_COMMANDS: FsCommands = {
  mkdir: {
    usage: '-mkdir [-p] <path> …',
    does: 'make folders; -p also those above them, and without a word about what is there',
    options: { p: 'flag' },
    words: [1, ANY],
    run: makeFolders,
  },
  mv: {
    usage: '-mv <path> … <path>',
    does: 'move or rename; several go into a folder that exists',
    words: [2, ANY],
    run: move,
  },
  rm: {
    usage: '-rm [-f] [-r | -R] [-skipTrash] [-safely] <path> …',
    does: 'remove files, and with -r folders: into the trash',
    details: `
What is removed stands in /user/<you>/.Trash for a day (tutti server --trash <time>) and can be moved back.
-skipTrash removes it for good   -f without a word about what is not there   -r, -R folders with all that is in them`,
    options: { f: 'flag', r: 'flag', R: 'flag', skipTrash: 'flag', safely: 'flag' },
    words: [0, ANY],
    run: remove,
  },
  rmdir: {
    usage: '-rmdir [--ignore-fail-on-non-empty] <path> …',
    does: 'remove folders that are empty',
    options: { '-ignore-fail-on-non-empty': 'flag' },
    words: [1, ANY],
    run: removeFolders,
  },
  expunge: {
    usage: '-expunge [-immediate]',
    does: 'empty your trash: of what was put by long enough ago, with -immediate of all',
    details: `
What you have removed until now is put by under the time, and goes when that is as long ago as the trash keeps things.`,
    options: { immediate: 'flag' },
    words: [0, 0],
    run: (shell, _words, options) => expunge(shell, options.has('immediate')),
  },
  chmod: {
    usage: '-chmod [-R] <mode> <path> …',
    does: 'set permissions: 644, u+x,g-w, a=rX',
    options: { R: 'flag' },
    words: [2, ANY],
    run: (shell, [mode, ...paths], options) => {
      const changed = modeChange(mode!);
      return everything(shell, paths, options.has('R'), ({ path: at, status }) =>
        shell.change('setPermission', { path: at, mode: changed(status.mode, status.kind === 'folder') }),
      );
    },
  },
  chown: {
    usage: '-chown [-R] [<owner>][:<group>] <path> …',
    does: 'set owner and group',
    options: { R: 'flag' },
    words: [2, ANY],
    run: (shell, [who, ...paths], options) => own(shell, paths, options, ownerAndGroup(who!)),
  },
  chgrp: {
    usage: '-chgrp [-R] <group> <path> …',
    does: 'set the group',
    options: { R: 'flag' },
    words: [2, ANY],
    run: (shell, [group, ...paths], options) => own(shell, paths, options, { group: groupName(group!) }),
  },
  setrep: {
    usage: '-setrep [-R] [-w] <replicas> <path> …',
    does: 'set how many replicas files have',
    details: 'Of a folder it is set for all files below it. -w waits until they are there.',
    options: { R: 'flag', w: 'flag' },
    words: [2, ANY],
    run: setReplication,
  },
  truncate: {
    usage: '-truncate <length> <path> …',
    does: 'refused: files are written once',
    options: { w: 'flag' },
    words: [1, ANY],
    run: (_shell, words) => {
      throw new PathFailure(words.at(-1)!, 'Files of this store are written once. tutti fs -put -f writes one anew');
    },
  },
};

async function makeFolders(shell: FsShell, paths: readonly string[], options: Options): Promise<void> {
  for (const text of paths) {
    await shell.trying(text, async () => {
      const at = shell.path(text);
      const old = await shell.find(at);
      if (old && (!options.has('p') || old.status.kind === 'file')) throw new PathFailure(text, 'File exists');
      if (!options.has('p') && !(await shell.find(path.posix.dirname(at)))) {
        throw new PathFailure(text, `No such file or directory: ${path.posix.dirname(at)} (-p makes it as well)`);
      }
      await shell.fs.mkdirs(at);
    });
  }
}

async function move(shell: FsShell, words: readonly string[]): Promise<void> {
  const target = shell.path(words.at(-1)!);
  const items: Item[] = [];
  await shell.each(words.slice(0, -1), async (item) => void items.push(item));
  const there = await shell.target(words.at(-1)!, items.length);
  for (const { path: source } of items) {
    await shell.trying(source, async () => {
      if (there?.status.kind === 'file') throw new PathFailure(target, 'File exists');
      await shell.change('rename', { source, target, how: 'move' });
    });
  }
}

// ------------------------------------------------------------------------------------------------------------------ trash

async function remove(shell: FsShell, paths: readonly string[], options: Options): Promise<void> {
  if (paths.length === 0 && !options.has('f')) throw new UsageFailure('Not enough arguments: expected 1 but got 0');
  const isKept = !options.has('skipTrash') && (await shell.defaults()).trashMs > 0;
  const isRecursive = options.has('r', 'R');
  const removeOne = async ({ path: at, status }: Item): Promise<void> => {
    if (status.kind === 'folder' && !isRecursive) throw new PathFailure(at, 'Is a directory (-r removes it)');
    if (at === '/') throw new PathFailure(at, 'The root stays');
    if (isKept && (await throwAway(shell, at))) return;
    if (await shell.fs.delete(at, { recursive: isRecursive })) await shell.say(`Deleted ${at}`);
  };
  for (const text of paths) {
    await shell.trying(text, async () => {
      const items = await shell.expand(text).catch((problem: unknown) => {
        if (options.has('f') && problem instanceof PathFailure) return [];
        throw problem;
      });
      for (const item of items) await shell.trying(item.path, () => removeOne(item));
    });
  }
}

/** False: it lies in the trash already. */
async function throwAway(shell: FsShell, at: string): Promise<boolean> {
  for (let tries = 3; ; tries--) {
    let plan: TrashPlan;
    try {
      plan = await shell.ask<TrashPlan>('trashPlan', { path: at, now: Date.now() });
      if (plan.kind === 'delete') return false;
      // The home's own folders are for everybody to pass; the trash is for its owner alone.
      await shell.change('mkdirs', { path: '/user', mode: 0o755 });
      await shell.change('mkdirs', { path: plan.folder, mode: TRASH_MODE });
      await shell.change('rename', { source: at, target: plan.target, how: 'exact' });
    } catch (problem) {
      if (!(problem instanceof StoreError)) throw problem;
      // Somebody else has thrown away something of that name since.
      if (problem.name === 'FileAlreadyExistsException' && tries > 1) continue;
      // What snapshots keep, no option removes, nor anything in safe mode.
      const isKept = /^Snapshot|SafeMode/.test(problem.name);
      const why = isKept ? whyNot(at, problem) : `${problem.message}. -skipTrash removes it for good`;
      throw new PathFailure(at, `Failed to move to the trash: ${why}`);
    }
    await shell.say(`Moved: '${at}' to trash at: ${plan.target}`);
    return true;
  }
}

async function expunge(shell: FsShell, isImmediate: boolean): Promise<void> {
  const { trashMs } = await shell.defaults();
  const trash = await shell.find(trashOf(shell.user));
  if (!trash) return;
  const now = Date.now();
  const current = `${trash.path}/Current`;
  if (await shell.find(current)) {
    const target = `${trash.path}/${trashMark(now)}`;
    await shell.change('rename', { source: current, target, how: 'exact' });
    await shell.say(`Created trash checkpoint: ${target}`);
  }
  for await (const { path: at, status } of shell.children(trash.path)) {
    const time = trashMarkTime(status.name);
    if (time === undefined || (!isImmediate && time >= now - trashMs)) continue;
    await shell.fs.delete(at, { recursive: true });
    await shell.say(`Deleted trash checkpoint: ${at}`);
  }
}

async function removeFolders(shell: FsShell, paths: readonly string[], options: Options): Promise<void> {
  await shell.each(paths, async ({ path: at, status }) => {
    if (status.kind !== 'folder') throw new PathFailure(at, 'Is not a directory');
    try {
      await shell.fs.delete(at);
    } catch (problem) {
      const isFull = problem instanceof StoreError && problem.name === 'PathIsNotEmptyDirectoryException';
      if (!isFull || !options.has('-ignore-fail-on-non-empty')) throw problem;
    }
  });
}

// ------------------------------------------------------------------------------------------------------------- attributes

/** Does it to all that the paths name, and with `isRecursive` to all below. */
function everything(
  shell: FsShell,
  paths: readonly string[],
  isRecursive: boolean,
  work: (item: Item) => Promise<unknown>,
): Promise<void> {
  return shell.each(paths, async (item) => {
    if (!isRecursive) return void (await work(item));
    for await (const one of shell.tree(item)) await shell.trying(one.path, () => work(one));
  });
}

/** Of users and groups, as Hadoop's shell takes them. */
const NAME_LETTERS = 'letters from a to z, digits and - _ . / @';

/** Throws UsageFailure. */
function ownerAndGroup(text: string): { readonly owner?: string; readonly group?: string } {
  const found = /^([-\w./@]*)(?::([-\w./@]*))?$/.exec(text);
  const [, owner, group] = found ?? [];
  if (owner || group) return { ...(owner && { owner }), ...(group && { group }) };
  if (found) throw new UsageFailure(`"${text}" names neither an owner nor a group`);
  throw new UsageFailure(`"${text}" is not [<owner>][:<group>]: names are made of ${NAME_LETTERS}`);
}

/** Throws UsageFailure. */
function groupName(text: string): string {
  if (/^[-\w./@]+$/.test(text)) return text;
  throw new UsageFailure(`"${text}" is no group: names are made of ${NAME_LETTERS}`);
}

const own = (shell: FsShell, paths: readonly string[], options: Options, who: object): Promise<void> =>
  everything(shell, paths, options.has('R'), ({ path: at }) => shell.change('setOwner', { path: at, ...who }));

const WAIT_MS = 500;

async function setReplication(shell: FsShell, words: readonly string[], options: Options): Promise<void> {
  const replication = wholeNumber('the number of replicas', words[0]!, 1);
  const files: string[] = [];
  await everything(shell, words.slice(1), true, async ({ path: at, status }) => {
    if (status.kind === 'folder') return;
    await shell.change('setReplication', { path: at, replication });
    await shell.say(`Replication ${replication} set: ${at}`);
    files.push(at);
  });
  if (!options.has('w')) return;
  let staying = await stayingNodes(shell);
  if (files.length > 0 && replication > staying.size) {
    await shell.say(
      `${plural(replication, 'replica')} need as many datanodes, and ${staying.size} of them live and stay: waiting until there are more`,
    );
  }
  for (const at of files) {
    await write(shell.console.stdout, `Waiting for ${at} ...`);
    while (!(await hasReplicas(shell, at, replication, staying))) {
      await write(shell.console.stdout, '.');
      await new Promise((later) => setTimeout(later, WAIT_MS));
      // Who leaves may change meanwhile. Not for each file: the report walks all that such a node has.
      staying = await stayingNodes(shell);
    }
    await shell.say(' done');
  }
}

/** What is on others does not count, as the store counts: nothing is trimmed there, and others get it. */
async function stayingNodes(shell: FsShell): Promise<ReadonlySet<string>> {
  const { datanodes } = await shell.askAtLength<StoreReport>('report');
  return new Set(datanodes.filter(({ isAlive, service }) => isAlive && !isLeaving(service)).map(({ node }) => node));
}

async function hasReplicas(shell: FsShell, at: string, wanted: number, staying: ReadonlySet<string>): Promise<boolean> {
  const { blocks } = await shell.ask<{ readonly blocks: readonly BlockLocation[] }>('locate', { path: at });
  return blocks.every(({ replicas }) => replicas.filter(({ node }) => staying.has(node)).length === wanted);
}
