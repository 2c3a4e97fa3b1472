/** How much of a table was read without a network, where its files came in part from this machine. */

import { expect, test } from 'vitest';
import type { Split } from '../../src/connectors/connector.ts';
import type { ScanReads } from '../../src/exchange/task-protocol.ts';
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

/** Of splits of 100 bytes, each of the file that is named, whose local share is this. */
function readsWith(shares: Readonly<Record<string, number>>, files: readonly string[]): readonly ScanReads[] {
  const scan = plan.scan('t', ['a']);
  const splits = files.map((payload, i): Split => ({ id: `${i}`, bytes: 100, hosts: [], payload }));
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
  return readsOf(request, PROVIDERS, opened);
}

test('a file counts with the share of its bytes that were here, and no split counts in part', () => {
  const reads = readsWith({ here: 1, both: 2 / 3, there: 0 }, ['here', 'here', 'both', 'both', 'there']);
  expect(reads).toMatchObject([{ isStored: true, splits: 5, localSplits: 3, bytes: 500, localBytes: 333 }]);
  expect(localityOf(reads)).toEqual({ splits: 5, localSplits: 3, localBytes: 333, remoteBytes: 167 });
});

test('shares of several files add up', () => {
  const shares = { a: 0.7, b: 0.1, c: 0.2, d: 0.95, e: 0.9 };
  expect(readsWith(shares, ['a', 'b', 'c'])).toMatchObject([{ splits: 3, localSplits: 1, localBytes: 100 }]);
  expect(readsWith(shares, ['d', 'e'])).toMatchObject([{ splits: 2, localSplits: 1, localBytes: 185 }]);
});
