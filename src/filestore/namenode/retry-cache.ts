/** Answers of calls that were carried out, for clients that did not hear them and ask again. */

import { PASSING_REFUSALS, StoreError, type StoreErrorName } from '../network.ts';

/** Newest calls that are remembered of one client: it has few open at a time. */
const CALLS_MAX = 100;
/** Clients that are remembered; the one that was silent longest goes first. */
const CLIENTS_MAX = 10_000;

/** Refusals that are not remembered as the answer: nothing was decided. The last one is of the journal's disk. */
const FORGOTTEN: ReadonlySet<StoreErrorName> = new Set([...PASSING_REFUSALS, 'DiskOutOfSpaceException']);

type Calls = { readonly answers: Map<number, Promise<object>>; forgottenTo: number };

export class RetryCache {
  readonly #clients = new Map<string, Calls>();

  /** Carries the call out unless that was done, or is being done, already. */
  once(client: string, call: number, carryOut: () => Promise<object>): Promise<object> {
    const calls = this.#clients.get(client) ?? { answers: new Map<number, Promise<object>>(), forgottenTo: -1 };
    // A map keeps the order of insertion: the client is the newest now.
    this.#clients.delete(client);
    this.#clients.set(client, calls);
    const before = calls.answers.get(call);
    if (before) return before;
    if (call <= calls.forgottenTo) {
      const late = new StoreError(
        'StaleEpochException',
        `Call ${call} of ${client} comes too late to know what became of it`,
      );
      return Promise.reject(late);
    }
    const answer = carryOut();
    calls.answers.set(call, answer);
    // Nothing was decided: asked again, it is decided then.
    answer.catch((problem: unknown) => {
      if (problem instanceof StoreError && FORGOTTEN.has(problem.name)) calls.answers.delete(call);
    });
    if (calls.answers.size > CALLS_MAX) {
      const [oldest] = calls.answers.keys();
      calls.answers.delete(oldest!);
      calls.forgottenTo = Math.max(calls.forgottenTo, oldest!);
    }
    if (this.#clients.size > CLIENTS_MAX) {
      const [silent] = this.#clients.keys();
      this.#clients.delete(silent!);
    }
    return answer;
  }
}
