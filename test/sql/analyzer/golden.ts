/**
 * Golden files: statements, each followed by `----` and what it comes to, blocks separated by an empty line.
 * `UPDATE=1` writes the files anew, so that a change of plans is reviewed as a diff.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';

type Block = { readonly comment: string; readonly sql: string; readonly expected: string };

export function goldenTests(file: URL, answer: (sql: string) => Promise<string>): void {
  const blocks = read(readFileSync(file, 'utf8'));
  if (process.env['UPDATE'] === '1') {
    it('writes the golden file anew', async () => {
      const answers: string[] = [];
      for (const { comment, sql } of blocks) answers.push(`${comment}${sql}\n----\n${(await answer(sql)).trimEnd()}\n`);
      writeFileSync(file, answers.join('\n'));
    });
    return;
  }
  for (const { sql, expected } of blocks) {
    it(sql.split('\n').join(' '), async () => {
      expect((await answer(sql)).trimEnd()).toBe(expected);
    });
  }
}

function read(text: string): readonly Block[] {
  return text
    .split(/\n\n+/)
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const lines = block.replace(/\n$/, '').split('\n');
      const end = lines.indexOf('----');
      const head = end < 0 ? lines : lines.slice(0, end);
      const comments = head.filter((line) => line.startsWith('#'));
      return {
        comment: comments.map((line) => `${line}\n`).join(''),
        sql: head.filter((line) => !line.startsWith('#')).join('\n'),
        expected: end < 0 ? '' : lines.slice(end + 1).join('\n'),
      };
    });
}
