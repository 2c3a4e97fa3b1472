/** The processes of a server under test, found through /proc: whom to kill, and whether anyone was left behind. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Only where /proc tells who is whose child. */
export const CAN_SEE_PROCESSES = existsSync('/proc/self/stat');

export function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => parentOf(candidate) === pid);
}

/** Children, their children, and so on. */
export function descendantsOf(pid: number): readonly number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

export const isAlive = (pid: number): boolean => parentOf(pid) !== undefined;

/** Undefined when there is no such process, or it is only waiting to be buried. */
function parentOf(pid: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = status.slice(status.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : Number(parent);
  } catch (problem) {
    // It ended while it was looked at.
    if (problem instanceof Error && 'code' in problem) return undefined;
    throw problem;
  }
}
