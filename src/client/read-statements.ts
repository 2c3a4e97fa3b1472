/** A file of statements that a person named: what is wrong with the name is said in words. */

import { readFile } from 'node:fs/promises';
import { UsageFailure } from './failures.ts';

export async function readStatements(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (problem) {
    const missing = problem instanceof Error && 'code' in problem && problem.code === 'ENOENT';
    throw new UsageFailure(missing ? `${file} does not exist` : `${file} cannot be read (${String(problem)})`);
  }
}
