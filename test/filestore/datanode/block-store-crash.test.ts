/**
 * The power fails, or the process dies, at every call of the disk in turn. After the next start every replica that was acknowledged, or
 * reported by a start, is there with the right bytes, and nothing is served that is not a whole replica.
 */

import { expect, test } from 'vitest';
import type { Replica } from '../../../src/filestore/protocol.ts';
import type { Disk } from '../../../src/common/disk.ts';
import type { BlockStore } from '../../../src/filestore/datanode/block-store.ts';
import { Random } from '../../simulation/random.ts';
import { SimulatedDisk } from '../../simulation/simulated-disk.ts';
import { contentOf, openStore, readReplica, writeReplica } from './stores.ts';

const FOLDERS = ['/a', '/b'];
const SEEDS = [1];

const replica = (block: number, length: number): Replica => ({ block, generation: 1, length });
/** Of which the test turns a bit. */
const FLIPPED = replica(300, 700);

const nameOf = ({ block, generation }: Replica): string => `${block}_${generation}`;

type Promised = {
  /** By name: those that were acknowledged and that nobody ordered away. */
  readonly kept: Map<string, Replica>;
};

/** Writes, adopts, repeats, condemns, replaces and deletes; some of it at the same time. */
async function work(disk: SimulatedDisk, promised: Promised): Promise<void> {
  const mounted = disk.mount();
  const { store } = await openStore(mounted, { folders: FOLDERS });
  await store.bind('store-1');
  const keep = (stored: Replica): void => void promised.kept.set(nameOf(stored), stored);
  const write = async (each: Replica): Promise<void> => keep(await writeReplica(store, each));
  const remove = (each: Replica): Promise<void> => {
    promised.kept.delete(nameOf(each));
    return store.delete(each);
  };
  const small = [replica(1, 2_500), replica(2, 0), FLIPPED];
  await Promise.all(small.map(write));
  await adopt(store, mounted, replica(70_000, 1_800), keep);
  await Promise.all([remove(small[0]!), write(small[1]!), write(replica(301, 900))]);
  await write(small[0]!);
  const damaged = disk.paths().find((path) => path.endsWith('/300_1'))!;
  promised.kept.delete(nameOf(FLIPPED));
  disk.flipBit(damaged, 0, 0);
  await readReplica(store, FLIPPED).catch(() => undefined);
  await write(FLIPPED);
  for (const block of [302, 303]) await write(replica(block, 10));
  await store.close();
}

async function adopt(
  store: BlockStore,
  mounted: Disk,
  adopted: Replica,
  keep: (stored: Replica) => void,
): Promise<void> {
  // As the kernel leaves it: nothing is synced.
  const file = await mounted.open('/written', 'create');
  await file.write(0, contentOf(adopted));
  keep(await store.adopt(adopted, '/written'));
  await mounted.remove('/written');
}

/** Starts anew, looks at everything that is served, and names what is right. */
async function look(disk: SimulatedDisk): Promise<ReadonlySet<string>> {
  disk.kill();
  const { store } = await openStore(disk.mount(), { folders: FOLDERS });
  const found = new Set<string>();
  for (const each of store.replicas().sound) {
    const read = await readReplica(store, each).catch((error: Error) => error);
    // Found damaged where the test damaged it; anything else that is reported as sound is.
    if (each.block === FLIPPED.block && read instanceof Error && read.name === 'ChecksumException') continue;
    if (read instanceof Error) throw read;
    expect(read.equals(contentOf(each)), `bytes of ${nameOf(each)}`).toBe(true);
    found.add(nameOf(each));
  }
  await store.close();
  return found;
}

