/** docs/functions.md lists what the function table holds; `UPDATE=1` writes it anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { FunctionDefinition, FunctionKind } from '../../../src/sql/functions/definition.ts';
import { FunctionRegistry } from '../../../src/sql/functions/registry.ts';

const file = path.resolve(import.meta.dirname, '../../../docs/functions.md');

const HEADINGS: readonly (readonly [FunctionKind, string])[] = [
  ['scalar', 'Scalar functions'],
  ['aggregate', 'Aggregate functions'],
  ['window', 'Window functions'],
];

const INTRODUCTION = `# Functions

Names and meanings are Trino's. This list is written by \`test/sql/functions/documentation.test.ts\` from the function table
(\`src/sql/functions/library\`); SHOW FUNCTIONS gives the same. In signatures, upper-case letters stand for types,
lower-case letters for lengths and digits, \`...\` for more arguments of the last kind. Every aggregate is also a window
function. Operators, CASE, COALESCE, NULLIF, IF, TRY, CAST, TRY_CAST, EXTRACT, LIKE, IN and BETWEEN are part of the language.

Where an answer could differ from Trino's, the call is refused: regular expressions run on RE2, so look-around,
back-references and possessive quantifiers are \`NOT_SUPPORTED\`. \`approx_percentile\` is exact; \`approx_distinct\` estimates;
\`checksum\` gives the same value for the same rows here, but not Trino's value. Sizes are bounded: \`lpad\` and \`rpad\` to
1,000,000 characters, \`repeat\` and \`sequence\` to 10,000 elements.
`;

function document(definitions: readonly FunctionDefinition[]): string {
  const sections = HEADINGS.map(([kind, heading]) => {
    const byName = new Map<string, string[]>();
    for (const { signature, kind: own } of definitions) {
      if (own !== kind) continue;
      const parameters = signature.id.slice(signature.name.length).replaceAll(',', ', ');
      byName.set(signature.name, [...(byName.get(signature.name) ?? []), `\`${parameters}\``]);
    }
    const rows = [...byName].map(([name, signatures]) => `| \`${name}\` | ${signatures.join(' ')} |`);
    return `## ${heading} (${byName.size})\n\n| name | arguments |\n|---|---|\n${rows.join('\n')}\n`;
  });
  return [INTRODUCTION, ...sections].join('\n');
}

test('the list of functions is up to date', () => {
  const text = document(new FunctionRegistry().list());
  if (process.env['UPDATE'] === '1') writeFileSync(file, text);
  expect(readFileSync(file, 'utf8')).toBe(text);
});
