/** What a task's statement has written, by the rows that it yielded. */

import { assert } from '../common/assert.ts';
import { sizeOfFile } from '../common/files.ts';
import type { OutputFile } from '../exchange/task-protocol.ts';
import type { KernelRows } from './kernel/protocol.ts';
import type { TaskAnswer } from './render/render-task.ts';

export function readAnswer(answer: TaskAnswer, rows: KernelRows): readonly OutputFile[] {
  if (answer.kind === 'lines') {
    const inline = rows.map(([line]) => `${line as string}\n`).join('');
    const bytes = Buffer.byteLength(inline);
    return rows.length === 0 ? [] : [{ partition: 0, rows: rows.length, bytes, path: answer.path, inline }];
  }
  if (answer.kind === 'file') {
    const count = Number(rows[0]?.[0]);
    assert(rows.length === 1 && Number.isSafeInteger(count), 'the kernel counts the rows that it writes');
    if (count === 0) return [];
    const bytes = sizeOfFile(answer.path);
    assert(bytes !== undefined, 'the kernel wrote the file that it counted the rows of');
    return [{ partition: 0, rows: count, bytes, path: answer.path }];
  }
  const outputs = rows.map(([file, count, bytes, , , keys]): OutputFile => {
    const [key] = (keys ?? []) as unknown as readonly { readonly value: string }[];
    return {
      partition: key ? Number(key.value) : 0,
      rows: Number(count),
      bytes: Number(bytes),
      path: file as string,
    };
  });
  const partitions = new Set(outputs.map((output) => output.partition));
  assert(partitions.size === outputs.length, 'the kernel writes one file for each partition');
  return outputs.filter((output) => output.rows > 0);
}
