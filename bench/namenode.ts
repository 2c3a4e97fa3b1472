/** What a million files cost the namespace: memory, changes a second, and the time to write and read a checkpoint. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../src/common/clock.ts';
import { REPLICAS_PER_REPORT } from '../src/filestore/datanode/report-queue.ts';
import { BlockMap } from '../src/filestore/namenode/block-map.ts';
import { takeReport } from '../src/filestore/namenode/block-reports.ts';
import { Datanodes } from '../src/filestore/namenode/datanodes.ts';
import { Replication } from '../src/filestore/namenode/replication.ts';
import { decidePublish } from '../src/filestore/namespace/decide-publish.ts';
import { decideMkdirs } from '../src/filestore/namespace/decide-tree.ts';
import { decideAddBlock, decideCreate } from '../src/filestore/namespace/decide-writes.ts';
import type { Decision } from '../src/filestore/namespace/decision.ts';
import { namespaceMachine } from '../src/filestore/namespace/namespace.ts';
import type { NamespaceRecord } from '../src/filestore/namespace/records.ts';
import { allBlocks } from '../src/filestore/namespace/queries.ts';
import type { Namespace } from '../src/filestore/namespace/state.ts';
import type { BlockReport, Replica } from '../src/filestore/protocol.ts';
import { TEMPORARY_PREFIX } from '../src/filestore/store-path.ts';
import { provenance } from './support.ts';

const FILES = 1_000_000;
const BLOCK_BYTES = 128 * 2 ** 20;
/** Files whose records are encoded, decoded and applied again: enough for a steady rate. */
const SAMPLE = 50_000;

const machine = namespaceMachine({ owner: 'hdfs', group: 'supergroup' });
const caller = { user: 'hdfs', groups: ['supergroup'], superuser: true };
const now = Date.UTC(2026, 0, 1);

export async function benchNamenode(): Promise<void> {
  console.log(provenance());
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heapBytes = (): number => {
    collect();
    collect();
    return process.memoryUsage().heapUsed;
  };

  for (const folders of [1_000, 1]) await benchFolders(folders, heapBytes);
}

async function benchFolders(folders: number, heapBytes: () => number): Promise<void> {
  const before = heapBytes();
  const build = new Build(machine.initial);
  let nameBytes = 0;
  const { seconds } = timed(() => {
    for (let i = 0; i < FILES; i++) nameBytes += build.file(pathOf(i, folders));
  });
  const perFile = (heapBytes() - before - nameBytes) / FILES;
  console.log(`${FILES / 1e6} million files of one block in ${folders} folder${folders > 1 ? 's' : ''}:`);
  console.log(`  memory beyond the names          ${perFile.toFixed(0)} bytes a file (goal 500)`);
  console.log(`  decide and apply                 ${rate(FILES, seconds)} files/s (three records each)`);
  measureLocations(build.state, heapBytes);
  await measureCheckpoint(measureRecords(build, folders), heapBytes);
}

const completeBlock = (): undefined => undefined;

/** Three datanodes that report every block, in slices as datanodes send them. */
function measureLocations(state: Namespace, heapBytes: () => number): void {
  const before = heapBytes();
  const blocks = new BlockMap();
  const datanodes = new Datanodes(systemClock, 1);
  const replication = new Replication({ clock: systemClock, random: Math.random, blocks, datanodes, completeBlock });
  let longest = 0;
  const { seconds } = timed(() => {
    for (let i = 0; i < 3; i++) {
      const name = { node: `dn${i}`, address: '', rack: '/a', host: `${i}`, store: undefined, incarnation: '1' };
      const datanode = datanodes.register(name, 'normal');
      for (const { report, count } of reportsOf(state, name.node)) {
        const start = performance.now();
        takeReport(report, datanode, { blocks, replication, state: () => state });
        longest = Math.max(longest, performance.now() - start);
        if (count > REPLICAS_PER_REPORT) throw new Error('a report is too long');
      }
      // Looks at every block, and finds nothing to do.
      while (replication.pending > 0) replication.turn();
    }
  });
  const perBlock = (heapBytes() - before) / blocks.size;
  console.log(`  memory of three locations        ${perBlock.toFixed(0)} bytes a file (goal 150)`);
  console.log(`  block reports taken              ${seconds.toFixed(2)} s, longest ${longest.toFixed(1)} ms (goal 50)`);
}

