/** The replicas that a datanode has, by block and generation, and what they take of their folders. */

import type { Replica } from '../protocol.ts';
import { checksumFileBytes } from './checksum-file.ts';
import type { DataFolder } from './data-folder.ts';

export type ReplicaKey = Pick<Replica, 'block' | 'generation'>;

/** Damaged: there, but never served. */
export type Entry = Replica & { readonly folder: DataFolder; damaged: boolean };

export const keyOf = ({ block, generation }: ReplicaKey): string => `${block}_${generation}`;

export const replicaOf = ({ block, generation, length }: Replica): Replica => ({ block, generation, length });

export class ReplicaTable {
  readonly #chunkBytes: number;
  readonly #entries = new Map<string, Entry>();

  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes;
  }

  get(replica: ReplicaKey): Entry | undefined {
    return this.#entries.get(keyOf(replica));
  }

  /** What may be served. */
  sound(replica: ReplicaKey): Entry | undefined {
    const entry = this.get(replica);
    return entry?.damaged === false ? entry : undefined;
  }

  has(entry: Entry): boolean {
    return this.get(entry) === entry;
  }

  add(entry: Entry): void {
    this.#entries.set(keyOf(entry), entry);
    entry.folder.usedBytes += this.#bytes(entry);
  }

  /** False when it was not there any more. */
  remove(entry: Entry): boolean {
    if (!this.has(entry)) return false;
    this.#entries.delete(keyOf(entry));
    entry.folder.usedBytes -= this.#bytes(entry);
    return true;
  }

  all(): readonly Entry[] {
    return [...this.#entries.values()];
  }

  #bytes({ length }: Entry): number {
    return length + checksumFileBytes(length, this.#chunkBytes);
  }
}
