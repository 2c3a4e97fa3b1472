/** Reads a journal folder as it was found: what it holds, how far that can be believed, and what is wrong with it. */

import path from 'node:path';
import type { Disk } from '../common/disk.ts';
import { readCheckpoint } from './checkpoint-file.ts';
import type { Damage } from './errors.ts';
import { readWhole } from './files.ts';
import { endOf, findHeaders, frameAt, frameBytes } from './frame.ts';
import type { ChainEnd, FrameKind } from './frame.ts';
import { decodeSegmentHeader, fileName, parseName, seedOf, walkFrames } from './segment.ts';
import type { JournalId } from './segment.ts';

export type FolderContents = {
  readonly folder: string;
  /** Undefined in a folder that holds no journal. */
  readonly id: JournalId | undefined;
  /** The newest one that is whole. */
  readonly checkpoint: CheckpointFound | undefined;
  /** Newer ones that are not: the history since the one before them is still there. */
  readonly damagedCheckpoints: readonly Damage[];
  /** From the checkpoint on, in order. */
  readonly segments: readonly SegmentFound[];
  /** From the checkpoint on, by which two folders are compared. */
  readonly history: readonly Mark[];
  /** Of what can be believed. */
  readonly end: ChainEnd;
  readonly damage: Damage | undefined;
  /** Whole frames behind the damage. */
  readonly stranded: readonly StrandedFrame[];
};

export type CheckpointFound = { readonly file: string; readonly id: JournalId; readonly end: ChainEnd };

export type SegmentFound = {
  readonly file: string;
  readonly after: ChainEnd;
  /** To the end of the last frame that counts. */
  readonly bytes: number;
};

export type Mark = ChainEnd & { readonly kind: FrameKind };

export type StrandedFrame = {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  readonly previousCrc: number;
  readonly end: ChainEnd;
};

/** Before the first record. */
export const BEGINNING: ChainEnd = { epoch: 0, sequence: 0, crc: 0 };

export async function readFolder(disk: Disk, folder: string): Promise<FolderContents> {
  const names = (await disk.list(folder)).map(({ name }) => name).toSorted();
  const files = (kind: 'segment' | 'checkpoint'): string[] =>
    names.filter((name) => parseName(name)?.kind === kind).map((name) => path.join(folder, name));
  const segments = files('segment');
  const { checkpoint, damagedCheckpoints } = await newestCheckpoint(disk, files('checkpoint').toReversed());

  const start = checkpoint?.end ?? BEGINNING;
  const first = path.join(folder, fileName(start.sequence, 'segment'));
  const found = { folder, checkpoint, damagedCheckpoints };
  if (!segments.includes(first)) {
    const empty = segments.length === 0 && !checkpoint && damagedCheckpoints.length === 0;
    const damage = empty ? undefined : (damagedCheckpoints[0] ?? missing(first));
    const stranded = await strandedFrames(disk, segments, 0, checkpoint?.id);
    return { ...found, id: checkpoint?.id, segments: [], history: [], end: start, damage, stranded };
  }
  const read = await readSegments(disk, segments.slice(segments.indexOf(first)), start, checkpoint?.id);
  return { ...found, ...read };
}

/** Of `files`, newest first. The one before the newest is kept with its segments, so that one damaged file costs nothing. */
async function newestCheckpoint(
  disk: Disk,
  files: readonly string[],
): Promise<Pick<FolderContents, 'checkpoint' | 'damagedCheckpoints'>> {
  const damagedCheckpoints: Damage[] = [];
  for (const file of files) {
    const result = await readCheckpoint(disk, file, () => undefined);
    if ('header' in result) return { checkpoint: { file, ...result.header }, damagedCheckpoints };
    damagedCheckpoints.push({ file, offset: result.damagedAt, what: 'the checkpoint is not as it was written' });
  }
  return { checkpoint: undefined, damagedCheckpoints };
}

type SegmentsRead = Pick<FolderContents, 'id' | 'segments' | 'history' | 'end' | 'damage' | 'stranded'>;

async function readSegments(
  disk: Disk,
  files: readonly string[],
  start: ChainEnd,
  knownId: JournalId | undefined,
): Promise<SegmentsRead> {
  const segments: SegmentFound[] = [];
  const history: Mark[] = [{ kind: 'records', ...start }];
  let id = knownId;
  let end = start;
  let sealed = false;
  for (const file of files) {
    const bytes = await readWhole(disk, file);
    const header = decodeSegmentHeader(bytes);
    const damaged = async (damage: Damage): Promise<SegmentsRead> => {
      const rest = files.slice(files.indexOf(damage.file));
      return { id, segments, history, end, damage, stranded: await strandedFrames(disk, rest, damage.offset, id) };
    };
    if (!header) return damaged({ file, offset: 0, what: 'the header is not as it was written' });
    id ??= header.id;
    if (!header.id.equals(id)) return damaged({ file, offset: 0, what: 'the segment belongs to another journal' });
    if (header.after.sequence !== end.sequence || header.after.crc !== end.crc) {
      // What is torn at the end of a segment was never acknowledged only if the next segment follows what is before it.
      const what = `the history stops behind record ${end.sequence}, and the next segment follows record ${header.after.sequence}`;
      const last = segments.at(-1);
      return damaged(last ? { file: last.file, offset: last.bytes, what } : { file, offset: 0, what });
    }
    const frames = walkFrames(bytes, end, seedOf(id), (frame) => {
      end = endOf(frame);
      history.push({ kind: frame.kind, ...end });
    });
    segments.push({ file, after: header.after, bytes: frames.offset });
    if (frames.end.kind === 'damaged') return damaged({ file, offset: frames.offset, what: frames.end.what });
    sealed = frames.end.kind === 'sealed';
  }
  const next = path.join(path.dirname(files[0]!), fileName(end.sequence, 'segment'));
  return { id, segments, history, end, damage: sealed ? missing(next) : undefined, stranded: [] };
}

const missing = (file: string): Damage => ({ file, offset: 0, what: 'the segment is missing' });

/** Whole frames in `files`, from `offset` of the first on: what they hold must not get lost. */
async function strandedFrames(
  disk: Disk,
  files: readonly string[],
  offset: number,
  id: JournalId | undefined,
): Promise<readonly StrandedFrame[]> {
  const found: StrandedFrame[] = [];
  for (const file of files) {
    const bytes = await readWhole(disk, file);
    const ownId = decodeSegmentHeader(bytes)?.id ?? id;
    if (!ownId) continue;
    for (const header of findHeaders(bytes, file === files[0] ? offset : 0, seedOf(ownId))) {
      const frame = frameAt(bytes, header.offset, seedOf(ownId));
      if (!frame || frame.kind === 'sealed') continue;
      found.push({
        file,
        offset: header.offset,
        bytes: frameBytes(frame),
        previousCrc: frame.previousCrc,
        end: endOf(frame),
      });
    }
  }
  return found;
}
