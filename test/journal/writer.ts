/** A process that appends `r1`, `r2` … for ever, eight at a time, and prints the sequence of each that is durable. To be killed. */

import { writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { localDisk } from '../../src/common/disk.ts';
import { openFileJournal } from '../../src/journal/open-file-journal.ts';
import { listMachine } from './list-machine.ts';

const CALLERS = 8;
const FAILED = 2;

function fail(error: unknown): never {
  console.error(error);
  process.exit(FAILED);
}

const [folder, most] = process.argv.slice(2);
const journal = await openFileJournal({
  machine: listMachine,
  disk: localDisk,
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

async function call(): Promise<void> {
  while (last < end) {
    const { sequence } = await journal.append(`r${++last}`);
    writeSync(1, `${sequence}\n`);
  }
}
await Promise.all(Array.from({ length: CALLERS }, call));
await journal.close();
