/** What stands before a command, as Hadoop's take it: `-D name=value`, here for what a new file has. */

import type { FileAttributes } from '../../filestore/store-writer.ts';
import { UsageFailure } from '../failures.ts';
import { byteCount, wholeNumber } from './command.ts';

export type NewFiles = Partial<Pick<FileAttributes, 'replication' | 'blockSize'>>;

const PROPERTIES: Readonly<Record<string, (name: string, value: string) => NewFiles>> = {
  'dfs.replication': (name, value) => ({ replication: wholeNumber(name, value, 1) }),
  'dfs.blocksize': (name, value) => ({ blockSize: blockSize(name, value) }),
};

/** Of HDFS: each block costs the namenode memory, and a `k` for an `m` a thousand times of it. */
const BLOCK_BYTES_MIN = 1024 * 1024;

function blockSize(name: string, value: string): number {
  const bytes = byteCount(name, value);
  if (bytes >= BLOCK_BYTES_MIN) return bytes;
  throw new UsageFailure(`${name} is 1m or more, not "${value}"`);
}

/** `rest` begins with the command. Throws UsageFailure. */
export function genericOptions(words: readonly string[]): {
  readonly newFiles: NewFiles;
  readonly rest: readonly string[];
} {
  let newFiles: NewFiles = {};
  let at = 0;
  for (; words[at]?.startsWith('-D'); at++) {
    const given = words[at] === '-D' ? words[++at] : words[at]!.slice(2);
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(given ?? '') ?? [];
    const read = Object.hasOwn(PROPERTIES, name) ? PROPERTIES[name]! : undefined;
    if (!read) {
      const known = Object.keys(PROPERTIES).join(' and ');
      throw new UsageFailure(`takes name=value before a command (-D dfs.replication=2 -put …), and knows ${known}`);
    }
    newFiles = { ...newFiles, ...read(name, value) };
  }
  return { newFiles, rest: words.slice(at) };
}
