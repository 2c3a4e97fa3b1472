/**
 * What the folders of a journal hold together. The longest history that can be believed is taken, and the other folders are brought up to
 * it. Nothing that was acknowledged is given up for that: where it might be, nothing is started.
 */

import path from 'node:path';
import type { Disk } from '../common/disk.ts';
import { JournalDamagedError, JournalError } from './errors.ts';
import type { Damage } from './errors.ts';
import { readFolder } from './folder.ts';
import type { CheckpointFound, FolderContents, Mark, SegmentFound } from './folder.ts';
import type { ChainEnd } from './frame.ts';
import { copyFile, publish, readWhole, removeFiles } from './files.ts';
import type { JournalId } from './segment.ts';

export type Recovered = {
  readonly id: JournalId;
  /** Whose files were taken. */
  readonly folder: string;
  readonly checkpoint: CheckpointFound | undefined;
  readonly segments: readonly SegmentFound[];
  /** The last segment, without what was torn behind it. */
  readonly tail: { readonly name: string; readonly after: ChainEnd; readonly bytes: Buffer };
  readonly end: ChainEnd;
  /** Folders whose files are the same already; the others are brought up. */
  readonly inStep: ReadonlySet<string>;
  /** Damaged files that a folder in step can do without. */
  readonly unwanted: ReadonlySet<string>;
  /** What was found wrong and is mended now, in words. */
  readonly mended: readonly string[];
};

/** Undefined when all folders are empty. */
export async function recover(disk: Disk, folders: readonly string[]): Promise<Recovered | undefined> {
  const found = await Promise.all(folders.map((folder) => readFolder(disk, folder)));
  const present = found.filter(({ id, damage }) => id || damage);
  if (present.length === 0) return undefined;
  const best = longest(present);
  const { id } = best;
  for (const other of present) mustBelongTo(best, other);
  for (const other of present) mustNotHoldMore(best, other);

  const { bytes, end } = await withStranded(disk, best, present);
  for (const other of present) {
    // Before its damage too: the best folder may have been left out for a while.
    const lost = isBeyond(other.end, end) || other.stranded.some((frame) => isBeyond(frame.end, end));
    if (lost && other.damage) throw new JournalDamagedError([other.damage]);
  }
  const tail = best.segments.at(-1)!;
  return {
    id,
    folder: best.folder,
    checkpoint: best.checkpoint,
    segments: best.segments.slice(0, -1),
    tail: { name: path.basename(tail.file), after: tail.after, bytes },
    end,
    inStep: new Set(found.filter((other) => isInStep(best, other)).map(({ folder }) => folder)),
    unwanted: new Set(best.damagedCheckpoints.map(({ file }) => file)),
    mended: found.flatMap((other) => mendedIn(best, other)),
  };
}

type Sound = FolderContents & { readonly id: JournalId };

function longest(present: readonly FolderContents[]): Sound {
  const sound = present.filter((contents): contents is Sound => !contents.damage && contents.id !== undefined);
  const [first, ...others] = sound;
  if (!first) {
    const damages = present.flatMap(({ damage }) => (damage ? [damage] : []));
    throw new JournalDamagedError(damages as [Damage, ...Damage[]]);
  }
  return others.reduce((best, other) => {
    const longer = isBeyond(other.end, best.end);
    const asLong = !isBeyond(best.end, other.end);
    return longer || (asLong && other.damagedCheckpoints.length < best.damagedCheckpoints.length) ? other : best;
  }, first);
}

/** As in Raft: a later epoch decides, then the length. */
const isBeyond = (a: ChainEnd, b: ChainEnd): boolean =>
  a.epoch === b.epoch ? a.sequence > b.sequence : a.epoch > b.epoch;

function mustBelongTo(best: Sound, other: FolderContents): void {
  if (!other.id || other.id.equals(best.id)) return;
  throw new JournalError(
    'JOURNAL_MISMATCH',
    `${best.folder} and ${other.folder} hold two different journals. Name only folders of one journal.`,
  );
}

const key = ({ epoch, sequence, crc }: ChainEnd): string => `${epoch} ${sequence} ${crc}`;

