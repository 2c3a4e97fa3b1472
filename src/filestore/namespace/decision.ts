/** What a request leads to: a record to append, nothing (it holds already), or a refusal. Deciding never changes the state. */

import type { NamespaceRecord } from './records.ts';
import type { Refusal } from './refusal.ts';

export type Decision<Result> =
  | { readonly kind: 'change'; readonly record: NamespaceRecord; readonly result: Result }
  | { readonly kind: 'unchanged'; readonly result: Result }
  | Refusal;

export const change = <Result>(record: NamespaceRecord, result: Result): Decision<Result> => ({
  kind: 'change',
  record,
  result,
});

export const unchanged = <Result>(result: Result): Decision<Result> => ({ kind: 'unchanged', result });
