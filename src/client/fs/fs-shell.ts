/** What the commands of `tutti fs` have in common: the store, what stands where, and how they speak to people. */

import { posix } from 'node:path';
import type { StillAtWork } from '../../filestore/namenode/long-answers.ts';
import type { StoreDefaults } from '../../filestore/namenode/trash-emptier.ts';
import type { Status } from '../../filestore/namespace/queries.ts';
import { StoreError } from '../../filestore/network.ts';
import type { StoreErrorName } from '../../filestore/network.ts';
import { isSeen } from '../../filestore/store-file-system.ts';
import type { StoreFileSystem } from '../../filestore/store-file-system.ts';
import { pathBelow } from '../../filestore/store-path.ts';
import type { Console } from '../console.ts';
import { isBrokenPipe, write } from '../console.ts';
import { UsageFailure } from '../failures.ts';
import { alternatives, inOrder, isElsewhere, isPattern, nameMatcher, plainName, storePath } from './paths.ts';

/** Something in the store. */
export type Item = { readonly path: string; readonly status: Status };

/** What cannot be done with one path; the others go on. */
export class PathFailure extends Error {
  override readonly name = 'PathFailure';

  constructor(path: string, why: string) {
    super(`\`${path}': ${why}`);
  }
}

export const noSuchFile = (path: string): PathFailure => new PathFailure(path, 'No such file or directory');

const missingFolder = (text: string, folder: string): PathFailure =>
  new PathFailure(text, `No such file or directory: ${folder} (tutti fs -mkdir -p ${folder} makes it)`);

const PAGE = 1000;

export class FsShell {
  readonly fs: StoreFileSystem;
  readonly console: Console;
  /** As whom the store is asked. */
  readonly user: string;
  readonly #name: string;
  /** 1 when anything could not be done. */
  exitCode = 0;
  /** What could not be done so far. */
  complaints = 0;

  constructor(fs: StoreFileSystem, console: Console, name: string) {
    this.fs = fs;
    this.console = console;
    this.user = fs.client.options.caller.user;
    this.#name = name;
  }

  say(text: string): Promise<void> {
    return write(this.console.stdout, `${text}\n`);
  }

  async change<Result = unknown>(operation: string, request: object): Promise<Result> {
    return (await this.fs.client.change<{ result: Result }>(operation, request)).result;
  }

  ask<Answer>(operation: string, request: object = {}): Promise<Answer> {
    return this.fs.client.read<Answer>(operation, request);
  }

  /** What takes longer in a large store than one waits for an answer: a walk over the blocks of datanodes, or over files. */
  async askAtLength<Answer extends object>(operation: string, message: object = {}): Promise<Answer> {
    const request = this.fs.client.unique();
    for (;;) {
      const answer = await this.ask<Answer | StillAtWork>(operation, { ...message, request });
      if (!('stillAtWork' in answer)) return answer;
    }
  }

  defaults(): Promise<StoreDefaults> {
    return this.ask<StoreDefaults>('serverDefaults');
  }

  /** Throws PathFailure for what is no path of the store. */
  path(text: string): string {
    if (isElsewhere(text)) {
      throw new PathFailure(text, 'Name the cluster with --url; paths of the store are /a/b or tutti:///a/b');
    }
    return storePath(text, `/user/${this.user}`);
  }

  /** What stands at a path that is no pattern. */
  async find(path: string): Promise<Item | undefined> {
    const { status } = await this.ask<{ status?: Status }>('stat', { path });
    return status && !status.open ? { path, status } : undefined;
  }

  async get(text: string): Promise<Item> {
    const found = await this.find(this.path(text));
    if (found) return found;
    throw noSuchFile(text);
  }

  /**
   * What copies go to; undefined: nothing is there yet, but the folder above it is. A slash or a dot at the end means a folder, and so do
   * several sources.
   */
  async target(text: string, sources = 1): Promise<Item | undefined> {
    const found = await this.find(this.path(text));
    if (sources <= 1 && !/(?:^|\/)\.{0,2}$/.test(text)) {
      if (!found) await this.checkParent(text);
      return found;
    }
    if (!found) throw missingFolder(text, this.path(text));
    if (found.status.kind === 'folder') return found;
    throw new PathFailure(text, sources <= 1 ? 'Is not a directory' : 'Is not a directory: several files need one');
  }

  /** Throws PathFailure where the folder that is to take it is missing: one mistyped would be made, and nobody would find the file. */
  async checkParent(text: string): Promise<void> {
    const parent = posix.dirname(this.path(text));
    if (!(await this.find(parent))) throw missingFolder(text, parent);
  }

  /** What stands in a folder, in order. */
  async *children(folder: string): AsyncGenerator<Item, void, undefined> {
    type Page = { readonly entries: readonly Status[]; readonly remaining: number };
    for (let after: string | undefined; ;) {
      const page = await this.ask<Page>('list', { path: folder, limit: PAGE, ...(after !== undefined && { after }) });
      for (const status of page.entries) {
        if (isSeen(status)) yield { path: pathBelow(folder, status.name), status };
      }
      if (page.remaining === 0) return;
      after = page.entries.at(-1)!.name;
    }
  }

