/** What the journal makes durable in a second, with and without waiting callers, and how fast it is read again. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { localDisk } from '../src/common/disk.ts';
import type { Journal, StateMachine } from '../src/journal/journal.ts';
import { openFileJournal } from '../src/journal/open-file-journal.ts';
import { percentile, provenance } from './support.ts';

/** A record as a file's creation may have: a path and some numbers. */
const RECORD_BYTES = 200;
const CALLERS = 64;
const RECORDS = 300_000;
const SLICE_RECORDS = 5_000;

/** The state is as large as a million such records, and costs nothing to make: the journal itself is measured. */
type Tally = { readonly records: number; readonly bytes: number };
const STATE_BYTES = 1_000_000 * RECORD_BYTES;

const tally: StateMachine<Tally, Buffer> = {
  initial: { records: 0, bytes: 0 },
  apply: ({ records, bytes }, record) => ({ records: records + 1, bytes: bytes + record.length }),
  encode: (record) => record,
  decode: (bytes) => Buffer.from(bytes),
  slices: function* (state) {
    yield Buffer.from(JSON.stringify(state));
    for (let at = 0; at < STATE_BYTES; at += SLICE_RECORDS * RECORD_BYTES) {
      yield Buffer.alloc(SLICE_RECORDS * RECORD_BYTES, at % 251);
    }
  },
  reader: () => {
    let state: Tally | undefined;
    return {
      add: (slice) => (state ??= JSON.parse(Buffer.from(slice).toString()) as Tally),
      finish: () => state!,
    };
  },
};

export async function benchJournal(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tutti-bench-journal-'));
  try {
    console.log(provenance());
    console.log(`fdatasync of a page              ${await syncTimes(path.join(folder, 'page'))}`);
    for (const folders of [['one'], ['one', 'two']]) {
      const paths = folders.map((name) => path.join(folder, `${folders.length}-${name}`));
      await measure(paths as [string, ...string[]]);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measure(folders: readonly [string, ...string[]]): Promise<void> {
  console.log(`\n${folders.length === 1 ? 'one folder' : `${folders.length} folders on the same disk`}`);
  const open = (): Promise<Journal<Tally, Buffer>> =>
    openFileJournal({
      machine: tally,
      disk: localDisk,
      folders,
      random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
      fatal: (error) => {
        throw error;
      },
      logger: { warn: console.warn },
      // Every checkpoint here is one that was asked for.
      checkpointBytes: Infinity,
    });
  let journal = await open();
  console.log(`one caller                       ${await appends(journal, 1, RECORDS / 100)}`);
  console.log(`${CALLERS} callers                       ${await appends(journal, CALLERS, RECORDS)}`);

  const { sequence } = journal;
  await journal.close();
  const before = performance.now();
  journal = await open();
  const opened = performance.now() - before;
  console.log(
    `opened again                     ${perSecond(sequence, opened)} records/s read (${opened.toFixed(0)} ms)`,
  );
  if (journal.durable.records !== sequence) throw new Error('records are missing');

  const checkpoint = journal.checkpoint();
  const started = performance.now();
  const pauses = watchPauses();
  let done = false;
  const checkpointMs = checkpoint.then(() => {
    done = true;
    return performance.now() - started;
  });
  const during = await appends(journal, CALLERS, RECORDS, () => done);
  console.log(`${CALLERS} callers and a checkpoint      ${during}`);
  console.log(
    `the checkpoint of 200 MB         ${(await checkpointMs).toFixed(0)} ms, longest pause ${pauses.stop().toFixed(0)} ms`,
  );
  await journal.close();

  const again = performance.now();
  await (await open()).close();
  console.log(`opened with the checkpoint       ${(performance.now() - again).toFixed(0)} ms`);
}

/** Appends from callers that wait for each of their records. */
async function appends(
  journal: Journal<Tally, Buffer>,
  callers: number,
  records: number,
  done = (): boolean => false,
): Promise<string> {
  const record = Buffer.alloc(RECORD_BYTES, 'r');
  const times: number[] = [];
  let left = records;
  const call = async (): Promise<void> => {
    while (left-- > 0 && !done()) {
      const start = performance.now();
      await journal.append(record);
      times.push(performance.now() - start);
    }
  };
  const before = performance.now();
  await Promise.all(Array.from({ length: callers }, call));
  const rate = perSecond(times.length, performance.now() - before);
  return `${rate} durable appends/s, each p50 ${percentile(times, 0.5).toFixed(2)} ms, p99 ${percentile(times, 0.99).toFixed(2)} ms`;
}

/** The longest time that a timer of a millisecond was late. */
function watchPauses(): { stop: () => number } {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1);
  return {
    stop: () => {
      clearInterval(timer);
      return longest;
    },
  };
}

/** What a sync of the file's disk takes. */
export async function syncTimes(file: string): Promise<string> {
  const page = Buffer.alloc(4096, 1);
  const handle = await localDisk.open(file, 'create');
  await handle.write(0, Buffer.alloc(1000 * page.length));
  await handle.sync();
  const times: number[] = [];
  for (let i = 0; i < 1000; i++) {
    await handle.write(i * page.length, page);
    const before = performance.now();
    await handle.sync();
    times.push(performance.now() - before);
  }
  await handle.close();
  await localDisk.remove(file);
  return `p50 ${percentile(times, 0.5).toFixed(2)} ms, p99 ${percentile(times, 0.99).toFixed(2)} ms`;
}

const perSecond = (count: number, ms: number): string => Math.round((count / ms) * 1000).toLocaleString('en');
