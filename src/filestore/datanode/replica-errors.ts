/** What whoever asks for a replica hears. */

import { StoreError } from '../network.ts';
import type { DatanodeId } from '../protocol.ts';
import type { ReplicaKey } from './replica-table.ts';

export function notFound({ block, generation }: ReplicaKey, node: DatanodeId, cause?: unknown): StoreError {
  const text = `datanode ${node} has no block ${block} of generation ${generation}`;
  return new StoreError('ReplicaNotFoundException', text, { cause });
}

export function damaged({ block, generation }: ReplicaKey, node: DatanodeId, why: string, cause?: unknown): StoreError {
  const text = `the replica of block ${block}, generation ${generation}, on datanode ${node} is damaged: ${why}`;
  return new StoreError('ChecksumException', text, { cause });
}

/** They come from other processes, and become names of files and places in them. */
export function checkNumbers(numbers: Readonly<Record<string, number>>): void {
  for (const [name, number] of Object.entries(numbers)) {
    if (Number.isSafeInteger(number) && number >= 0) continue;
    throw new StoreError('IllegalArgumentException', `${name} must be a whole number, not ${number}`);
  }
}
