/** Commands that read files. */

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { crc32c } from '../../common/crc32c.ts';
import type { OpenFile } from '../../filestore/file-system.ts';
import type { Bytes } from '../../filestore/network.ts';
import { write } from '../console.ts';
import { ANY, type FsCommands } from './command.ts';
import { type FsShell, type Item, PathFailure } from './fs-shell.ts';
import { shown } from './transfer-progress.ts';

/** What `-head` and `-tail` show. */
const END_BYTES = 1024;

export const READ_COMMANDS: FsCommands = {
  cat: {
    usage: '-cat <path> …',
    does: 'write files to standard output',
    words: [1, ANY],
    run: (shell, paths) => shell.each(paths, (item) => reading(shell, item, (file) => print(shell, file.stream()))),
  },
  text: {
    usage: '-text <path> …',
    does: 'the same, with what gzip packed unpacked',
    words: [1, ANY],
    run: (shell, paths) => shell.each(paths, (item) => reading(shell, item, (file) => text(shell, file))),
  },
  head: {
    usage: '-head <path>',
    does: 'the first kilobyte of a file',
    words: [1, 1],
    run: (shell, paths) =>
      shell.each(paths, (item) =>
        reading(shell, item, (file) => print(shell, file.stream(0, Math.min(END_BYTES, file.length)))),
      ),
  },
  tail: {
    usage: '-tail <path>',
    does: 'the last kilobyte of a file',
    details: 'There is no -f: files are written once, and seen when they are whole.',
    words: [1, 1],
    run: (shell, paths) =>
      shell.each(paths, (item) =>
        reading(shell, item, (file) => print(shell, file.stream(Math.max(0, file.length - END_BYTES)))),
      ),
  },
  checksum: {
    usage: '-checksum <path> …',
    does: 'the CRC-32C of files, equal for equal files whatever their blocks',
    words: [1, ANY],
    run: (shell, paths) => shell.each(paths, (item) => reading(shell, item, (file) => checksum(shell, item, file))),
  },
};

export async function reading(
  shell: FsShell,
  { path, status }: Item,
  work: (file: OpenFile) => Promise<unknown>,
): Promise<void> {
  if (status.kind === 'folder') throw new PathFailure(path, 'Is a directory');
  const file = await shell.fs.open(path);
  try {
    await work(file);
  } finally {
    await file.close();
  }
}

export async function print(shell: FsShell, bytes: Bytes): Promise<void> {
  for await (const piece of bytes) await write(shell.console.stdout, piece);
}

async function text(shell: FsShell, file: OpenFile): Promise<void> {
  const [first, second] = await file.read(0, 2);
  if (first !== 0x1f || second !== 0x8b) return print(shell, file.stream());
  await pipeline(Readable.from(file.stream()), createGunzip(), async (pieces: AsyncIterable<Buffer>) =>
    print(shell, pieces),
  );
}

async function checksum(shell: FsShell, { path }: Item, file: OpenFile): Promise<void> {
  let crc = 0;
  for await (const piece of shown(shell.console, path, file.length, file.stream())) crc = crc32c(piece, crc);
  await shell.say(`${path}\tCOMPOSITE-CRC32C\t${crc.toString(16).padStart(8, '0')}`);
}
