/** The journal in one or several local folders. `docs/decisions/0011-journal-files.md` tells the format and the rules. */

import path from 'node:path';
import type { Disk } from '../common/disk.ts';
import type { Logger } from '../observe/logger.ts';
import { writeCheckpoint } from './checkpoint-file.ts';
import { JournalDamagedError, JournalError } from './errors.ts';
import { publish, readWhole, removeFiles } from './files.ts';
import { PAYLOAD_BYTES_MAX, RECORD_HEADER_BYTES, FRAME_HEADER_BYTES, recordsOf } from './frame.ts';
import type { ChainEnd, Frame } from './frame.ts';
import { RECORD_BYTES_MAX } from './journal.ts';
import type { Entry, Journal, Position, StateMachine } from './journal.ts';
import { fileName, parseName, readFrames } from './segment.ts';
import { isFull } from './segment-log.ts';
import type { SegmentLog } from './segment-log.ts';
import type { JournalId } from './segment.ts';

export type FileJournalPorts<State, Record> = {
  readonly machine: StateMachine<State, Record>;
  readonly disk: Disk;
  readonly folders: readonly string[];
  readonly id: JournalId;
  readonly log: SegmentLog;
  readonly epoch: number;
  readonly state: State;
  /** So many bytes of frames start a checkpoint, or as many as the last one had. */
  readonly checkpointBytes: number;
  /** Of frames since the newest checkpoint. */
  readonly bytesSinceCheckpoint: number;
  /** Lets others have their turn. */
  readonly pause: () => Promise<void>;
  readonly fatal: (error: JournalError) => void;
  readonly logger: Pick<Logger, 'warn'>;
  /** Gives up the locks. */
  readonly release: () => Promise<void>;
};

/** A record that was applied to `tip` and is not durable yet. */
type Pending<State> = {
  readonly bytes: Uint8Array;
  /** Once it is applied. */
  readonly state: State;
  readonly resolve: (position: Position) => void;
  readonly reject: (error: JournalError) => void;
};

/** Somebody who waits for the end of a segment, where `state` is all that the segments up to there make. */
type Boundary<State> = {
  readonly resolve: (reached: { readonly state: State; readonly end: ChainEnd }) => void;
  readonly reject: (error: JournalError) => void;
};

/** Checkpoints that are kept, with the records since the older one: one damaged file then costs nothing. */
const CHECKPOINTS_KEPT = 2;

export class FileJournal<State, Record> implements Journal<State, Record> {
  readonly #ports: FileJournalPorts<State, Record>;
  readonly #log: SegmentLog;
  #durable: State;
  #sequence: number;
  #tip: State;
  readonly #pending: Pending<State>[] = [];
  readonly #boundaries: Boundary<State>[] = [];
  #writing: Promise<void> | undefined;
  #checkpointing: Promise<Position> | undefined;
  #closing: Promise<void> | undefined;
  #failure: JournalError | undefined;
  #bytesSinceCheckpoint: number;
  #checkpointDueBytes: number;
  /** Replays under way: they read files that a checkpoint would remove. */
  #replays = 0;

  constructor(ports: FileJournalPorts<State, Record>) {
    this.#ports = ports;
    this.#log = ports.log;
    this.#durable = ports.state;
    this.#tip = ports.state;
    this.#sequence = ports.log.end.sequence;
    this.#bytesSinceCheckpoint = ports.bytesSinceCheckpoint;
    this.#checkpointDueBytes = ports.checkpointBytes;
  }

  get id(): string {
    return this.#ports.id.toString('hex');
  }

  get epoch(): number {
    return this.#ports.epoch;
  }

  get durable(): State {
    return this.#durable;
  }

  get sequence(): number {
    return this.#sequence;
  }

  get tip(): State {
    return this.#tip;
  }

