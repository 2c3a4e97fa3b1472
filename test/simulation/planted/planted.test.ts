/** Planted bugs fit the source as it is; `npm run planted` shows that the simulation finds each of them. */

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../../..');
const patches = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.patch'));

test('there are bugs in the journal and in the store', () => {
  expect(new Set(patches.map((patch) => patch.split('-')[0]))).toEqual(new Set(['journal', 'store']));
});

test.each(patches)('%s fits', (patch) => {
  const arguments_ = ['apply', '--check', path.join(import.meta.dirname, patch)];
  const { status, stderr } = spawnSync('git', arguments_, { cwd: root, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
