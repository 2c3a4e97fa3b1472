/** The files of a task's scans, and what was read of them from where. */

import type { ScanProvider, Split } from '../connectors/connector.ts';
import type { ScanReads, TaskRequest, TaskStatistics } from '../exchange/task-protocol.ts';
import type { TableScanNode } from '../plan/nodes.ts';
import { scansOf } from './render/render-task.ts';
import type { OpenedFiles, WantedFile } from './scan-files.ts';

type Providers = Readonly<Record<string, ScanProvider>>;

export const filesOfScans = (request: TaskRequest, providers: Providers): readonly WantedFile[] =>
  scansOf(request).flatMap((scan) => filesOf(scan, request.splits[scan.id] ?? [], providers));

const filesOf = (
  { table, columns }: TableScanNode,
  splits: readonly Split[],
  providers: Providers,
): readonly WantedFile[] => {
  const { connector, handle } = table;
  const files =
    providers[connector]?.filesToOpen?.(
      handle,
      splits,
      columns.map(({ column }) => column),
    ) ?? [];
  return files.map((file) => ({ connector, file }));
};

/** Shares that make up a whole may add up to a little less. */
const ROUNDING = 1e-6;

export function readsOf(request: TaskRequest, providers: Providers, opened: OpenedFiles): readonly ScanReads[] {
  return scansOf(request).map((scan) => {
    const splits = request.splits[scan.id] ?? [];
    // Which of a file's splits its local bytes belong to, nobody knows.
    const shares = splits.map((split) =>
      Math.min(1, ...filesOf(scan, [split], providers).map(({ file }) => opened.localShare(file.location))),
    );
    const local = (of: (split: Split) => number): number =>
      Math.floor(splits.reduce((sum, split, i) => sum + of(split) * shares[i]!, ROUNDING));
    return {
      scan: scan.id,
      isStored: splits.some((split) => split.hosts !== undefined),
      splits: splits.length,
      localSplits: local(() => 1),
      bytes: bytesOf(splits),
      localBytes: local(({ bytes }) => bytes),
    };
  });
}

type Locality = Pick<TaskStatistics, 'splits' | 'localSplits' | 'localBytes' | 'remoteBytes'>;

export function localityOf(reads: readonly ScanReads[]): Locality {
  const locality = { splits: 0, localSplits: 0, localBytes: 0, remoteBytes: 0 };
  for (const { splits, localSplits, bytes, localBytes } of reads) {
    locality.splits += splits;
    locality.localSplits += localSplits;
    locality.localBytes += localBytes;
    locality.remoteBytes += bytes - localBytes;
  }
  return locality;
}

const bytesOf = (splits: readonly Split[]): number => splits.reduce((sum, { bytes }) => sum + bytes, 0);
