/** The coordinator's numbers for `/metrics`. */

import type { Coordinator } from '../coordinator/coordinator.ts';
import { summarize } from '../coordinator/query-statistics.ts';
import type { Metric } from '../observe/metrics.ts';

export function coordinatorMetrics(coordinator: Coordinator): readonly Metric[] {
  const { queries, pool } = coordinator;
  return [
    {
      name: 'queries_total',
      help: 'Queries that ended, by how.',
      kind: 'counter',
      values: () => [...queries.ended].map(([outcome, value]) => ({ labels: { outcome }, value })),
    },
    {
      name: 'queries_live',
      help: 'Queries running or being read.',
      kind: 'gauge',
      values: () => one(queries.live().length),
    },
    { name: 'workers', help: 'Workers in the cluster.', kind: 'gauge', values: () => one(pool.workers().length) },
    {
      name: 'task_slots',
      help: 'Tasks that the cluster can run at a time.',
      kind: 'gauge',
      values: () => one(pool.slots()),
    },
    {
      name: 'tasks_running',
      help: 'Tasks running on each worker for this coordinator.',
      kind: 'gauge',
      values: () =>
        pool.workers().map((worker) => ({
          labels: { node: worker.announcement.nodeId },
          value: pool.runningOn(worker),
        })),
    },
    {
      name: 'live_query_task_retries',
      help: 'Task attempts beyond the first, of live queries.',
      kind: 'gauge',
      values: () => one(queries.live().reduce((sum, query) => sum + summarize(query).retries, 0)),
    },
    {
      name: 'scanned_bytes_total',
      help: 'Bytes of tables that ended queries have read, without a network (local) or over one (remote).',
      kind: 'counter',
      values: () => Object.entries(coordinator.scannedBytes).map(([from, value]) => ({ labels: { from }, value })),
    },
    {
      name: 'process_resident_bytes',
      help: 'Memory of the coordinator process.',
      kind: 'gauge',
      values: () => one(process.memoryUsage.rss()),
    },
  ];
}

const one = (value: number): ReturnType<Metric['values']> => [{ value }];
