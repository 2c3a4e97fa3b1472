/** The file store's numbers for `/metrics`; none where there is no store. */

import type { NameNode } from '../filestore/namenode/namenode.ts';
import type { Metric } from '../observe/metrics.ts';

export function filestoreMetrics(namenode: () => NameNode | undefined): readonly Metric[] {
  const gauge = (name: string, help: string, value: (store: NameNode) => number): Metric => ({
    name: `filestore_${name}`,
    help,
    kind: 'gauge',
    values: () => {
      const store = namenode();
      return store ? [{ value: value(store) }] : [];
    },
  });
  return [
    gauge('files', 'Files in the file store.', ({ state }) => state.root.files),
    gauge('blocks', 'Blocks of the file store.', ({ state }) => state.blocks.size),
    gauge('bytes', 'Bytes of the files, without their replicas.', ({ state }) => state.root.length),
    gauge('safe_mode', '1 while the namenode changes nothing.', ({ safeMode }) => Number(safeMode.isOn)),
    gauge(
      'pending_blocks',
      'Blocks that wait to be copied, trimmed or looked at.',
      ({ replication }) => replication.pending,
    ),
    gauge('corrupt_blocks', 'Blocks with a damaged replica.', ({ replication }) => replication.corrupt.size),
    {
      name: 'filestore_datanodes',
      help: 'Datanodes that the namenode knows.',
      kind: 'gauge',
      values: () => {
        const all = namenode()?.datanodes.all() ?? [];
        const live = all.filter(({ isAlive }) => isAlive).length;
        return [
          { labels: { state: 'live' }, value: live },
          { labels: { state: 'dead' }, value: all.length - live },
        ];
      },
    },
  ];
}
