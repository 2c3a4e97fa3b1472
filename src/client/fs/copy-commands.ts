/** Commands that copy: into the store, out of it, within it. */

import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, readdir, realpath, rename, rm, stat as localStat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { blockingDisk, localDisk } from '../../common/disk.ts';
import { makeFolders } from '../../common/files.ts';
import type { OpenFile } from '../../filestore/file-system.ts';
import { filePieces } from '../../filestore/lent-buffers.ts';
import { StoreError } from '../../filestore/network.ts';
import { saveFile } from '../../filestore/save-file.ts';
import { pathBelow } from '../../filestore/store-path.ts';
import { ANY, type FsCommand, type FsCommands, type Options } from './command.ts';
import { type FsShell, type Item, noSuchFile, PathFailure } from './fs-shell.ts';
import { print, reading } from './read-commands.ts';
import { shown } from './transfer-progress.ts';

const PUT: FsCommand = {
  usage: '-put [-f] [-p] <local file or folder | -> … <path>',
  does: 'copy into the store',
  details: `
Several go into a folder that exists. - is standard input. Folders go with all that is in them. A file is seen when it is
whole and on its datanodes' disks.
-f replaces files that are there   -p keeps times and permissions`,
  options: { f: 'flag', p: 'flag', l: 'flag', d: 'flag' },
  words: [1, ANY],
  run: (shell, words, options) => put(shell, words, options, false),
};

const GET: FsCommand = {
  usage: '-get [-f] [-p] <path> … [<local path | ->]',
  does: 'copy out of the store',
  details: `
Several go into a folder that exists. - is standard output. Folders come with all that is in them. Every byte is compared
with its checksum on the way; a file that fails is not left half written.
-f replaces files that are there   -p keeps times and permissions`,
  options: { f: 'flag', p: 'flag', crc: 'flag', ignoreCrc: 'flag' },
  words: [1, ANY],
  run: get,
};

export const COPY_COMMANDS: FsCommands = {
  put: PUT,
  copyFromLocal: { ...PUT, usage: PUT.usage.replace('-put', '-copyFromLocal'), does: 'the same as -put' },
  moveFromLocal: {
    usage: '-moveFromLocal <local file or folder> … <path>',
    does: 'the same, and the local ones are removed',
    options: { f: 'flag' },
    words: [2, ANY],
    run: (shell, words, options) => put(shell, words, options, true),
  },
  get: GET,
  copyToLocal: { ...GET, usage: GET.usage.replace('-get', '-copyToLocal'), does: 'the same as -get' },
  getmerge: {
    usage: '-getmerge [-nl] <path> … <local path>',
    does: 'the files of folders one behind the other, as one local file',
    details: '-nl ends each of them with a line end. A file that is there is replaced when all of them have come.',
    options: { nl: 'flag' },
    words: [2, ANY],
    run: getMerged,
  },
  cp: {
    usage: '-cp [-f] [-p] <path> … <path>',
    does: 'copy within the store',
    details: `
Several go into a folder that exists; folders go with all that is in them.
-f replaces files that are there   -p keeps owner, times and permissions`,
    options: { f: 'flag', p: 'flag' },
    words: [2, ANY],
    run: copy,
  },
  touchz: {
    usage: '-touchz <path> …',
    does: 'make files of no bytes',
    words: [1, ANY],
    run: async (shell, paths) => {
      for (const text of paths) {
        await shell.trying(text, async () => {
          const at = shell.path(text);
          const old = await shell.find(at);
          if (old?.status.kind === 'folder') throw new PathFailure(text, 'Is a directory');
          if (old && old.status.length > 0) throw new PathFailure(text, 'Not a zero-length file');
          if (!old) await shell.checkParent(text);
          await shell.fs.create(at, new Uint8Array(), { overwrite: true });
        });
      }
    },
  },
  appendToFile: {
    usage: '-appendToFile <local file> … <path>',
    does: 'refused: files are written once',
    words: [1, ANY],
    run: (_shell, words) => {
      throw new PathFailure(
        words.at(-1)!,
        'Files of this store are written once. Put the lines beside it as a file of their own (a table reads all files of ' +
          'a folder), or write it anew: tutti fs -put -f',
      );
    },
  },
};

