/** `tutti fs`: the file store from the command line, with the options that people know from `hdfs dfs` and `hdfs dfsadmin`. */

import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat as localStat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { listAll } from '../../filestore/file-system.ts';
import type { FsckReport, StoreReport } from '../../filestore/namenode/administration.ts';
import { modeText } from '../../filestore/namespace/permissions.ts';
import type { ContentSummary, Status } from '../../filestore/namespace/queries.ts';
import { StoreError } from '../../filestore/network.ts';
import type { StoreFileSystem } from '../../filestore/store-file-system.ts';
import { pathBelow } from '../../filestore/store-path.ts';
import type { Console } from '../console.ts';
import { write } from '../console.ts';
import { UsageFailure } from '../failures.ts';
import { bytesText, countText, plural } from '../quantities.ts';

type Run = (shell: FsShell, words: readonly string[], options: ReadonlySet<string>) => Promise<void>;

type FsCommand = {
  readonly usage: string;
  readonly does: string;
  /** Single letters, as in `-rm -r -f`. */
  readonly options?: readonly string[];
  /** Words behind it, at least and at most. */
  readonly words: readonly [number, number];
  readonly run: Run;
};

const ANY = Infinity;

/** By their names without the dash. */
const COMMANDS: Readonly<Record<string, FsCommand>> = {
  ls: {
    usage: '-ls [-R] <path> …',
    does: 'list files and folders',
    options: ['R'],
    words: [0, ANY],
    run: (shell, paths, options) => each(paths.length > 0 ? paths : ['/'], (at) => shell.list(at, options.has('R'))),
  },
  mkdir: {
    usage: '-mkdir <path> …',
    does: 'make folders, and those above them',
    options: ['p'],
    words: [1, ANY],
    run: (shell, paths) => each(paths, (at) => shell.fs.mkdirs(at)),
  },
  put: {
    usage: '-put [-f] <local file | -> … <path>',
    does: 'copy files into the store; -f replaces',
    options: ['f'],
    words: [2, ANY],
    run: (shell, words, options) => shell.put(words.slice(0, -1), words.at(-1)!, options.has('f')),
  },
  get: {
    usage: '-get [-f] <path> <local path>',
    does: 'copy a file out of the store',
    options: ['f'],
    words: [2, 2],
    run: (shell, [from, to], options) => shell.get(from!, to!, options.has('f')),
  },
  cat: {
    usage: '-cat <path> …',
    does: 'write files to standard output',
    words: [1, ANY],
    run: (shell, paths) => each(paths, (at) => shell.cat(at)),
  },
  rm: {
    usage: '-rm [-r] [-f] <path> …',
    does: 'remove files; -r folders too, -f without a word about what is not there',
    options: ['r', 'R', 'f', 'skipTrash'],
    words: [1, ANY],
    run: (shell, paths, options) =>
      each(paths, (at) => shell.remove(at, options.has('r') || options.has('R'), options.has('f'))),
  },
  mv: {
    usage: '-mv <path> <path>',
    does: 'move or rename',
    words: [2, 2],
    run: (shell, [from, to]) => shell.change('rename', { source: from!, target: to!, how: 'move' }),
  },
  du: {
    usage: '-du <path> …',
    does: 'bytes of files, and bytes with their replicas',
    words: [1, ANY],
    run: (shell, paths) => each(paths, (at) => shell.usage(at)),
  },
  stat: {
    usage: '-stat <path> …',
    does: 'what is known of a file or folder',
    words: [1, ANY],
    run: (shell, paths) => each(paths, (at) => shell.stat(at)),
  },
  chmod: {
    usage: '-chmod <octal mode> <path> …',
    does: 'set permissions',
    words: [2, ANY],
    run: (shell, [mode, ...paths]) =>
      each(paths, (at) => shell.change('setPermission', { path: at, mode: octal(mode!) })),
  },
  chown: {
    usage: '-chown <owner>[:<group>] <path> …',
    does: 'set owner and group',
    words: [2, ANY],
    run: (shell, [who, ...paths]) => {
      const [owner, group] = who!.split(':');
      const wanted = { ...(owner && { owner }), ...(group && { group }) };
      return each(paths, (at) => shell.change('setOwner', { path: at, ...wanted }));
    },
  },
  setrep: {
    usage: '-setrep <replicas> <path> …',
    does: 'set how many replicas a file has',
    words: [2, ANY],
    run: (shell, [count, ...paths]) =>
      each(paths, (at) => shell.change('setReplication', { path: at, replication: Number(count) })),
  },
  df: { usage: '-df', does: 'room in the store', words: [0, 1], run: (shell) => shell.room() },
  report: { usage: '-report', does: 'the datanodes, and how they are', words: [0, 0], run: (shell) => shell.report() },
  fsck: {
    usage: '-fsck [<path>]',
    does: 'blocks that are missing, damaged, or have too few replicas',
    words: [0, 1],
    run: (shell, [at = '/']) => shell.fsck(at),
  },
  safemode: {
    usage: '-safemode get|enter|leave',
    does: 'whether the store may change',
    words: [1, 1],
    run: (shell, [action]) => shell.safeMode(action!),
  },
  decommission: {
    usage: '-decommission <datanode>',
    does: 'copy what it has elsewhere, so that it may go',
    words: [1, 1],
    run: (shell, [node]) => shell.setService(node!, 'decommissioning'),
  },
  recommission: {
    usage: '-recommission <datanode>',
    does: 'take it into service again',
    words: [1, 1],
    run: (shell, [node]) => shell.setService(node!, 'normal'),
  },
  maintenance: {
    usage: '-maintenance <datanode>',
    does: 'it goes for a while; its replicas count meanwhile',
    words: [1, 1],
    run: (shell, [node]) => shell.setService(node!, 'maintenance'),
  },
  allowSnapshot: {
    usage: '-allowSnapshot <folder>',
    does: 'let a folder have snapshots',
    words: [1, 1],
    run: (shell, [at]) => shell.change('allowSnapshot', { path: at! }),
  },
  createSnapshot: {
    usage: '-createSnapshot <folder> [<name>]',
    does: 'keep a folder as it is now, as <folder>/.snapshot/<name>',
    words: [1, 2],
    run: async (shell, [at, name]) => {
      const made = await shell.change<string>('createSnapshot', { path: at!, ...(name !== undefined && { name }) });
      await shell.say(`Created snapshot ${made}`);
    },
  },
  deleteSnapshot: {
    usage: '-deleteSnapshot <folder> <name>',
    does: 'let go of a snapshot',
    words: [2, 2],
    run: (shell, [at, name]) => shell.change('deleteSnapshot', { path: at!, name: name! }),
  },
};

