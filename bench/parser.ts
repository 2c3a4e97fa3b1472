/** How long the parser takes for a TPC-H query: from text to tree, and for a statement of a thousand rows. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseStatement } from '../src/sql/parser.ts';
import { median, provenance } from './support.ts';

/** Passes over all queries: the first few warm the compiler up and are not counted. */
const PASSES = 300;
const WARM_UP = 100;

/** Milliseconds for a query, as a mean over the queries: what the parser shall stay below. */
const GOAL_MS = 0.5;

export function benchParser(folder: string): void {
  console.log(provenance());
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  const queries = names.map((name) => readFileSync(path.join(folder, name), 'utf8'));
  const cold = milliseconds(() => queries.forEach((sql) => parseStatement(sql))) / queries.length;
  const times = queries.map((sql) => {
    const passes = Array.from({ length: PASSES }, () => milliseconds(() => parseStatement(sql)));
    return median(passes.slice(WARM_UP));
  });
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  const slowest = names[times.indexOf(Math.max(...times))];
  console.log(`${names.length} queries, mean of medians   ${mean.toFixed(3)} ms a query (goal ${GOAL_MS} ms)`);
  console.log(`slowest                    ${Math.max(...times).toFixed(3)} ms (${slowest})`);
  console.log(`first time, nothing warm   ${cold.toFixed(3)} ms a query`);
  const rows = Array.from({ length: 1_000 }, (_, row) => `(${row}, 'name ${row}', ${row}.5, DATE '2020-01-01', NULL)`);
  const values = `VALUES ${rows.join(', ')}`;
  const passes = Array.from({ length: 30 }, () => milliseconds(() => parseStatement(values)));
  console.log(`VALUES of 1,000 rows       ${median(passes.slice(10)).toFixed(2)} ms`);
}

function milliseconds(run: () => unknown): number {
  const before = performance.now();
  run();
  return performance.now() - before;
}
