/** What a start makes of a file that is not as it was written: cut, flipped, missing. */

import { cp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { JournalDamagedError } from '../../src/journal/errors.ts';
import { diskWith, filesIn, open, records, temporaryFolder, write } from './support.ts';

/** The records that a start found, or where it halted. */
type Outcome = { readonly records: readonly string[] } | { readonly file: string; readonly offset: number };

/** Thousands of starts: no time for a lock, which is a process each. */
const unlockedDisk = diskWith({ lock: () => Promise.resolve({ release: () => Promise.resolve() }) });

async function outcomeOf(folders: readonly string[]): Promise<Outcome> {
  try {
    const { journal } = await open(folders, { disk: unlockedDisk });
    await journal.close();
    return { records: journal.durable };
  } catch (error) {
    if (!(error instanceof JournalDamagedError)) throw error;
    return { file: path.basename(error.file), offset: error.offset };
  }
}

/** A journal of one segment that its writer did not close. */
async function unclosed(folder: string, count: number): Promise<string> {
  const { journal } = await open([folder], { segmentBytes: 100_000 });
  for (const record of records(1, count)) await journal.append(record);
  const copy = `${folder}-copy`;
  await cp(folder, copy, { recursive: true });
  await journal.close();
  await rm(folder, { recursive: true });
  await cp(copy, folder, { recursive: true });
  return copy;
}

/** Makes `folder` again what `copy` is. */
async function restore(folder: string, copy: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await cp(copy, folder, { recursive: true });
}

async function flip(file: string, offset: number, bit: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[offset]! ^= 1 << bit;
  await writeFile(file, bytes);
}

/** Where each frame of a segment begins, as its magic number tells. */
async function frameOffsets(file: string): Promise<readonly number[]> {
  const bytes = await readFile(file);
  const found: number[] = [];
  for (let at = bytes.indexOf('TJFR'); at >= 0; at = bytes.indexOf('TJFR', at + 1)) found.push(at);
  return found;
}

test('a file cut at any byte of its last frame loses that frame, and no other', async () => {
  const folder = path.join(await temporaryFolder(), 'j');
  const copy = await unclosed(folder, 5);
  const [file] = await filesIn(folder, 'segment');
  const frames = await frameOffsets(file!);
  const last = frames.at(-1)!;
  const end = last + 40 + 4 + 'r5'.length;
  for (let bytes = last; bytes <= end; bytes++) {
    await restore(folder, copy);
    await truncate(file!, bytes);
    expect(await outcomeOf([folder]), `cut at ${bytes}`).toEqual({ records: records(1, bytes === end ? 5 : 4) });
  }
});

test('a write that was torn anywhere is dropped, whatever stands behind it', async () => {
  const folder = path.join(await temporaryFolder(), 'j');
  const copy = await unclosed(folder, 5);
  const [file] = await filesIn(folder, 'segment');
  const last = (await frameOffsets(file!)).at(-1)!;
  for (let kept = 0; kept < 46; kept++) {
    await restore(folder, copy);
    const bytes = await readFile(file!);
    bytes.fill(kept % 2 ? 0xaa : 0, last + kept, last + 46);
    await writeFile(file!, bytes);
    expect(await outcomeOf([folder]), `${kept} bytes kept`).toEqual({ records: records(1, 4) });
  }
});

test('a bit that flipped before the last frame halts with file and offset; a second folder repairs it', async () => {
  const parent = await temporaryFolder();
  const folder = path.join(parent, 'j');
  const second = path.join(parent, 'k');
  const copy = await unclosed(folder, 5);
  const [file] = await filesIn(folder, 'segment');
  const frames = await frameOffsets(file!);
  const last = frames.at(-1)!;
  for (let offset = 0; offset < last; offset++) {
    await restore(folder, copy);
    await restore(second, copy);
    await flip(file!, offset, offset % 8);
    const begins = frames.findLast((frame) => frame <= offset) ?? 0;
    expect(await outcomeOf([folder]), `bit flipped at ${offset}`).toEqual({
      file: path.basename(file!),
      offset: begins,
    });
    expect(await outcomeOf([folder, second]), `bit flipped at ${offset}`).toEqual({ records: records(1, 5) });
  }
  // Both folders are whole now.
  expect(await outcomeOf([folder])).toEqual({ records: records(1, 5) });
});

test('after an orderly end a flip in the last record halts too', async () => {
  const folder = path.join(await temporaryFolder(), 'j');
  await write([folder], records(1, 5));
  const [file] = await filesIn(folder, 'segment');
  const record = (await frameOffsets(file!)).at(-2)!;
  await flip(file!, record + 45, 3);
  expect(await outcomeOf([folder])).toEqual({ file: path.basename(file!), offset: record });
});

test('a flip anywhere in a journal of many files is found, or touches nothing that counts', async () => {
  const parent = await temporaryFolder();
  const folder = path.join(parent, 'j');
  const { journal } = await open([folder]);
  for (const record of records(1, 60)) {
    await journal.append(record);
    if (record === 'r20' || record === 'r40') await journal.checkpoint();
  }
  await journal.close();
  const copy = path.join(parent, 'copy');
  await cp(folder, copy, { recursive: true });
  const files = [...(await filesIn(folder, 'segment')), ...(await filesIn(folder, 'checkpoint'))];
  expect(files.length).toBeGreaterThan(5);
  let halted = 0;
  let unharmed = 0;
  for (const file of files) {
    const { size } = await stat(file);
    for (let offset = 0; offset < size; offset += 17) {
      await restore(folder, copy);
      await flip(file, offset, offset % 8);
      const outcome = await outcomeOf([folder]);
      if ('offset' in outcome) halted += 1;
      else unharmed += 1;
      if ('offset' in outcome) continue;
      expect(outcome, `${file} flipped at ${offset}`).toEqual({ records: records(1, 60) });
    }
  }
  expect(Math.min(halted, unharmed)).toBeGreaterThan(20);
});

test('a damaged checkpoint costs nothing while the one before it is there', async () => {
  const folder = await temporaryFolder();
  const { journal } = await open([folder]);
  for (const record of records(1, 30)) await journal.append(record);
  await journal.checkpoint();
  for (const record of records(31, 40)) await journal.append(record);
  await journal.checkpoint();
  await journal.append('r41');
  await journal.close();
  const [older, newer] = await filesIn(folder, 'checkpoint');
  await flip(newer!, 100, 0);
  const again = await open([folder]);
  expect(again.journal.durable).toEqual(records(1, 41));
  expect(again.warnings.join()).toContain(path.basename(newer!));
  await again.journal.close();
  expect(await filesIn(folder, 'checkpoint')).toEqual([older]);
  await flip(older!, 100, 0);
  expect(await outcomeOf([folder])).toMatchObject({ file: path.basename(older!) });
});

test('a segment that is missing is noticed, the last one too', async () => {
  const parent = await temporaryFolder();
  const folder = path.join(parent, 'j');
  await write([folder], records(1, 60));
  const copy = path.join(parent, 'copy');
  await cp(folder, copy, { recursive: true });
  const files = await filesIn(folder, 'segment');
  expect(files.length).toBeGreaterThan(3);
  for (const [index, file] of files.entries()) {
    await restore(folder, copy);
    await rm(file);
    const noticedIn = index === 0 || index === files.length - 1 ? file : files[index - 1]!;
    expect(await outcomeOf([folder])).toMatchObject({ file: path.basename(noticedIn) });
  }
});

test('frames that do not follow are damage: left out, repeated, of an earlier epoch', async () => {
  const folder = path.join(await temporaryFolder(), 'j');
  await write([folder], records(1, 3));
  const copy = await unclosed(folder, 3);
  const [file] = await filesIn(folder, 'segment');
  const bytes = await readFile(file!);
  const [, ...frames] = await frameOffsets(file!);
  const part = (index: number): Buffer => bytes.subarray(frames[index], frames[index + 1]);
  const head = bytes.subarray(0, frames[0]);
  // r1, r2, r3, closed, opened, r1, r2, r3
  const orders = {
    'left out': [0, 2, 3, 4],
    whole: [0, 1, 2, 3, 4],
    repeated: [0, 1, 1, 2],
    'of an earlier epoch': [0, 1, 2, 3, 4, 0],
  };
  const halted: string[] = [];
  for (const [what, order] of Object.entries(orders)) {
    await restore(folder, copy);
    await writeFile(file!, Buffer.concat([head, ...order.map(part)]));
    if ('offset' in (await outcomeOf([folder]))) halted.push(what);
  }
  expect(halted).toEqual(['left out', 'repeated', 'of an earlier epoch']);
});

test('a record that looks like a frame is no frame', async () => {
  const parent = await temporaryFolder();
  await write([path.join(parent, 'other')], records(1, 1));
  const [other] = await filesIn(path.join(parent, 'other'), 'segment');
  const forged = (await readFile(other!)).subarray(44).toString('latin1');
  const folder = path.join(parent, 'j');
  const { journal } = await open([folder], { segmentBytes: 100_000 });
  await journal.append('r1');
  await journal.append(forged);
  const [file] = await filesIn(folder, 'segment');
  const torn = await readFile(file!);
  await journal.close();
  // The frame of the forged record is torn in its first bytes.
  torn[torn.indexOf(Buffer.from(forged)) - 20]! ^= 1;
  await writeFile(file!, torn);
  expect(await outcomeOf([folder])).toEqual({ records: ['r1'] });
});
