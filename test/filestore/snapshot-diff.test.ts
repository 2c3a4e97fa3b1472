/** What has changed between two trees, against a count of all that is in both. */

import { expect, test } from 'vitest';
import { apply } from '../../src/filestore/namespace/apply.ts';
import { decideSetPermission } from '../../src/filestore/namespace/decide-attributes.ts';
import { decideAllowSnapshot, decideCreateSnapshot } from '../../src/filestore/namespace/decide-snapshots.ts';
import { decideDelete, decideMkdirs, decideRename } from '../../src/filestore/namespace/decide-tree.ts';
import { decideComplete, decideCreate } from '../../src/filestore/namespace/decide-writes.ts';
import type { Decision } from '../../src/filestore/namespace/decision.ts';
import { differences } from '../../src/filestore/namespace/map-differences.ts';
import {
  emptyMap,
  entries,
  fromSorted,
  get,
  type OrderedMap,
  remove,
  set,
} from '../../src/filestore/namespace/ordered-map.ts';
import { resolve, targetOf } from '../../src/filestore/namespace/resolve.ts';
import { snapshotDiff } from '../../src/filestore/namespace/snapshot-diff.ts';
import { type FolderNode, type Inode, type Namespace, newNamespace } from '../../src/filestore/namespace/state.ts';
import { type SnapshotDiffPage, SnapshotDiffs } from '../../src/filestore/namenode/snapshot-diffs.ts';
import { SimulatedClock } from '../cluster/simulated-clock.ts';
import { Random } from '../simulation/random.ts';
import { ROOT } from './namenode/fake-store.ts';

/** A namespace that is changed. What is refused changes nothing. */
class World {
  state: Namespace = newNamespace({ owner: 'root', group: 'root' });
  #now = 1;

  #decide(decision: Decision<unknown>): void {
    if (decision.kind === 'change') this.state = apply(this.state, decision.record);
  }

  at<Request extends object>(request: Request): Request & { caller: typeof ROOT; now: number; client: string } {
    this.#now += 1;
    return { ...request, caller: ROOT, now: this.#now, client: 'one' };
  }

  mkdirs(path: string): void {
    this.#decide(decideMkdirs(this.state, this.at({ path, mode: 0o755 })));
  }

  snapshot(path: string, name: string): void {
    this.#decide(decideAllowSnapshot(this.state, this.at({ path })));
    this.#decide(decideCreateSnapshot(this.state, this.at({ path, name })));
  }

  write(path: string, isOpen = false): void {
    const file = { path, mode: 0o644, replication: 1, blockSize: 100, ifExists: 'overwrite' as const };
    const decision = decideCreate(this.state, this.at(file));
    this.#decide(decision);
    if (isOpen || decision.kind !== 'change') return;
    this.#decide(decideComplete(this.state, this.at({ file: decision.result.file, last: undefined })));
  }

  rename(source: string, target: string): void {
    this.#decide(decideRename(this.state, this.at({ source, target, how: 'overwrite' as const })));
  }

  chmod(path: string, mode: number): void {
    this.#decide(decideSetPermission(this.state, this.at({ path, mode })));
  }

  delete(path: string): void {
    this.#decide(decideDelete(this.state, this.at({ path, recursive: true })));
  }

  folder(path: string): FolderNode {
    const at = resolve(this.state, path);
    return at.kind === 'resolved' ? (targetOf(at) as FolderNode) : expect.unreachable(path);
  }

  diff(from: string | undefined, to: string | undefined): readonly string[] {
    const steps = snapshotDiff(this.state, { path: '/d', caller: ROOT, from, to });
    for (;;) {
      const step = steps.next();
      if (step.done !== true) continue;
      if ('kind' in step.value) return expect.unreachable(step.value.message);
      return step.value
        .map((one) => `${one.kind} ${one.path}${one.kind === 'renamed' ? ` -> ${one.target}` : ''}`)
        .toSorted();
    }
  }
}

type Standing = { readonly node: Inode; readonly parent: number; readonly path: string };

function indexOf(top: FolderNode): Map<number, Standing> {
  const index = new Map<number, Standing>();
  const add = (node: Inode, parent: number, path: string): void => {
    if (node.kind === 'file' && node.client !== undefined) return;
    index.set(node.id, { node, parent, path });
    if (node.kind === 'file') return;
    for (const [name, child] of entries(node.children)) add(child, node.id, path === '' ? name : `${path}/${name}`);
  };
  add(top, 0, '');
  return index;
}

/** Everything but what is below. */
const own = ({ node }: Standing, all: ReadonlyMap<number, Standing>): string => {
  const { attributes, mtime } = node;
  const more = node.kind === 'file' ? [node.atime, node.blocks] : [node.quota, names(node, all)];
  return JSON.stringify([attributes, mtime, more]);
};

const names = (folder: FolderNode, all: ReadonlyMap<number, Standing>): readonly unknown[] =>
  [...entries(folder.children)].filter(([, { id }]) => all.has(id)).map(([name, { id }]) => [name, id]);

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

function counted(older: FolderNode, newer: FolderNode): readonly string[] {
  const [before, after] = [indexOf(older), indexOf(newer)];
  const found: string[] = [];
  for (const [id, old] of before) {
    const now = after.get(id);
    if (!now) {
      if (after.has(old.parent)) found.push(`deleted ${old.path}`);
      continue;
    }
    if (old.parent !== now.parent || nameOf(old.path) !== nameOf(now.path))
      found.push(`renamed ${old.path} -> ${now.path}`);
    if (own(old, before) !== own(now, after)) found.push(`modified ${old.path}`);
  }
  for (const [id, now] of after) {
    const parent = before.get(now.parent);
    if (before.has(id) || !parent) continue;
    found.push(`created ${parent.path === '' ? '' : `${parent.path}/`}${nameOf(now.path)}`);
  }
  return found.toSorted();
}

