/** Files over WebHDFS: the coordinator sends clients on to workers, which take nothing but a token for that one file. */
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clusterSecret } from '../../src/cluster/secret.ts';
import { systemClock } from '../../src/common/clock.ts';
import { crc32c } from '../../src/common/crc32c.ts';
import { HttpNetwork } from '../../src/filestore/http-network.ts';
import { StoreClient } from '../../src/filestore/store-client.ts';
import { WebHdfsFileSystem } from '../../src/filestore/webhdfs-file-system.ts';
import { transferToken } from '../../src/filestore/webhdfs/transfer-token.ts';
import { Random } from '../simulation/random.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
const MIB = 1024 * 1024;

beforeAll(async () => {
  server = await startServer({ workers: 2, arguments: ['--webhdfs'] });
  await ask('PUT', '/files', 'MKDIRS');
  await ask('PUT', '/files', 'SETPERMISSION', { permission: '1777' });
  // Datanodes join a moment after the server is ready.
  await until(async () => (await ask('PUT', '/files/first', 'CREATE', { noredirect: true })).status === 200);
});
afterAll(() => server.stop());

type Parameters = Readonly<Record<string, string | number | boolean>>;

const urlOf = (path: string, op: string, parameters: Parameters = {}): string => {
  const query = Object.entries({ op, 'user.name': 'tutti', ...parameters }).map(
    ([name, value]) => `${name}=${encodeURIComponent(value)}`,
  );
  return `${server.url}/webhdfs/v1${path.split('/').map(encodeURIComponent).join('/')}?${query.join('&')}`;
};

type Answer = { readonly status: number; readonly body: unknown };

async function asked(method: string, url: string, body?: Uint8Array<ArrayBuffer>): Promise<Answer> {
  const response = await fetch(url, { method, ...(body && { body }) });
  const text = await response.text();
  return { status: response.status, body: text === '' ? '' : JSON.parse(text) };
}

const ask = (method: string, path: string, op: string, parameters: Parameters = {}): Promise<Answer> =>
  asked(method, urlOf(path, op, parameters));

/** In two steps, as the documentation of WebHDFS has it. */
async function put(path: string, bytes: Uint8Array<ArrayBuffer>, parameters: Parameters = {}): Promise<Answer> {
  const first = await ask('PUT', path, 'CREATE', { noredirect: true, ...parameters });
  if (first.status !== 200) return first;
  return asked('PUT', (first.body as { Location: string }).Location, bytes);
}

