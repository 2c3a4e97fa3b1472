/**
 * `npm run planted [-- store]`: plants each bug of this folder, or those whose names begin so, in a copy of the source, and shows that the
 * simulation finds it.
 */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Each bug is found within so many. */
const SEEDS = 500;

const root = path.resolve(import.meta.dirname, '../../..');
const beginning = process.argv[2] ?? '';
const patches = readdirSync(import.meta.dirname).filter(
  (name) => name.startsWith(beginning) && name.endsWith('.patch'),
);

for (const patch of patches) {
  const copy = mkdtempSync(path.join(tmpdir(), 'tutti-planted-'));
  try {
    for (const part of ['src', 'test', 'package.json'])
      cpSync(path.join(root, part), path.join(copy, part), { recursive: true });
    symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
    run(copy, 'git', ['apply', path.join(import.meta.dirname, patch)]);
    // Its name begins with the simulation that is to find it.
    const simulation = patch.slice(0, patch.indexOf('-'));
    const options = ['--only', simulation, '--seeds', String(SEEDS)];
    const arguments_ = ['--import', 'tsx', 'test/simulation/simulate.ts', ...options];
    const { stdout } = run(copy, process.execPath, arguments_);
    // A copy that does not even start finds nothing.
    const found = /^\w+: seed \d+:.*/m.exec(stdout);
    console.log(found ? `found      ${patch}: ${found[0]}` : `NOT FOUND  ${patch}`);
    if (!found) process.exitCode = 1;
  } finally {
    rmSync(copy, { recursive: true });
  }
}

function run(folder: string, command: string, args: readonly string[]): { readonly stdout: string } {
  const result = spawnSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (command === 'git' && result.status !== 0) throw new Error(`the patch no longer fits the source`);
  return result;
}
