/** Bounds the depth of a finished tree, so that whatever walks it later by recursion stays within its stack. */
import { QueryError, type SourceLocation } from '../../common/errors.ts';

/** Nodes on the way from the root to the deepest leaf. */
const DEPTH_MAX = 1_000;
/** A statement of fewer tokens cannot make a deeper tree: no token adds more than two levels. */
const TOKENS_SAFE = DEPTH_MAX / 2;

type AnyNode = { readonly kind?: string; readonly location?: SourceLocation };

/** Nesting is bounded while parsing; what is left are long chains that lean to the left, such as `1 + 1 + 1 + …`. */
export function checkDepth(root: object, tokens: number): void {
  if (tokens <= TOKENS_SAFE) return;
  const pending: { readonly value: object; readonly depth: number }[] = [{ value: root, depth: 1 }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { kind, location } = next.value as AnyNode;
    if (kind !== undefined && next.depth > DEPTH_MAX) {
      const message = `the statement is nested too deeply: more than ${DEPTH_MAX} levels. Split it with WITH, or bracket long chains of operators in halves`;
      throw new QueryError('SYNTAX_ERROR', message, location);
    }
    const depth = next.depth + (kind === undefined ? 0 : 1);
    for (const value of Object.values(next.value) as unknown[]) {
      if (typeof value === 'object' && value !== null && value !== location) pending.push({ value, depth });
    }
  }
}
