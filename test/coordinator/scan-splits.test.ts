/** Tables in local files are read where these files are. */
import { expect, test } from 'vitest';
import type { Metadata } from '../../src/catalog/metadata.ts';
import { splitsOf } from '../../src/coordinator/scan-splits.ts';
import type { Fragment } from '../../src/plan/fragment.ts';

const METADATA = {
  table: async () => ({}),
  splits: async () => [
    { id: 'a', payload: null, bytes: 10 },
    { id: 'b', payload: null, bytes: 10 },
  ],
} as unknown as Metadata;

const fragment = (partitioning: Fragment['partitioning']): Fragment => ({
  id: 0,
  root: {
    kind: 'TableScan',
    id: 7,
    table: { catalog: 'lake', connector: 'files', schema: 's', table: 't', handle: null },
    columns: [],
    constraint: {},
  },
  partitioning,
  outputSymbols: [],
  inputs: [],
  deterministic: true,
  ordered: false,
  reason: 'test',
});
const LIMITS = { slots: 2, bytesMax: 100, bytesMin: 1 };

test.each(['source', 'single'] as const)('a %s stage runs on the machines that see the files', async (partitioning) => {
  const machines = async (found: readonly string[] | undefined): Promise<readonly unknown[]> =>
    (await splitsOf(fragment(partitioning), METADATA, LIMITS, () => found)).map((task) => task.machines);
  const tasks = partitioning === 'source' ? 2 : 1;
  expect(await machines(['m1', 'm2'])).toEqual(Array.from({ length: tasks }, () => ['m1', 'm2']));
  expect(await machines(undefined)).toEqual(Array.from({ length: tasks }));
  await expect(machines([])).rejects.toMatchObject({
    code: 'NO_NODES_AVAILABLE',
    message: expect.stringContaining('"shared": true'),
  });
});
