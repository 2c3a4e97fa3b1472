/**
 * Memory that stays where it is while a benchmark runs. The host of a virtual machine may take free memory back (a balloon, free page
 * reporting); whoever then writes to it first waits for the host at every page, which costs several times the copying. Which pages a write is
 * given is chance, and would be what is measured.
 *
 * What goes back are free pieces of 2 MiB and more. So memory is touched once, and all of it freed but one page in each MiB: the pieces
 * between stay small, stay in the guest, and are what the system gives out first, to everybody.
 */

import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { freemem } from 'node:os';
import path from 'node:path';

const MEMORY_FOLDER = '/dev/shm';
const PIECE = Buffer.alloc(1024 * 1024);
const PAGE_BYTES = 4096;

/** Returns what lets it go; undefined where it cannot be done. */
export function holdMemory(bytes: number): (() => void) | undefined {
  if (!existsSync(MEMORY_FOLDER) || freemem() < bytes * 1.2) return undefined;
  const folder = mkdtempSync(path.join(MEMORY_FOLDER, 'tutti-bench-'));
  const [freed, kept] = [path.join(folder, 'freed'), path.join(folder, 'kept')];
  const [freedFile, keptFile] = [openSync(freed, 'w'), openSync(kept, 'w')];
  try {
    for (let at = 0; at < bytes; at += PIECE.length) {
      writeSync(freedFile, PIECE, 0, PIECE.length - PAGE_BYTES);
      writeSync(keptFile, PIECE, 0, PAGE_BYTES);
    }
  } finally {
    closeSync(freedFile);
    closeSync(keptFile);
    rmSync(freed);
  }
  return () => rmSync(folder, { recursive: true });
}
