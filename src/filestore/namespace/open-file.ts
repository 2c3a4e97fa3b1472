/** What becomes of a file and its last block when that gets a length. */

import { assert } from '../../common/assert.ts';
import type { CompleteRecord } from './records.ts';
import type { Block, FileNode } from './state.ts';

/** As nobody writes it any more; a last block without bytes is dropped. */
export function closedFile(file: FileNode, { length, time }: Pick<CompleteRecord, 'length' | 'time'>): FileNode {
  const { kind, id, attributes, atime } = file;
  const last = file.blocks.at(-1);
  const isEmpty = last !== undefined && last.length === undefined && length === 0;
  const blocks = isEmpty ? file.blocks.slice(0, -1) : committed(file.blocks, length);
  return { kind, id, attributes, mtime: time, atime, blocks, client: undefined };
}

/** With the length of the last block, when that was open. */
export function committed(blocks: readonly Block[], length: number | undefined): readonly Block[] {
  const last = blocks.at(-1);
  if (last === undefined || last.length !== undefined) {
    assert(length === undefined, 'only an open block gets a length');
    return blocks;
  }
  assert(length !== undefined && length >= 0, 'an open block is closed with its length');
  return blocks.with(blocks.length - 1, { ...last, length });
}