/** The exit code: 1 when anything could not be done. */
export async function runFs(fs: StoreFileSystem, words: readonly string[], console: Console): Promise<number> {
  const [first = '-help', ...rest] = words;
  if (first === '-help') {
    await write(console.stdout, fsHelp());
    return 0;
  }
  const command = COMMANDS[first.replace(/^-/, '')];
  if (!command || !first.startsWith('-')) {
    throw new UsageFailure(`there is no file command "${first}"; tutti fs -help lists them`);
  }
  const flags = rest.filter((word) => /^-[A-Za-z]+$/.test(word)).map((word) => word.slice(1));
  const strange = flags.find((flag) => !command.options?.includes(flag));
  const paths = rest.filter((word) => !/^-[A-Za-z]+$/.test(word));
  const [least, most] = command.words;
  if (strange !== undefined || paths.length < least || paths.length > most) {
    throw new UsageFailure(`usage: tutti fs ${command.usage}`);
  }
  try {
    await command.run(new FsShell(fs, console), paths, new Set(flags));
    return 0;
  } catch (problem) {
    if (!(problem instanceof StoreError)) throw problem;
    await write(console.stderr, `${first.slice(1)}: ${problem.message} (${problem.name})\n`);
    return 1;
  }
}

export function fsHelp(): string {
  const width = Math.max(...Object.values(COMMANDS).map(({ usage }) => usage.length));
  const lines = Object.values(COMMANDS).map(({ usage, does }) => `  ${usage.padEnd(width)}  ${does}`);
  return `Commands on the file store of a cluster:\n${lines.join('\n')}\n`;
}