async function get(path: string, parameters: Parameters = {}): Promise<Buffer> {
  const response = await fetch(urlOf(path, 'OPEN', parameters));
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

/** Where the coordinator sends somebody. */
async function location(method: string, path: string, op: string, parameters: Parameters = {}): Promise<URL> {
  const { status, body } = await ask(method, path, op, { noredirect: true, ...parameters });
  expect(status).toBe(200);
  return new URL((body as { Location: string }).Location);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((later) => setTimeout(later, 100));
}

const bytesOf = (length: number): Buffer<ArrayBuffer> => Buffer.from(new Random(length).bytes(length));

function refused(status: number, javaClassName: string, message: unknown = expect.any(String)): Answer {
  const exception = javaClassName.split(/[.$]/).at(-1);
  return { status, body: { RemoteException: { exception, javaClassName, message } } };
}

const INVALID_TOKEN = 'org.apache.hadoop.security.token.SecretManager$InvalidToken';
const EXISTS = 'org.apache.hadoop.fs.FileAlreadyExistsException';
const NOT_FOUND = 'java.io.FileNotFoundException';
const DENIED = 'org.apache.hadoop.security.AccessControlException';
const IO = 'java.io.IOException';

test('a file goes in and comes out, whole and in ranges', async () => {
  const bytes = bytesOf(3 * MIB + 5);
  const attributes = { permission: '640', replication: 2, blocksize: MIB };
  // Some clients send the bytes here too.
  const first = { method: 'PUT', redirect: 'manual', body: bytes.slice() } as const;
  const redirect = await fetch(urlOf('/files/in/a', 'CREATE', attributes), first);
  expect(redirect.status).toBe(307);
  expect(await redirect.text()).toBe('');
  const written = await fetch(redirect.headers.get('location')!, { method: 'PUT', body: bytes });
  expect(written.status).toBe(201);
  expect(written.headers.get('location')).toBe(`webhdfs://${new URL(server.url).host}/files/in/a`);
  expect((await ask('GET', '/files/in/a', 'GETFILESTATUS')).body).toMatchObject({
    FileStatus: {
      type: 'FILE',
      length: bytes.length,
      permission: '640',
      replication: 2,
      blockSize: MIB,
      owner: 'tutti',
      childrenNum: 0,
    },
  });
  expect((await ask('GET', '/files/in/a', 'LISTSTATUS')).body).toMatchObject({
    FileStatuses: { FileStatus: [{ pathSuffix: '', type: 'FILE' }] },
  });
  expect(Buffer.compare(await get('/files/in/a'), bytes)).toBe(0);
  const ranges = [
    [0, 10],
    [MIB - 3, 7],
    [2 * MIB, MIB + 5],
    [3 * MIB + 4, 100],
    [5, 0],
  ] as const;
  for (const [offset, length] of ranges) {
    const range = await get('/files/in/a', { offset, length });
    expect(Buffer.compare(range, bytes.subarray(offset, offset + length))).toBe(0);
  }
  expect(String(await get('/files/in/a', { offset: 3 * MIB }))).toBe(String(bytes.subarray(3 * MIB)));
  expect(await ask('GET', '/files/in/a', 'OPEN', { offset: bytes.length })).toEqual(
    refused(403, IO, expect.stringContaining('out of the range')),
  );
  expect(await ask('PUT', '/files/in/a', 'SETREPLICATION', { replication: 1 })).toMatchObject({
    body: { boolean: true },
  });
  expect((await ask('GET', '/files/in', 'GETCONTENTSUMMARY')).body).toMatchObject({
    ContentSummary: { directoryCount: 1, fileCount: 1, length: bytes.length, spaceConsumed: bytes.length },
  });
});

test('GETFILECHECKSUM is the CRC-32C of the whole, whatever the blocks', async () => {
  const bytes = bytesOf(2 * MIB + 77);
  const expected = { algorithm: 'COMPOSITE-CRC32C', bytes: crc32c(bytes).toString(16).padStart(8, '0'), length: 4 };
  for (const blocksize of [MIB, 128 * MIB]) {
    await put(`/files/sum${blocksize}`, bytes, { blocksize });
    expect((await ask('GET', `/files/sum${blocksize}`, 'GETFILECHECKSUM')).body).toEqual({ FileChecksum: expected });
  }
  await put('/files/empty', Buffer.alloc(0));
  expect(await get('/files/empty')).toEqual(Buffer.alloc(0));
  expect((await ask('GET', '/files/empty', 'GETFILECHECKSUM')).body).toMatchObject({
    FileChecksum: { bytes: '00000000' },
  });
});

test('names mean themselves', async () => {
  const longest = `/files/${Array.from({ length: 10 }, () => '漢'.repeat(85)).join('/')}`;
  for (const path of [
    '/files/a b',
    '/files/a%20b',
    '/files/a+b',
    '/files/100%',
    '/files/é–漢字🎈',
    '/files/?&=#\n;',
    longest,
  ]) {
    const bytes = Buffer.from(path);
    expect(await put(path, bytes)).toMatchObject({ status: 201 });
    expect(await get(path)).toEqual(bytes);
  }
});

test('a file that stands there is replaced only when that is asked for', async () => {
  const path = '/files/there';
  expect(await put(path, Buffer.from('one'))).toMatchObject({ status: 201 });
  expect(await put(path, Buffer.from('two'))).toEqual(refused(403, EXISTS));
  expect(String(await get(path))).toBe('one');
  expect(await put(path, Buffer.from('three'), { overwrite: true })).toMatchObject({ status: 201 });
  expect(String(await get(path))).toBe('three');
  expect(await put('/files', Buffer.from('x'), { overwrite: true })).toEqual(refused(403, EXISTS));
  expect(await put(`${path}/below`, Buffer.from('x'))).toEqual(
    refused(403, 'org.apache.hadoop.fs.ParentNotDirectoryException'),
  );
  expect(await put('/files/none/x', Buffer.from('x'), { createparent: false })).toEqual(refused(404, NOT_FOUND));
  expect(await ask('GET', '/files', 'OPEN')).toEqual(refused(404, NOT_FOUND));
  expect(await ask('GET', '/files/none', 'OPEN')).toEqual(refused(404, NOT_FOUND));
});

test('who may not read or write a file is refused, also when it was allowed a moment ago', async () => {
  const alice = { 'user.name': 'alice' };
  await put('/files/hers', Buffer.from('secret'), { ...alice, permission: '644' });
  const open = await location('GET', '/files/hers', 'OPEN', { 'user.name': 'bob' });
  expect(await (await fetch(open)).text()).toBe('secret');
  await ask('PUT', '/files/hers', 'SETPERMISSION', { ...alice, permission: '600' });
  expect(await asked('GET', open.href)).toEqual(refused(403, DENIED));
  expect(await ask('GET', '/files/hers', 'OPEN', { 'user.name': 'bob' })).toEqual(refused(403, DENIED));
  expect(await put('/files/hers', Buffer.from('x'), { 'user.name': 'bob', overwrite: true })).toEqual(
    refused(403, DENIED),
  );
  expect(await put('/root', Buffer.from('x'), { 'user.name': 'bob' })).toEqual(refused(403, DENIED));
  expect(String(await get('/files/hers', alice))).toBe('secret');
});

test('a token is for one file and one operation, as it was made, for ten minutes', async () => {
  await put('/files/mine', Buffer.from('mine'));
  await put('/files/other', Buffer.from('other'));
  const open = await location('GET', '/files/mine', 'OPEN');
  const changed = (change: (url: URL) => void): URL => {
    const url = new URL(open);
    change(url);
    return url;
  };
  const token = open.searchParams.get('token')!;
  const [text, mac] = token.split('.') as [string, string];
  const root = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(text, 'base64url').toString()), untilMs: 1e15 }));
  const secret = clusterSecret({ environment: {}, dataDirectory: server.dataDirectory, make: false });
  const transfer = { caller: { user: 'tutti', groups: [], superuser: true }, namenode: 'x' };
  const made = (made: string, wallMs: number): string => transferToken(made, 'OPEN', '/files/mine', transfer, wallMs);
  const refusals: readonly [URL, string][] = [
    [changed((url) => (url.pathname = '/webhdfs/v1/files/other')), 'another file'],
    [changed((url) => url.searchParams.set('op', 'GETFILECHECKSUM')), 'another file or operation'],
    [changed((url) => url.searchParams.delete('token')), 'there is none'],
    [changed((url) => url.searchParams.set('token', text)), 'altered'],
    [changed((url) => url.searchParams.set('token', `${root.toString('base64url')}.${mac}`)), 'altered'],
    [changed((url) => url.searchParams.set('token', made('another secret', Date.now()))), 'altered'],
    [changed((url) => url.searchParams.set('token', made(secret, Date.now() - 600_001))), 'expired'],
  ];
  for (const [url, why] of refusals) {
    expect(await asked('GET', url.href)).toEqual(refused(403, INVALID_TOKEN, expect.stringContaining(why)));
  }
  const create = changed((url) => url.searchParams.set('op', 'CREATE'));
  expect(await asked('PUT', create.href, Buffer.from('x'))).toEqual(refused(403, INVALID_TOKEN));
  expect(String(await get('/files/mine'))).toBe('mine');
  const good = changed((url) => url.searchParams.set('token', made(secret, Date.now())));
  expect(await (await fetch(good)).text()).toBe('mine');
  // A client that goes on elsewhere in the file asks with the token it has.
  good.searchParams.set('offset', '2');
  expect(await (await fetch(good)).text()).toBe('ne');
  // Nothing else of the worker is open.
  const others = [changed((url) => url.searchParams.set('op', 'LISTSTATUS'))];
  expect(await asked('GET', others[0]!.href)).toEqual(refused(400, 'java.lang.UnsupportedOperationException'));
  for (const path of ['/v1/store/readBlock', '/v1/task/x']) {
    const closed = await fetch(new URL(`${path}?token=${token}`, open), { method: 'POST', body: '{}' });
    expect([401, 404]).toContain(closed.status);
  }
});

