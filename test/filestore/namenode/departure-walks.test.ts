/** What happens while the blocks of a datanode that is to go are walked: it may go only when all of them have enough replicas at once. */

import { expect, test } from 'vitest';
import { BlockMap } from '../../../src/filestore/namenode/block-map.ts';
import { type Datanode, Datanodes } from '../../../src/filestore/namenode/datanodes.ts';
import { Departures } from '../../../src/filestore/namenode/departures.ts';
import type { Ledger } from '../../../src/filestore/namenode/ledger.ts';
import type { Decision } from '../../../src/filestore/namespace/decision.ts';
import { type OrderedMap, emptyMap, set } from '../../../src/filestore/namespace/ordered-map.ts';
import type { NamespaceRecord } from '../../../src/filestore/namespace/records.ts';
import {
  type Assignment,
  type Block,
  changed,
  newNamespace,
  type Service,
} from '../../../src/filestore/namespace/state.ts';
import { SimulatedClock } from '../../cluster/simulated-clock.ts';

/** Some slices. */
const BLOCKS = 6_000;
/** Within the first. */
const PASSED = 1_000;

test('nobody may go because of a replica whose holder dies when the walk has passed it', async () => {
  const world = start('decommissioning');
  world.silence(world.first);
  await world.end();
  expect(world.said).toEqual([]);
});

test('nobody may go because of a replica whose holder starts again, perhaps without it, when the walk has passed it', async () => {
  const world = start('decommissioning');
  world.register('first', 'normal');
  await world.end();
  expect(world.said).toEqual([]);
  // The next walk knows that too.
  await world.turn();
  expect(world.said).toEqual([]);
});

test('nobody may go because of a replica whose holder is to go too when the walk has passed it', async () => {
  const world = start('decommissioning');
  world.setService(world.first, 'decommissioning');
  await world.end();
  expect(world.said).toEqual([]);
});

test('one that nothing happens to may go', async () => {
  const world = start('decommissioning');
  await world.end();
  expect(world.said).toEqual(['decommissioned']);
});

test('one that has gone while it was looked at stays as it is on record', async () => {
  const world = start('decommissioned');
  world.silence(world.second, world.leaves);
  await world.end();
  expect(world.said).toEqual([]);
});

test('one that starts again while it was looked at may have come with more than was known', async () => {
  const world = start('decommissioning');
  world.register('leaves', 'decommissioning');
  await world.end();
  expect(world.said).toEqual([]);
});

test('one that has not reported yet what it has may not go, though nothing is known that it has', async () => {
  const world = start('decommissioning', { blocks: 0 });
  await world.end();
  world.said.length = 0;
  world.register('leaves', 'decommissioning');
  await world.turn();
  expect(world.said).toEqual([]);
});

/** A walk has taken its first slice: what it has seen there is on `first`, the rest on `second`. */
function start(service: Assignment['service'], { blocks: count = BLOCKS } = {}) {
  const clock = new SimulatedClock();
  const [blocks, datanodes] = [new BlockMap(), new Datanodes(clock, 1)];
  let starts = 0;
  const register = (node: string, as: Service): Datanode => {
    const incarnation = `${(starts += 1)}`;
    return datanodes.register({ node, rack: '/a', host: node, address: node, store: 'store', incarnation }, as);
  };
  const [leaves, first, second] = [
    register('leaves', service),
    register('first', 'normal'),
    register('second', 'normal'),
  ];
  for (const datanode of [leaves, first, second]) datanode.reportedTo = Infinity;
  let table: OrderedMap<number, Block> = emptyMap();
  for (let id = 1; id <= count; id++) {
    table = set(table, id, { id, file: 1, length: 1, generation: 1, replication: 1 });
    blocks.add(id, leaves.number);
    blocks.add(id, (id <= PASSED ? first : second).number);
  }
  const services: OrderedMap<string, Assignment> = set(emptyMap(), 'leaves', { service, address: 'leaves' });
  const state = changed(newNamespace({ owner: 'root', group: 'root' }), { blocks: table, services });
  const said: Service[] = [];
  const decided = (decide: (tip: typeof state) => Decision<boolean> & { readonly record?: NamespaceRecord }) => {
    const { record } = decide(state);
    if (record?.kind === 'setService') said.push(record.service);
    return Promise.resolve();
  };
  const departures = new Departures({ clock, ledger: { state, decided } as unknown as Ledger, blocks, datanodes });
  const ended = async (walk: Promise<void>): Promise<void> => {
    for (let slices = 0; slices < 10; slices++) {
      clock.advance(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await walk;
  };
  const walk = departures.turn();
  const silence = (...silent: readonly Datanode[]): void => {
    const nowMs = clock.elapsedMs();
    for (const datanode of datanodes.alive()) datanode.heardMs = nowMs - (silent.includes(datanode) ? 20_000 : 0);
    expect(datanodes.takeSilent()).toHaveLength(silent.length);
  };
  return {
    leaves,
    first,
    second,
    said,
    register,
    silence,
    setService: (datanode: Datanode, to: Service) => datanodes.setService(datanode, to),
    end: () => ended(walk),
    turn: () => ended(departures.turn()),
  };
}
