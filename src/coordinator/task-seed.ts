/** The seed of a task's random functions: the same for every attempt, different for every task and query. */

import { createHash } from 'node:crypto';

export function taskSeed(queryId: string, taskId: string): number {
  // 31 bits: positive in every language it travels through.
  return createHash('sha256').update(`${queryId}/${taskId}`).digest().readUInt32BE(0) >>> 1;
}
