/** Tables in local files are read where these files are. */
import { expect, test } from 'vitest';
import type { Metadata } from '../../src/catalog/metadata.ts';
import { splitsOf } from '../../src/coordinator/scan-splits.ts';
import type { Fragment } from '../../src/plan/fragment.ts';
import { fakeMetadata, fragmentOf, PlanBuilder } from '../plan/build.ts';

const METADATA: Metadata = {
  ...fakeMetadata({ t: { columns: {} } }),
  splits: async () => ['a', 'b'].map((id) => ({ id, payload: null, bytes: 10 })),
};

const reading = (partitioning: Fragment['partitioning']): Fragment =>
  fragmentOf(new PlanBuilder().scan('t', []), { partitioning });
const LIMITS = { slots: 2, slotsByHost: new Map<string, number>(), bytesMax: 100, bytesMin: 1 };

test('what is in a file store is read anywhere, also beside local files', async () => {
  const mixed: Metadata = {
    ...METADATA,
    splits: async () => [
      { id: 'local', payload: null, bytes: 10 },
      { id: 'stored', payload: null, bytes: 10, hosts: ['h1'] },
    ],
  };
  const tasks = await splitsOf(reading('source'), mixed, LIMITS, () => ['m1']);
  expect(tasks.map(({ splits, machines }) => [Object.values(splits).flat()[0]!.id, machines])).toEqual([
    ['local', ['m1']],
    ['stored', undefined],
  ]);
  const stored: Metadata = { ...mixed, splits: async () => [{ id: 's', payload: null, bytes: 10, hosts: [] }] };
  expect(await splitsOf(reading('source'), stored, LIMITS, () => [])).toHaveLength(1);
});

test.each(['source', 'single'] as const)('a %s stage runs on the machines that see the files', async (partitioning) => {
  const machines = async (found: readonly string[] | undefined): Promise<readonly unknown[]> =>
    (await splitsOf(reading(partitioning), METADATA, LIMITS, () => found)).map((task) => task.machines);
  const tasks = partitioning === 'source' ? 2 : 1;
  expect(await machines(['m1', 'm2'])).toEqual(Array.from({ length: tasks }, () => ['m1', 'm2']));
  expect(await machines(undefined)).toEqual(Array.from({ length: tasks }));
  await expect(machines([])).rejects.toMatchObject({
    code: 'NO_NODES_AVAILABLE',
    message: expect.stringContaining('"shared": true'),
  });
});
