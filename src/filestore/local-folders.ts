/** The folders below the root of a `file://`: where a path is on the disk, and folders that a crash does not take. */

import { diskErrorCode } from '../common/disk.ts';
import type { Disk } from '../common/disk.ts';
import { isInside } from '../common/paths.ts';
import { unlessMissing } from './local-errors.ts';
import { StoreError } from './network.ts';
import { pathBelow } from './store-path.ts';

/** Folders that are known to be durable; forgotten beyond this many, which costs a sync each. */
const DURABLE_MAX = 10_000;

export class LocalFolders {
  readonly #disk: Disk;
  readonly #root: string;
  #realRoot: Promise<string> | undefined;
  /** Inodes of folders whose names were synced, with those above them. */
  readonly #durable = new Map<string, number>();

  constructor(disk: Disk, root: string) {
    this.#disk = disk;
    this.#root = root.length > 1 ? root.replace(/\/+$/, '') : root;
  }

  /** Where `names` are, symbolic links resolved. ENOENT when there is nothing; AccessControlException outside of the root. */
  async find(names: readonly string[]): Promise<string> {
    const real = await this.#disk.realPath(this.#local(names));
    this.#realRoot ??= this.#disk.realPath(this.#root);
    if (isInside(await this.#realRoot, real)) return real;
    throw new StoreError(
      'AccessControlException',
      `/${names.join('/')}: a symbolic link leads out of the file system, which begins at ${this.#root}`,
    );
  }

  /** The name itself, which may be a symbolic link or nothing, in its folder, which exists. */
  async place(names: readonly string[]): Promise<{ readonly folder: string; readonly local: string }> {
    const folder = await this.find(names.slice(0, -1));
    const name = names.at(-1);
    return { folder, local: name === undefined ? folder : pathBelow(folder, name) };
  }

  /** Makes those that are missing, each durable before the next: where it is, is the answer. */
  async make(names: readonly string[]): Promise<string> {
    const whole = this.#local(names);
    const known = this.#durable.get(whole);
    if (known !== undefined && (await unlessMissing(this.#disk.stat(whole)))?.inode === known) {
      return this.find(names);
    }
    let parent = await this.find([]);
    for (const count of names.keys()) {
      const path = names.slice(0, count + 1);
      const local = pathBelow(parent, path.at(-1)!);
      if ((await unlessMissing(this.#disk.stat(local))) === undefined) await this.#mkdir(local);
      const { kind, inode } = await this.#disk.stat(local);
      if (kind !== 'folder') {
        throw new StoreError('ParentNotDirectoryException', `/${path.join('/')} is no folder`);
      }
      // Whoever made it may not have synced it yet.
      if (this.#durable.get(this.#local(path)) !== inode) {
        await this.#disk.syncFolder(parent);
        if (this.#durable.size >= DURABLE_MAX) this.#durable.clear();
        this.#durable.set(this.#local(path), inode);
      }
      parent = await this.find(path);
    }
    return parent;
  }

  /** Runs `work`, after which `paths` are gone, or others: an inode that was freed is soon given to another folder. */
  async changing<T>(paths: readonly (readonly string[])[], work: () => Promise<T>): Promise<T> {
    for (const names of paths) this.#forget(names);
    try {
      return await work();
    } finally {
      for (const names of paths) this.#forget(names);
    }
  }

  #forget(names: readonly string[]): void {
    const gone = this.#local(names);
    for (const local of this.#durable.keys()) if (isInside(gone, local)) this.#durable.delete(local);
  }

  async #mkdir(local: string): Promise<void> {
    try {
      await this.#disk.mkdir(local);
    } catch (problem) {
      if (diskErrorCode(problem) !== 'EEXIST') throw problem;
    }
  }

  #local(names: readonly string[]): string {
    return names.reduce(pathBelow, this.#root);
  }
}
