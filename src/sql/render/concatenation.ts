/** Kernel SQL of many texts one after the other. */

/** A chain of this length is quickly bound, and easily read. */
const CHAIN_LENGTH_MAX = 8;

/** `a || b || …` as a tree: the kernel's time for a chain grows with the cube of its length. */
export function concatenation(parts: readonly string[]): string {
  if (parts.length <= CHAIN_LENGTH_MAX) return `(${parts.join(' || ')})`;
  const middle = parts.length >> 1;
  return `(${concatenation(parts.slice(0, middle))} || ${concatenation(parts.slice(middle))})`;
}
