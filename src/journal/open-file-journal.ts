/** Opens a journal in local folders: locks them, finds what they hold, begins a new epoch, and only then serves. */

import path from 'node:path';
import { assert } from '../common/assert.ts';
import { diskErrorCode } from '../common/disk.ts';
import type { Disk, DiskLock } from '../common/disk.ts';
import { lockFolder, releaseAll } from '../common/folder-lock.ts';
import type { Logger } from '../observe/logger.ts';
import { readCheckpoint } from './checkpoint-file.ts';
import { JournalDamagedError, JournalError } from './errors.ts';
import { FileJournal } from './file-journal.ts';
import { readWhole, removeUnfinished } from './files.ts';
import { BEGINNING } from './folder.ts';
import { encodeFrame, recordsOf } from './frame.ts';
import type { Frame } from './frame.ts';
import type { Journal, StateMachine } from './journal.ts';
import { recover, settleFolder } from './recovery.ts';
import type { Recovered } from './recovery.ts';
import { JOURNAL_ID_BYTES, encodeSegmentHeader, fileName, readFrames, seedOf } from './segment.ts';
import { SegmentLog, isFull, segmentStart } from './segment-log.ts';

export type FileJournalOptions<State, Record> = {
  readonly machine: StateMachine<State, Record>;
  readonly disk: Disk;
  /** Each gets all records before they are acknowledged. Their parents exist. The first is read by `replay`. */
  readonly folders: readonly [string, ...string[]];
  readonly random: (bytes: number) => Uint8Array;
  /** Told once that the journal failed: the process has to end, as its `tip` may hold what is not durable. */
  readonly fatal: (error: JournalError) => void;
  readonly logger: Pick<Logger, 'warn'>;
  /** Lets others have their turn while a checkpoint is written. */
  readonly pause?: () => Promise<void>;
  readonly segmentBytes?: number;
  readonly reserveBytes?: number;
  readonly checkpointBytes?: number;
};

/** Copied at every start, so it is bounded; and what is read at once. */
const SEGMENT_BYTES = 32 * 2 ** 20;

/** A second or so of records: writing as many zeros takes some milliseconds. */
const RESERVE_BYTES = 2 ** 20;

/** Some 300,000 records of 200 bytes: read again within three seconds. */
const CHECKPOINT_BYTES = 64 * 2 ** 20;

const EPOCH_NONCE_BYTES = 16;

/**
 * Throws a JournalError: JOURNAL_LOCKED, JOURNAL_MISMATCH, JOURNAL_DAMAGED (the files are left as they are), JOURNAL_FULL. Throws
 * DiskLockError where folders cannot be locked.
 */
export async function openFileJournal<State, Record>(
  options: FileJournalOptions<State, Record>,
): Promise<Journal<State, Record>> {
  const { disk, folders } = options;
  const locks: DiskLock[] = [];
  const release = (): Promise<void> => releaseAll(locks.splice(0));
  try {
    for (const folder of folders) {
      await makeFolder(disk, folder);
      locks.push(await lockOf(disk, folder));
      await removeUnfinished(disk, folder);
    }
    return await openLocked(options, release);
  } catch (error) {
    // What went wrong first is what the person has to know.
    await release().catch(() => undefined);
    if (!isFull(error)) throw error;
    throw new JournalError('JOURNAL_FULL', 'the disk of the journal is full: it needs some space to start', {
      cause: error,
    });
  }
}

async function openLocked<State, Record>(
  options: FileJournalOptions<State, Record>,
  release: () => Promise<void>,
): Promise<Journal<State, Record>> {
  const { disk, folders, machine, random, logger } = options;
  const recovered = (await recover(disk, folders)) ?? newJournal(folders, random);
  for (const what of recovered.mended) logger.warn({ what }, 'a journal folder is mended');
  const { state, bytes } = await load(disk, recovered, machine);

  // The epoch is durable in all folders before anything is written in it, so that no two writers ever share one.
  const epoch = recovered.end.epoch + 1;
  const opened = encodeFrame(
    { kind: 'opened', epoch, payload: [random(EPOCH_NONCE_BYTES)] },
    recovered.end,
    seedOf(recovered.id),
  );
  const reserveBytes = options.reserveBytes ?? RESERVE_BYTES;
  const { tail, id } = recovered;
  const frames = [tail.bytes, opened.bytes];
  const file = segmentStart(frames, reserveBytes);
  await Promise.all(folders.map((folder) => settleFolder(disk, folder, recovered, file)));

  const offset = frames.reduce((sum, part) => sum + part.length, 0);
  const log = await SegmentLog.open(
    { disk, folders, id, epoch, reserveBytes, segmentBytes: options.segmentBytes ?? SEGMENT_BYTES },
    { after: tail.after, end: opened.end, offset, reserved: file.length },
  );
  return new FileJournal({
    machine,
    disk,
    folders,
    id,
    log,
    epoch,
    state,
    release,
    logger,
    fatal: options.fatal,
    checkpointBytes: options.checkpointBytes ?? CHECKPOINT_BYTES,
    bytesSinceCheckpoint: bytes,
    pause: options.pause ?? (() => new Promise((resolve) => setImmediate(resolve))),
  });
}

async function makeFolder(disk: Disk, folder: string): Promise<void> {
  try {
    await disk.mkdir(folder);
  } catch (error) {
    if (diskErrorCode(error) !== 'EEXIST') throw error;
  }
  // Also of one that is there: who made it may have been killed in between.
  await disk.syncFolder(path.dirname(folder));
}

async function lockOf(disk: Disk, folder: string): Promise<DiskLock> {
  const locked = await lockFolder(disk, folder);
  if (locked.kind === 'locked') return locked.lock;
  throw new JournalError(
    'JOURNAL_LOCKED',
    `the journal in ${folder} is in use by ${locked.by}; stop that one, or give this one another folder`,
  );
}

function newJournal(folders: readonly string[], random: (bytes: number) => Uint8Array): Recovered {
  const id = Buffer.from(random(JOURNAL_ID_BYTES));
  return {
    id,
    folder: folders[0]!,
    checkpoint: undefined,
    segments: [],
    tail: { name: fileName(0, 'segment'), after: BEGINNING, bytes: encodeSegmentHeader(id, BEGINNING) },
    end: BEGINNING,
    inStep: new Set(folders),
    unwanted: new Set(),
    mended: [],
  };
}

/** The state that the files make, and how many bytes of frames were read for it. */
async function load<State, Record>(
  disk: Disk,
  { checkpoint, segments, tail, id, end }: Recovered,
  machine: StateMachine<State, Record>,
): Promise<{ readonly state: State; readonly bytes: number }> {
  let state = checkpoint ? await loadCheckpoint(disk, checkpoint.file, machine) : machine.initial;
  const visit = (frame: Frame): void => {
    for (const record of recordsOf(frame)) state = machine.apply(state, machine.decode(record));
  };
  let bytes = tail.bytes.length;
  for (const { file } of segments) {
    const content = await readWhole(disk, file);
    readFrames(content, id, visit);
    bytes += content.length;
  }
  const { after } = readFrames(tail.bytes, id, visit);
  assert(after.crc === end.crc, 'the state is made of the history that was recovered');
  return { state, bytes };
}

async function loadCheckpoint<State, Record>(
  disk: Disk,
  file: string,
  machine: StateMachine<State, Record>,
): Promise<State> {
  const reader = machine.reader();
  const result = await readCheckpoint(disk, file, (slice) => reader.add(slice));
  if ('header' in result) return reader.finish();
  throw new JournalDamagedError([{ file, offset: result.damagedAt, what: 'the checkpoint changed while it was read' }]);
}
