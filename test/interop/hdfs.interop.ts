/** `webhdfs://` against a real HDFS: what every file system does. */

import { afterAll, beforeAll } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import { listAll } from '../../src/filestore/file-system.ts';
import { WebHdfsFileSystem } from '../../src/filestore/webhdfs-file-system.ts';
import { fileSystemSuite } from '../filestore/file-system-suite.ts';
import type { SuiteSubject } from '../filestore/file-system-suite.ts';
import { startHdfs } from './hadoop.ts';
import type { Hdfs } from './hadoop.ts';

let hdfs: Hdfs;
beforeAll(async () => {
  hdfs = await startHdfs();
});
afterAll(() => hdfs.stop());

fileSystemSuite(async (): Promise<SuiteSubject> => {
  const { authority, user } = hdfs;
  const open = (): WebHdfsFileSystem => new WebHdfsFileSystem({ authority, user, clock: systemClock });
  const [fileSystem, another] = [open(), open()];
  const close = async (): Promise<void> => {
    for await (const { path } of listAll(fileSystem, '/')) await fileSystem.delete(path, { recursive: true });
    fileSystem.close();
    another.close();
  };
  return { fileSystem, another, close, readLocal: () => Promise.reject(new Error('there is no local path')) };
});
