/** A LIMIT stops tasks only when every reader of their rows has enough. */

import { expect, test } from 'vitest';
import { rowsWanted } from '../../src/coordinator/rows-wanted.ts';
import type { PlanNode } from '../../src/plan/nodes.ts';
import { fragmentOf } from '../plan/build.ts';

const remote = (id: number): PlanNode => ({
  kind: 'RemoteSource',
  id,
  fragment: 1,
  symbols: [],
  scope: { kind: 'gather' },
});
const limit = (source: PlanNode, count: string, offset: string): PlanNode => ({
  kind: 'Limit',
  id: 9,
  source,
  count,
  offset,
});
const union = (sources: readonly PlanNode[]): PlanNode => ({
  kind: 'SetOperation',
  id: 10,
  operation: 'UNION ALL',
  sources,
  symbols: [],
  inputs: sources.map(() => []),
});

function wanted(root: PlanNode): number | undefined {
  const written = fragmentOf({ kind: 'Values', id: 11, symbols: [], rows: [] }, { id: 1 });
  return rowsWanted([fragmentOf(root, { inputs: [1] }), written], 1);
}

test.each([
  ['a limit', limit(remote(1), '5', '0'), 5],
  ['an offset is read and skipped', limit(remote(1), '5', '3'), 8],
  ['an outer limit keeps the inner offset', limit(limit(remote(1), '10', '100'), '2', '0'), 102],
  ['an outer offset', limit(limit(remote(1), '10', '0'), '2', '5'), 7],
  ['no limit', remote(1), undefined],
  ['two readers with limits', union([limit(remote(1), '5', '0'), limit(remote(2), '7', '0')]), 7],
  ['one of two readers wants all', union([limit(remote(1), '5', '0'), remote(2)]), undefined],
])('%s', (_name, root, rows) => {
  expect(wanted(root)).toBe(rows);
});
