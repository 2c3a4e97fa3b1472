/** The npm package `webhdfs`, as people use it with HDFS, against our door. */
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import webhdfs, { type Client, type HdfsStatus } from 'webhdfs';
import { Random } from '../simulation/random.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let hdfs: Client;

beforeAll(async () => {
  server = await startServer({ workers: 2, arguments: ['--webhdfs'] });
  const { hostname: host, port, origin } = new URL(server.url);
  hdfs = webhdfs.createClient({ host, port, user: 'tutti', path: '/webhdfs/v1' });
  // Datanodes join a moment after the server is ready.
  const url = `${origin}/webhdfs/v1/first?op=CREATE&noredirect=true&user.name=tutti`;
  while ((await fetch(url, { method: 'PUT' })).status !== 200) await new Promise((later) => setTimeout(later, 100));
});
afterAll(() => server.stop());

const done = (work: (callback: (problem: Error | null) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => work((problem) => (problem ? reject(problem) : resolve())));
const got = <Result>(work: (callback: (problem: Error | null, result: Result) => void) => void): Promise<Result> =>
  new Promise((resolve, reject) => work((problem, result) => (problem ? reject(problem) : resolve(result))));

const write = (path: string, data: string | Buffer, options = {}): Promise<void> =>
  done((callback) => hdfs.writeFile(path, data, options, callback));
const read = (path: string): Promise<Buffer> => got<Buffer>((callback) => hdfs.readFile(path, callback));
const stat = (path: string): Promise<HdfsStatus> => got<HdfsStatus>((callback) => hdfs.stat(path, callback));
const exists = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    hdfs.exists(path, resolve);
  });

async function names(): Promise<readonly string[]> {
  const entries = await got<readonly HdfsStatus[]>((callback) => hdfs.readdir('/work', callback));
  return entries.map(({ pathSuffix }) => pathSuffix);
}

test('folders and files are made, described, listed, renamed and removed', async () => {
  await done((callback) => hdfs.mkdir('/work/deep', '0750', callback));
  expect(await stat('/work/deep')).toMatchObject({ type: 'DIRECTORY', permission: '750', owner: 'tutti' });
  await write('/work/a file', 'some text', { permission: '0640', replication: 2 });
  expect(await stat('/work/a file')).toMatchObject({ type: 'FILE', length: 9, permission: '640', replication: 2 });
  expect(String(await read('/work/a file'))).toBe('some text');
  expect(await names()).toEqual(['a file', 'deep']);
  await done((callback) => hdfs.rename('/work/a file', '/work/deep/b', callback));
  expect([await exists('/work/a file'), await exists('/work/deep/b')]).toEqual([false, true]);
  await done((callback) => hdfs.chmod('/work/deep/b', '0600', callback));
  await done((callback) => hdfs.chown('/work/deep/b', 'alice', 'staff', callback));
  expect(await stat('/work/deep/b')).toMatchObject({ permission: '600', owner: 'alice' });
  await done((callback) => hdfs.unlink('/work/deep', true, callback));
  expect(await names()).toEqual([]);
});

test('a file is streamed in and out, and read from the middle', async () => {
  const bytes = Buffer.from(new Random(7).bytes(5_000_000));
  const upload = hdfs.createWriteStream('/streamed', { blocksize: 1_048_576 });
  await new Promise<void>((resolve, reject) => {
    upload.once('finish', resolve).once('error', reject);
    Readable.from(pieces(bytes), { objectMode: false }).pipe(upload);
  });
  expect((await read('/streamed')).equals(bytes)).toBe(true);
  const range: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    const download = hdfs.createReadStream('/streamed', { offset: 1_048_000, length: 2_000_000 });
    download
      .on('data', (piece: Buffer) => range.push(piece))
      .once('finish', resolve)
      .once('error', reject);
  });
  expect(Buffer.concat(range).equals(bytes.subarray(1_048_000, 3_048_000))).toBe(true);
});

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let i = 0; i < bytes.length; i += 300_000) {
    await Promise.resolve();
    yield bytes.subarray(i, i + 300_000);
  }
}

test('it hears in its own errors what is wrong', async () => {
  await expect(stat('/nothing')).rejects.toThrow('File does not exist: /nothing');
  await expect(read('/nothing')).rejects.toThrow('File does not exist: /nothing');
  await write('/there', 'one');
  await expect(write('/there', 'two', { overwrite: false })).rejects.toThrow('/there');
  await write('/there', 'three');
  expect(String(await read('/there'))).toBe('three');
  await done((callback) => hdfs.mkdir('/full/of', '0755', callback));
  await expect(done((callback) => hdfs.unlink('/full', false, callback))).rejects.toThrow('/full is non empty');
  await expect(done((callback) => hdfs.appendFile('/there', 'more', {}, callback))).rejects.toThrow(
    'files are written once',
  );
});