/**
 * What a folder holds and the best one does not must be what nobody was told of: a group that was still being written, or an epoch
 * that was opened and wrote nothing. Anything else was written when the best folder was not there.
 */
function mustNotHoldMore(best: Sound, other: FolderContents): void {
  // What is behind a damage is looked at apart.
  if (other.damage) return;
  const known = new Set(best.history.map(key));
  const common = other.history.findLastIndex((mark) => known.has(key(mark)));
  const more = other.history.slice(common + 1);
  if (common >= 0 && wasNeverAcknowledged(more)) return;
  const why = common < 0 ? 'is too far behind to be compared with' : 'holds records that are not in';
  throw new JournalError(
    'JOURNAL_MISMATCH',
    `${other.folder} ${why} ${best.folder}. Give the journal the folders it was last written with, ` +
      'or empty the one that is not wanted: it is then filled from the other.',
  );
}

function wasNeverAcknowledged(more: readonly Mark[]): boolean {
  const opened = more.findIndex(({ kind }) => kind === 'opened');
  const before = opened < 0 ? more : more.slice(0, opened);
  return groupsIn(before) <= 1 && groupsIn(more.slice(before.length)) === 0;
}

const groupsIn = (marks: readonly Mark[]): number => marks.filter(({ kind }) => kind === 'records').length;

/** The tail, with whole frames that follow it and were found behind another folder's damage: a group whose write was under way. */
async function withStranded(
  disk: Disk,
  best: Sound,
  present: readonly FolderContents[],
): Promise<{ readonly bytes: Buffer; readonly end: ChainEnd }> {
  const last = best.segments.at(-1)!;
  const parts = [(await readWhole(disk, last.file)).subarray(0, last.bytes)];
  const stranded = present.flatMap((contents) => contents.stranded);
  let end = best.end;
  for (;;) {
    const next = stranded.find((frame) => frame.previousCrc === end.crc && isBeyond(frame.end, end));
    if (!next) return { bytes: Buffer.concat(parts), end };
    parts.push((await readWhole(disk, next.file)).subarray(next.offset, next.offset + next.bytes));
    end = next.end;
  }
}

const namesOf = ({ checkpoint, segments }: FolderContents): string =>
  [...(checkpoint ? [checkpoint] : []), ...segments].map(({ file }) => path.basename(file)).join(' ');

function isInStep(best: Sound, other: FolderContents): boolean {
  if (other === best) return true;
  const whole = !other.damage && other.damagedCheckpoints.length === 0;
  return whole && key(other.end) === key(best.end) && namesOf(other) === namesOf(best);
}

function mendedIn(best: Sound, other: FolderContents): readonly string[] {
  const damages = [...other.damagedCheckpoints, ...(other.damage ? [other.damage] : [])];
  const damaged = damages.map(({ file, offset, what }) => `${file} at byte ${offset}: ${what}`);
  const behind =
    key(other.end) === key(best.end)
      ? []
      : [`${other.folder} stopped at record ${other.end.sequence} of ${best.end.sequence}`];
  return [...damaged, ...(other.damage ? [] : behind)];
}

/**
 * Makes a folder hold what was recovered, and `tail` as its last segment. The tail is always a new file: after a sync that failed, the system
 * shows bytes that are not on the disk, and a second sync of the same file does not write them.
 */
export async function settleFolder(disk: Disk, folder: string, recovered: Recovered, tail: Buffer): Promise<void> {
  const files = [...(recovered.checkpoint ? [recovered.checkpoint] : []), ...recovered.segments].map(
    ({ file }) => file,
  );
  const inStep = recovered.inStep.has(folder);
  if (!inStep) for (const file of files) await copyFile(disk, file, path.join(folder, path.basename(file)));
  await publish(disk, path.join(folder, recovered.tail.name), (file) => file.write(0, tail));
  await disk.syncFolder(folder);
  if (inStep) return removeFiles(disk, folder, (name) => recovered.unwanted.has(path.join(folder, name)));
  const wanted = new Set([...files.map((file) => path.basename(file)), recovered.tail.name]);
  await removeFiles(disk, folder, (name) => !wanted.has(name));
}
