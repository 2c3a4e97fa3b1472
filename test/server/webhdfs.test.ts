/** WebHDFS as clients of HDFS speak it, against a real server: operations, errors, who may do what. */
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ workers: 2, arguments: ['--webhdfs'] });
  await ask('PUT', '/work', 'MKDIRS');
  await ask('PUT', '/work', 'SETPERMISSION', { permission: '1777' });
});
afterAll(() => server.stop());

type Parameters = Readonly<Record<string, string | number | boolean>>;
type Answer = { readonly status: number; readonly body: unknown };

const urlOf = (path: string, op: string, parameters: Parameters = {}): string => {
  const query = Object.entries({ op, ...parameters }).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `${server.url}/webhdfs/v1${path.split('/').map(encodeURIComponent).join('/')}?${query.join('&')}`;
};

async function asked(method: string, url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const response = await fetch(url, { method, headers, redirect: 'manual' });
  const text = await response.text();
  return { status: response.status, body: text === '' ? '' : JSON.parse(text) };
}

/** As the cluster's own user, unless another one is said. */
const ask = (method: string, path: string, op: string, parameters: Parameters = {}): Promise<Answer> =>
  asked(method, urlOf(path, op, { 'user.name': 'tutti', ...parameters }));

const as = (
  user: string | undefined,
  method: string,
  path: string,
  op: string,
  more: Parameters = {},
): Promise<Answer> => asked(method, urlOf(path, op, { ...(user !== undefined && { 'user.name': user }), ...more }));

const ok = (body: unknown): Answer => ({ status: 200, body });

function refused(status: number, javaClassName: string, message: unknown = expect.any(String)): Answer {
  const exception = javaClassName.split(/[.$]/).at(-1);
  return { status, body: { RemoteException: { exception, javaClassName, message } } };
}

const NOT_FOUND = 'java.io.FileNotFoundException';
const DENIED = 'org.apache.hadoop.security.AccessControlException';
const ILLEGAL = 'java.lang.IllegalArgumentException';
const UNSUPPORTED = 'java.lang.UnsupportedOperationException';
const INVALID_PATH = 'org.apache.hadoop.fs.InvalidPathException';

type FileStatus = Readonly<Record<string, unknown>> & { readonly pathSuffix: string };

async function statusOf(path: string): Promise<FileStatus> {
  const { body } = await ask('GET', path, 'GETFILESTATUS');
  return (body as { FileStatus: FileStatus }).FileStatus;
}

async function namesIn(path: string): Promise<readonly string[]> {
  const { body } = await ask('GET', path, 'LISTSTATUS');
  const { FileStatuses } = body as { FileStatuses: { FileStatus: readonly FileStatus[] } };
  return FileStatuses.FileStatus.map(({ pathSuffix }) => pathSuffix);
}

test('folders are made and described as HDFS describes them', async () => {
  const before = Date.now();
  expect(await ask('PUT', '/work/a/b', 'MKDIRS', { permission: '750' })).toEqual(ok({ boolean: true }));
  expect(await ask('GET', '/work/a/b/', 'getfilestatus')).toEqual(
    ok({
      FileStatus: {
        accessTime: 0,
        blockSize: 0,
        childrenNum: 0,
        fileId: expect.any(Number),
        group: 'tutti',
        length: 0,
        modificationTime: expect.any(Number),
        owner: 'tutti',
        pathSuffix: '',
        permission: '750',
        replication: 0,
        storagePolicy: 0,
        type: 'DIRECTORY',
      },
    }),
  );
  expect((await statusOf('/work/a'))['modificationTime']).toBeGreaterThanOrEqual(before - 1);
  expect(await statusOf('/work')).toMatchObject({ permission: '1777' });
  expect(await asked('GET', `${server.url}/webhdfs/v1?op=GETFILESTATUS`)).toMatchObject({
    status: 200,
    body: { FileStatus: { type: 'DIRECTORY', pathSuffix: '' } },
  });
});

test('names mean themselves: spaces, percent signs, plus signs, other alphabets, long ones', async () => {
  const names = ['a b', 'a%20b', 'a+b', '100%', 'é–漢字🎈', 'q\'uo"te?&=#', 'l'.repeat(255)].sort();
  for (const name of names) {
    expect(await ask('PUT', `/work/odd/${name}`, 'MKDIRS')).toEqual(ok({ boolean: true }));
    const moved = { destination: `/work/moved ${name}`.slice(0, 200) };
    expect(await ask('PUT', `/work/odd/${name}`, 'RENAME', moved)).toEqual(ok({ boolean: true }));
    expect(await statusOf(moved.destination)).toMatchObject({ type: 'DIRECTORY' });
    expect(await ask('PUT', moved.destination, 'RENAME', { destination: `/work/odd/${name}` })).toEqual(
      ok({ boolean: true }),
    );
  }
  expect([...(await namesIn('/work/odd'))].sort()).toEqual(names);
  // As a client writes it that takes a plus sign for itself.
  expect(await asked('GET', `${server.url}/webhdfs/v1/work/odd/a+b?op=GETFILESTATUS`)).toMatchObject({ status: 200 });
});

