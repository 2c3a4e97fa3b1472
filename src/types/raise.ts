/** Errors raised inside the kernel, as expressions that fit any type. */

import type { ErrorCode } from '../common/errors.ts';
import { SECRET } from './kernel.ts';

/**
 * A kernel expression that fails when it is evaluated. A failing cast is used since, unlike `error()`, it is not
 * volatile: TRY, filter pushdown and common subexpressions work around it. It stands in the index of a list of NULL so
 * that it has no type of its own, and so that the binder never evaluates it as a constant condition.
 * `message` is kernel SQL of type VARCHAR; see `raise` for plain text, which is ours and holds nothing that users wrote.
 */
export const raiseSql = (code: ErrorCode, message: string): string =>
  `[NULL][CAST('TUTTI:${SECRET}:${code}:' || ${message} || ':ITTUT' AS BIGINT)]`;

export const raise = (code: ErrorCode, message: string): string =>
  `[NULL][CAST('TUTTI:${SECRET}:${code}:${message.replaceAll("'", "''")}:ITTUT' AS BIGINT)]`;
