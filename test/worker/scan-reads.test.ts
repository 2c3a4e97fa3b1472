/** How much of a table was read without a network, where its files came in part from this machine. */

import { expect, test } from 'vitest';
import type { Split } from '../../src/connectors/connector.ts';
import { localityOf, readsOf } from '../../src/worker/scan-reads.ts';
import { PlanBuilder } from '../plan/build.ts';
import { queryTask } from './harness.ts';

const plan = new PlanBuilder();

/** Splits are files' names. */
const PROVIDERS = {
  fake: {
    scanSql: () => '',
    filesToOpen: (_table: unknown, splits: readonly Split[]) =>
      splits.map(({ payload }) => ({ location: payload as string, bytes: 1 })),
  },
};

test('a file counts with the share of its bytes that were here, and no split counts in part', () => {
  const scan = plan.scan('t', ['a']);
  const shares: Readonly<Record<string, number>> = { here: 1, both: 2 / 3, there: 0 };
  const splits = ['here', 'here', 'both', 'both', 'there'].map((payload, i): Split => ({
    id: `${i}`,
    bytes: 100,
    hosts: [],
    payload,
  }));
  const request = queryTask(plan.output(scan), { splits: { [scan.id]: splits } });
  const opened = {
    paths: new Map<string, string>(),
    localShare: (location: string) => shares[location]!,
    bytesFetched: 0,
    hasHoles: false,
    check: () => undefined,
    told: String,
    release: () => Promise.resolve(),
  };
  const reads = readsOf(request, PROVIDERS, opened);
  expect(reads).toEqual([{ scan: scan.id, isStored: true, splits: 5, localSplits: 3, bytes: 500, localBytes: 333 }]);
  expect(localityOf(reads)).toEqual({ splits: 5, localSplits: 3, localBytes: 333, remoteBytes: 167 });
});
