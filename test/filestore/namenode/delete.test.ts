/** Deleting a large tree takes access to all its folders, in the moment in which it goes. */

import { expect, test } from 'vitest';
import { Random } from '../../simulation/random.ts';
import { FakeStore, ROOT } from './fake-store.ts';

const ANN = { user: 'ann', groups: [], superuser: false };
const FOLDERS = 1_500;

/** A tree of ann's, which she begins to delete: what others do meanwhile comes before the end of the walk. */
async function deleteDuring(change: (store: FakeStore) => Promise<unknown>): Promise<unknown> {
  const store = new FakeStore(new Random(1), ['/a']);
  await store.start(store.nodes[0]!);
  await store.pass(2_000);
  await store.call('mkdirs', { path: '/home', mode: 0o777 });
  await store.call('setPermission', { path: '/home', mode: 0o777 });
  for (let i = 0; i < FOLDERS; i++) {
    await store.call('mkdirs', { path: `/home/ann/${`${i}`.padStart(5, '0')}/below`, mode: 0o700, caller: ANN });
  }
  let found: unknown;
  const end = store.call('delete', { path: '/home/ann', recursive: true, caller: ANN }).then(
    (answer) => (found = answer),
    (problem: unknown) => (found = problem),
  );
  await new Promise((later) => setImmediate(later));
  expect(found).toBeUndefined();
  await change(store);
  await store.pass(1_000);
  return end;
}

test('what comes meanwhile goes too, when it is accessible', async () => {
  const later = { path: '/home/ann/00000/below/later/still', mode: 0o700, caller: ANN };
  expect(await deleteDuring((store) => store.call('mkdirs', later))).toEqual({ result: true });
});

test('a foreign folder that comes meanwhile where the walk has been keeps all of it', async () => {
  const foreign = { path: '/home/ann/00000/below/foreign/in-it', mode: 0o700 };
  const denied = { name: 'AccessControlException', message: expect.stringContaining('/home/ann/00000/below/foreign') };
  expect(await deleteDuring((store) => store.call('mkdirs', foreign))).toMatchObject(denied);
});

test('in safe mode nothing is walked: it is refused at once', async () => {
  const refused = await deleteDuring(async (store) => {
    await store.ask('safeMode', { caller: ROOT, action: 'enter' });
    const second = store.call('delete', { path: '/home/ann', recursive: true, caller: ANN });
    // The clock stands still, on which a walk would go on.
    const later = new Promise((resolve) => setImmediate(resolve)).then(() => 'walked');
    await expect(Promise.race([second, later])).rejects.toMatchObject({ name: 'ManualSafeModeException' });
  });
  expect(refused).toMatchObject({ name: 'ManualSafeModeException' });
});