test('listings come in pages, or whole', async () => {
  const names = Array.from({ length: 1203 }, (_, i) => `n${String(i).padStart(4, '0')}`);
  for (let i = 0; i < names.length; i += 100) {
    await Promise.all(names.slice(i, i + 100).map((name) => ask('PUT', `/work/many/${name}`, 'MKDIRS')));
  }
  expect(await namesIn('/work/many')).toEqual(names);
  type Batch = {
    readonly DirectoryListing: {
      readonly partialListing: { readonly FileStatuses: { readonly FileStatus: readonly FileStatus[] } };
      readonly remainingEntries: number;
    };
  };
  const batch = async (startAfter: string): Promise<Batch['DirectoryListing']> =>
    ((await ask('GET', '/work/many', 'LISTSTATUS_BATCH', { startAfter })).body as Batch).DirectoryListing;
  const [first, second] = [await batch(''), await batch('n0999')];
  expect(first.remainingEntries).toBe(203);
  expect(second.remainingEntries).toBe(0);
  const both = [first, second].flatMap(({ partialListing }) => partialListing.FileStatuses.FileStatus);
  expect(both.map(({ pathSuffix }) => pathSuffix)).toEqual(names);
  expect(await ask('GET', '/work/many', 'GETCONTENTSUMMARY')).toEqual(
    ok({
      ContentSummary: {
        directoryCount: 1204,
        fileCount: 0,
        length: 0,
        quota: -1,
        spaceConsumed: 0,
        spaceQuota: -1,
        typeQuota: {},
      },
    }),
  );
});

test('RENAME says whether; with options it says why not', async () => {
  await Promise.all(['/work/r/from/x', '/work/r/to', '/work/r/empty'].map((path) => ask('PUT', path, 'MKDIRS')));
  const rename = (path: string, destination: string, more: Parameters = {}): Promise<Answer> =>
    ask('PUT', path, 'RENAME', { destination, ...more });
  expect(await rename('/work/r/nothing', '/work/r/there')).toEqual(ok({ boolean: false }));
  expect(await rename('/work/r/to', '/work/none/there')).toEqual(ok({ boolean: false }));
  expect(await rename('/work/r/from', '/work/r/from/below')).toEqual(ok({ boolean: false }));
  expect(await rename('/work/r/from', '/work/r/to')).toEqual(ok({ boolean: true }));
  expect(await namesIn('/work/r/to')).toEqual(['from']);
  expect(await rename('/work/r/nothing', '/work/r/there', { renameoptions: 'NONE' })).toEqual(refused(404, NOT_FOUND));
  expect(await rename('/work/r/empty', '/work/r/to', { renameoptions: 'NONE' })).toEqual(
    refused(403, 'org.apache.hadoop.fs.FileAlreadyExistsException'),
  );
  expect(await rename('/work/r/to', '/work/r/empty', { renameoptions: 'OVERWRITE' })).toEqual(ok(''));
  expect(await namesIn('/work/r')).toEqual(['empty']);
  expect(await rename('/work/r/empty', '/work/r/x', { renameoptions: 'SOMEHOW' })).toEqual(refused(400, ILLEGAL));
  expect(await rename('/work/r/empty', '/work/r/y', { renameoptions: 'NONE,TO_TRASH' })).toEqual(ok(''));
  expect(await rename('/work/r/y', '/work/r/empty', { renameoptions: 'TO_TRASH' })).toEqual(ok(''));
  expect(await rename('/work/r/empty', 'x')).toEqual(refused(400, ILLEGAL, expect.stringContaining('destination')));
  expect(await ask('PUT', '/work/r/empty', 'RENAME')).toEqual(refused(400, ILLEGAL));
});

