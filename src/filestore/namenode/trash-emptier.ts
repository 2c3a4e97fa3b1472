/**
 * Empties the users' trash, as HDFS does: what was thrown away is put by under the time from time to time, and goes when it has been put
 * by for long enough. Whoever throws something away moves it there (`namespace/trash.ts`).
 */

import { type Clock, every } from '../../common/clock.ts';
import type { Logger } from '../../observe/logger.ts';
import { type Caller, STORE_OWNER } from '../namespace/permissions.ts';
import type { Namespace } from '../namespace/state.ts';
import { expiredTrash, trashCheckpoints } from '../namespace/trash.ts';
import { StoreError, UNDECIDED_REFUSALS } from '../network.ts';
import type { NamenodeCalls } from './namenode-calls.ts';

/** What a client takes when nobody says otherwise. */
export type StoreDefaults = {
  readonly replication: number;
  readonly blockSize: number;
  /** How long what was thrown away can be taken back; 0: nothing is kept. */
  readonly trashMs: number;
};

export type TrashEmptierOptions = {
  readonly namenode: NamenodeCalls;
  readonly state: () => Namespace;
  readonly clock: Clock;
  readonly trashMs: number;
  readonly logger: Pick<Logger, 'warn'>;
};

/** What was thrown away is put by every hour, so that it is kept an hour longer than said at most. */
const CHECKPOINT_MS = 3_600_000;

const TURN_MS = 10_000;

const EMPTIER: Caller = { user: STORE_OWNER, groups: [], superuser: true };

/** The returned function ends it. */
export function emptyTrash({ namenode, state, clock, trashMs, logger }: TrashEmptierOptions): () => void {
  if (trashMs === 0) return () => undefined;
  const checkpointMs = Math.min(CHECKPOINT_MS, trashMs);
  // By the wall clock, so that a namenode that starts again goes on as before.
  const period = (): number => Math.floor(clock.wallMs() / checkpointMs);
  let putBy = period();
  let [isAtWork, isOver] = [false, false];

  /** One user's trash that cannot be emptied keeps nobody else's from it. */
  async function change(operation: string, message: object): Promise<void> {
    await namenode.change(operation, EMPTIER, message).catch((problem: unknown) => {
      if (!(problem instanceof StoreError) || UNDECIDED_REFUSALS.has(problem.name)) throw problem;
      logger.warn({ ...message, problem: problem.message }, 'trash cannot be emptied');
    });
  }

  async function turn(): Promise<void> {
    const now = Math.round(clock.wallMs());
    for (const path of expiredTrash(state(), now - trashMs)) await change('delete', { path, recursive: true });
    const current = period();
    if (current === putBy) return;
    for (const { source, target } of trashCheckpoints(state(), now)) {
      await change('rename', { source, target, how: 'exact' });
    }
    // Not before: what is refused now is put by in the next turn, not in an hour.
    putBy = current;
  }

  const stop = every(clock, Math.min(TURN_MS, checkpointMs), () => {
    if (isAtWork) return;
    isAtWork = true;
    turn()
      .catch((problem: unknown) => {
        // The journal closes under what is still on its way.
        if (isOver) return;
        // Safe mode, or a full disk: the next turn looks anew.
        if (!(problem instanceof StoreError)) throw problem;
        logger.warn({ problem: problem.message }, 'emptying the trash is put off');
      })
      .finally(() => (isAtWork = false));
  });
  return () => {
    isOver = true;
    stop();
  };
}
