/** The segments of all folders of a journal, written alike: every frame goes to every folder and is durable when it is in all. */

import path from 'node:path';
import { assert } from '../common/assert.ts';
import type { Disk, DiskFile } from '../common/disk.ts';
import { diskErrorCode } from '../common/disk.ts';
import { publish } from './files.ts';
import { FRAME_HEADER_BYTES, encodeFrame } from './frame.ts';
import type { ChainEnd, FrameContent } from './frame.ts';
import { SEGMENT_HEADER_BYTES, encodeSegmentHeader, fileName, seedOf } from './segment.ts';
import type { JournalId } from './segment.ts';

export type SegmentLogOptions = {
  readonly disk: Disk;
  readonly folders: readonly string[];
  readonly id: JournalId;
  readonly epoch: number;
  /** A segment ends when it would grow beyond. */
  readonly segmentBytes: number;
  /** Space is taken from the disk in such pieces, before it is needed. */
  readonly reserveBytes: number;
};

/** Where the log stands in its last segment. */
export type LogState = {
  /** What the segment follows. */
  readonly after: ChainEnd;
  readonly end: ChainEnd;
  readonly offset: number;
  /** The file's bytes. */
  readonly reserved: number;
};

export class SegmentLog {
  readonly #options: SegmentLogOptions;
  readonly #seed: number;
  /** Opened so that what a write wrote is durable when it returns. */
  #files: readonly DiskFile[];
  #state: LogState;
  #rolling = false;

  private constructor(options: SegmentLogOptions, files: readonly DiskFile[], state: LogState) {
    this.#options = options;
    this.#seed = seedOf(options.id);
    this.#files = files;
    this.#state = state;
  }

  /** Goes on in the segment that `state` describes, which is in every folder. */
  static async open(options: SegmentLogOptions, state: LogState): Promise<SegmentLog> {
    return new SegmentLog(options, await openSegments(options, state.after), state);
  }

  get end(): ChainEnd {
    return this.#state.end;
  }

  /** What the last segment follows: all records up to there are in other segments. */
  get segmentAfter(): ChainEnd {
    return this.#state.after;
  }

  get bytes(): number {
    return this.#state.offset;
  }

  /** Makes room for a frame of `bytes`, in a new segment where this one is full. Throws ENOSPC: nothing happened. */
  async reserve(bytes: number): Promise<void> {
    if (this.#rolling || this.#state.offset + bytes > this.#options.segmentBytes) await this.roll();
    const { offset, reserved } = this.#state;
    // The frame that ends the segment always finds room.
    const missing = offset + bytes + FRAME_HEADER_BYTES - reserved;
    if (missing <= 0) return;
    // Zeros, because only blocks that were written once are sure to be there, and a sync of them does not touch the file's metadata.
    const zeros = Buffer.alloc(Math.max(this.#options.reserveBytes, missing));
    await inAll(this.#files, (file) => file.write(reserved, zeros));
    this.#state = { ...this.#state, reserved: reserved + zeros.length };
  }

  /** The frame is durable in every folder when this returns. Only after `reserve`. */
  async append(content: FrameContent): Promise<void> {
    assert(!this.#rolling, 'nothing is written to a segment that others follow');
    const end = await this.#write(content);
    this.#state = { ...this.#state, end };
  }

  /** Begins a new segment, unless there is no record in this one. Throws ENOSPC: nothing happened. */
  async roll(): Promise<void> {
    const { disk, folders, id, epoch } = this.#options;
    const { end, after } = this.#state;
    if (end.sequence === after.sequence) return;
    // A folder may have the new segment and another not: until all have it, nothing is written to the old one.
    this.#rolling = true;
    const bytes = segmentStart([encodeSegmentHeader(id, end)], this.#options.reserveBytes);
    await inAll(folders, async (folder) => {
      await publish(disk, segmentPath(folder, end), (file) => file.write(0, bytes));
      await disk.syncFolder(folder);
    });
    const next = await openSegments(this.#options, end);
    // The new segment is durable, so the seal does not promise what is not there.
    await this.#write({ kind: 'sealed', epoch, payload: [] });
    await inAll(this.#files, (file) => file.close());
    this.#files = next;
    this.#state = { after: end, end, offset: SEGMENT_HEADER_BYTES, reserved: bytes.length };
    this.#rolling = false;
  }

  /** Says that the writer went in order, if it did: a bit that flipped in the last record then differs from a write cut short. */
  async close(inOrder: boolean): Promise<void> {
    try {
      if (inOrder && this.#rolling) await this.roll();
      if (inOrder) await this.append({ kind: 'closed', epoch: this.#options.epoch, payload: [] });
    } catch (error) {
      // Without space the next start takes this for a crash, which costs nothing.
      if (!isFull(error)) throw error;
    } finally {
      await inAll(this.#files, (file) => file.close());
    }
  }

  async #write(content: FrameContent): Promise<ChainEnd> {
    const { bytes, end } = encodeFrame(content, this.#state.end, this.#seed);
    const { offset, reserved } = this.#state;
    assert(offset + bytes.length <= reserved, 'a frame is written into space that was reserved');
    await inAll(this.#files, (file) => file.write(offset, bytes));
    this.#state = { ...this.#state, offset: offset + bytes.length };
    return end;
  }
}

/** What a segment's file begins as: `parts`, then zeros as space for more. */
export function segmentStart(parts: readonly Buffer[], reserveBytes: number): Buffer {
  return Buffer.concat([...parts, Buffer.alloc(Math.max(reserveBytes, FRAME_HEADER_BYTES))]);
}

const segmentPath = (folder: string, after: ChainEnd): string => path.join(folder, fileName(after.sequence, 'segment'));

const openSegments = ({ disk, folders }: SegmentLogOptions, after: ChainEnd): Promise<readonly DiskFile[]> =>
  Promise.all(folders.map((folder) => disk.open(segmentPath(folder, after), 'synced')));

export const isFull = (problem: unknown): boolean => FULL.has(diskErrorCode(problem) ?? '');

const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** Waits for all; throws ENOSPC only if nothing worse happened. */
async function inAll<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(items.map(work));
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  if (errors.length > 0) throw errors.find((error) => !isFull(error)) ?? errors[0];
}