/** What happened until the `call`-th call, which the power does not survive; undefined when there were fewer. */
async function until(
  disk: SimulatedDisk,
  run: () => Promise<unknown>,
  die: (call: number) => 'before' | 'after' | undefined,
): Promise<'died' | 'done'> {
  let calls = 0;
  const death = new Promise<'died'>((resolve) => {
    disk.crashAt = () => {
      const how = die((calls += 1));
      if (how) setImmediate(resolve, 'died');
      return how;
    };
  });
  const outcome = await Promise.race([death, run().then(() => 'done' as const)]);
  disk.crashAt = () => undefined;
  return outcome;
}

test.each(['before', 'after'] as const)(
  'power loss %s every call, and again while the next start looks',
  async (when) => {
    let runs = 0;
    for (const seed of SEEDS) {
      for (let at = 1; ; at++) {
        const disk = new SimulatedDisk({ random: new Random(seed * 1_000 + at) });
        const promised: Promised = { kept: new Map() };
        const outcome = await until(
          disk,
          () => work(disk, promised),
          (call) => (call === at ? when : undefined),
        );
        const second = new Random(seed * 1_000 + at).between(1, 60);
        await until(
          disk,
          () => look(disk),
          (call) => (call === second ? when : undefined),
        );
        disk.kill();
        const found = await look(disk);
        const lost = [...promised.kept.keys()].filter((name) => !found.has(name));
        expect(lost, `seed ${seed}, ${when} call ${at}`).toEqual([]);
        runs += 1;
        if (outcome === 'done') break;
      }
    }
    expect(runs).toBeGreaterThan(SEEDS.length * 100);
  },
);

test('the process dies at every call; what the next start reports survives a power loss', async () => {
  for (const seed of SEEDS) {
    for (let at = 1; ; at++) {
      const disk = new SimulatedDisk({ random: new Random(seed * 1_000 + at) });
      let killed = false;
      const kill = (call: number): undefined => {
        if (call !== at) return;
        killed = true;
        disk.kill();
      };
      const calls = new Promise<void>((resolve) => {
        let count = 0;
        disk.crashAt = () => {
          kill((count += 1));
          if (killed) setImmediate(resolve);
          return undefined;
        };
      });
      await Promise.race([calls, work(disk, { kept: new Map() })]);
      disk.crashAt = () => undefined;
      const reported = await look(disk);
      // In the same folders, which the dead process may have made and not synced.
      const { store } = await openStore(disk.mount(), { folders: FOLDERS });
      const later = [1, 300, 70_000].map((block) => ({ block, generation: 2, length: 10 }));
      for (const each of later) await writeReplica(store, each);
      disk.crash();
      const found = await look(disk);
      const lost = [...reported, ...later.map(nameOf)].filter((name) => !found.has(name));
      expect(lost, `seed ${seed}, call ${at}`).toEqual([]);
      if (!killed) break;
    }
  }
});

test('the process dies while it makes its folder; what the next one acknowledges there survives a power loss', async () => {
  const folders = ['/disk/store/w'];
  const written = replica(1, 10);
  const whole = new SimulatedDisk({ random: new Random(0) });
  const calls: string[] = [];
  whole.crashAt = (_, name) => void calls.push(name);
  await openStore(whole.mount(), { folders });
  // It is locked once it is made.
  const made = calls.indexOf('lock');
  expect(calls.slice(0, made).filter((name) => name === 'mkdir')).toHaveLength(3);
  for (let seed = 0; seed < 20; seed++) {
    for (let at = 1; at <= made; at++) {
      const disk = new SimulatedDisk({ random: new Random(seed) });
      const killed = new Promise<void>((resolve) => {
        disk.crashAt = (call) => {
          if (call < at) return undefined;
          disk.kill();
          setImmediate(resolve);
          return undefined;
        };
      });
      void openStore(disk.mount(), { folders });
      await killed;
      disk.crashAt = () => undefined;
      await writeReplica((await openStore(disk.mount(), { folders })).store, written);
      disk.crash();
      const { store } = await openStore(disk.mount(), { folders });
      expect(store.replicas().sound, `seed ${seed}, killed at call ${at}`).toEqual([written]);
    }
  }
});
