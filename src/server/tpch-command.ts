/** `tutti tpch`: writes the TPC-H tables as Parquet files, without a cluster: one kernel process does it. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { systemClock } from '../common/clock.ts';
import { mapLimited } from '../common/collections.ts';
import { localDisk } from '../common/disk.ts';
import { QueryError } from '../common/errors.ts';
import { makeFolders } from '../common/files.ts';
import { exportedFiles } from '../connectors/tpch/export.ts';
import { Kernel } from '../worker/kernel/kernel.ts';

export type TpchExport = {
  readonly scaleFactor: number;
  readonly directory: string;
  readonly dataDirectory: string;
  readonly threads: number;
  readonly memoryBytes: number;
  /** Called as files become complete. */
  readonly onFile: (done: number, total: number) => void;
};

export async function exportTpch(options: TpchExport): Promise<void> {
  const { scaleFactor, threads, dataDirectory, onFile } = options;
  const directory = path.resolve(options.directory);
  const files = exportedFiles(scaleFactor, directory);
  // A complete file is never made again, so one of another scale factor would stay.
  const present = files.find((file) => existsSync(path.dirname(file.path)));
  if (present) {
    throw new QueryError('ALREADY_EXISTS', `${path.dirname(present.path)} exists: choose an empty folder with --out`);
  }
  await makeFolders(localDisk, directory);
  const kernel = new Kernel(
    {
      dataDirectory,
      folders: [directory],
      spillDirectory: path.join(dataDirectory, 'spill', `tpch-${process.pid}`),
      memoryBytes: options.memoryBytes,
      spillBytesMax: options.memoryBytes,
      threads,
    },
    systemClock,
  );
  kernel.start();
  try {
    let done = 0;
    await mapLimited(files, threads, async (file) => {
      await kernel.run({ kind: 'generate', connector: 'tpch', file });
      onFile(++done, files.length);
    });
  } finally {
    await kernel.stop();
  }
}
