import { expect, test } from 'vitest';
import { BlockMap } from '../../../src/filestore/namenode/block-map.ts';
import { Datanodes } from '../../../src/filestore/namenode/datanodes.ts';
import { Replication } from '../../../src/filestore/namenode/replication.ts';
import { SimulatedClock } from '../../cluster/simulated-clock.ts';

test('a block whose other holder is dead, and not forgotten yet, is as urgent as one with a single replica', () => {
  const clock = new SimulatedClock();
  const [blocks, datanodes] = [new BlockMap(), new Datanodes(clock, 1)];
  for (const node of ['a', 'b']) {
    const { number } = datanodes.register(
      { node, rack: '/a', host: node, address: node, store: 'store', incarnation: '1' },
      'normal',
    );
    blocks.add(1, number);
  }
  const replication = new Replication({ clock, random: () => 0, blocks, datanodes, completeBlock: () => undefined });
  replication.look(1);
  expect([replication.pending, replication.isRepairing]).toEqual([1, false]);
  replication.turn();
  datanodes.byId('b')!.isAlive = false;
  replication.look(1);
  expect([replication.pending, replication.isRepairing]).toEqual([1, true]);
});