function* reportsOf(state: Namespace, node: string): Generator<{ report: BlockReport; count: number }, void> {
  let [from, sequence] = [0, 0];
  let replicas: Replica[] = [];
  const report = (to: number | undefined): { report: BlockReport; count: number } => ({
    report: { node, session: '1', sequence: ++sequence, change: { kind: 'full', from, to, replicas, corrupt: [] } },
    count: replicas.length,
  });
  for (const { id, generation, length = 0 } of allBlocks(state)) {
    if (replicas.length === REPLICAS_PER_REPORT) {
      yield report(id);
      [from, replicas] = [id, []];
    }
    replicas.push({ block: id, generation, length });
  }
  yield report(undefined);
}

const pathOf = (i: number, folders: number): string =>
  folders === 1
    ? `/warehouse/part-${String(i).padStart(8, '0')}.parquet`
    : `/warehouse/table-${i % folders}/part-${String(i).padStart(8, '0')}.parquet`;

const rate = (count: number, seconds: number): string => Math.round(count / seconds).toLocaleString('en');

/** Decides and applies, as the namenode does. */
class Build {
  state: Namespace;
  readonly records: NamespaceRecord[] = [];
  keepRecords = false;

  constructor(state: Namespace) {
    this.state = state;
    this.#do(decideMkdirs(state, { path: '/warehouse', caller, mode: 0o755, now }));
  }

  /** The bytes of its name. */
  file(path: string): number {
    const client = 'client-1';
    const name = path.slice(path.lastIndexOf('/') + 1);
    const temporary = `${path.slice(0, -name.length)}${TEMPORARY_PREFIX}${client}`;
    const attributes = { mode: 0o644, replication: 3, blockSize: BLOCK_BYTES };
    const { file } = this.#do(decideCreate(this.state, { path: temporary, caller, client, ...attributes, now }));
    const { id, generation } = this.#do(decideAddBlock(this.state, { file, client, previous: undefined, now }));
    const last = { id, generation, length: 1_000_000 };
    this.#do(decidePublish(this.state, { file, client, last, path, caller, overwrite: false, now: now + id }));
    return name.length;
  }

  #do<Result>(decision: Decision<Result>): Result {
    if (decision.kind === 'refused') throw new Error(decision.message);
    if (decision.kind === 'change') {
      if (this.keepRecords) this.records.push(decision.record);
      this.state = machine.apply(this.state, decision.record);
    }
    return decision.result;
  }
}

/** Makes some more files, and makes them again from their records. */
function measureRecords(build: Build, folders: number): Namespace {
  const start = build.state;
  build.keepRecords = true;
  for (let i = 0; i < SAMPLE; i++) build.file(pathOf(FILES + i, folders));
  const { records } = build;
  const encoded = timed(() => records.map((record) => machine.encode(record)));
  let state = start;
  const replayed = timed(() => {
    for (const bytes of encoded.value) state = machine.apply(state, machine.decode(bytes));
  });
  const bytes = encoded.value.reduce((sum, { length }) => sum + length, 0);
  console.log(`  records encoded                  ${rate(records.length, encoded.seconds)}/s`);
  console.log(`  records decoded and applied      ${rate(records.length, replayed.seconds)}/s (goal 100,000)`);
  console.log(`  bytes a record                   ${(bytes / records.length).toFixed(0)}`);
  return state;
}

async function measureCheckpoint(state: Namespace, heapBytes: () => number): Promise<void> {
  let [bytes, longest] = [0, 0];
  const start = performance.now();
  let last = start;
  // As the journal does: a turn of the loop after each, and none is kept. Bytes beside the heap make V8 mark it in the middle of a slice.
  for (const slice of machine.slices(state)) {
    bytes += slice.length;
    await new Promise((resolve) => setImmediate(resolve));
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }
  const seconds = (last - start) / 1_000;
  const slices = [...machine.slices(state)];
  const before = heapBytes();
  const read = timed(() => {
    const reader = machine.reader();
    for (const slice of slices) reader.add(slice);
    return reader.finish();
  });
  const perFile = (heapBytes() - before) / (FILES + SAMPLE);
  console.log(
    `  checkpoint written               ${seconds.toFixed(2)} s, ${(bytes / 2 ** 20).toFixed(0)} MiB, longest slice ${longest.toFixed(1)} ms (goal 50)`,
  );
  console.log(`  checkpoint read                  ${read.seconds.toFixed(2)} s (goal 5)`);
  console.log(`  memory when read, with names     ${perFile.toFixed(0)} bytes a file`);
  if (read.value.places.size !== state.places.size) throw new Error('the checkpoint lost files');
}

function timed<T>(run: () => T): { readonly value: T; readonly seconds: number } {
  const before = performance.now();
  const value = run();
  return { value, seconds: (performance.now() - before) / 1_000 };
}
