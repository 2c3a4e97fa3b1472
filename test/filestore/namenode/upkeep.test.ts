import { expect, test } from 'vitest';
import { Upkeep, type UpkeepOptions } from '../../../src/filestore/namenode/upkeep.ts';
import { newNamespace } from '../../../src/filestore/namespace/state.ts';

test('what a turn has begun and not ended is not begun again beside itself', async () => {
  const tip = newNamespace({ owner: 'root', group: 'root' });
  const ends: (() => void)[] = [];
  const nothing = { turn: () => undefined };
  const upkeep = new Upkeep({
    ledger: { tip, state: tip },
    leases: { keepOnly: () => undefined },
    datanodes: { takeSilent: () => [], takeNewRacks: () => false },
    safeMode: { isOn: false },
    replication: { ...nothing, takeCrowded: () => false },
    balancer: nothing,
    departures: { turn: () => new Promise<void>((end) => void ends.push(end)) },
  } as unknown as UpkeepOptions);
  upkeep.turn();
  upkeep.turn();
  expect(ends).toHaveLength(1);
  ends[0]!();
  await new Promise((resolve) => setImmediate(resolve));
  upkeep.turn();
  expect(ends).toHaveLength(2);
});