  /** It, and everything below it: folders before what is in them. */
  async *tree(item: Item): AsyncGenerator<Item, void, undefined> {
    yield item;
    if (item.status.kind !== 'folder') return;
    for await (const child of this.children(item.path)) yield* this.tree(child);
  }

  /** What a text names: one path, or all that a pattern matches. Throws PathFailure when that is nothing. */
  async expand(text: string): Promise<readonly Item[]> {
    if (!isPattern(text) || isElsewhere(text)) return [await this.get(text)];
    const found: Item[] = [];
    for (const pattern of alternatives(text)) found.push(...(await this.#matches(pattern)));
    if (found.length === 0) throw noSuchFile(text);
    return inOrder(found);
  }

  async #matches(pattern: string): Promise<readonly Item[]> {
    const root = await this.get('/');
    const isRelative = !pattern.startsWith('/') && !pattern.startsWith('tutti://');
    const whole = isRelative ? `/user/${this.user}/${pattern}` : pattern.replace(/^tutti:\/\//, '');
    let items: readonly Item[] = [root];
    for (const name of whole.split('/').filter((part) => part !== '' && part !== '.')) {
      const matcher = nameMatcher(name);
      const next: Item[] = [];
      for (const { path, status } of items) {
        if (status.kind !== 'folder') continue;
        if (!matcher) {
          const child = await this.find(pathBelow(path, plainName(name)));
          if (child) next.push(child);
        } else {
          for await (const child of this.children(path)) if (matcher.test(child.status.name)) next.push(child);
        }
      }
      items = next;
    }
    return items;
  }

  /** Does it to everything that the texts name. What fails is said, and the rest goes on. */
  async each(texts: readonly string[], work: (item: Item) => Promise<unknown>): Promise<void> {
    for (const text of texts) {
      await this.trying(text, async () => {
        for (const item of await this.expand(text)) await this.trying(item.path, () => work(item));
      });
    }
  }

  /** Does it, and says what cannot be done. */
  async trying(path: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (problem) {
      const why = whyNot(path, problem);
      if (why === undefined) throw problem;
      // Of many files one would not know which.
      const isNamed = !(problem instanceof StoreError) || why.includes(path);
      await this.complain(isNamed ? why : `\`${path}': ${why}`);
    }
  }

  async complain(why: string): Promise<void> {
    this.exitCode = 1;
    this.complaints += 1;
    await write(this.console.stderr, `${this.#name}: ${why}\n`);
  }
}

/** In the words that people know from Hadoop, where it has some. */
const WORDS: Partial<Record<StoreErrorName, string>> = {
  FileNotFoundException: 'No such file or directory',
  FileAlreadyExistsException: 'File exists',
  ParentNotDirectoryException: 'A part of the path is a file, not a directory',
  PathIsNotDirectoryException: 'Is not a directory',
  PathIsNotEmptyDirectoryException: 'Directory is not empty',
};

/** What one may do about it, where the store's words do not say so. */
const NEXT_STEPS: Readonly<Record<string, string>> = {
  SafeModeException:
    'tutti fs -safemode wait waits for its end, -safemode leave goes on without the workers that are missing',
  SnapshotAccessControlException: 'Snapshots are removed by tutti fs -deleteSnapshot <folder> <name>',
  NSQuotaExceededException: 'tutti fs -count -q shows quotas, -setQuota and -clrQuota change them',
  DSQuotaExceededException: 'tutti fs -count -q shows quotas, -setSpaceQuota and -clrSpaceQuota change them',
};

/** Why something could not be done; undefined for what should never happen. */
export function whyNot(path: string, problem: unknown): string | undefined {
  if (problem instanceof PathFailure || problem instanceof UsageFailure) return problem.message;
  if (problem instanceof StoreError) {
    const known = WORDS[problem.name];
    if (known !== undefined) return `\`${path}': ${known}`;
    const next = NEXT_STEPS[problem.name];
    return next === undefined ? problem.message : `${problem.message}. ${next}`;
  }
  if (isBrokenPipe(problem)) return undefined;
  // What the local file system says.
  if (problem instanceof Error && 'syscall' in problem && 'code' in problem) return localWords(path, problem);
  return undefined;
}

function localWords(path: string, problem: Error & { readonly path?: string; readonly code?: unknown }): string {
  const at = problem.path ?? path;
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'No such file or directory',
    EEXIST: 'File exists',
    EACCES: 'Permission denied',
    EISDIR: 'Is a directory',
    ENOTDIR: 'Is not a directory',
    ENOSPC: 'No space left on device',
  };
  return `\`${at}': ${words[String(problem.code)] ?? problem.message}`;
}
