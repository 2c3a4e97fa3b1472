/** Commands that look around: what is there, how much, since when. */

import path from 'node:path';
import { modeText } from '../../filestore/namespace/permissions.ts';
import type { ContentSummary } from '../../filestore/namespace/queries.ts';
import type { StoreReport } from '../../filestore/namenode/administration.ts';
import { write } from '../console.ts';
import { UsageFailure } from '../failures.ts';
import { listing, secondText, sizeText, table } from './columns.ts';
import { ANY, type FsCommands, type Options, refuseEmpty } from './command.ts';
import { type FsShell, type Item, PathFailure } from './fs-shell.ts';
import { matcherOf } from './paths.ts';

export const LOOK_COMMANDS: FsCommands = {
  ls: {
    usage: '-ls [-C] [-d] [-h] [-R] [-t] [-S] [-r] [-u] [<path> …]',
    does: 'list files and folders',
    details: `
-C  paths only              -d  folders as plain entries      -h  sizes as 1.5 K, 4.0 M
-R  all below, too          -t  newest first                  -S  largest first
-r  the other way round     -u  last access for the time, and for -t
Without a path it is your home, /user/<you>. Times are in UTC. A folder's snapshots stand in <folder>/.snapshot.`,
    options: { C: 'flag', d: 'flag', h: 'flag', R: 'flag', t: 'flag', S: 'flag', r: 'flag', u: 'flag' },
    words: [0, ANY],
    run: list,
  },
  du: {
    usage: '-du [-s] [-h] [-v] <path> …',
    does: 'bytes of files, and bytes with their replicas',
    details: `
For every entry of a folder; -s: one sum for each path. -h: sizes as 1.5 K. -v: with a line of titles.`,
    options: { s: 'flag', h: 'flag', v: 'flag' },
    words: [1, ANY],
    run: diskUsage,
  },
  df: {
    usage: '-df [-h] [<path> …]',
    does: 'room on the datanodes that live',
    options: { h: 'flag' },
    words: [0, ANY],
    run: room,
  },
  count: {
    usage: '-count [-q] [-u] [-h] [-v] <path> …',
    does: 'count folders, files and bytes; with -q quotas and what is left of them, with -u these alone',
    details: `
Columns: [quota, left of it, space quota, left of it,] folders, files, bytes, path. "none" and "inf": there is no quota.`,
    options: { q: 'flag', u: 'flag', h: 'flag', v: 'flag' },
    words: [1, ANY],
    run: count,
  },
  stat: {
    usage: '-stat [<format>] <path> …',
    does: 'what is known of a file or folder, in a format',
    details: `
%a permissions as 644, %A as rw-r--r--, %b bytes, %F kind, %g group, %n name, %N path, %o block size, %r replicas,
%u owner, %x and %X last access, %y and %Y last change (in UTC; in milliseconds since 1970). Without a format: %y`,
    words: [1, ANY],
    run: stat,
  },
  test: {
    usage: '-test -[defswrz] <path>',
    does: 'whether it is so: the exit code is 0, else 1',
    details: `
-e it is there   -d it is a folder     -f it is a file   -s it is not empty   -z it is a file of no bytes
-r you may read it                     -w you may write it`,
    options: { d: 'flag', e: 'flag', f: 'flag', s: 'flag', w: 'flag', r: 'flag', z: 'flag' },
    words: [1, 1],
    run: test,
  },
  find: {
    usage: '-find <path> … [-name <pattern>] [-iname <pattern>] [-print | -print0]',
    does: 'what is below a path and called so',
    details: `
-iname does not tell a from A. Several conditions hold together. -print0 ends each path with a NUL, for xargs -0.
Quote the pattern: tutti fs -find / -name "*.parquet"`,
    raw: true,
    words: [1, ANY],
    run: find,
  },
};

type Time = (item: Item) => number;

