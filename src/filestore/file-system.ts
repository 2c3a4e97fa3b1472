/**
 * The file system that tables, logs and spilled results stand in: `file://`, `tutti://` and `webhdfs://` alike. Files are written once
 * and seen whole. The rooms above use `open`, `createIfAbsent`, `list` and `delete` alone, which an object store has too.
 *
 * Every failure is a StoreError with one of `FileSystemErrorName`, so that a caller cannot tell one implementation from another; what a
 * program may well expect (nothing there, somebody was first) is a value. Paths are `/a/b` within the file system (`store-path.ts`).
 */

import type { Range } from '../common/ranges.ts';
import type { Bytes, StoreErrorName } from './network.ts';

export type FileSystem = {
  /** FileNotFoundException when there is no such file, or a folder. Files are written once: what is open never changes. */
  readonly open: (path: string) => Promise<OpenFile>;
  /**
   * Writes a file. It is seen when it is whole and durable; when `content` fails, or the process dies, it never is. Missing folders above
   * it are made. FileAlreadyExistsException when the name is taken: by a folder, or by a file unless `overwrite` says that it may go.
   * After IOException the file may be there or not, but never a part.
   */
  readonly create: (path: string, content: Content, options?: { readonly overwrite?: boolean }) => Promise<void>;
  /** As `create`, where another who was first is an answer. Of any number of callers, on any machines, one creates. */
  readonly createIfAbsent: (path: string, content: Content) => Promise<'created' | 'exists'>;
  /** Of a folder; PathIsNotDirectoryException of a file. A folder that is not there has nothing in it, as in an object store. */
  readonly list: (folder: string, options?: ListOptions) => Promise<ListPage>;
  /** What all pages of `list` would have, with each folder read once. What comes or goes meanwhile is seen or not. */
  readonly walk: (folder: string, options?: WalkOptions) => AsyncGenerator<FileStatus, void, undefined>;
  /** Undefined when there is nothing. */
  readonly stat: (path: string) => Promise<FileStatus | undefined>;
  /**
   * To exactly this path, in a folder that exists. FileAlreadyExistsException when it is taken; with `overwrite` a file replaces a file,
   * and a folder an empty folder, in one step. A file that is renamed without `overwrite` may have both names after a crash.
   */
  readonly rename: (from: string, to: string, options?: { readonly overwrite?: boolean }) => Promise<void>;
  /** Whether there was something. PathIsNotEmptyDirectoryException without `recursive`. The root stays, whatever is asked. */
  readonly delete: (path: string, options?: { readonly recursive?: boolean }) => Promise<boolean>;
  /** With the folders above it. FileAlreadyExistsException when a file has the name. */
  readonly mkdirs: (folder: string) => Promise<void>;
  /** Where the parts of a file are at the moment, for those who choose who reads them; left out where nobody knows. */
  readonly locations?: (path: string) => Promise<readonly FileLocation[]>;
};

/** A part of a file, and the machines (`hostId`) on which it can be read without a network. */
export type FileLocation = { readonly offset: number; readonly length: number; readonly hosts: readonly string[] };

/** What a file is made of. Pieces stay as they are until the next one is asked for. */
export type Content = Uint8Array | Bytes;

export type StreamOptions = {
  readonly lent?: boolean;
  /** Told of each piece that came without a network, before it is yielded. */
  readonly onLocal?: (bytes: Range) => void;
};

/** A file to read from: all of it as it was when it was opened, or an error. Close it. */
export type OpenFile = {
  /** As in FileStatus. */
  readonly id: string;
  readonly length: number;
  /** Fewer bytes only at the file's end. */
  readonly read: (offset: number, length: number) => Promise<Uint8Array>;
  /**
   * The same in pieces, to the file's end without `length`. `lent`: each piece stays as it is only until the next but one is asked for, so
   * that it can be written while the next one is read and compared; that makes long ones several times as fast.
   */
  readonly stream: (offset?: number, length?: number, options?: StreamOptions) => Bytes;
  /**
   * A local file that has these bytes at these offsets, and the length of this file, if there is one: for kernels, which open files by
   * path. Good while this is open, and the file is not deleted.
   */
  readonly localPath: (offset?: number, length?: number) => Promise<string | undefined>;
  readonly close: () => Promise<void>;
};

/** What is asked of a file by who reads parts of it. */
export type FileBytes = Pick<OpenFile, 'length' | 'read'>;

export type FileStatus = {
  readonly path: string;
  readonly kind: 'file' | 'folder';
  /** A file that is written to the same path later has another one, or another time; what is renamed keeps it. */
  readonly id: string;
  /** Bytes; 0 of a folder. */
  readonly length: number;
  readonly modifiedMs: number;
};

export type ListOptions = {
  /** Goes on behind this name (with `recursive`, path below the folder), whether it exists or not. */
  readonly after?: string;
  /** Entries at most; 1,000 when left out. */
  readonly limit?: number;
  /** Every file below the folder, and no folders, in the order of their paths below it: `a.b` before `a/b`. */
  readonly recursive?: boolean;
};

export type WalkOptions = Omit<ListOptions, 'limit'>;

/** In the order of code points, which is that of the names' bytes. */
export type ListPage = {
  readonly entries: readonly FileStatus[];
  /** What to pass as `after` for the next page; undefined at the end. */
  readonly next: string | undefined;
};

export const LIST_LIMIT = 1000;

/** What a caller of any file system has to reckon with. */
export type FileSystemErrorName = Extract<
  StoreErrorName,
  | 'AccessControlException'
  /** Nobody who lives has a part of the file. */
  | 'BlockMissingException'
  | 'DiskOutOfSpaceException'
  | 'DSQuotaExceededException'
  | 'FileAlreadyExistsException'
  | 'FileNotFoundException'
  | 'InvalidPathException'
  /** The medium failed, or could not be reached. Also a rename that is impossible: into itself, or of a file over a folder. */
  | 'IOException'
  | 'NSQuotaExceededException'
  | 'ParentNotDirectoryException'
  | 'PathComponentTooLongException'
  | 'PathIsNotDirectoryException'
  | 'PathIsNotEmptyDirectoryException'
>;

/** All entries of a folder; with `limit` page by page. */
export async function* listAll(
  fileSystem: Pick<FileSystem, 'list' | 'walk'>,
  folder: string,
  options: ListOptions = {},
): AsyncGenerator<FileStatus, void, undefined> {
  if (options.limit === undefined) return yield* fileSystem.walk(folder, options);
  for (let after = options.after; ;) {
    const { entries, next } = await fileSystem.list(folder, { ...options, ...(after !== undefined && { after }) });
    yield* entries;
    if (next === undefined) return;
    after = next;
  }
}
