/**
 * Golden files: statements, each followed by `----` and what it comes to, blocks separated by an empty line.
 * `UPDATE=1` writes the files anew, so that a change of plans is reviewed as a diff.
 */

import { readFileSync, writeFileSync } from 'node:fs';

type Block = { readonly comment: string; readonly sql: string };

/** What the file says, and what it would say with the answers of now. */
export async function golden(
  file: URL,
  answer: (sql: string) => Promise<string>,
): Promise<{ readonly expected: string; readonly actual: string }> {
  const expected = readFileSync(file, 'utf8');
  const answers: string[] = [];
  for (const { comment, sql } of read(expected)) {
    answers.push(`${comment}${sql}\n----\n${(await answer(sql)).trimEnd()}\n`);
  }
  const actual = answers.join('\n');
  if (process.env['UPDATE'] !== '1') return { expected, actual };
  writeFileSync(file, actual);
  return { expected: actual, actual };
}

function read(text: string): readonly Block[] {
  return text
    .split(/\n\n+/)
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const lines = block.replace(/\n$/, '').split('\n');
      const end = lines.indexOf('----');
      const head = end < 0 ? lines : lines.slice(0, end);
      return {
        comment: head
          .filter((line) => line.startsWith('#'))
          .map((line) => `${line}\n`)
          .join(''),
        sql: head.filter((line) => !line.startsWith('#')).join('\n'),
      };
    });
}