async function list(shell: FsShell, paths: readonly string[], options: Options): Promise<void> {
  const isAtime = options.has('u');
  const timeOf: Time = ({ status }) => (isAtime ? status.atime : status.mtime);
  const show = async (items: readonly Item[]): Promise<void> => {
    const sorted = arranged(items, options, timeOf);
    const lines = options.has('C')
      ? sorted.map((item) => item.path)
      : listing(sorted, { isHuman: options.has('h'), timeOf });
    for (const line of lines) await shell.say(line);
  };
  const isRecursive = options.has('R') && !options.has('d');
  const folder = async (item: Item): Promise<void> => {
    const items: Item[] = [];
    for await (const child of shell.children(item.path)) items.push(child);
    if (!isRecursive) {
      if (!options.has('C') && items.length > 0)
        await shell.say(`Found ${items.length} item${items.length === 1 ? '' : 's'}`);
      return show(items);
    }
    for (const child of arranged(items, options, timeOf)) {
      await show([child]);
      if (child.status.kind === 'folder') await shell.trying(child.path, () => folder(child));
    }
  };
  if (paths.length === 0) {
    const home = await shell.find(shell.path('.'));
    if (home) return folder(home);
    const path_ = shell.path('.');
    throw new PathFailure(
      '.',
      `No such file or directory; your home ${path_} is not there yet (tutti fs -mkdir -p ${path_}), the root is tutti fs -ls /`,
    );
  }
  // Files first, as one list, as a shell does.
  const files: Item[] = [];
  const folders: Item[] = [];
  await shell.each(paths, async (item) => {
    (item.status.kind === 'folder' && !options.has('d') ? folders : files).push(item);
  });
  await show(files);
  for (const item of folders) await shell.trying(item.path, () => folder(item));
}

function arranged(items: readonly Item[], options: Options, timeOf: Time): readonly Item[] {
  const byTime = options.has('t') ? items.toSorted((a, b) => timeOf(b) - timeOf(a)) : items;
  const sorted =
    options.has('S') && !options.has('t') ? items.toSorted((a, b) => b.status.length - a.status.length) : byTime;
  return options.has('r') ? sorted.toReversed() : sorted;
}

async function diskUsage(shell: FsShell, paths: readonly string[], options: Options): Promise<void> {
  const rows: (readonly string[])[] = options.has('v')
    ? [['SIZE', 'DISK_SPACE_CONSUMED_WITH_ALL_REPLICAS', 'FULL_PATH_NAME']]
    : [];
  const add = async ({ path: at }: Item): Promise<void> => {
    const { length, space } = await shell.ask<ContentSummary>('contentSummary', { path: at });
    rows.push([sizeText(length, options.has('h')), sizeText(space, options.has('h')), at]);
  };
  await shell.each(paths, async (item) => {
    if (options.has('s') || item.status.kind === 'file') return add(item);
    for await (const child of shell.children(item.path)) await add(child);
  });
  for (const line of table(rows)) await shell.say(line);
}

/** All of it is one room, whatever paths are named; they have to be there. */
async function room(shell: FsShell, paths: readonly string[], options: Options): Promise<void> {
  const isHuman = options.has('h');
  let there = 0;
  await shell.each(paths, async () => void (there += 1));
  if (paths.length > 0 && there === 0) return;
  const { datanodes } = await shell.askAtLength<StoreReport>('report');
  const sum = { size: 0, used: 0, free: 0 };
  for (const { isAlive, capacityBytes, usedBytes, freeBytes } of datanodes) {
    if (!isAlive) continue;
    sum.size += capacityBytes;
    sum.used += usedBytes;
    sum.free += freeBytes;
  }
  const share = sum.size === 0 ? 0 : Math.floor((100 * sum.used) / sum.size);
  const sizes = [sum.size, sum.used, sum.free].map((bytes) => sizeText(bytes, isHuman));
  const rows = [
    ['Filesystem', 'Size', 'Used', 'Available', 'Use%'],
    ['tutti:///', ...sizes, `${share}%`],
  ];
  for (const line of table(rows, new Set([1, 2, 3, 4]))) await shell.say(line);
}

const QUOTA_TITLES = ['QUOTA', 'REM_QUOTA', 'SPACE_QUOTA', 'REM_SPACE_QUOTA'];
const COUNT_TITLES = ['DIR_COUNT', 'FILE_COUNT', 'CONTENT_SIZE'];

/** As wide as Hadoop has them, for scripts that cut columns. */
const QUOTA_WIDTHS = [12, 15, 15, 15];
const COUNT_WIDTHS = [12, 12, 18];

