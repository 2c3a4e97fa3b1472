/** What a file is made of, on its way into a file system. */

import type { Content } from './file-system.ts';
import type { Bytes } from './network.ts';

/** What went wrong was not the file system but what should be written to it; the caller gets its own error, the cause, back. */
export class ContentError extends Error {}

export async function* piecesOf(content: Content): Bytes {
  if (content instanceof Uint8Array) {
    yield content;
    return;
  }
  try {
    yield* content;
  } catch (problem) {
    throw new ContentError('the content failed', { cause: problem });
  }
}
