/**
 * A client of the namenode: calls that are repeated until they are answered, each carried out once. Whether a call whose answer was
 * lost was carried out is known as long as the same namenode leads; after a change of leaders it is said that nobody knows.
 */

import type { Clock } from '../common/clock.ts';
import type { Caller } from './namespace/permissions.ts';
import {
  type Address,
  NetworkError,
  PASSING_REFUSALS,
  StoreError,
  type StoreNetwork,
  UNDECIDED_REFUSALS,
} from './network.ts';
import { NOTICE_AFTER_MS } from './wait-notice.ts';

export type StoreClientOptions = {
  readonly network: StoreNetwork;
  readonly clock: Clock;
  readonly namenode: Address;
  readonly caller: Caller;
  /** Never used by another client. */
  readonly client: string;
  /** Told once of a call, or of a file's bytes, that is asked for again and again for a while, and why. */
  readonly onWait?: (problem: Error) => void;
  /** The machine, whose datanode is the first choice. */
  readonly host?: string;
};

/** How long a namenode that does not answer, or has just started and is in safe mode, is asked again. */
const PATIENCE_MS = 30_000;
/** Datanodes join a moment after the namenode, and come back after a restart. */
const DATANODE_PATIENCE_MS = 10_000;
const PAUSE_MS = 200;
const ANSWER_MS = 10_000;

/** Changes that may be carried out again whoever leads: they name what they are about by id, or come to the same. */
const REPEATABLE = new Set([
  'mkdirs',
  // Under a name that nobody else has, where what stands is what an earlier try made (`store-writer.ts`).
  'create',
  'addBlock',
  'publish',
  'abandonFile',
  'abandonBlock',
  'setPermission',
  'setOwner',
  'setService',
]);

export class StoreClient {
  readonly options: StoreClientOptions;
  #epoch: number | undefined;
  #number = 0;
  #temporaries = 0;

  constructor(options: StoreClientOptions) {
    this.options = options;
  }

  /** Part of a name that no other file has. */
  unique(): string {
    this.#temporaries += 1;
    return `${this.options.client}-${this.#temporaries}`;
  }

  /** Asks what changes nothing. */
  read<Answer>(operation: string, message: object): Promise<Answer> {
    const { caller, host } = this.options;
    return this.#persist(() => this.#call<Answer>(operation, Object.assign({ caller, host }, message)));
  }

  /** Asks for a change. Throws StoreError; IOException when nobody knows whether it was carried out. */
  async change<Answer>(operation: string, message: object): Promise<Answer> {
    const { caller, client, host } = this.options;
    this.#number += 1;
    const number = this.#number;
    /** A namenode of this epoch may have carried it out, and was not heard. */
    let unheardIn: number | undefined;
    let isUnknown = false;
    let attempt = 0;
    const ask = async (): Promise<Answer> => {
      const epoch = await this.#leader();
      isUnknown = unheardIn !== undefined && unheardIn !== epoch;
      if (isUnknown && !REPEATABLE.has(operation)) throw unknown(operation, message);
      attempt += 1;
      try {
        const call = { caller, client, number, attempt, epoch, host };
        return await this.#call<Answer>(operation, Object.assign(call, message));
      } catch (problem) {
        if (problem instanceof NetworkError) unheardIn ??= epoch;
        if (!(problem instanceof StoreError && problem.name === 'StaleEpochException')) throw problem;
        // Refused by the one that leads now; one that led before may have carried out an earlier try.
        this.#epoch = undefined;
        throw new NetworkError(problem.message, { cause: problem });
      }
    };
    try {
      return await this.#persist(ask);
    } catch (problem) {
      // One that does not decide now says nothing of what an earlier one did.
      if (isUnknown && isUndecided(problem)) throw unknown(operation, message, problem);
      throw problem;
    }
  }

  async #leader(): Promise<number> {
    this.#epoch ??= (await this.#call<{ epoch: number }>('hello', {})).epoch;
    return this.#epoch;
  }

  #call<Answer>(operation: string, message: object): Promise<Answer> {
    const { network, namenode } = this.options;
    return network.call<Answer>(namenode, operation, message, { timeoutMs: ANSWER_MS });
  }

  async #persist<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    const { clock } = this.options;
    const since = clock.elapsedMs();
    let isTold = false;
    for (;;) {
      try {
        return await ask();
      } catch (problem) {
        if (!isPassing(problem)) throw problem;
        const patienceMs = problem.name === 'NotEnoughReplicasException' ? DATANODE_PATIENCE_MS : PATIENCE_MS;
        const waitedMs = clock.elapsedMs() - since;
        if (waitedMs > patienceMs) throw givenUp(problem);
        if (!isTold && waitedMs > NOTICE_AFTER_MS) {
          isTold = true;
          this.options.onWait?.(problem);
        }
        await new Promise<void>((resolve) => void clock.after(PAUSE_MS, resolve));
      }
    }
  }
}

const isPassing = (problem: unknown): problem is Error =>
  problem instanceof NetworkError || (problem instanceof StoreError && PASSING_REFUSALS.has(problem.name));

const isUndecided = (problem: unknown): problem is Error =>
  problem instanceof NetworkError || (problem instanceof StoreError && UNDECIDED_REFUSALS.has(problem.name));

const givenUp = (problem: Error): StoreError =>
  problem instanceof StoreError
    ? problem
    : new StoreError('IOException', `The namenode does not answer: ${problem.message}`, { cause: problem });

function unknown(operation: string, message: object, cause?: Error): StoreError {
  const { path, source = path } = message as { readonly path?: string; readonly source?: string };
  const what = source === undefined ? operation : `${operation} of ${source}`;
  const why = `The namenode was restarted meanwhile: nobody knows whether ${what} was carried out`;
  return new StoreError('IOException', why, { cause });
}
