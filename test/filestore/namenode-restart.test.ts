/** What a client says and leaves when the namenode is restarted while a call is on its way. */

import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import { NameNode } from '../../src/filestore/namenode/namenode.ts';
import { type Namespace, newNamespace } from '../../src/filestore/namespace/state.ts';
import { NetworkError, type StoreNetwork } from '../../src/filestore/network.ts';
import { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import { memoryJournal, ROOT } from './namenode/fake-store.ts';

let namenode: NameNode;
afterEach(() => namenode.stop());

function lead(state: Namespace, epoch: number): void {
  namenode = new NameNode({
    store: 'store',
    journal: Object.assign(memoryJournal(state), { epoch }),
    clock: systemClock,
    random: () => 0,
    logger: { info: () => undefined, warn: () => undefined },
  });
}

/** The first call of that name ends with the namenode, after or before it was carried out; another one leads then. */
function client(lost: string, isCarriedOut: boolean): StoreFileSystem {
  lead(newNamespace({ owner: 'root', group: 'root' }), 1);
  let isLost = false;
  const call = async (_to: string, operation: string, message: object): Promise<unknown> => {
    const ask = async (): Promise<object> =>
      (await namenode.operations()[operation]!(message as never, nothing())).answer;
    if (operation !== lost || isLost) return ask();
    isLost = true;
    if (isCarriedOut) await ask();
    namenode.stop();
    lead(namenode.state, 2);
    throw new NetworkError('the connection was reset');
  };
  const network = { call, fetch: call } as unknown as StoreNetwork;
  return new StoreFileSystem({ network, clock: systemClock, namenode: 'namenode', caller: ROOT, client: 'one' });
}

async function* nothing(): AsyncGenerator<Uint8Array, void> {}

test.each([
  ['create', true],
  ['create', false],
  ['publish', true],
  ['publish', false],
])(
  'a file is written whole, and nothing else is left, when the namenode ends with its %s (carried out: %s)',
  async (lost, done) => {
    const fs = client(lost, done);
    expect(await fs.createIfAbsent('/a/f', new Uint8Array())).toBe('created');
    expect(await fs.stat('/a/f')).toMatchObject({ kind: 'file', length: 0 });
    const { root, leases } = namenode.state;
    expect({ files: root.files, open: leases.size, epoch: await fs.client.read('hello', {}) }).toEqual({
      files: 1,
      open: 0,
      epoch: { store: 'store', epoch: 2 },
    });
    // The next one is another file.
    expect(await fs.createIfAbsent('/a/f', new Uint8Array())).toBe('exists');
    await fs.create('/a/g', new Uint8Array());
    expect(namenode.state.root.files).toBe(2);
  },
);

test.each([true, false])('what may not be done twice is named when nobody knows (carried out: %s)', async (done) => {
  const fs = client('rename', done);
  await fs.create('/f', new Uint8Array());
  await expect(fs.rename('/f', '/g')).rejects.toMatchObject({
    name: 'IOException',
    message: 'The namenode was restarted meanwhile: nobody knows whether rename of /f was carried out',
  });
});