// ------------------------------------------------------------------------------------------------------------- into it

async function put(shell: FsShell, words: readonly string[], options: Options, isMove: boolean): Promise<void> {
  const sources = words.length > 1 ? words.slice(0, -1) : words;
  const given = words.length > 1 ? words.at(-1)! : '.';
  const target = shell.path(given);
  const isFolder = (await shell.target(given, sources.length))?.status.kind === 'folder';
  for (const source of sources) {
    await shell.trying(source, async () => {
      if (source === '-') return create(shell, target, shell.console.stdin, undefined, options);
      const to = isFolder ? pathBelow(target, path.basename(path.resolve(source))) : target;
      const before = shell.complaints;
      await putTree(shell, source, to, options);
      if (isMove && shell.complaints === before) await rm(source, { recursive: true });
    });
  }
}

async function putTree(shell: FsShell, source: string, to: string, options: Options): Promise<void> {
  const found = await localStat(source);
  if (found.isDirectory()) {
    await shell.fs.mkdirs(to);
    for (const name of (await readdir(source)).toSorted()) {
      const below = path.join(source, name);
      await shell.trying(below, () => putTree(shell, below, pathBelow(to, name), options));
    }
  } else {
    await create(shell, to, localBytes(source, found.isFile()), found.size, options);
  }
  if (options.has('p')) {
    await shell.change('setPermission', { path: to, mode: found.mode & 0o1777 });
    await shell.change('setTimes', { path: to, mtime: Math.round(found.mtimeMs), atime: Math.round(found.atimeMs) });
  }
}

/** A pipe has no offsets to read from. */
async function* localBytes(source: string, isFile: boolean): AsyncGenerator<Uint8Array, void, undefined> {
  if (!isFile) return yield* createReadStream(source) as AsyncIterable<Buffer>;
  const file = await localDisk.open(source, 'read');
  try {
    yield* filePieces(file);
  } finally {
    await file.close();
  }
}

async function create(
  shell: FsShell,
  to: string,
  bytes: AsyncIterable<Uint8Array>,
  total: number | undefined,
  options: Options,
): Promise<void> {
  try {
    await shell.fs.create(to, shown(shell.console, to, total, bytes), { overwrite: options.has('f') });
  } catch (problem) {
    if (!(problem instanceof StoreError && problem.name === 'FileAlreadyExistsException')) throw problem;
    const isFolder = (await shell.find(to))?.status.kind === 'folder';
    throw new PathFailure(to, isFolder ? 'Is a directory' : 'File exists (-f replaces it)');
  }
}

// -------------------------------------------------------------------------------------------------------------- out of it

async function get(shell: FsShell, words: readonly string[], options: Options): Promise<void> {
  const sources = words.length > 1 ? words.slice(0, -1) : words;
  const target = words.length > 1 ? words.at(-1)! : '.';
  if (target === '-') {
    return shell.each(sources, (item) => reading(shell, item, (file) => print(shell, file.stream())));
  }
  const isFolder = (await localStat(target).catch(() => undefined))?.isDirectory() ?? false;
  if (target.endsWith('/') && !isFolder) throw noSuchFile(target);
  const items: Item[] = [];
  await shell.each(sources, async (item) => void items.push(item));
  if (items.length > 1 && !isFolder) throw new PathFailure(target, 'Is not a directory: several files need one');
  for (const item of items) {
    const name = path.posix.basename(item.path) || 'root';
    await shell.trying(item.path, () => getTree(shell, item, isFolder ? path.join(target, name) : target, options));
  }
}

async function getTree(shell: FsShell, item: Item, to: string, options: Options): Promise<void> {
  const { path: from, status } = item;
  if (status.kind === 'folder') {
    await makeFolders(localDisk, to);
    for await (const child of shell.children(from)) {
      await shell.trying(child.path, () => getTree(shell, child, path.join(to, child.status.name), options));
    }
  } else {
    await getFile(shell, from, to, options.has('f'));
  }
  if (options.has('p')) {
    await chmod(to, status.mode);
    await utimes(to, (status.atime || status.mtime) / 1000, status.mtime / 1000);
  }
}