test('DELETE, SETOWNER, SETPERMISSION, SETTIMES, SETREPLICATION', async () => {
  await ask('PUT', '/work/d/below', 'MKDIRS');
  expect(await ask('PUT', '/work/d', 'SETOWNER', { owner: 'alice', group: 'staff' })).toEqual(ok(''));
  expect(await ask('PUT', '/work/d', 'SETPERMISSION', { permission: '700' })).toEqual(ok(''));
  expect(await ask('PUT', '/work/d', 'SETTIMES', { modificationtime: 1234567890123, accesstime: -1 })).toEqual(ok(''));
  expect(await statusOf('/work/d')).toMatchObject({
    owner: 'alice',
    group: 'staff',
    permission: '700',
    modificationTime: 1234567890123,
  });
  expect(await ask('PUT', '/work/d', 'SETREPLICATION', { replication: 2 })).toEqual(ok({ boolean: false }));
  expect(await ask('PUT', '/work/d', 'SETREPLICATION', { replication: 0 })).toEqual(refused(400, ILLEGAL));
  expect(await ask('PUT', '/work/d', 'SETOWNER')).toEqual(refused(400, ILLEGAL, 'Both owner and group are empty.'));
  expect(await ask('PUT', '/work/d', 'SETPERMISSION', { permission: '888' })).toEqual(refused(400, ILLEGAL));
  expect(await ask('DELETE', '/work/d', 'DELETE')).toEqual(
    refused(403, 'org.apache.hadoop.fs.PathIsNotEmptyDirectoryException'),
  );
  expect(await ask('DELETE', '/work/d', 'DELETE', { recursive: true })).toEqual(ok({ boolean: true }));
  expect(await ask('DELETE', '/work/d', 'DELETE', { recursive: true })).toEqual(ok({ boolean: false }));
  expect(await ask('GET', '/work/d', 'GETFILESTATUS')).toEqual(refused(404, NOT_FOUND, 'File does not exist: /work/d'));
});

test('snapshots', async () => {
  await ask('PUT', '/work/s/before', 'MKDIRS');
  const NO_SNAPSHOT = 'org.apache.hadoop.hdfs.protocol.SnapshotException';
  expect(await ask('PUT', '/work/s', 'CREATESNAPSHOT')).toEqual(refused(403, NO_SNAPSHOT));
  expect(await ask('PUT', '/work/s', 'ALLOWSNAPSHOT')).toEqual(ok(''));
  expect(await statusOf('/work/s')).toMatchObject({ snapshotEnabled: true });
  expect(await ask('PUT', '/work/s', 'CREATESNAPSHOT', { snapshotname: 'one' })).toEqual(
    ok({ Path: '/work/s/.snapshot/one' }),
  );
  expect((await ask('PUT', '/work/s', 'CREATESNAPSHOT')).body).toEqual({
    Path: expect.stringMatching(/^\/work\/s\/\.snapshot\/s\d{8}-\d{6}\.\d{3}$/),
  });
  const names = { oldsnapshotname: 'one', snapshotname: 'first' };
  expect(await ask('PUT', '/work/s', 'RENAMESNAPSHOT', names)).toEqual(ok(''));
  await ask('DELETE', '/work/s/before', 'DELETE');
  expect(await namesIn('/work/s/.snapshot/first')).toEqual(['before']);
  expect(await ask('PUT', '/work/s/.snapshot/first/x', 'MKDIRS')).toEqual(
    refused(403, 'org.apache.hadoop.hdfs.protocol.SnapshotAccessControlException'),
  );
  expect(await ask('DELETE', '/work/s', 'DELETESNAPSHOT', { snapshotname: 'first' })).toEqual(ok(''));
  expect(await ask('DELETE', '/work/s', 'DELETESNAPSHOT', { snapshotname: 'first' })).toEqual(
    refused(403, NO_SNAPSHOT),
  );
  expect(await ask('PUT', '/work/s', 'DISALLOWSNAPSHOT')).toEqual(refused(403, NO_SNAPSHOT));
});