  append(record: Record): Promise<Position> {
    if (this.#refusal) return Promise.reject(this.#refusal);
    const bytes = this.#ports.machine.encode(record);
    if (bytes.length > RECORD_BYTES_MAX) {
      const what = `a record of ${bytes.length} bytes is too large for the journal (at most ${RECORD_BYTES_MAX})`;
      return Promise.reject(new JournalError('RECORD_TOO_LARGE', `${what}: stage what it lists as a file`));
    }
    const state = this.#ports.machine.apply(this.#tip, record);
    this.#tip = state;
    return new Promise((resolve, reject) => {
      this.#pending.push({ bytes, state, resolve, reject });
      this.#wake();
    });
  }

  async *replay(from: number): AsyncGenerator<Entry<Record>> {
    const { disk, folders, id, machine } = this.#ports;
    const until = this.#sequence;
    this.#replays += 1;
    try {
      for await (const frame of framesFrom(disk, folders[0]!, id, from, until)) {
        let { sequence } = frame;
        for (const bytes of recordsOf(frame)) {
          const position = { epoch: frame.epoch, sequence };
          if (sequence >= from) yield { position, record: machine.decode(bytes) };
          sequence += 1;
        }
      }
    } finally {
      this.#replays -= 1;
    }
  }

  checkpoint(): Promise<Position> {
    if (this.#refusal) return Promise.reject(this.#refusal);
    this.#checkpointing ??= this.#writeCheckpoint().finally(() => (this.#checkpointing = undefined));
    return this.#checkpointing;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  get #refusal(): JournalError | undefined {
    if (this.#failure) return this.#failure;
    return this.#closing && new JournalError('JOURNAL_CLOSED', 'the journal is closed');
  }

  #wake(): void {
    this.#writing ??= this.#write();
  }

  /** Runs while there is something to write. Never rejects. */
  async #write(): Promise<void> {
    // What is appended in one turn shares a frame.
    await Promise.resolve();
    try {
      while (this.#pending.length > 0 || this.#boundaries.length > 0) {
        if (this.#boundaries.length > 0) await this.#reachBoundary();
        else await this.#writeGroup();
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#writing = undefined;
  }

  async #writeGroup(): Promise<void> {
    const { count, bytes } = groupOf(this.#pending);
    try {
      await this.#log.reserve(bytes);
    } catch (error) {
      if (!isFull(error)) throw error;
      // None of these records was written anywhere, so all of them are undone.
      const refused = this.#pending.splice(0);
      this.#tip = this.#durable;
      for (const { reject } of refused) reject(full(error));
      return;
    }
    const group = this.#pending.slice(0, count);
    await this.#log.append({ kind: 'records', epoch: this.epoch, payload: group.map((pending) => pending.bytes) });
    this.#pending.splice(0, count);
    this.#durable = group.at(-1)!.state;
    for (const { resolve } of group) resolve({ epoch: this.epoch, sequence: ++this.#sequence });
    this.#bytesSinceCheckpoint += bytes;
    if (this.#bytesSinceCheckpoint >= this.#checkpointDueBytes && !this.#closing) this.#startCheckpoint();
  }

  async #reachBoundary(): Promise<void> {
    let refusal: JournalError | undefined;
    try {
      await this.#log.roll();
    } catch (error) {
      if (!isFull(error)) throw error;
      refusal = full(error);
    }
    const reached = { state: this.#durable, end: this.#log.segmentAfter };
    for (const { resolve, reject } of this.#boundaries.splice(0)) {
      if (refusal) reject(refusal);
      else resolve(reached);
    }
  }

  #startCheckpoint(): void {
    if (this.#checkpointing) return;
    this.checkpoint().catch((error: unknown) => {
      this.#ports.logger.warn({ error }, 'no checkpoint could be written; the next one is tried later');
    });
  }

  async #writeCheckpoint(): Promise<Position> {
    const { disk, folders, id, machine, pause, checkpointBytes } = this.#ports;
    this.#bytesSinceCheckpoint = 0;
    const { state, end } = await new Promise<Parameters<Boundary<State>['resolve']>[0]>((resolve, reject) => {
      this.#boundaries.push({ resolve, reject });
      this.#wake();
    });
    try {
      for (const folder of folders) {
        await publish(disk, path.join(folder, fileName(end.sequence, 'checkpoint')), async (file) => {
          const bytes = await writeCheckpoint(file, { id, end }, machine.slices(state), pause);
          this.#checkpointDueBytes = Math.max(checkpointBytes, bytes);
        });
        await disk.syncFolder(folder);
      }
      // The checkpoint is durable in every folder: what it replaces can go.
      if (this.#replays === 0) for (const folder of folders) await forget(disk, folder);
    } catch (error) {
      if (isFull(error)) throw full(error);
      throw this.#fail(error);
    }
    return { epoch: end.epoch, sequence: end.sequence };
  }

  async #close(): Promise<void> {
    try {
      await this.#checkpointing?.catch(() => undefined);
      await this.#writing;
      await this.#log.close(this.#failure === undefined);
    } catch (error) {
      throw this.#fail(error);
    } finally {
      await this.#ports.release();
    }
  }

  /** After an error of the disk nobody knows what is on it, and asking again does not tell: the process has to end. */
  #fail(cause: unknown): JournalError {
    if (this.#failure) return this.#failure;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const text = `the journal cannot be written (${reason}). Whether the last records are durable is decided when the journal is opened again`;
    const failure = new JournalError('JOURNAL_FAILED', text, { cause });
    this.#failure = failure;
    for (const { reject } of [...this.#pending.splice(0), ...this.#boundaries.splice(0)]) reject(failure);
    this.#ports.fatal(failure);
    return failure;
  }
}

/** How many of the records that wait make one frame, and its bytes. */
function groupOf(pending: readonly Pending<unknown>[]): { readonly count: number; readonly bytes: number } {
  let bytes = FRAME_HEADER_BYTES;
  let count = 0;
  for (const record of pending) {
    const next = bytes + RECORD_HEADER_BYTES + record.bytes.length;
    if (count > 0 && next > FRAME_HEADER_BYTES + PAYLOAD_BYTES_MAX) break;
    bytes = next;
    count += 1;
  }
  return { count, bytes };
}

const full = (cause: unknown): JournalError =>
  new JournalError(
    'JOURNAL_FULL',
    'the disk of the journal is full: nothing was changed. Free some space and try again',
    { cause },
  );

/** Removes what lies before the oldest checkpoint that is kept. */
async function forget(disk: Disk, folder: string): Promise<void> {
  const parsed = (await disk.list(folder)).map(({ name }) => parseName(name));
  const checkpoints = parsed.flatMap((name) => (name?.kind === 'checkpoint' ? [name.sequence] : []));
  const oldest = checkpoints.toSorted((a, b) => b - a)[CHECKPOINTS_KEPT - 1];
  if (oldest !== undefined) await removeFiles(disk, folder, (name) => (parseName(name)?.sequence ?? oldest) < oldest);
}

/** The frames that hold durable records from `from` to `until`. */
async function* framesFrom(
  disk: Disk,
  folder: string,
  id: JournalId,
  from: number,
  until: number,
): AsyncGenerator<Frame> {
  if (from > until) return;
  const names = (await disk.list(folder)).map(({ name }) => name).toSorted();
  const segments = names.filter((name) => parseName(name)?.kind === 'segment');
  const first = segments.findLastIndex((name) => parseName(name)!.sequence < from);
  if (first < 0) {
    const text = `the journal does not hold record ${from} any more: begin with its checkpoint`;
    throw new JournalError('POSITION_NOT_KEPT', text);
  }
  for (const [index, name] of segments.slice(first).entries()) {
    const file = path.join(folder, name);
    const frames: Frame[] = [];
    const { after, offset } = readFrames(await readWhole(disk, file), id, (frame) => frames.push(frame));
    for (const frame of frames) {
      if (frame.sequence > until) return;
      yield frame;
    }
    const next = segments[first + index + 1];
    const shouldEnd = next === undefined ? until : parseName(next)!.sequence;
    if (after.sequence < shouldEnd) {
      throw new JournalDamagedError([
        { file, offset, what: `the records behind ${after.sequence} cannot be read any more` },
      ]);
    }
  }
}
