/** Calls of the namenode in this process: no answer is lost on the way, so none is asked for twice. */

import type { Caller } from '../namespace/permissions.ts';
import { StoreError } from '../network.ts';
import type { Bytes, Operations } from '../network.ts';

export class NamenodeCalls {
  readonly #operations: () => Promise<Operations>;
  /** Never used by another client. */
  readonly #client: string;
  #number = 0;

  constructor(operations: () => Promise<Operations>, client: string) {
    this.#operations = operations;
    this.#client = client;
  }

  /** Throws StoreError. */
  async read<Answer>(operation: string, caller: Caller, message: object): Promise<Answer> {
    return call<Answer>(await this.#operations(), operation, { caller, ...message });
  }

  /** The change's result. Throws StoreError. */
  async change<Result>(operation: string, caller: Caller, message: object): Promise<Result> {
    const operations = await this.#operations();
    const { epoch } = await call<{ epoch: number }>(operations, 'hello', {});
    // Counted and asked in one go: the namenode hears the numbers in their order.
    this.#number += 1;
    const asked = { caller, client: this.#client, number: this.#number, epoch, ...message };
    return (await call<{ result: Result }>(operations, operation, asked)).result;
  }
}

async function call<Answer>(operations: Operations, operation: string, message: object): Promise<Answer> {
  const work = operations[operation];
  if (!work) throw new StoreError('UnsupportedOperationException', `There is no operation ${operation} here`);
  return (await work(message as never, nothing())).answer as Answer;
}

async function* nothing(): Bytes {}
