/**
 * Files of a store as sparse local files, for kernels, which open files by path: of full length, with those bytes that were asked for,
 * as the store has verified them, and holes elsewhere. Whoever asks knows what the kernel reads; nothing else is ever written, so that
 * a stray read meets zeros from its first byte on and not half of something.
 *
 * Tasks that hold a file at the same time share it. What nobody holds is kept until there is too much of it. Every holder has a path
 * of its own (links to one file): kernels keep what they have read by its path, holes between two ranges included, and a time of change
 * has too few digits to tell them that a hole was filled.
 */

import { link, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { mapLimited } from '../common/collections.ts';
import { type DiskFile, diskErrorCode, localDisk } from '../common/disk.ts';
import { commonRanges, mergeRanges, type Range, rangesWithout, sizeOfRanges } from '../common/ranges.ts';
import type { OpenFile } from './file-system.ts';
import { StoreError } from './network.ts';

export type RangeCacheOptions = {
  /** Its own; emptied at the start. */
  readonly directory: string;
  /** Bytes that it keeps. What tasks hold is there in any case: they could not run without. */
  readonly bytesMax: number;
};

export type HeldFile = {
  readonly path: string;
  /** Of what was asked for, bytes that came without a network, for this holder or one before. */
  readonly localBytes: number;
  /** That came over one, for this holder. */
  readonly bytesFetched: number;
  /** Call once. */
  readonly release: () => Promise<void>;
};

type Entry = {
  readonly path: string;
  /** What is in the file. */
  present: readonly Range[];
  /** Of that, what came without a network. */
  local: readonly Range[];
  holders: number;
  /** One task fills it at a time, with several reads: the others may find all they want when it is their turn. */
  filling: Promise<unknown>;
};

/** Reads of one file at a time: enough to keep a network busy. */
const READS_AT_ONCE = 4;
/** Of one read: what a task that was called off may still wait for. */
const READ_BYTES_MAX = 8 * 1024 * 1024;
/** Bytes between two ranges that are read and dropped rather than asked for apart. */
const GAP_BYTES_MAX = 64 * 1024;

export class RangeCache {
  readonly #options: RangeCacheOptions;
  /** The longest unused first. */
  readonly #entries = new Map<string, Entry>();
  #number = 0;

  private constructor(options: RangeCacheOptions) {
    this.#options = options;
  }

  static async open(options: RangeCacheOptions): Promise<RangeCache> {
    await rm(options.directory, { recursive: true, force: true });
    await mkdir(options.directory, { recursive: true });
    return new RangeCache(options);
  }

  /** Bytes on the disk, as far as files without holes would take them. */
  get bytes(): number {
    return [...this.#entries.values()].reduce((sum, { present }) => sum + sizeOfRanges(present), 0);
  }

  /**
   * A file with these bytes of `file`. `key` tells its content from any other's; `extension` is how the path ends. Rejects with what
   * `file` throws, the disk's errors, and the signal's reason.
   */
  async hold(
    key: string,
    extension: string,
    file: OpenFile,
    wanted: readonly Range[],
    signal: AbortSignal,
  ): Promise<HeldFile> {
    const entry = this.#take(key);
    this.#number += 1;
    const own = path.join(this.#options.directory, `${this.#number}${extension}`);
    const release = async (): Promise<void> => {
      entry.holders -= 1;
      await rm(own, { force: true });
      await this.#evict(this.#options.bytesMax);
    };
    const turn = entry.filling;
    const fill = (async (): Promise<number> => {
      await turn.catch(() => undefined);
      const missing = rangesWithout(wanted, entry.present);
      try {
        await this.#fill(entry, file, missing, signal);
      } catch (problem) {
        if (diskErrorCode(problem) !== 'ENOSPC') throw problem;
        // What nobody reads makes room.
        await this.#evict(0);
        await this.#fill(entry, file, rangesWithout(missing, entry.present), signal);
      }
      return sizeOfRanges(rangesWithout(missing, entry.local));
    })();
    entry.filling = fill;
    try {
      const bytesFetched = await fill;
      await link(entry.path, own);
      return { path: own, localBytes: sizeOfRanges(commonRanges(wanted, entry.local)), bytesFetched, release };
    } catch (problem) {
      await release();
      throw problem;
    }
  }

  #take(key: string): Entry {
    let entry = this.#entries.get(key);
    if (!entry) {
      this.#number += 1;
      const file = path.join(this.#options.directory, `${this.#number}.part`);
      entry = { path: file, present: [], local: [], holders: 0, filling: Promise.resolve() };
    }
    entry.holders += 1;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  async #fill(entry: Entry, file: OpenFile, missing: readonly Range[], signal: AbortSignal): Promise<void> {
    const handle = await openOrMake(entry.path);
    try {
      await handle.truncate(file.length);
      let failed: unknown;
      // All of them end before the file is closed, and what came is not asked for again.
      await mapLimited(readsOf(missing), READS_AT_ONCE, async (ranges) => {
        if (failed !== undefined || signal.aborted) return;
        try {
          const local = await copy(file, handle, ranges);
          entry.local = mergeRanges([...entry.local, ...local]);
          entry.present = mergeRanges([...entry.present, ...ranges]);
        } catch (problem) {
          failed = problem;
        }
      });
      signal.throwIfAborted();
      if (failed !== undefined) throw failed;
    } finally {
      await handle.close();
    }
  }

  async #evict(bytesMax: number): Promise<void> {
    let bytes = this.bytes;
    for (const [key, entry] of this.#entries) {
      if (bytes <= bytesMax) return;
      if (entry.holders > 0) continue;
      bytes -= sizeOfRanges(entry.present);
      this.#entries.delete(key);
      await rm(entry.path, { force: true });
    }
  }
}

/** Ranges that are read together: neighbours, and not too much at once. */
function readsOf(missing: readonly Range[]): readonly (readonly Range[])[] {
  const pieces = missing.flatMap(([start, end]) => {
    const count = Math.ceil((end - start) / READ_BYTES_MAX);
    return Array.from({ length: count }, (_, i): Range => {
      const from = start + i * READ_BYTES_MAX;
      return [from, Math.min(end, from + READ_BYTES_MAX)];
    });
  });
  const reads: Range[][] = [];
  for (const piece of pieces) {
    const last = reads.at(-1);
    const isNear = last && piece[0] - last.at(-1)![1] <= GAP_BYTES_MAX && piece[1] - last[0]![0] <= READ_BYTES_MAX;
    if (isNear) last.push(piece);
    else reads.push([piece]);
  }
  return reads;
}

/** Writes these ranges and nothing between them. What of them came without a network. */
async function copy(file: OpenFile, to: DiskFile, ranges: readonly Range[]): Promise<readonly Range[]> {
  const local: Range[] = [];
  const [start, end] = [ranges[0]![0], ranges.at(-1)![1]];
  let at = start;
  for await (const piece of file.stream(start, end - start, { lent: true, onLocal: (bytes) => local.push(bytes) })) {
    for (const [from, until] of ranges) {
      const [first, last] = [Math.max(from, at), Math.min(until, at + piece.length)];
      if (first < last) await to.write(first, piece.subarray(first - at, last - at));
    }
    at += piece.length;
  }
  if (at !== end) throw new StoreError('IOException', `${at - start} of ${end - start} bytes came`);
  return commonRanges(ranges, local);
}

async function openOrMake(file: string): Promise<DiskFile> {
  try {
    return await localDisk.open(file, 'create');
  } catch (problem) {
    if (diskErrorCode(problem) !== 'EEXIST') throw problem;
    return localDisk.open(file, 'write');
  }
}
