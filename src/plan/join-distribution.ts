/** Decides how the build side of a join reaches its probe side: to every task, cut by the keys, or all in one task. */

import { sessionProperty } from '../sql/session-properties.ts';
import type { JoinNode } from './nodes.ts';
import type { Placed, Placing } from './spread.ts';
import { isWhole } from './spread.ts';

export type JoinDistribution = {
  readonly distribution: 'broadcast' | 'partitioned' | 'single';
  readonly reason: string;
};

/** A join type that yields rows of the build side which met no probe row: it must see every probe row at once. */
export const keepsUnmatchedBuildRows = (join: JoinNode): boolean => join.type === 'RIGHT' || join.type === 'FULL';

/** Nanoseconds of one task, measured for the kernel's shuffle files; only their ratios matter. */
const COST = { writeByte: 4, readByte: 1.5, buildRow: 100, stage: 8_000_000 };

/** A build side above this is never copied to every task: each would hold it whole in memory. */
const BROADCAST_BYTES_MAX = 512 * 1024 * 1024;

export function chooseJoinDistribution(
  node: JoinNode,
  left: Placed,
  right: Placed,
  placing: Placing,
): JoinDistribution {
  const { context, estimator } = placing;
  const forced = sessionProperty(context.session.properties, 'join_distribution_type');
  const rows = estimator.rows(node.right);
  const build = `build side ${describeRows(rows)}`;
  if (keepsUnmatchedBuildRows(node)) return { distribution: 'partitioned', reason: `${node.type} join by its keys` };
  if (isWhole(left.spread)) {
    if (forced !== 'PARTITIONED' || node.criteria.length === 0) {
      return { distribution: 'single', reason: 'one task has the probe side already' };
    }
  }
  if (node.criteria.length === 0) return { distribution: 'broadcast', reason: `no equal columns; ${build}` };
  if (right.spread.kind === 'everywhere' && forced === 'AUTOMATIC') return { distribution: 'broadcast', reason: build };
  if (forced === 'BROADCAST') return { distribution: 'broadcast', reason: `join_distribution_type; ${build}` };
  if (forced === 'PARTITIONED') return { distribution: 'partitioned', reason: `join_distribution_type; ${build}` };
  const leftBytes = estimator.bytes(node.left);
  const rightBytes = estimator.bytes(node.right);
  if (rows === undefined || rightBytes === undefined) return { distribution: 'partitioned', reason: `size unknown` };
  if (rightBytes > BROADCAST_BYTES_MAX) return { distribution: 'partitioned', reason: `too large to copy; ${build}` };
  if (leftBytes === undefined) return { distribution: 'broadcast', reason: build };
  const { workers } = context.cluster;
  const shuffledBytes = (left.spread.kind === 'hash' ? 0 : leftBytes) + rightBytes;
  const copied = (rightBytes * COST.writeByte) / workers + rightBytes * COST.readByte + rows * COST.buildRow;
  const movedProbe = left.spread.kind === 'hash' ? 0 : COST.stage;
  const shuffled = (shuffledBytes * (COST.writeByte + COST.readByte) + rows * COST.buildRow) / workers + movedProbe;
  return copied <= shuffled
    ? { distribution: 'broadcast', reason: build }
    : { distribution: 'partitioned', reason: `${build} is dearer to copy to every task than to shuffle` };
}

export const describeRows = (rows: number | undefined, exactness: 'about' | 'exactly' = 'about'): string =>
  rows === undefined ? 'of unknown size' : `${exactness} ${Math.round(rows).toLocaleString('en-US')} rows`;
