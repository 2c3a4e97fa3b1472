/** `tutti fs` against a real server, as a person types it. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../simulation/random.ts';
import { startServer, type TestServer } from '../support/server.ts';

const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');

let server: TestServer;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-fs-'));
  server = await startServer({ workers: 2 });
  // Datanodes join a moment after the server is ready.
  while ((await fs('-report')).out.match(/ normal /g)?.length !== 2)
    await new Promise((later) => setTimeout(later, 200));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

type Outcome = { readonly code: number; readonly out: string; readonly err: string };

function fs(...words: string[]): Promise<Outcome> {
  const args = [cli, 'fs', '--url', server.url, '--data', server.dataDirectory, ...words];
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
}

/** Without what differs from run to run. */
const plain = ({ out }: Outcome): string =>
  out.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d/g, 'TIME').replaceAll(/^(\S+ +\S+) \S+ /gm, '$1 USER ');

test('files go in and come out as they were', async () => {
  const bytes = new Random(1).bytes(3_000_000);
  const [local, back] = [path.join(folder, 'local.bin'), path.join(folder, 'back.bin')];
  await writeFile(local, bytes);
  expect(await fs('-mkdir', '/in/deep')).toMatchObject({ code: 0 });
  expect(await fs('-put', local, '/in/deep')).toMatchObject({ code: 0, err: '' });
  expect(await fs('-put', local, '/in/deep/local.bin')).toMatchObject({
    code: 1,
    err: expect.stringContaining('exists'),
  });
  expect(await fs('-put', '-f', local, '/in/deep/local.bin')).toMatchObject({ code: 0 });
  expect(await fs('-get', '/in/deep/local.bin', back)).toMatchObject({ code: 0 });
  expect(Buffer.compare(await readFile(back), bytes)).toBe(0);
  expect(await fs('-get', '/in/deep/local.bin', back)).toMatchObject({ code: 1 });
  expect(plain(await fs('-ls', '-R', '/in'))).toBe(
    [
      'drwxr-xr-x   - USER tutti            0 TIME /in/deep',
      '-rw-r--r--   3 USER tutti      3000000 TIME /in/deep/local.bin',
      '',
    ].join('\n'),
  );
  expect((await fs('-du', '/in')).out).toBe('3000000  9000000  /in\n');
});

test('replicas, snapshots, safe mode and what is wrong', async () => {
  await writeFile(path.join(folder, 'small'), 'some text');
  await fs('-put', path.join(folder, 'small'), '/kept/small');
  // Two datanodes cannot hold three replicas.
  expect(await fs('-fsck', '/kept')).toMatchObject({
    code: 1,
    out: expect.stringContaining('under-replicated: 2 of 3'),
  });
  await fs('-setrep', '2', '/kept/small');
  expect(await fs('-fsck', '/kept')).toMatchObject({ code: 0, out: expect.stringContaining('are healthy') });
  expect((await fs('-allowSnapshot', '/kept')).code).toBe(0);
  expect((await fs('-createSnapshot', '/kept', 'before')).out).toBe('Created snapshot /kept/.snapshot/before\n');
  expect((await fs('-rm', '/kept/small')).out).toBe('Deleted /kept/small\n');
  expect((await fs('-cat', '/kept/.snapshot/before/small')).out).toBe('some text');
  expect((await fs('-safemode', 'enter')).out).toBe('Safe mode is ON\n');
  expect((await fs('-safemode', 'leave')).out).toBe('Safe mode is OFF\n');
});

test('what cannot be done is said in a line', async () => {
  expect(await fs('-rm', '/nowhere')).toEqual({
    code: 1,
    out: '',
    err: 'rm: /nowhere: there is no such file or folder (FileNotFoundException)\n',
  });
  expect((await fs('-rmdir', '/')).err).toBe('error: there is no file command "-rmdir"; tutti fs -help lists them\n');
  expect((await fs('-mv', '/one')).err).toBe('error: usage: tutti fs -mv <path> <path>\n');
  expect((await fs('-put', path.join(folder, 'none'), '/x')).err).toContain('there is no such file');
  expect((await fs('-cat', 'relative')).err).toContain('InvalidPathException');
});
