/**
 * Memory that stays where it is while a benchmark runs. The host of a virtual machine may take free memory back (a balloon, free page
 * reporting); whoever then writes to it first waits for the host at every page, which costs several times the copying. Which pages a write is
 * given is chance, and would be what is measured.
 *
 * What goes back are free pieces of 2 MiB and more. So memory is touched once, and all of it freed but one page in each MiB: the pieces
 * between stay small, stay in the guest, and are what the system gives out first, to everybody. That is done with all memory that is free: of a
 * part of it, much would be pieces that are too small for a call's, left over from other work, and the rest would come from the host.
 */

import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statfsSync, writeSync } from 'node:fs';
import path from 'node:path';

const MEMORY_FOLDER = '/dev/shm';
const PIECE = Buffer.alloc(1024 * 1024);
const PAGE_BYTES = 4096;
/** That others may need meanwhile. */
const LEFT_FREE_BYTES = 1e9;

export type HeldMemory = { readonly bytes: number; readonly letGo: () => void };

/** At least `bytes`, or undefined where it cannot be done. */
export function holdMemory(bytes: number): HeldMemory | undefined {
  if (!existsSync(MEMORY_FOLDER)) return undefined;
  const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
  const held = Math.min(freeBytes(), bavail * bsize) - LEFT_FREE_BYTES;
  if (held < bytes) return undefined;
  const folder = mkdtempSync(path.join(MEMORY_FOLDER, 'tutti-bench-'));
  const [freed, kept] = [path.join(folder, 'freed'), path.join(folder, 'kept')];
  const [freedFile, keptFile] = [openSync(freed, 'w'), openSync(kept, 'w')];
  try {
    for (let at = 0; at < held; at += PIECE.length) {
      writeSync(freedFile, PIECE, 0, PIECE.length - PAGE_BYTES);
      writeSync(keptFile, PIECE, 0, PAGE_BYTES);
    }
  } finally {
    closeSync(freedFile);
    closeSync(keptFile);
    rmSync(freed);
  }
  return { bytes: held, letGo: () => rmSync(folder, { recursive: true }) };
}

/** Without what files have in the system's cache: the source is to stay there. */
function freeBytes(): number {
  const kilobytes = /^MemFree:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}
