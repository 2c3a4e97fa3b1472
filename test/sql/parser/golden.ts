/** Golden files of cases: `> input` lines, then the expected output, then an empty line. UPDATE=1 rewrites the outputs. */
import { readFileSync, writeFileSync } from 'node:fs';

type Golden = { readonly expected: string; readonly actual: string };

export function golden(file: string, run: (input: string) => string): Golden {
  const expected = readFileSync(file, 'utf8');
  const actual = expected
    .trim()
    .split(/\n\n+/)
    .map((block) => {
      const lines = block.split('\n');
      if (lines.every((line) => line.startsWith('#'))) return block;
      const input = lines.filter((line) => line.startsWith('> ')).map((line) => line.slice(2));
      return [...input.map((line) => `> ${line}`), run(input.join('\n'))].join('\n');
    })
    .join('\n\n');
  if (process.env['UPDATE'] !== '1') return { expected, actual: `${actual}\n` };
  writeFileSync(file, `${actual}\n`);
  return { expected: actual, actual };
}
