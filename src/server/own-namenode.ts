/** The store's network in the process that is its namenode: calls of that stay here, datanodes are reached over HTTP. */

import type { Address, Bytes, CallOptions, Operations, StoreNetwork } from '../filestore/network.ts';
import { carryOut } from '../filestore/serve-calls.ts';

/** Calls the namenode of this process. */
export const OWN_NAMENODE: Address = 'this process';

export class OwnNamenode implements StoreNetwork {
  readonly #operations: () => Promise<Operations>;
  readonly #network: StoreNetwork;

  constructor(operations: () => Promise<Operations>, network: StoreNetwork) {
    this.#operations = operations;
    this.#network = network;
  }

  async call<Answer>(to: Address, operation: string, message: object, options?: CallOptions): Promise<Answer> {
    if (to !== OWN_NAMENODE) return this.#network.call<Answer>(to, operation, message, options);
    return (await carryOut(await this.#operations(), operation, message, nothing())).answer as Answer;
  }

  fetch(
    to: Address,
    operation: string,
    message: object,
    options?: CallOptions,
  ): Promise<{ readonly answer: unknown; readonly body: Bytes }> {
    return this.#network.fetch(to, operation, message, options);
  }
}

async function* nothing(): Bytes {}
