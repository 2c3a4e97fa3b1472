/** Slices of a checkpoint are small whatever the namespace holds: the journal refuses larger ones, and that ends the process. */

import { expect, test } from 'vitest';
import { apply } from '../../src/filestore/namespace/apply.ts';
import { decideSetService } from '../../src/filestore/namespace/decide-services.ts';
import { decideAllowSnapshot, decideCreateSnapshot } from '../../src/filestore/namespace/decide-snapshots.ts';
import { decideDelete, decideMkdirs, decideRename } from '../../src/filestore/namespace/decide-tree.ts';
import { decideAddBlock, decideCreate } from '../../src/filestore/namespace/decide-writes.ts';
import type { Written } from '../../src/filestore/namespace/decide-writes.ts';
import type { Decision } from '../../src/filestore/namespace/decision.ts';
import { CheckpointReader } from '../../src/filestore/namespace/read-checkpoint.ts';
import { newNamespace } from '../../src/filestore/namespace/state.ts';
import type { Namespace } from '../../src/filestore/namespace/state.ts';
import { writeCheckpoint } from '../../src/filestore/namespace/write-checkpoint.ts';
import { dump } from './namespace-dump.ts';

/** Some milliseconds of work. */
const SLICE_BYTES = 256 * 1024;

const caller = { user: 'hdfs', groups: [], superuser: true };

class Store {
  state: Namespace = newNamespace({ owner: 'hdfs', group: 'hdfs' });

  change<Result>(decide: (state: Namespace) => Decision<Result>): Result {
    const decision = decide(this.state);
    if (decision.kind === 'refused') throw new Error(decision.message);
    if (decision.kind === 'change') this.state = apply(this.state, decision.record);
    return decision.result;
  }

  write(path: string, blocks: number): void {
    const writer = { caller, client: 'c', now: 1 };
    const size = { mode: 0o644, replication: 1, blockSize: 1_048_576 };
    const { file } = this.change((state) => decideCreate(state, { ...writer, ...size, path }));
    let previous: Written | undefined;
    for (let i = 0; i < blocks; i++) {
      const block = this.change((state) => decideAddBlock(state, { ...writer, file, previous }));
      previous = { ...block, length: 1_048_576 };
    }
  }
}

/** Its longest slice, once it was read back as it was. */
function longestSlice({ state }: Store): number {
  const reader = new CheckpointReader();
  let longest = 0;
  for (const slice of writeCheckpoint(state)) {
    longest = Math.max(longest, slice.length);
    reader.add(slice);
  }
  expect(dump(reader.finish())).toEqual(dump(state));
  return longest;
}

test('ten thousand snapshots of a folder that did not change', () => {
  const store = new Store();
  store.change((state) => decideAllowSnapshot(state, { path: '/', caller }));
  for (let i = 0; i < 10_000; i++) {
    const name = `${i}`.padStart(100, '-');
    store.change((state) => decideCreateSnapshot(state, { path: '/', caller, name, now: 1 }));
  }
  expect(longestSlice(store)).toBeLessThan(SLICE_BYTES);
});

test('files of hundreds of blocks beside each other, in the tree and on their way out of it', () => {
  const store = new Store();
  for (let i = 0; i < 64; i++) store.write(`/f${i}`, 500);
  for (let i = 0; i < 32; i++)
    store.change((state) => decideDelete(state, { path: `/f${i}`, caller, recursive: false, now: 2 }));
  expect(longestSlice(store)).toBeLessThan(SLICE_BYTES);
});

test('datanodes that are to go stand in a checkpoint; one of before they did is read as well', () => {
  const store = new Store();
  store.change((state) => decideMkdirs(state, { path: '/a', caller, mode: 0o755, now: 1 }));
  const old = [...writeCheckpoint(store.state)].map((slice) => Buffer.from(slice).toString());
  expect(old[0]).toContain('["version",2]');
  const reader = new CheckpointReader();
  for (const slice of old) reader.add(Buffer.from(slice.replace('["version",2]', '["version",1]')));
  expect(dump(reader.finish())).toEqual(dump(store.state));
  const later = new CheckpointReader();
  expect(() => later.add(Buffer.from(old[0]!.replace('["version",2]', '["version",3]')))).toThrow('version 3');
  for (const [node, service] of [
    ['a', 'decommissioning'],
    ['b', 'maintenance'],
  ] as const) {
    store.change((state) => decideSetService(state, { caller, node, address: `http://${node}:1`, service }));
  }
  expect(longestSlice(store)).toBeLessThan(SLICE_BYTES);
  expect(store.state.services.size).toBe(2);
});

const below = (top: string, depth: number): string => `/${[top, ...Array<string>(depth - 1).fill('d')].join('/')}`;

test('no tree becomes deeper than a path: a checkpoint is written folder within folder', () => {
  const store = new Store();
  const make = (path: string): true =>
    store.change((state) => decideMkdirs(state, { path, caller, mode: 0o755, now: 1 }));
  const move = (source: string, target: string): true =>
    store.change((state) => decideRename(state, { source, target, caller, how: 'exact', now: 1 }));
  make(below('a', 600));
  make(below('b', 401));
  expect(() => move('/a', `${below('b', 401)}/a`)).toThrow('deeper than 1000 folders');
  expect(() => move('/a', `${below('b', 400)}/a`)).not.toThrow();
  expect(() => move('/b', '/c')).not.toThrow();
  const reader = new CheckpointReader();
  for (const slice of writeCheckpoint(store.state)) reader.add(slice);
  expect(reader.finish().root.folders).toBe(1_001);
});
