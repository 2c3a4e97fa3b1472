/** Which of a column's values are NULL, as a record batch tells it. */

import type { FieldNode } from '../../exchange/arrow/framing.ts';
import type { Vector } from '../kernel/vector.ts';
import { BitBuffer, unsetAmong } from './buffers.ts';

export class Validity {
  readonly #bits = new BitBuffer(true);
  #nulls = 0;

  /** The NULLs among the values appended, counted from the first of them. */
  append(vector: Vector, start: number, count: number): readonly number[] {
    const before = this.#bits.length;
    const nulls = unsetAmong(vector.validity, start, count);
    this.#bits.extend(count);
    for (const place of nulls) this.#bits.unset(before + place);
    this.#nulls += nulls.length;
    return nulls;
  }

  /** A column without NULLs has no bits. */
  collect(nodes: FieldNode[], buffers: Uint8Array[]): void {
    nodes.push({ length: this.#bits.length, nulls: this.#nulls });
    buffers.push(this.#nulls === 0 ? NOTHING : this.#bits.taken());
  }

  clear(): void {
    this.#bits.clear();
    this.#nulls = 0;
  }
}

const NOTHING = new Uint8Array(0);