/** Sends the first bytes of an upload, then cuts the connection. */
async function cut(url: URL, bytes: Uint8Array, headers: Readonly<Record<string, string | number>>): Promise<void> {
  const request = httpRequest(url, { method: 'PUT', headers });
  request.on('error', () => undefined);
  const closed = new Promise((resolve) => void request.once('close', resolve));
  await new Promise<void>((sent) => void request.write(bytes, () => sent()));
  // So that the worker has begun.
  await until(async () => (await filesIn('/files/cut')) > 0);
  request.destroy();
  await closed;
}

/** Those that are being written too. */
async function filesIn(path: string): Promise<number> {
  const { body } = await ask('GET', path, 'GETCONTENTSUMMARY');
  return (body as { ContentSummary: { fileCount: number } }).ContentSummary.fileCount;
}

test('an upload that is cut off leaves nothing, and what stood there stays', async () => {
  await ask('PUT', '/files/cut', 'MKDIRS');
  const bytes = bytesOf(2 * MIB);
  for (const headers of [{ 'content-length': 5 * MIB }, { 'transfer-encoding': 'chunked' }]) {
    await cut(await location('PUT', '/files/cut/x', 'CREATE', { blocksize: MIB }), bytes, headers);
    await until(async () => (await filesIn('/files/cut')) === 0);
    expect(await ask('GET', '/files/cut/x', 'GETFILESTATUS')).toMatchObject({ status: 404 });
  }
  await put('/files/kept', Buffer.from('kept'));
  const request = httpRequest(await location('PUT', '/files/kept', 'CREATE', { overwrite: true }), {
    method: 'PUT',
    headers: { 'content-length': 100 },
  });
  request.on('error', () => undefined);
  request.write('new', () => request.destroy());
  await new Promise((resolve) => void request.once('close', resolve));
  expect(String(await get('/files/kept'))).toBe('kept');
});