test('a difference is what counting everything finds, between any two of several snapshots and now', () => {
  const kinds: Record<string, number> = {};
  for (let seed = 1; seed <= 150; seed++) {
    const random = new Random(seed);
    const world = new World();
    world.mkdirs('/d');
    const name = (): string => `${random.below(random.chance(0.3) ? 60 : 4)}`;
    const path = (): string => ['/d', ...Array.from({ length: random.between(1, 4) }, name)].join('/');
    const change = (): void => {
      const kind = random.pick(['mkdirs', 'write', 'rename', 'rename', 'rename', 'delete', 'chmod', 'open'] as const);
      if (kind === 'rename') world.rename(path(), path());
      else if (kind === 'chmod') world.chmod(path(), 0o700 + random.below(8));
      else if (kind === 'open') world.write(path(), true);
      else world[kind](path());
    };
    for (let i = 0; i < 60; i++) change();
    const trees: (readonly [string | undefined, FolderNode])[] = [];
    for (const snapshot of ['s1', 's2', 's3']) {
      world.snapshot('/d', snapshot);
      trees.push([snapshot, world.folder(`/d/.snapshot/${snapshot}`)]);
      for (let i = random.below(40); i >= 0; i--) change();
    }
    trees.push([undefined, world.folder('/d')]);
    for (const [i, [from, older]] of trees.entries()) {
      for (const [to, newer] of trees.slice(i)) {
        const found = world.diff(from, to);
        expect({ seed, from, to, found }).toEqual({ seed, from, to, found: counted(older, newer) });
        for (const one of found) kinds[one.split(' ')[0]!] = (kinds[one.split(' ')[0]!] ?? 0) + 1;
      }
    }
  }
  for (const kind of ['modified', 'created', 'deleted', 'renamed']) expect(kinds[kind]).toBeGreaterThan(300);
});

test('two versions of a map are walked by what they do not share', () => {
  const keys = Array.from({ length: 100_000 }, (_, i) => i);
  const before = fromSorted(keys, keys);
  const after = set(remove(set(before, 50_000.5, -1), 7), 99_999, -2);
  // Undefined would stand for a thousand steps without a difference.
  expect([...differences(before, after)]).toEqual([
    { key: 7, before: 7, after: undefined },
    { key: 50_000.5, before: undefined, after: -1 },
    { key: 99_999, before: 99_999, after: -2 },
  ]);
  expect([...differences(before, before)]).toEqual([]);
});

test('of maps of any shapes all differences are found', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed);
    const some = (from: OrderedMap<string, number>): OrderedMap<string, number> => {
      let map = from;
      for (let i = random.below(400); i > 0; i--) {
        const key = `${random.below(500)}`;
        const isThere = get(map, key) !== undefined;
        if (isThere && random.chance(0.5)) map = remove(map, key);
        else map = set(map, key, random.below(1000));
      }
      return map;
    };
    const before = some(emptyMap());
    const after = random.chance(0.2) ? some(emptyMap()) : some(before);
    const all = [...new Set([...entries(before), ...entries(after)].map(([key]) => key))].toSorted();
    const expected = all
      .map((key) => ({ key, before: get(before, key), after: get(after, key) }))
      .filter((one) => one.before !== one.after);
    expect([...differences(before, after)].filter((one) => one !== undefined)).toEqual(expected);
  }
});

test('differences come in pages of one moment, and are forgotten when nobody asks any more', async () => {
  const clock = new SimulatedClock();
  const world = new World();
  world.mkdirs('/d');
  world.snapshot('/d', 's1');
  for (let i = 0; i < 2_500; i++) world.write(`/d/${10_000 + i}`);
  const diffs = new SnapshotDiffs(clock, () => world.state);
  const passTime = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      await new Promise((later) => setImmediate(later));
      clock.advance(1);
    }
  };
  const ask = async (request: string, after: number): Promise<{ first: unknown; count: number; remaining: number }> => {
    const asked = { path: '/d', caller: ROOT, from: 's1', request, after };
    const [page] = await Promise.all([diffs.page(asked), passTime()]);
    const { differences: found, remaining } = page as SnapshotDiffPage;
    return { first: found[0], count: found.length, remaining };
  };
  const first = { first: { kind: 'modified', path: '' }, count: 1000, remaining: 1501 };
  expect(await ask('one', 0)).toEqual(first);
  world.delete('/d/12499');
  // An answer that was lost is asked for again.
  expect(await ask('one', 0)).toEqual(first);
  expect(await ask('one', 1000)).toEqual({ first: { kind: 'created', path: '10999' }, count: 1000, remaining: 501 });
  expect(await ask('two', 0)).toEqual({ ...first, remaining: 1500 });
  expect(await ask('one', 2000)).toEqual({ first: { kind: 'created', path: '11999' }, count: 501, remaining: 0 });
  clock.advance(61_000);
  await expect(ask('one', 2000)).rejects.toMatchObject({
    name: 'SnapshotException',
    message: expect.stringContaining('ask again'),
  });
  for (const name of ['three', 'four', 'five', 'six', 'seven']) await ask(name, 0);
  await expect(ask('three', 1000)).rejects.toMatchObject({ name: 'SnapshotException' });
  expect((await ask('seven', 1000)).count).toBe(1000);
});
