/**
 * `npm run faults`, or `npm run faults -- coordinator datanode`: faults that only the system itself can make. Not part of `npm test`: all
 * of it takes most of an hour and needs strace.
 */

import { spawnSync } from 'node:child_process';
import { coordinatorFaults } from './coordinator-calls.ts';
import { datanodeKills } from './datanode-kills.ts';
import { failingSyncs } from './failing-syncs.ts';
import { flippedBits } from './flipped-bits.ts';
import { fullDisks } from './full-disks.ts';
import { journalFaults } from './journal-calls.ts';
import { lostDatanode } from './lost-datanode.ts';

const SUITES: Readonly<Record<string, () => Promise<boolean>>> = {
  journal: journalFaults,
  coordinator: coordinatorFaults,
  datanodes: datanodeKills,
  bits: flippedBits,
  disks: fullDisks,
  syncs: failingSyncs,
  lost: lostDatanode,
};

const named = process.argv.slice(2);
const unknown = named.find((name) => !Object.hasOwn(SUITES, name));
if (unknown !== undefined) {
  console.error(`There are no faults called ${unknown}, but ${Object.keys(SUITES).join(', ')}`);
  process.exitCode = 1;
} else if (spawnSync('strace', ['--version']).status !== 0) {
  console.error('NOT RUN: this machine has no strace, or may not use it. Nothing was shown.');
  process.exitCode = 1;
} else {
  for (const name of named.length > 0 ? named : Object.keys(SUITES)) {
    if (!(await SUITES[name]!())) process.exitCode = 1;
  }
}