test('a client that goes away in the middle of a file leaves the worker well', async () => {
  const bytes = bytesOf(20 * MIB);
  await put('/files/long', bytes);
  for (let i = 0; i < 5; i++) {
    const leaving = new AbortController();
    const response = await fetch(urlOf('/files/long', 'OPEN'), { signal: leaving.signal });
    await response.body!.getReader().read();
    leaving.abort();
  }
  expect(Buffer.compare(await get('/files/long'), bytes)).toBe(0);
});

test('our own client of HDFS reads it', async () => {
  const fs = new WebHdfsFileSystem({ authority: new URL(server.url).host, user: 'tutti', clock: systemClock });
  try {
    const bytes = bytesOf(MIB + 1);
    await put('/files/ours/a b+c', bytes);
    const file = await fs.open('/files/ours/a b+c');
    expect(file.length).toBe(bytes.length);
    expect(Buffer.compare(await file.read(5, MIB), bytes.subarray(5, 5 + MIB))).toBe(0);
    await fs.mkdirs('/files/ours/x/y');
    await fs.rename('/files/ours/a b+c', '/files/ours/x/z');
    const { entries } = await fs.list('/files/ours', { recursive: true });
    expect(entries.map(({ path, kind }) => `${path} ${kind}`)).toEqual(['/files/ours/x/z file']);
    expect(await fs.delete('/files/ours', { recursive: true })).toBe(true);
    expect(await fs.stat('/files/ours')).toBeUndefined();
  } finally {
    fs.close();
  }
});

test('without a worker that takes files, the coordinator says so', async () => {
  const secret = clusterSecret({ environment: {}, dataDirectory: server.dataDirectory, make: false });
  const network = new HttpNetwork(secret, systemClock);
  const caller = { user: 'tutti', groups: [], superuser: true };
  type Report = { readonly datanodes: readonly { readonly node: string }[] };
  const { datanodes } = await network.call<Report>(server.url, 'report', { caller });
  expect(datanodes).toHaveLength(2);
  const administrator = new StoreClient({ network, clock: systemClock, namenode: server.url, caller, client: 'admin' });
  for (const { node } of datanodes) await administrator.change('setService', { node, service: 'maintenance' });
  network.close();
  expect(await put('/files/late', Buffer.from('x'))).toEqual(
    refused(403, IO, expect.stringContaining('Failed to find a datanode')),
  );
});
