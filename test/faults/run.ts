/** `npm run faults`: faults that only the system itself can make. Not part of `npm test`: it takes minutes and needs strace. */

import { spawnSync } from 'node:child_process';
import { journalFaults } from './journal-calls.ts';

if (spawnSync('strace', ['--version']).status !== 0) {
  console.error('NOT RUN: this machine has no strace, or may not use it. Nothing was shown.');
  process.exitCode = 1;
} else if (!(await journalFaults())) {
  process.exitCode = 1;
}
