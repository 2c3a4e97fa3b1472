/** Pieces that are lent are right as long as they may be looked at, and a file of any length comes whole. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { localDisk } from '../../src/common/disk.ts';
import { filePieces, LENT_BYTES } from '../../src/filestore/lent-buffers.ts';

test.each([0, 1, LENT_BYTES - 1, LENT_BYTES, 2 * LENT_BYTES, 7 * LENT_BYTES + 17])(
  'a file of %i bytes',
  async (length) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'tutti-lent-'));
    try {
      const content = Buffer.alloc(length);
      for (let i = 0; i + 4 <= length; i += 4) content.writeUInt32LE(i, i);
      await writeFile(path.join(folder, 'f'), content);
      const file = await localDisk.open(path.join(folder, 'f'), 'read');
      const copy = Buffer.alloc(length);
      let at = 0;
      let before: { readonly at: number; readonly piece: Uint8Array } | undefined;
      for await (const piece of filePieces(file)) {
        // One more has been read by the time these are looked at.
        await new Promise((later) => setTimeout(later, 20));
        if (before) copy.set(before.piece, before.at);
        before = { at, piece };
        at += piece.length;
      }
      if (before) copy.set(before.piece, before.at);
      await file.close();
      expect(at).toBe(length);
      expect(copy.equals(content)).toBe(true);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