async function count(shell: FsShell, paths: readonly string[], options: Options): Promise<void> {
  const [isQuota, isOnlyQuota] = [options.has('q') || options.has('u'), options.has('u')];
  const line = (quota: readonly string[], counts: readonly string[], at: string): string =>
    [
      ...(isQuota ? quota.map((text, i) => text.padStart(QUOTA_WIDTHS[i]!)) : []),
      ...(isOnlyQuota ? [] : counts.map((text, i) => text.padStart(COUNT_WIDTHS[i]!))),
      at,
    ].join(' ');
  const size = (bytes: number): string => sizeText(bytes, options.has('h'));
  if (options.has('v')) await shell.say(line(QUOTA_TITLES, COUNT_TITLES, 'PATHNAME'));
  await shell.each(paths, async ({ path: at }) => {
    const { files, folders, length, space, quota } = await shell.ask<ContentSummary>('contentSummary', { path: at });
    const limit = (most: number | undefined, used: number): readonly string[] =>
      most === undefined ? ['none', 'inf'] : [size(most), size(most - used)];
    const quotas = [...limit(quota.names, files + folders), ...limit(quota.space, space)];
    await shell.say(line(quotas, [size(folders), size(files), size(length)], at));
  });
}

async function stat(shell: FsShell, words: readonly string[]): Promise<void> {
  const hasFormat = words[0]!.includes('%');
  const [format, paths] = hasFormat ? [words[0]!, words.slice(1)] : ['%y', words];
  if (paths.length === 0) throw new UsageFailure('Not enough arguments: expected 1 but got 0');
  await shell.each(paths, (item) =>
    shell.say(format.replaceAll(/%(.)/gs, (whole, letter: string) => statText(item, letter) ?? whole)),
  );
}

function statText({ path: at, status }: Item, letter: string): string | undefined {
  const isFile = status.kind === 'file';
  switch (letter) {
    case 'a':
      return status.mode.toString(8);
    case 'A':
      return modeText(status.mode);
    case 'b':
      return String(status.length);
    case 'F':
      return isFile ? 'regular file' : 'directory';
    case 'g':
      return status.group;
    case 'n':
      return path.posix.basename(at);
    case 'N':
      return at;
    case 'o':
      return String(isFile ? status.blockSize : 0);
    case 'r':
      return String(isFile ? status.replication : 0);
    case 'u':
      return status.owner;
    case 'x':
      return secondText(status.atime);
    case 'X':
      return String(status.atime);
    case 'y':
      return secondText(status.mtime);
    case 'Y':
      return String(status.mtime);
    case '%':
      return '%';
    default:
      return undefined;
  }
}

async function test(shell: FsShell, [text]: readonly string[], options: Options): Promise<void> {
  const flags = ['d', 'e', 'f', 's', 'w', 'r', 'z'].filter((flag) => options.has(flag));
  if (flags.length !== 1) throw new UsageFailure('one of -d, -e, -f, -s, -w, -r and -z is needed');
  const at = shell.path(text!);
  const item = await shell.find(at);
  const may = async (access: number): Promise<boolean> => {
    await shell.ask('checkAccess', { path: at, access });
    return true;
  };
  const isSo = item !== undefined && (await answer(flags[0]!, item, may));
  shell.exitCode = isSo ? 0 : 1;
}

async function answer(flag: string, { status }: Item, may: (access: number) => Promise<boolean>): Promise<boolean> {
  switch (flag) {
    case 'd':
      return status.kind === 'folder';
    case 'f':
      return status.kind === 'file';
    case 's':
      return status.kind === 'folder' ? status.children > 0 : status.length > 0;
    case 'z':
      return status.kind === 'file' && status.length === 0;
    case 'r':
      return may(4);
    case 'w':
      return may(2);
    default:
      return true;
  }
}

async function find(shell: FsShell, words: readonly string[]): Promise<void> {
  const first = words.findIndex((word) => word.startsWith('-'));
  const paths = first < 0 ? words : words.slice(0, first);
  refuseEmpty(paths);
  const matchers: RegExp[] = [];
  let end = '\n';
  for (let i = first < 0 ? words.length : first; i < words.length; i++) {
    const word = words[i]!;
    if (word === '-name' || word === '-iname') {
      const pattern = words[++i];
      if (pattern === undefined) throw new UsageFailure(`option ${word} requires 1 argument`);
      matchers.push(matcherOf(pattern, word === '-iname' ? 'i' : ''));
    } else if (word === '-print0') end = '\0';
    else if (!['-print', '-a', '-and'].includes(word)) throw new UsageFailure(`Unexpected argument: ${word}`);
  }
  await shell.each(paths.length > 0 ? paths : ['.'], async (root) => {
    for await (const { path: at } of shell.tree(root)) {
      const name = path.posix.basename(at);
      if (matchers.every((matcher) => matcher.test(name))) await write(shell.console.stdout, at + end);
    }
  });
}
