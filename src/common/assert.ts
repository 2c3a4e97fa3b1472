/** States what must hold. Assertions are for our own bugs and stay on; what users and disks do is handled elsewhere. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new AssertionError(what);
}

/** A broken invariant: always our bug, reported to clients as INTERNAL_ERROR. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';

  constructor(what: string) {
    super(`must hold: ${what}`);
  }
}

/** Closes a switch over a union: the compiler refuses the call while a case is missing. */
export function unreachable(value: never): never {
  throw new AssertionError(`no such case: ${JSON.stringify(value)}`);
}
