/**
 * While a namenode does not know yet where the blocks are, it changes nothing: no file, and no replica either, since what looks
 * under-replicated is only unheard of.
 */

import { StoreError } from '../network.ts';

/** The share of complete blocks that must have a replica before the namenode leaves safe mode by itself. HDFS's default. */
const BLOCKS_SHARE = 0.999;

export class SafeMode {
  #isOn = true;
  /** An administrator's: it ends when they say so. */
  #isManual = false;

  get isOn(): boolean {
    return this.#isOn;
  }

  enter(): void {
    this.#isOn = true;
    this.#isManual = true;
  }

  leave(): void {
    this.#isOn = false;
    this.#isManual = false;
  }

  /** `blocks`: complete ones that the namespace names; `found`: those that somebody reported. */
  heard(blocks: number, found: number): void {
    if (!this.#isManual && found >= Math.ceil(blocks * BLOCKS_SHARE)) this.#isOn = false;
  }

  /** `found` is counted for the message alone: every change asks. */
  refuseChanges(blocks: number, found: () => number): void {
    if (!this.#isOn) return;
    const why = this.#isManual
      ? 'an administrator turned it on; turn it off with -safemode leave'
      : `datanodes have reported ${found()} of ${blocks} blocks so far; it ends at ${BLOCKS_SHARE * 100} %`;
    throw new StoreError('SafeModeException', `The namenode is in safe mode: ${why}`);
  }
}
