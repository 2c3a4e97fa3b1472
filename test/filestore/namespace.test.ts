/** The namespace in scripts, one file a topic. `UPDATE=1` writes the answers: review them. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { runScript } from './namespace-script.ts';

const folder = path.join(import.meta.dirname, 'namespace');

test.each(readdirSync(folder).sort())('%s', (name) => {
  const file = path.join(folder, name);
  const text = readFileSync(file, 'utf8');
  const answered = runScript(text);
  if (process.env['UPDATE'] === '1') writeFileSync(file, answered);
  expect(answered).toBe(process.env['UPDATE'] === '1' ? answered : text);
});
