/** What a task says that it has read, by its plan. */
import { expect, test } from 'vitest';
import type { TaskRequest } from '../../src/exchange/task-protocol.ts';
import type { PlanNode } from '../../src/plan/nodes.ts';
import { inputSize } from '../../src/worker/input-size.ts';
import { BIGINT } from '../../src/types/type.ts';
import { big, compare, count, PlanBuilder, ref } from '../plan/build.ts';
import { queryTask } from './harness.ts';

const plan = new PlanBuilder();
const scan = plan.scan('t', ['x']);
const other = plan.scan('u', ['y']);
const remote: PlanNode = {
  kind: 'RemoteSource',
  id: plan.newId(),
  fragment: 7,
  symbols: [{ name: 'z', type: BIGINT }],
  scope: { kind: 'gather' },
};
const file = { taskId: 'q.7.0', attempt: 0, worker: '', machineId: '', partition: 0, rows: 10, bytes: 100, path: '' };

/** Table `t` holds 500 rows in two splits, `u` 60 in one, fragment 7 has written 20 in two files. */
function read(root: PlanNode, rowsWritten: number): { scanned: number; read: number; bytes: number; cut: number } {
  const splits: TaskRequest['splits'] = {
    [scan.id]: [
      { id: '', payload: null, rows: 200, bytes: 2000 },
      { id: '', payload: null, rows: 300, bytes: 3000 },
    ],
    [other.id]: [{ id: '', payload: null, rows: 60, bytes: 600 }],
  };
  const request = queryTask(plan.output(root), { splits, inputs: { [remote.id]: [file, file] } });
  const size = inputSize(request, rowsWritten);
  return { scanned: size.rowsScanned, read: size.rowsRead, bytes: size.bytesRead, cut: size.inputsCut };
}

const filtered = plan.filter(scan, compare(ref('t_x'), '>', big(1)));
const ofThree = plan.limit(filtered, 3);
const joined = plan.join('INNER', scan, other, [['t_x', 'u_y']]);
const nothing = { scanned: 0, read: 0, bytes: 0, cut: 1 };
const all = { scanned: 500, read: 500, bytes: 5000, cut: 0 };

test.each([
  ['a scan', filtered, 400, all],
  ['a scan that a LIMIT stopped', ofThree, 3, nothing],
  ['a LIMIT that was not reached', ofThree, 2, all],
  [
    'a LIMIT that is counted: nobody knows whether it was reached',
    plan.aggregate(ofThree, [], { c: count() }),
    1,
    nothing,
  ],
  ['a LIMIT of groups waits for all rows', plan.limit(plan.aggregate(filtered, ['t_x'], {}), 3), 3, all],
  ['a LIMIT of sorted rows too', plan.topN(filtered, 3, 't_x'), 3, all],
  ['files of other tasks', remote, 20, { scanned: 0, read: 20, bytes: 200, cut: 0 }],
  ['files that a LIMIT stopped', plan.limit(remote, 5), 5, nothing],
  ['a join', joined, 9, { scanned: 560, read: 560, bytes: 5600, cut: 0 }],
  ['a join that a LIMIT stopped', plan.limit(joined, 9), 9, { ...nothing, cut: 2 }],
  [
    'one side of a join',
    plan.join('INNER', ofThree, other, [['t_x', 'u_y']]),
    1,
    { scanned: 60, read: 60, bytes: 600, cut: 1 },
  ],
])('%s', (_what, root, rowsWritten, expected) => {
  expect(read(root, rowsWritten)).toEqual(expected);
});
