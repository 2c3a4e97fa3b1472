/** Work of the namenode as the network wants it. */

import { assert } from '../../common/assert.ts';
import { StoreError } from '../network.ts';

/** As the network hands it over: the message was checked where it came in. */
export const answer =
  <Message>(work: (message: Message) => object | Promise<object>) =>
  async (message: Message) => ({ answer: await work(message) });

/** Throws StoreError for a refusal. */
export function orThrow<Answer extends object>(found: Answer): Exclude<Answer, { readonly kind: 'refused' }> {
  if ('kind' in found && found.kind === 'refused') {
    assert('name' in found && 'message' in found, 'a refusal has a name and words');
    throw new StoreError(found.name as never, String(found.message));
  }
  return found as Exclude<Answer, { readonly kind: 'refused' }>;
}
