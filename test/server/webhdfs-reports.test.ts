/** WebHDFS, what only tells: quotas, access, where blocks are, snapshots, trash, defaults. In the words of a real HDFS (3.4). */
import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ workers: 2, arguments: ['--webhdfs', '--trash', '90m'] });
  // Datanodes join a moment after the server is ready.
  const url = `${server.url}/webhdfs/v1/first?op=CREATE&noredirect=true&user.name=tutti`;
  while ((await fetch(url, { method: 'PUT' })).status !== 200) await new Promise((later) => setTimeout(later, 100));
});
afterAll(() => server.stop());

type Answer = { readonly status: number; readonly body: unknown };

async function as(user: string, method: string, path: string, query: string, body?: string): Promise<Answer> {
  const url = `${server.url}/webhdfs/v1${path}?user.name=${user}&${query}`;
  const response = await fetch(url, { method, ...(body !== undefined && { body }) });
  const text = await response.text();
  return { status: response.status, body: text === '' ? '' : JSON.parse(text) };
}

const ask = (method: string, path: string, query: string, body?: string): Promise<Answer> =>
  as('tutti', method, path, query, body);
const later = (): Promise<unknown> => new Promise((next) => setTimeout(next, 100));
const ok = (body: unknown): Answer => ({ status: 200, body });
const refused = (status: number, exception: string): object => ({ status, body: { RemoteException: { exception } } });

test('quotas are set, told, kept and cleared', async () => {
  await ask('PUT', '/q', 'op=MKDIRS');
  const none = { fileAndDirectoryCount: 1, quota: -1, spaceConsumed: 0, spaceQuota: -1, typeQuota: {} };
  expect(await ask('GET', '/q', 'op=GETQUOTAUSAGE')).toEqual(ok({ QuotaUsage: none }));
  const leave = '9223372036854775807';
  const set = (names: string, space: string): Promise<Answer> =>
    ask('PUT', '/q', `op=SETQUOTA&namespacequota=${names}&storagespacequota=${space}`);
  expect(await set('3', leave)).toEqual(ok(''));
  expect(await set(leave, '1000')).toEqual(ok(''));
  expect(await ask('GET', '/q', 'op=GETQUOTAUSAGE')).toEqual(
    ok({ QuotaUsage: { ...none, quota: 3, spaceQuota: 1000 } }),
  );
  await ask('PUT', '/q/a/b', 'op=MKDIRS');
  expect(await ask('PUT', '/q/c', 'op=MKDIRS')).toMatchObject(refused(403, 'NSQuotaExceededException'));
  expect(await set('-1', leave)).toEqual(ok(''));
  expect(await ask('PUT', '/q/c', 'op=MKDIRS')).toEqual(ok({ boolean: true }));
  expect(await ask('PUT', '/q', 'op=SETQUOTA&namespacequota=-2')).toMatchObject(
    refused(400, 'IllegalArgumentException'),
  );
  expect(await as('bob', 'PUT', '/q', 'op=SETQUOTA&namespacequota=5')).toMatchObject(
    refused(403, 'AccessControlException'),
  );
});

const check = (user: string, action: string): Promise<Answer> =>
  as(user, 'GET', '/c', `op=CHECKACCESS&fsaction=${action}`);

test('CHECKACCESS', async () => {
  await ask('PUT', '/c', 'op=MKDIRS&permission=754');
  expect(await check('tutti', 'rwx')).toEqual(ok(''));
  expect(await check('bob', 'r--')).toEqual(ok(''));
  expect(await check('bob', 'r-x')).toMatchObject(refused(403, 'AccessControlException'));
  expect(await check('bob', 'rx')).toMatchObject(refused(400, 'IllegalArgumentException'));
  expect(await ask('GET', '/none', 'op=CHECKACCESS&fsaction=r--')).toMatchObject(refused(404, 'FileNotFoundException'));
});

test('GETFILEBLOCKLOCATIONS names who has which bytes', async () => {
  const bytes = 'x'.repeat(2_500_000);
  expect(await ask('PUT', '/blocks', 'op=CREATE&blocksize=1048576&replication=2', bytes)).toMatchObject({
    status: 201,
  });
  type Location = { readonly hosts: readonly string[]; readonly names: readonly string[]; readonly offset: number };
  type Locations = { readonly BlockLocations: { readonly BlockLocation: readonly Location[] } };
  const locations = async (query: string): Promise<readonly Location[]> =>
    ((await ask('GET', '/blocks', `op=GETFILEBLOCKLOCATIONS${query}`)).body as Locations).BlockLocations.BlockLocation;
  // A datanode that has just joined gets its copies a moment later.
  while ((await locations('')).some(({ hosts }) => hosts.length < 2)) await later();
  const all = await locations('');
  expect(all).toMatchObject([
    { offset: 0, length: 1_048_576, corrupt: false, cachedHosts: [], storageTypes: ['DISK', 'DISK'] },
    { offset: 1_048_576, length: 1_048_576 },
    { offset: 2_097_152, length: 402_848, hosts: ['127.0.0.1', '127.0.0.1'] },
  ]);
  expect(new Set(all[0]!.names).size).toBe(2);
  expect(all[0]).toMatchObject({ topologyPaths: all[0]!.names.map((name) => `/default-rack/${name}`) });
  expect((await locations('&offset=1048576&length=1')).map(({ offset }) => offset)).toEqual([1_048_576]);
  expect(await ask('GET', '/c', 'op=GETFILEBLOCKLOCATIONS')).toMatchObject(refused(404, 'FileNotFoundException'));
});

