/** Tasks over files of an HDFS: what a worker copies of them, and what it does when that was not enough, or not the same file. */
import { statSync, utimesSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import type { Split } from '../../src/connectors/connector.ts';
import { SCAN_PROVIDERS } from '../../src/connectors/scan-providers.ts';
import type { TaskRequest, TaskStatus } from '../../src/exchange/task-protocol.ts';
import { WebHdfsFileSystem } from '../../src/filestore/webhdfs-file-system.ts';
import type { TableScanNode } from '../../src/plan/nodes.ts';
import { FakeHdfs } from '../filestore/fake-hdfs.ts';
import { PlanBuilder } from '../plan/build.ts';
import { openKernel } from '../support/kernel.ts';
import { queryTask, startTestCluster, type TestCluster } from './harness.ts';

const GROUPS = 6;
const GROUP_ROWS = 2048;

let folder: string;
let hdfs: FakeHdfs;
let fs: WebHdfsFileSystem;
let content: Buffer;
const files = SCAN_PROVIDERS['files']!;
/** Whether the worker is told which columns a scan reads. */
let tellsColumns: boolean;
/** Done between the opening of a task's files and its statement. */
let meanwhile: () => void;
let cluster: TestCluster;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-hdfs-'));
  const kernel = await openKernel();
  const file = path.join(folder, 'a.parquet');
  await kernel.run(
    `COPY (SELECT i AS a, hash(i) AS text, i % 10 AS b FROM range(${GROUPS * GROUP_ROWS}) t(i)) TO '${file}'
     (FORMAT parquet, ROW_GROUP_SIZE ${GROUP_ROWS}, COMPRESSION uncompressed)`,
  );
  kernel.closeSync();
  content = await readFile(file);
  hdfs = await FakeHdfs.start();
  fs = new WebHdfsFileSystem({ authority: hdfs.authority, user: 'hdfs', clock: systemClock });
  cluster = await startTestCluster(1, {
    roots: [folder],
    scanProviders: {
      ...SCAN_PROVIDERS,
      files: {
        ...files,
        bytesOf: (part, location, file) => files.bytesOf!(tellsColumns ? part : { columns: [] }, location, file),
        scanSql: (...scan) => {
          meanwhile();
          return files.scanSql(...scan);
        },
      },
    },
  });
});

afterAll(async () => {
  await cluster.stop();
  fs.close();
  await hdfs.close();
  await rm(folder, { recursive: true });
});

beforeEach(() => {
  tellsColumns = true;
  meanwhile = () => undefined;
});

const plan = new PlanBuilder();

/** `SELECT a FROM file` of one row group. */
async function request(name: string, group: number): Promise<TaskRequest> {
  const { id, length, modifiedMs } = (await fs.stat(`/${name}`))!;
  const scanned = plan.scan('t', ['a']);
  const handle = { format: 'parquet', columns: { a: { name: 'a', type: 'BIGINT' } } };
  const scan: TableScanNode = { ...scanned, table: { ...scanned.table, connector: 'files', handle } };
  const split: Split = {
    id: '0',
    bytes: 1,
    hosts: [],
    payload: {
      path: `webhdfs://${hdfs.authority}/${name}`,
      file: { id, bytes: length, modifiedMs },
      range: [group * GROUP_ROWS, (group + 1) * GROUP_ROWS],
    },
  };
  return queryTask(plan.output(scan), { splits: { [scan.id]: [split] } });
}

const run = (task: TaskRequest): Promise<TaskStatus> => cluster.run(cluster.workers[0]!, task);

function check(status: TaskStatus, group: number): void {
  const values = cluster.lines(status).map((row) => Number((row as readonly unknown[])[0]));
  expect(values.sort((a, b) => a - b)).toEqual(Array.from({ length: GROUP_ROWS }, (_, i) => group * GROUP_ROWS + i));
}

test('of a large file what the splits need is copied, once', async () => {
  await fs.create('/a.parquet', content);
  const first = await run(await request('a.parquet', 3));
  check(first, 3);
  const fetched = first.statistics.bytesFetched;
  expect(fetched).toBeGreaterThan(0);
  expect(fetched).toBeLessThan(content.length / 4);
  expect(first.statistics).toMatchObject({ splits: 1, localSplits: 0, localBytes: 0, remoteBytes: 1 });
  const again = await run(await request('a.parquet', 3));
  check(again, 3);
  expect(again.statistics.bytesFetched).toBe(0);
  const other = await run(await request('a.parquet', 4));
  check(other, 4);
  expect(other.statistics.bytesFetched).toBeLessThan(fetched);
});

test('a kernel that looks into a hole gets the whole file', async () => {
  await fs.create('/b.parquet', content);
  tellsColumns = false;
  const status = await run(await request('b.parquet', 2));
  check(status, 2);
  expect(status.statistics.bytesFetched).toBeGreaterThan(content.length / 2);
});

test('another file under the same name is an error, also when it has the same length', async () => {
  await fs.create('/c.parquet', content);
  const task = await request('c.parquet', 1);
  await fs.create('/c.parquet', content, { overwrite: true });
  expect((await run(task)).failure).toMatchObject({ kind: 'error', error: { code: 'FILE_CHANGED' } });
  const gone = await request('c.parquet', 1);
  await fs.delete('/c.parquet');
  expect((await run(gone)).failure).toMatchObject({ kind: 'error', error: { code: 'FILE_NOT_FOUND' } });
});

test('a file that is replaced after it was opened is never mixed with the new one', async () => {
  await fs.create('/d.parquet', content);
  check(await run(await request('d.parquet', 0)), 0);
  // The worker has it open, and copies more of it now.
  const task = await request('d.parquet', 5);
  await fs.create('/d.parquet', Buffer.alloc(content.length, 7), { overwrite: true });
  const { failure } = await run(task);
  expect(failure).toMatchObject({ kind: 'error', error: { code: 'FILE_SYSTEM_ERROR' } });
  expect(JSON.stringify(failure)).toContain('it was replaced');
});

test('a local file that is changed while the statement runs is an error', async () => {
  const local = path.join(folder, 'local.parquet');
  await writeFile(local, content);
  const { size, mtimeMs } = statSync(local);
  const task = await request('a.parquet', 1);
  const [scan] = Object.keys(task.splits);
  const file = { bytes: size, modifiedMs: mtimeMs };
  const split = { id: '0', bytes: 1, payload: { path: local, file, range: [0, GROUP_ROWS] } };
  const here: TaskRequest = { ...task, splits: { [scan!]: [split] } };
  check(await run(here), 0);
  meanwhile = () => utimesSync(local, new Date(), new Date(mtimeMs + 10_000));
  const again = { ...here, taskId: (await request('a.parquet', 1)).taskId };
  expect((await run(again)).failure).toMatchObject({ kind: 'error', error: { code: 'FILE_CHANGED' } });
});

test('what cannot be read says which file it is of, by its location', async () => {
  const damaged = Buffer.from(content);
  damaged.fill(0xff, 4, content.length - 3000);
  await fs.create('/e.parquet', damaged);
  const { failure } = await run(await request('e.parquet', 1));
  expect(failure).toMatchObject({ kind: 'error', error: { code: 'FILE_CORRUPT' } });
  expect(JSON.stringify(failure)).not.toContain(cluster.folder);
});
