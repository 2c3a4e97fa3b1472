/**
 * Golden expressions: `expression => type => wire JSON` or `expression !! error`, one a line. `UPDATE=1` rewrites the answers;
 * review them as Trino's, not the kernel's. What `fold` computes must be what the kernel computes.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Evaluator, openEvaluator } from './evaluate.ts';

const folder = path.join(import.meta.dirname, 'golden');
const update = process.env['UPDATE'] === '1';

let evaluator: Evaluator;
beforeAll(async () => {
  evaluator = await openEvaluator();
});

const expressionOf = (line: string): string => line.split(/ (?:=>|!!) /, 1)[0]!.trimEnd();
const isExpression = (line: string): boolean => line.trim() !== '' && !line.startsWith('#');

async function answered(text: string): Promise<string> {
  const answer = await evaluator.evaluate(text);
  return answer.startsWith('!!') ? `${text} ${answer}` : `${text} => ${answer}`;
}

describe.each(readdirSync(folder).filter((name) => name.endsWith('.txt')))('%s', (name) => {
  const file = path.join(folder, name);
  const lines = readFileSync(file, 'utf8').split('\n');

  test('answers as written', async () => {
    const actual: string[] = [];
    for (const line of lines) actual.push(isExpression(line) ? await answered(expressionOf(line)) : line);
    if (update) writeFileSync(file, actual.join('\n'));
    expect(update ? '' : actual.join('\n')).toBe(update ? '' : lines.join('\n'));
  });

  test('folds to the same', async () => {
    for (const line of lines.filter(isExpression)) {
      const text = expressionOf(line);
      expect(`${text} => ${await evaluator.evaluate(text, 'folded')}`).toBe(
        `${text} => ${await evaluator.evaluate(text)}`,
      );
    }
  });
});
