/** An operation of WebHDFS: what it is asked, and how it answers. */

import type { Caller } from '../namespace/permissions.ts';
import type { NamenodeCalls } from '../namenode/namenode-calls.ts';
import type { WebRequest } from './web-request.ts';

export type Asked = { readonly request: WebRequest; readonly caller: Caller; readonly namenode: NamenodeCalls };

export type Answer =
  | { readonly kind: 'json'; readonly value: object }
  /** JSON in pieces, for what may be long. */
  | { readonly kind: 'pieces'; readonly pieces: AsyncGenerator<string, void, undefined> }
  | { readonly kind: 'done' }
  /** Ask there. */
  | { readonly kind: 'redirect'; readonly location: string };

export type Operation = (asked: Asked) => Promise<Answer>;

export const DONE: Answer = { kind: 'done' };
export const json = (value: object): Answer => ({ kind: 'json', value });
