/** Answers of calls that were carried out, for clients that did not hear them and ask again. */

import { StoreError, UNDECIDED_REFUSALS } from '../network.ts';
import type { ClientMessage } from '../protocol.ts';

/** Newest calls that are remembered of one client: it has few open at a time. */
const CALLS_MAX = 100;
/** Clients that are remembered; the one that was silent longest goes first. */
const CLIENTS_MAX = 10_000;

type Call = {
  readonly answer: Promise<object>;
  /** The last repetition that got this answer, or will. */
  attempt: number;
  /** Nothing was decided: asked once more, it is decided then. What was on its way before that gets the same refusal. */
  isPutOff: boolean;
};

type Calls = { readonly answers: Map<number, Call>; forgottenTo: number };

export class RetryCache {
  readonly #clients = new Map<string, Calls>();

  /** Carries the call out unless that was done, or is being done, already. */
  once(
    { client, number, attempt = 0 }: Pick<ClientMessage, 'client' | 'number' | 'attempt'>,
    carryOut: () => Promise<object>,
  ): Promise<object> {
    const calls = this.#clients.get(client) ?? { answers: new Map<number, Call>(), forgottenTo: -1 };
    // A map keeps the order of insertion: the client is the newest now.
    this.#clients.delete(client);
    this.#clients.set(client, calls);
    const before = calls.answers.get(number);
    if (before && !(before.isPutOff && attempt > before.attempt)) {
      before.attempt = Math.max(before.attempt, attempt);
      return before.answer;
    }
    if (!before && number <= calls.forgottenTo) {
      const late = new StoreError(
        'StaleEpochException',
        `Call ${number} of ${client} comes too late to know what became of it`,
      );
      return Promise.reject(late);
    }
    const call: Call = { answer: carryOut(), attempt, isPutOff: false };
    calls.answers.set(number, call);
    call.answer.catch((problem: unknown) => {
      call.isPutOff = problem instanceof StoreError && UNDECIDED_REFUSALS.has(problem.name);
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
    return call.answer;
  }
}