test('who asks is who it says it is, or nobody; only the store’s own user may do everything', async () => {
  expect(await as(undefined, 'PUT', '/forbidden', 'MKDIRS')).toEqual(
    refused(403, DENIED, expect.stringContaining('user=dr.who, access=WRITE')),
  );
  expect(await as('root', 'PUT', '/forbidden', 'MKDIRS')).toEqual(refused(403, DENIED));
  expect(await as('alice', 'PUT', '/work/hers', 'MKDIRS', { permission: '700' })).toEqual(ok({ boolean: true }));
  expect(await statusOf('/work/hers')).toMatchObject({ owner: 'alice', permission: '700' });
  expect(await as('bob', 'GET', '/work/hers', 'LISTSTATUS')).toEqual(refused(403, DENIED));
  expect(await as('bob', 'DELETE', '/work/hers', 'DELETE')).toEqual(
    refused(403, DENIED, expect.stringContaining('sticky bit')),
  );
  expect(await as('alice', 'PUT', '/work/hers', 'SETOWNER', { owner: 'bob' })).toEqual(refused(403, DENIED));
  expect(await as('alice', 'PUT', '/work/hers', 'ALLOWSNAPSHOT')).toEqual(refused(403, DENIED));
  expect(await as('bob', 'GET', '/', 'GETHOMEDIRECTORY')).toEqual(ok({ Path: '/user/bob' }));
  expect(await as(undefined, 'GET', '/', 'GETHOMEDIRECTORY')).toEqual(ok({ Path: '/user/dr.who' }));
  expect(await as('a b', 'GET', '/', 'GETHOMEDIRECTORY')).toEqual(refused(400, ILLEGAL));
  expect(await as('bob', 'GET', '/work/hers', 'LISTSTATUS', { doas: 'tutti' })).toEqual(
    refused(403, 'org.apache.hadoop.security.authorize.AuthorizationException'),
  );
  expect(await as('bob', 'GET', '/', 'LISTSTATUS', { delegation: 'x' })).toEqual(refused(400, UNSUPPORTED));
});

test('what cannot be asked is refused with its reason', async () => {
  for (const op of ['APPEND', 'CONCAT', 'TRUNCATE']) {
    expect(await ask('POST', '/work/x', op)).toEqual(
      refused(400, UNSUPPORTED, `${op} is not supported: files are written once`),
    );
  }
  expect(await ask('GET', '/work', 'MKDIRS')).toEqual(refused(400, UNSUPPORTED));
  expect(await ask('GET', '/work', 'constructor')).toEqual(refused(400, UNSUPPORTED));
  expect(await asked('GET', `${server.url}/webhdfs/v1/work`)).toEqual(refused(400, UNSUPPORTED));
  expect(await ask('PUT', '/work/a:b', 'MKDIRS')).toEqual(refused(400, INVALID_PATH));
  expect(await ask('GET', '/work//x', 'GETFILESTATUS')).toEqual(refused(400, INVALID_PATH));
  expect(await ask('GET', '/work/.tutti-temporary-1', 'GETFILESTATUS')).toEqual(refused(400, INVALID_PATH));
  expect(await ask('PUT', '/work/.tutti-temporary-1', 'MKDIRS')).toEqual(refused(400, INVALID_PATH));
  expect(await ask('PUT', `/work/${'l'.repeat(256)}`, 'MKDIRS')).toEqual(
    refused(403, 'org.apache.hadoop.hdfs.protocol.FSLimitException$PathComponentTooLongException'),
  );
  expect(await ask('GET', '/work', 'LISTSTATUS', { 'user.name': '' })).toMatchObject({ status: 200 });
  expect(await ask('DELETE', '/work', 'DELETE', { recursive: 'yes' })).toEqual(refused(400, ILLEGAL));
});

test('pages of other sites change nothing', async () => {
  const url = urlOf('/work/foreign', 'MKDIRS', { 'user.name': 'tutti' });
  expect(await asked('PUT', url, { origin: 'https://evil.example' })).toMatchObject({ status: 403 });
  expect(await ask('GET', '/work/foreign', 'GETFILESTATUS')).toMatchObject({ status: 404 });
});

test('nobody reads under a name that was let point at this machine', async () => {
  const { hostname, port } = new URL(server.url);
  const statusFor = (host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const path = '/webhdfs/v1/?op=LISTSTATUS';
      const request = httpRequest({ host: hostname, port, path, headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on('error', reject);
      request.end();
    });
  expect(await statusFor(`evil.example:${port}`)).toBe(403);
  expect(await statusFor(`localhost:${port}`)).toBe(200);
  expect(await statusFor(`[::1]:${port}`)).toBe(200);
});

test('nobody is served who was not asked for', async () => {
  const closed = await startServer({ workers: 1 });
  try {
    expect((await fetch(`${closed.url}/webhdfs/v1/?op=LISTSTATUS&user.name=tutti`)).status).toBe(404);
  } finally {
    await closed.stop();
  }
});

test('a server without a store says so', async () => {
  const without = await startServer({ workers: 1, arguments: ['--no-store', '--webhdfs'] });
  try {
    expect(await asked('GET', `${without.url}/webhdfs/v1/?op=LISTSTATUS`)).toEqual(
      refused(
        400,
        UNSUPPORTED,
        'There is no file store: this cluster keeps no files; one that tutti server or tutti coordinator starts does',
      ),
    );
  } finally {
    await without.stop();
  }
});
