/** What a failed attempt means for its task. Reads the error's code and category, never its text. */

import { errorCategory, fromErrorInfo, QueryError } from '../common/errors.ts';
import type { TaskFailure, TaskStatus } from '../exchange/task-protocol.ts';

export type Verdict =
  /** The query fails: trying again would bring the same. */
  | { readonly kind: 'fatal'; readonly error: Error }
  /** An attempt of the task; it runs again, elsewhere when possible. `ofReading`: it could not read a table's file. */
  | { readonly kind: 'again'; readonly error: Error; readonly ofReading: boolean }
  /** The kernel died: the task runs alone from now on. `counts` = it was alone when the kernel died. */
  | { readonly kind: 'alone'; readonly counts: boolean }
  | { readonly kind: 'input-lost'; readonly inputs: Extract<TaskFailure, { kind: 'input-lost' }>['inputs'] };

/** Deaths of a kernel with the same task alone in it: then the task is what kills it. */
const DEATHS_ALONE_MAX = 2;

/**
 * Who reads a file waits for its machines (`filestore/store-reader.ts`), so each attempt more makes the user wait as long again. One more may
 * find on another worker what this one is cut off from.
 */
const READS_MAX = 2;

export function judgeFailure(
  task: { readonly id: string; readonly alone: boolean; readonly deathsAlone: number; readonly readsFailed: number },
  status: TaskStatus,
): Verdict {
  const { failure } = status;
  if (!failure) {
    const error = new QueryError('REMOTE_TASK_ERROR', `Task ${task.id} ended as ${status.state} on its worker`);
    return { kind: 'again', error, ofReading: false };
  }
  switch (failure.kind) {
    case 'error':
      return judgeError(fromErrorInfo(failure.error), task);
    case 'kernel-died': {
      const counts = task.alone || failure.alone;
      if (task.deathsAlone + (counts ? 1 : 0) < DEATHS_ALONE_MAX) return { kind: 'alone', counts };
      return { kind: 'fatal', error: killedTwice(task.id, failure) };
    }
    case 'input-lost':
      return { kind: 'input-lost', inputs: failure.inputs };
  }
}

function judgeError(
  error: QueryError,
  { alone, readsFailed }: { readonly alone: boolean; readonly readsFailed: number },
): Verdict {
  // No worker can read what no machine that lives has.
  if (error.code === 'FILE_UNAVAILABLE') return { kind: 'fatal', error };
  const ofReading = error.code === 'FILE_SYSTEM_ERROR';
  if (ofReading && readsFailed + 1 >= READS_MAX) return { kind: 'fatal', error };
  switch (errorCategory(error.code)) {
    case 'USER_ERROR':
      return { kind: 'fatal', error };
    case 'INSUFFICIENT_RESOURCES':
      // Beside other tasks memory may have been short; alone there is no more to give.
      return alone ? { kind: 'fatal', error } : { kind: 'alone', counts: false };
    case 'INTERNAL_ERROR':
    case 'EXTERNAL':
      return { kind: 'again', error, ofReading };
  }
}

function killedTwice(taskId: string, failure: Extract<TaskFailure, { kind: 'kernel-died' }>): QueryError {
  const what = `Task ${taskId} ended its worker's kernel twice while it ran alone: ${failure.message}`;
  return failure.outOfMemory
    ? new QueryError(
        'EXCEEDED_LOCAL_MEMORY_LIMIT',
        `${what}. Give workers more memory, or let the query do less at once`,
      )
    : new QueryError('REMOTE_TASK_ERROR', what);
}