class FsShell {
  readonly fs: StoreFileSystem;
  readonly #console: Console;

  constructor(fs: StoreFileSystem, console: Console) {
    this.fs = fs;
    this.#console = console;
  }

  say(text: string): Promise<void> {
    return write(this.#console.stdout, `${text}\n`);
  }

  async change<Result = unknown>(operation: string, request: object): Promise<Result> {
    return (await this.fs.client.change<{ result: Result }>(operation, request)).result;
  }

  async list(folder: string, recursive: boolean): Promise<void> {
    const status = await this.#status(folder);
    if (status.kind === 'file') return this.say(line(status, folder));
    for await (const entry of listAll(this.fs, folder)) {
      const { status: one } = await this.fs.client.read<{ status?: Status }>('stat', { path: entry.path });
      if (!one) continue;
      await this.say(line(one, entry.path));
      if (recursive && one.kind === 'folder') await this.list(entry.path, true);
    }
  }

  async put(sources: readonly string[], target: string, overwrite: boolean): Promise<void> {
    const isFolder = (await this.fs.stat(target))?.kind === 'folder';
    if (sources.length > 1 && !isFolder) throw new UsageFailure(`${target} is no folder: several files need one`);
    for (const source of sources) {
      const to = isFolder ? pathBelow(target, path.basename(source)) : target;
      const isInput = source === '-';
      const total = isInput ? undefined : (await localStat(source).catch(missing(source))).size;
      const content = isInput ? this.#console.stdin : createReadStream(source, { highWaterMark: PIECE_BYTES });
      await this.fs.create(to, this.#watched(content as AsyncIterable<Buffer>, total, to), { overwrite });
    }
  }

  async get(from: string, to: string, overwrite: boolean): Promise<void> {
    const found = await localStat(to).catch(() => undefined);
    const target = found?.isDirectory() ? path.join(to, path.posix.basename(from)) : to;
    const old = await localStat(target).catch(() => undefined);
    if (old && !overwrite) throw new UsageFailure(`${target} exists already; -f replaces it`);
    const file = await this.fs.open(from);
    const temporary = `${target}.${process.pid}.new`;
    try {
      await pipeline(this.#watched(file.stream(), file.length, from), createWriteStream(temporary));
      await rename(temporary, target);
    } finally {
      await rm(temporary, { force: true });
      await file.close();
    }
  }

  async cat(from: string): Promise<void> {
    const file = await this.fs.open(from);
    for await (const piece of file.stream()) await write(this.#console.stdout, piece);
    await file.close();
  }

  async remove(at: string, recursive: boolean, quietly: boolean): Promise<void> {
    const removed = await this.fs.delete(at, { recursive });
    if (removed) await this.say(`Deleted ${at}`);
    else if (!quietly) throw new StoreError('FileNotFoundException', `${at}: there is no such file or folder`);
  }

  async usage(at: string): Promise<void> {
    const { length, space } = await this.fs.client.read<ContentSummary>('contentSummary', { path: at });
    await this.say(`${length}  ${space}  ${at}`);
  }

  async stat(at: string): Promise<void> {
    const status = await this.#status(at);
    await this.say(line(status, at));
  }

  async room(): Promise<void> {
    const { datanodes } = await this.#report();
    const alive = datanodes.filter(({ isAlive }) => isAlive);
    const sum = (of: (one: (typeof alive)[number]) => number): number =>
      alive.reduce((total, one) => total + of(one), 0);
    const [size, used, free] = [
      sum((one) => one.capacityBytes),
      sum((one) => one.usedBytes),
      sum((one) => one.freeBytes),
    ];
    await this.say(`size ${bytesText(size)}, used ${bytesText(used)}, free ${bytesText(free)}`);
  }

  async report(): Promise<void> {
    const report = await this.#report();
    const { files, folders, blocks, length, safeMode, pending, datanodes } = report;
    await this.say(
      `${plural(files, 'file')} in ${plural(folders, 'folder')}, ${plural(blocks, 'block')}, ${bytesText(length)}` +
        `${safeMode ? '; safe mode is ON' : ''}${pending > 0 ? `; ${plural(pending, 'block')} to be copied or trimmed` : ''}`,
    );
    for (const one of datanodes) {
      const state = one.isAlive ? one.service : `dead for ${countText(Math.round(one.silentMs / 1000))} s`;
      const room = `${bytesText(one.usedBytes)} used, ${bytesText(one.freeBytes)} free of ${bytesText(one.capacityBytes)}`;
      const failed = one.failedFolders > 0 ? `, ${plural(one.failedFolders, 'failed folder')}` : '';
      await this.say(`${one.node}  ${one.address}  ${one.rack}  ${state}  ${room}${failed}`);
    }
  }

  async fsck(at: string): Promise<void> {
    const { files, blocks, bytes, healthy, problems } = await this.fs.client.read<FsckReport>('fsck', { path: at });
    for (const { path: file, block, kind, replicas, wanted } of problems) {
      await this.say(`${file}: block ${block} is ${kind}: ${replicas} of ${plural(wanted, 'replica')}`);
    }
    await this.say(`${plural(files, 'file')}, ${plural(blocks, 'block')}, ${bytesText(bytes)} below ${at}`);
    if (!healthy) throw new StoreError('IOException', `the files below ${at} are not healthy`);
    await this.say(`The files below ${at} are healthy`);
  }

  async safeMode(action: string): Promise<void> {
    if (!['get', 'enter', 'leave'].includes(action))
      throw new UsageFailure('usage: tutti fs -safemode get|enter|leave');
    const { isOn } = await this.fs.client.read<{ isOn: boolean }>('safeMode', { action });
    await this.say(`Safe mode is ${isOn ? 'ON' : 'OFF'}`);
  }

  async setService(node: string, service: string): Promise<void> {
    await this.fs.client.read('setService', { node, service });
    await this.say(`${node}: ${service}`);
  }

  #report(): Promise<StoreReport> {
    return this.fs.client.read<StoreReport>('report', {});
  }

  async #status(at: string): Promise<Status> {
    const { status } = await this.fs.client.read<{ status?: Status }>('stat', { path: at });
    if (status) return status;
    throw new StoreError('FileNotFoundException', `${at}: there is no such file or folder`);
  }

  /** The bytes as they are, with a line about them for people who wait. */
  async *#watched(
    bytes: AsyncIterable<Uint8Array>,
    total: number | undefined,
    what: string,
  ): AsyncGenerator<Uint8Array> {
    const { stderr } = this.#console;
    let [done, shownMs] = [0, performance.now()];
    for await (const piece of bytes) {
      yield piece;
      done += piece.length;
      if (!stderr.isTTY || performance.now() - shownMs < PROGRESS_MS) continue;
      shownMs = performance.now();
      const share = total ? ` of ${bytesText(total)} (${Math.floor((100 * done) / total)} %)` : '';
      stderr.write(`\r${what}: ${bytesText(done)}${share}\u001b[K`);
    }
    if (stderr.isTTY && done > 0) stderr.write('\r\u001b[K');
  }
}

const PIECE_BYTES = 1024 * 1024;
const PROGRESS_MS = 200;

async function each<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (const item of items) await work(item);
}

/** As `hdfs dfs -ls` has it: mode, replicas, owner, group, bytes, time in UTC, path. */
function line({ kind, mode, replication, owner, group, length, mtime }: Status, at: string): string {
  const [type, replicas] = kind === 'folder' ? ['d', '-'] : ['-', String(replication)];
  const time = new Date(mtime).toISOString().slice(0, 16).replace('T', ' ');
  return `${type}${modeText(mode)} ${replicas.padStart(3)} ${owner} ${group} ${String(length).padStart(12)} ${time} ${at}`;
}

function octal(text: string): number {
  if (/^[01]?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  throw new UsageFailure(`a mode has three octal digits such as 644, not "${text}"`);
}

const missing =
  (file: string) =>
  (problem: unknown): never => {
    const { code } = problem as NodeJS.ErrnoException;
    throw new UsageFailure(`${file} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : String(code)}`);
  };
