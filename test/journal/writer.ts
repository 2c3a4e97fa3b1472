/**
 * A process that appends `r1`, `r2` … for ever, eight at a time, and prints the sequence of each that is durable. To be killed: from outside,
 * or by itself before or after a call of its disk (`writer.ts FOLDER RECORDS before 17`).
 */

import { writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { localDisk } from '../../src/common/disk.ts';
import { openFileJournal } from '../../src/journal/open-file-journal.ts';
import { type Kill, killingDisk } from './killing-disk.ts';
import { listMachine } from './list-machine.ts';

const CALLERS = 8;
const FAILED = 2;

function fail(error: unknown): never {
  console.error(error);
  process.exit(FAILED);
}

const [folder, most, when, call] = process.argv.slice(2);
const disk = when ? killingDisk(localDisk, { when: when as Kill['when'], call: Number(call) }) : localDisk;
const journal = await openFileJournal({
  machine: listMachine,
  disk,
  folders: [folder!],
  random: randomBytes,
  fatal: fail,
  logger: { warn: () => undefined },
  segmentBytes: 500,
  reserveBytes: 200,
  checkpointBytes: 300,
}).catch(fail);
let last = journal.sequence;
const end = last + Number(most ?? Infinity);

async function append(): Promise<void> {
  while (last < end) {
    const { sequence } = await journal.append(`r${++last}`);
    writeSync(1, `${sequence}\n`);
  }
}
await Promise.all(Array.from({ length: CALLERS }, append));
await journal.close();
