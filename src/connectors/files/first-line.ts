import { open } from 'node:fs/promises';

/** Longest line of column names that is looked at. */
const HEADER_BYTES_MAX = 64 * 1024;

/** A text file's line of column names. */
export async function firstLine(path: string): Promise<string> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES_MAX), 0, HEADER_BYTES_MAX, 0);
    return buffer.subarray(0, bytesRead).toString('utf8').split(/\r?\n/, 1)[0] ?? '';
  } finally {
    await handle.close();
  }
}
