/** Our own `webhdfs://` through our own door: what every file system does. */
import { afterAll, beforeAll } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import { listAll } from '../../src/filestore/file-system.ts';
import { WebHdfsFileSystem } from '../../src/filestore/webhdfs-file-system.ts';
import { fileSystemSuite } from '../filestore/file-system-suite.ts';
import type { SuiteSubject } from '../filestore/file-system-suite.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ workers: 1, arguments: ['--webhdfs'] });
  // The datanode joins a moment after the server is ready.
  const url = `${server.url}/webhdfs/v1/first?op=CREATE&noredirect=true&user.name=tutti`;
  while ((await fetch(url, { method: 'PUT' })).status !== 200) await new Promise((later) => setTimeout(later, 100));
});
afterAll(() => server.stop());

const open = (): WebHdfsFileSystem =>
  new WebHdfsFileSystem({ authority: new URL(server.url).host, user: 'tutti', clock: systemClock });

fileSystemSuite(async (): Promise<SuiteSubject> => {
  const [fileSystem, another] = [open(), open()];
  const close = async (): Promise<void> => {
    for await (const { path } of listAll(fileSystem, '/')) await fileSystem.delete(path, { recursive: true });
    fileSystem.close();
    another.close();
  };
  return { fileSystem, another, close, readLocal: () => Promise.reject(new Error('there is no local path')) };
});
