/** The id of a data directory: workers that share it read each other's files by path. */

import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Made by the first worker that asks; of two that ask at once, both get the same. */
export async function machineIdOf(dataDirectory: string): Promise<string> {
  const file = path.join(dataDirectory, 'machine-id');
  const temporary = `${file}.${process.pid}.${randomUUID()}.new`;
  await writeFile(temporary, `${randomUUID()}\n`);
  try {
    await link(temporary, file);
  } catch (problem) {
    if ((problem as NodeJS.ErrnoException).code !== 'EEXIST') throw problem;
  } finally {
    await rm(temporary, { force: true });
  }
  return (await readFile(file, 'utf8')).trim();
}
