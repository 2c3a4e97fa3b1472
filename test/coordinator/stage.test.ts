/** Which files a task reads. */
import { expect, test } from 'vitest';
import { inputFiles, newTask, type Stage } from '../../src/coordinator/stage.ts';
import { NO_STATISTICS } from '../../src/exchange/task-protocol.ts';
import type { Fragment } from '../../src/plan/fragment.ts';
import type { ExchangeScope } from '../../src/plan/nodes.ts';
import { BIGINT } from '../../src/types/type.ts';
import { fragmentOf, PlanBuilder, ref } from '../plan/build.ts';
import { announcementOf } from './fakes.ts';

const plan = new PlanBuilder();
const KEY = { name: 'k', type: BIGINT };
const CUT: ExchangeScope = { kind: 'repartition', keys: [KEY] };

const stageOf = (fragment: Fragment): Stage => ({ fragment, tasks: undefined, rowsWanted: undefined, partitions: 1 });

test('a fragment that is read twice is read by each node in its own way', () => {
  const writer = stageOf(fragmentOf(plan.remote(2, [KEY], CUT), { id: 1, partitioning: 'source', output: CUT }));
  const written = newTask('q', writer, 0, { splits: {} });
  const outputs = [0, 1, 2].map((partition) => ({ partition, rows: 1, bytes: 1, path: `/${partition}` }));
  Object.assign(written, {
    state: 'done',
    status: { taskId: written.id, attempt: 0, state: 'finished', outputs, statistics: NO_STATISTICS },
    worker: { key: 'w', announcement: announcementOf('w') },
  });
  writer.tasks = [written];
  const [part, whole] = [plan.remote(1, [KEY], CUT), plan.remote(1, [KEY], { kind: 'broadcast' })];
  for (const [left, right] of [
    [part, whole],
    [whole, part],
  ] as const) {
    const root = plan.join('INNER', left, plan.project(right, { other: ref('k') }), []);
    const reader = stageOf(fragmentOf(root, { partitioning: 'hash', inputs: [1] }));
    const files = inputFiles(newTask('q', reader, 2, { splits: {} }), () => writer);
    expect(files[part.id]!.map((file) => file.partition)).toEqual([2]);
    expect(files[whole.id]!.map((file) => file.partition)).toEqual([0, 1, 2]);
  }
});
