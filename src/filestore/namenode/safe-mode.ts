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

  /** What is not known yet will be. */
  get endsByItself(): boolean {
    return this.#isOn && !this.#isManual;
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

  /** Throws SafeModeException, which ends by itself, or ManualSafeModeException. `found` is counted for the message alone: every change asks. */
  refuseChanges(blocks: number, found: () => number): void {
    if (!this.#isOn) return;
    const isOn = 'The namenode is in safe mode';
    if (this.#isManual) {
      const why = 'an administrator turned it on, and tutti fs -safemode leave turns it off';
      throw new StoreError('ManualSafeModeException', `${isOn}: ${why}`);
    }
    const reported = `datanodes have reported ${found()} of ${blocks} blocks so far; it ends at ${BLOCKS_SHARE * 100} %`;
    throw new StoreError('SafeModeException', `${isOn}: ${reported}`);
  }
}
