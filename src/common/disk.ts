/**
 * The disk as a value passed in, so that the journal, datanodes and `file://` also run on a simulated one that loses, reorders
 * and damages what was not synced. Errors are those of Node: their `code` is ENOENT, EEXIST, ENOSPC, EIO and so on.
 *
 * What a caller may rely on after a crash: bytes of a file after its `sync`, names in a folder after its `syncFolder`, and that
 * a rename happened wholly or not at all. Nothing else.
 */

import { spawn } from 'node:child_process';
import { constants, writeSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { hostname } from 'node:os';
import { buffer as readAll } from 'node:stream/consumers';
import { setImmediate as othersTurn } from 'node:timers/promises';

export type Disk = {
  /**
   * `read`: an existing file. `create`: a new one (EEXIST otherwise), read and written. `write`: an existing one, read and written.
   * `synced`: as `write`, and what a write wrote is durable when it returns, as if `sync` had followed, for one call instead of two.
   */
  readonly open: (path: string, mode: 'read' | 'create' | 'write' | 'synced') => Promise<DiskFile>;
  /** ENOENT when there is nothing. Follows symbolic links. */
  readonly stat: (path: string) => Promise<DiskStat>;
  /** The path of what is there, without symbolic links. ENOENT when there is nothing. */
  readonly realPath: (path: string) => Promise<string>;
  /** The names in a folder, in no order. */
  readonly list: (folder: string) => Promise<readonly DiskName[]>;
  /** Replaces a file that has the new name already, and a folder by a folder when it is empty. */
  readonly rename: (from: string, to: string) => Promise<void>;
  /** A second name for a file; EEXIST when the name is taken. */
  readonly link: (existing: string, path: string) => Promise<void>;
  readonly remove: (file: string) => Promise<void>;
  /** Of an empty folder; ENOTEMPTY otherwise. */
  readonly removeFolder: (folder: string) => Promise<void>;
  /** One level; EEXIST when the name is taken. */
  readonly mkdir: (folder: string) => Promise<void>;
  /** Makes the names in a folder durable, those that were removed included. */
  readonly syncFolder: (folder: string) => Promise<void>;
  readonly freeBytes: (path: string) => Promise<number>;
  /**
   * Locks a file, which is created when it is missing, against every other process until it is released or this process ends.
   * Undefined when another one holds it. Throws DiskLockError where locks do not work. The file is the lock's alone: it may say who
   * holds it, as `lockFolder` reads it.
   */
  readonly lock: (path: string) => Promise<DiskLock | undefined>;
};

export type DiskFile = {
  /** Fills `buffer` from `offset`; fewer bytes only at the file's end. */
  readonly read: (offset: number, buffer: Uint8Array) => Promise<number>;
  /** All of `bytes`, or an error after which any part of them may have been written. */
  readonly write: (offset: number, bytes: Uint8Array) => Promise<void>;
  /** Content and length become durable (fdatasync). After an error nothing may be assumed, whatever a second call says. */
  readonly sync: () => Promise<void>;
  readonly truncate: (bytes: number) => Promise<void>;
  readonly bytes: () => Promise<number>;
  readonly close: () => Promise<void>;
};

export type DiskStat = {
  readonly kind: 'file' | 'folder' | 'other';
  readonly bytes: number;
  readonly modifiedMs: number;
  /** Tells a file from another that took its name. */
  readonly inode: number;
};

/** A symbolic link is `other`. */
export type DiskName = { readonly name: string; readonly kind: DiskStat['kind'] };

export type DiskLock = { readonly release: () => Promise<void> };

/** Locks do not work here: a file system that has none, or a machine without `flock`. */
export class DiskLockError extends Error {
  override readonly name = 'DiskLockError';
}

/** The code of an error of the disk: 'ENOENT', 'ENOSPC' … */
export const diskErrorCode = (problem: unknown): string | undefined =>
  problem instanceof Error && 'code' in problem && typeof problem.code === 'string' ? problem.code : undefined;

const OPEN_FLAGS = {
  read: constants.O_RDONLY,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  write: constants.O_RDWR,
  synced: constants.O_RDWR | constants.O_DSYNC,
} as const;

/**
 * That a call writes at most. Linux makes its cache of pieces as large as the calls, and on a virtual machine whose host takes back free memory, larger
 * ones were mostly such as the host has to give anew; up to this size it looks first for pieces between others that are in use, which never went
 * back (`docs/decisions/0016-local-files-of-blocks.md`). Smaller calls cost more themselves.
 */
const WRITE_BYTES = 32 * 1024;
/** That wait together: each is carried out by a thread that has to be woken, which takes longer than the writing. */
const WRITES_AT_ONCE = 32;

export const localDisk: Disk = {
  open: async (path, mode) => {
    const handle = await fs.open(path, OPEN_FLAGS[mode]);
    return mode === 'synced' ? syncedFile(handle) : localFile(handle);
  },
  stat: async (path) => {
    const stat = await fs.stat(path);
    return { kind: kindOf(stat), bytes: stat.size, modifiedMs: stat.mtimeMs, inode: stat.ino };
  },
  realPath: (path) => fs.realpath(path),
  list: async (folder) => {
    const entries = await fs.readdir(folder, { withFileTypes: true });
    return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
  },
  rename: fs.rename,
  link: fs.link,
  remove: fs.unlink,
  removeFolder: fs.rmdir,
  mkdir: async (folder) => {
    await fs.mkdir(folder);
  },
  syncFolder: async (folder) => {
    const handle = await fs.open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  freeBytes: async (path) => {
    const { bavail, bsize } = await fs.statfs(path);
    return bavail * bsize;
  },
  lock: lockFile,
};

/**
 * The same for a process that has nothing else to do than to copy, such as a command: what it writes to the system's cache, it writes itself.
 * No thread is woken for each call, which took up to a third of a copy's time. Others get their turn every mebibyte.
 */
export const blockingDisk: Disk = {
  ...localDisk,
  open: async (path, mode) => {
    const handle = await fs.open(path, OPEN_FLAGS[mode]);
    if (mode === 'synced') return syncedFile(handle);
    return { ...localFile(handle), write: (offset, bytes) => writeBlocking(handle, offset, bytes) };
  },
};

type Kinds = { readonly isFile: () => boolean; readonly isDirectory: () => boolean };

function kindOf(entry: Kinds): DiskStat['kind'] {
  if (entry.isFile()) return 'file';
  return entry.isDirectory() ? 'folder' : 'other';
}

const localFile = (handle: fs.FileHandle): DiskFile => ({
  read: async (offset, buffer) => {
    let read = 0;
    while (read < buffer.length) {
      const { bytesRead } = await handle.read(buffer, read, buffer.length - read, offset + read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    return read;
  },
  write: async (offset, bytes) => {
    const batch = WRITE_BYTES * WRITES_AT_ONCE;
    for (let at = 0; at < bytes.length; at += batch) {
      await writeTogether(handle, offset + at, bytes.subarray(at, at + batch));
    }
  },
  sync: () => handle.datasync(),
  truncate: (bytes) => handle.truncate(bytes),
  bytes: async () => (await handle.stat()).size,
  close: () => handle.close(),
});

/** One call for all of the bytes: each waits for the drive. Elsewhere than on Linux they may end in the drive's own cache, which a sync empties. */
const syncedFile = (handle: fs.FileHandle): DiskFile => ({
  ...localFile(handle),
  write: async (offset, bytes) => {
    await writeOne(handle, offset, bytes);
    if (process.platform !== 'linux') await handle.datasync();
  },
});

/** Not over before all of them are: the bytes are the caller's again then, also after an error. */
async function writeTogether(handle: fs.FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  if (bytes.length <= WRITE_BYTES) return writeOne(handle, offset, bytes);
  const writes: Promise<void>[] = [];
  for (let at = 0; at < bytes.length; at += WRITE_BYTES) {
    writes.push(writeOne(handle, offset + at, bytes.subarray(at, at + WRITE_BYTES)));
  }
  const failed = (await Promise.allSettled(writes)).find((write) => write.status === 'rejected');
  if (failed) throw failed.reason;
}

async function writeOne(handle: fs.FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    // A full disk may take the first part; asking for the rest then says ENOSPC.
    written += (await handle.write(bytes, written, bytes.length - written, offset + written)).bytesWritten;
  }
}

async function writeBlocking(handle: fs.FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0, calls = 0; at < bytes.length; calls++) {
    if (calls > 0 && calls % WRITES_AT_ONCE === 0) await othersTurn();
    at += writeSync(handle.fd, bytes, at, Math.min(WRITE_BYTES, bytes.length - at), offset + at);
  }
  await othersTurn();
}

/** Node closes a file whose handle was collected, which would end the lock: it ends when it is released. */
const held = new Set<fs.FileHandle>();

/**
 * Node has no flock(2). The command takes the lock on a descriptor that it inherits; the lock belongs to the open file, so it stays
 * with this process when the command ends, and ends with this process however that dies.
 */
async function lockFile(path: string): Promise<DiskLock | undefined> {
  const handle = await fs.open(path, constants.O_RDWR | constants.O_CREAT);
  try {
    if (!(await flock(path, handle))) {
      await handle.close();
      return undefined;
    }
    // Where flock is emulated by locks of a process (some network file systems), it ended with the command.
    const second = await fs.open(path, constants.O_RDWR);
    try {
      if (await flock(path, second)) throw new DiskLockError(`the file system of ${path} does not keep locks (flock)`);
    } finally {
      await second.close();
    }
    await signLock(handle);
  } catch (error) {
    await handle.close();
    throw error;
  }
  held.add(handle);
  return {
    release: async () => {
      held.delete(handle);
      await handle.close();
    },
  };
}

/** For the person who starts a second process. The lock is held also when the disk has no room for it. */
async function signLock(handle: fs.FileHandle): Promise<void> {
  try {
    await handle.truncate(0);
    await handle.write(`process ${process.pid} on ${hostname()}\n`, 0);
  } catch (error) {
    if (diskErrorCode(error) === undefined) throw error;
  }
}

/** Whether the lock was free and is now held by `handle`. */
async function flock(path: string, handle: fs.FileHandle): Promise<boolean> {
  const command = spawn('flock', ['-xn', '3'], {
    stdio: ['ignore', 'ignore', 'pipe', handle.fd],
  });
  const exit = new Promise<number | null>((resolve, reject) => {
    command.once('error', reject);
    command.once('close', resolve);
  });
  try {
    const [code, said] = await Promise.all([exit, readAll(command.stderr!)]);
    // flock(1) ends with 1, in silence, when another process has the lock.
    if (code === 0) return true;
    if (code === 1 && said.length === 0) return false;
    throw new DiskLockError(
      `cannot lock ${path}: flock says ${said.toString().trim() || `nothing and ends with ${code}`}`,
    );
  } catch (error) {
    if (diskErrorCode(error) !== 'ENOENT') throw error;
    throw new DiskLockError(
      `cannot lock ${path}: this machine has no command flock; install it (Linux: package util-linux)`,
      {
        cause: error,
      },
    );
  }
}