test('snapshots and the folders that may have them', async () => {
  expect((await ask('GET', '/', 'op=GETSNAPSHOTTABLEDIRECTORYLIST')).body).toEqual({
    SnapshottableDirectoryList: null,
  });
  await ask('PUT', '/s/below', 'op=MKDIRS');
  await ask('PUT', '/s/below', 'op=ALLOWSNAPSHOT');
  await ask('PUT', '/s/below', 'op=CREATESNAPSHOT&snapshotname=one');
  await ask('PUT', '/s/below', 'op=CREATESNAPSHOT&snapshotname=two');
  expect((await ask('GET', '/', 'op=GETSNAPSHOTTABLEDIRECTORYLIST')).body).toMatchObject({
    SnapshottableDirectoryList: [
      {
        dirStatus: { pathSuffix: 'below', type: 'DIRECTORY', snapshotEnabled: true },
        parentFullPath: '/s',
        snapshotNumber: 2,
        snapshotQuota: 65_536,
      },
    ],
  });
  expect((await as('bob', 'GET', '/', 'op=GETSNAPSHOTTABLEDIRECTORYLIST')).body).toEqual({
    SnapshottableDirectoryList: null,
  });
  expect((await ask('GET', '/s/below', 'op=GETSNAPSHOTLIST')).body).toMatchObject({
    SnapshotList: [
      { deletionStatus: 'ACTIVE', dirStatus: { pathSuffix: 'one' }, fullPath: '/s/below/.snapshot/one' },
      { dirStatus: { pathSuffix: 'two' }, fullPath: '/s/below/.snapshot/two' },
    ],
  });
  expect(await ask('GET', '/s', 'op=GETSNAPSHOTLIST')).toMatchObject(refused(403, 'SnapshotException'));
});

test('trash, defaults and room', async () => {
  expect((await as('bob', 'GET', '/', 'op=GETTRASHROOT')).body).toEqual({ Path: '/user/bob/.Trash' });
  expect((await ask('GET', '/', 'op=GETTRASHROOTS&allusers=true')).body).toEqual({ Paths: null });
  for (const user of ['ann', 'bob']) await ask('PUT', `/user/${user}/.Trash`, 'op=MKDIRS&permission=755');
  const paths = async (user: string): Promise<readonly string[]> => {
    const { body } = await as(user, 'GET', '/', 'op=GETTRASHROOTS&allusers=true');
    return (body as { Paths: readonly { readonly path: string }[] }).Paths.map(({ path }) => path);
  };
  expect(await paths('tutti')).toEqual(['/user/ann/.Trash', '/user/bob/.Trash']);
  expect(await paths('bob')).toEqual(['/user/bob/.Trash']);
  expect((await ask('GET', '/', 'op=GETSERVERDEFAULTS')).body).toMatchObject({
    FsServerDefaults: { blockSize: 134_217_728, replication: 3, trashInterval: 90, checksumType: 2 },
  });
  type FsStatus = { readonly used: number; readonly remaining: number; readonly capacity: number };
  const room = async (): Promise<FsStatus> =>
    ((await ask('GET', '/', 'op=GETSTATUS')).body as { FsStatus: FsStatus }).FsStatus;
  // Datanodes tell it with their heartbeats.
  while ((await room()).used < 5_000_000) await later();
  const { capacity, remaining } = await room();
  expect(capacity).toBeGreaterThanOrEqual(remaining);
});

test('a folder in which only unfinished uploads are can be removed', async () => {
  await ask('PUT', '/half', 'op=MKDIRS');
  const told = await ask('PUT', '/half/file', 'op=CREATE&noredirect=true');
  const upload = request((told.body as { Location: string }).Location, { method: 'PUT' });
  upload.on('error', () => undefined);
  upload.write('a part');
  const summary = async (): Promise<unknown> => (await ask('GET', '/half', 'op=GETCONTENTSUMMARY')).body;
  while (!JSON.stringify(await summary()).includes('"fileCount":1')) await new Promise((next) => setTimeout(next, 50));
  expect(await ask('DELETE', '/half', 'op=DELETE')).toEqual(ok({ boolean: true }));
  expect(await ask('GET', '/half', 'op=GETFILESTATUS')).toMatchObject({ status: 404 });
  upload.destroy();
});