async function getFile(shell: FsShell, from: string, to: string, isForced: boolean): Promise<void> {
  const old = await localStat(to).catch(() => undefined);
  if (old?.isDirectory()) throw new PathFailure(to, 'Is a directory');
  if (old && !isForced) throw new PathFailure(to, 'File exists (-f replaces it)');
  const file = await shell.fs.open(from);
  try {
    await replaceFile(to, shown(shell.console, from, file.length, lentBytes(file)));
  } finally {
    await file.close();
  }
}

/** When it fails, what was there before still is. */
async function replaceFile(to: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const folder = path.dirname(to);
  if (!(await localStat(folder).catch(() => undefined))) throw new PathFailure(folder, 'No such file or directory');
  const temporary = `${to}._COPYING_.${process.pid}`;
  try {
    await saveFile(blockingDisk, temporary, bytes);
    await rename(temporary, to);
  } finally {
    await rm(temporary, { force: true });
  }
}

const lentBytes = (file: OpenFile): AsyncIterable<Uint8Array> => file.stream(0, file.length, { lent: true });

async function getMerged(shell: FsShell, words: readonly string[], options: Options): Promise<void> {
  const target = words.at(-1)!;
  const files: Item[] = [];
  await shell.each(words.slice(0, -1), async (item) => {
    if (item.status.kind === 'file') files.push(item);
    else for await (const child of shell.children(item.path)) if (child.status.kind === 'file') files.push(child);
  });
  if (shell.exitCode !== 0) return;
  async function* pieces(lent: boolean): AsyncGenerator<Uint8Array, void, undefined> {
    for (const { path: from } of files) {
      const file = await shell.fs.open(from);
      try {
        yield* shown(shell.console, from, file.length, file.stream(0, file.length, { lent }));
      } finally {
        await file.close();
      }
      if (options.has('nl')) yield Buffer.from('\n');
    }
  }
  const old = await localStat(target).catch(() => undefined);
  if (old?.isDirectory()) throw new PathFailure(target, 'Is a directory');
  // Nothing can stand beside a pipe or a device for its place.
  if (old && !old.isFile()) return pipeline(pieces(false), createWriteStream(target));
  await replaceFile(old ? await realpath(target) : target, pieces(true));
}

// --------------------------------------------------------------------------------------------------------------- within it

async function copy(shell: FsShell, words: readonly string[], options: Options): Promise<void> {
  const target = shell.path(words.at(-1)!);
  const items: Item[] = [];
  await shell.each(words.slice(0, -1), async (item) => void items.push(item));
  const isFolder = (await shell.target(words.at(-1)!, items.length))?.status.kind === 'folder';
  for (const item of items) {
    const to = isFolder ? pathBelow(target, path.posix.basename(item.path)) : target;
    if (to === item.path || to.startsWith(`${item.path}/`)) {
      await shell.complain(`\`${item.path}': to \`${to}': it would be copied into itself`);
    } else await shell.trying(item.path, () => copyTree(shell, item, to, options));
  }
}

async function copyTree(shell: FsShell, { path: from, status }: Item, to: string, options: Options): Promise<void> {
  if (status.kind === 'folder') {
    await shell.fs.mkdirs(to);
    for await (const child of shell.children(from)) {
      await shell.trying(child.path, () => copyTree(shell, child, pathBelow(to, child.status.name), options));
    }
  } else {
    const file = await shell.fs.open(from);
    try {
      await create(shell, to, lentBytes(file), file.length, options);
    } finally {
      await file.close();
    }
  }
  if (!options.has('p')) return;
  const { owner, group, mode, mtime, atime } = status;
  await shell.change('setOwner', { path: to, owner, group });
  await shell.change('setPermission', { path: to, mode });
  await shell.change('setTimes', { path: to, mtime, atime });
}
