/** Which workers may run a task: those that see its data, elsewhere than where it failed. */

import type { Task } from './stage.ts';
import type { Worker } from './worker-pool.ts';

/** `others`: all workers, this one among them. */
export function mayRun(task: Task, worker: Worker, others: readonly Worker[]): boolean {
  if (!seesData(task, worker)) return false;
  if (!hasFailedOn(task, worker)) return true;
  // Elsewhere first; where it failed only when no other worker may run it.
  return !others.some((other) => seesData(task, other) && !hasFailedOn(task, other));
}

/** Whether the task reads its tables without a network there; or nobody who may run it would. `others`: all workers. */
export function isNear(task: Task, worker: Worker, others: readonly Worker[]): boolean {
  const isAt = ({ announcement }: Worker): boolean => task.hosts?.includes(announcement.hostId) ?? true;
  return isAt(worker) || !others.some((other) => isAt(other) && mayRun(task, other, others));
}

/** Machines of which at least one worker is missing for a waiting task to be read anywhere. */
export function machinesWithoutWorker(tasks: readonly Task[], workers: readonly Worker[]): string | undefined {
  const stuck = tasks.find((task) => task.state === 'pending' && !workers.some((worker) => seesData(task, worker)));
  return stuck?.machines?.join(', ');
}

const seesData = (task: Task, worker: Worker): boolean =>
  !task.machines || task.machines.includes(worker.announcement.machineId);

const hasFailedOn = (task: Task, worker: Worker): boolean => task.avoid.has(worker.announcement.nodeId);
