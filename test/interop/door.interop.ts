/** Hadoop's own client, `hdfs dfs`, through our door. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../simulation/random.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startShell } from './hadoop.ts';
import type { HadoopShell, Outcome } from './hadoop.ts';

let server: TestServer;
let shell: HadoopShell;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-interop-door-'));
  server = await startServer({ workers: 2, arguments: ['--webhdfs'] });
  // Datanodes join a moment after the server is ready.
  const url = `${server.url}/webhdfs/v1/first?op=CREATE&noredirect=true&user.name=tutti`;
  while ((await fetch(url, { method: 'PUT' })).status !== 200) await new Promise((later) => setTimeout(later, 100));
  shell = await startShell(`webhdfs://${new URL(server.url).host}`, 'tutti');
});
afterAll(async () => {
  await shell.stop();
  await server.stop();
  await rm(folder, { recursive: true });
});

const done = async (...words: string[]): Promise<string> => {
  const outcome = await shell.run(...words);
  expect({ words, ...outcome }).toMatchObject({ code: 0, err: '' });
  return outcome.out;
};

/** Without what differs from run to run. */
const plain = (text: string): string =>
  text
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d/g, 'TIME')
    .replaceAll(/ +/g, ' ')
    .trim();

const local = (name: string): string => path.join(folder, name);

test('files and folders go in, are listed, and come out', async () => {
  const bytes = new Random(1).bytes(5_000_000);
  await writeFile(local('a.bin'), bytes);
  await writeFile(local('b.txt'), 'some text\n');
  await done('-mkdir', '-p', '/data/deep');
  await done('-put', local('a.bin'), local('b.txt'), '/data');
  await done('-cp', '/data/b.txt', '/data/deep/c+d %20.txt');
  expect(plain(await done('-ls', '-R', '/data'))).toBe(
    [
      '-rw-r--r-- 3 tutti tutti 5000000 TIME /data/a.bin',
      '-rw-r--r-- 3 tutti tutti 10 TIME /data/b.txt',
      'drwxr-xr-x - tutti tutti 0 TIME /data/deep',
      '-rw-r--r-- 3 tutti tutti 10 TIME /data/deep/c+d %20.txt',
    ].join('\n'),
  );
  await done('-get', '/data/a.bin', local('back.bin'));
  expect(Buffer.compare(await readFile(local('back.bin')), bytes)).toBe(0);
  await done('-get', '/data', local('tree'));
  expect(await readFile(local('tree/deep/c+d %20.txt'), 'utf8')).toBe('some text\n');
  expect(await done('-cat', '/data/b*', '/data/deep/*')).toBe('some text\nsome text\n');
  expect(await done('-tail', '/data/b.txt')).toBe('some text\n');
  expect(await done('-head', '/data/b.txt')).toBe('some text\n');
  await done('-put', '-f', local('b.txt'), '/data/a.bin');
  expect(await done('-text', '/data/a.bin')).toBe('some text\n');
});

test('an upload in several blocks is read from any place', async () => {
  const bytes = new Random(2).bytes(3 * 1024 * 1024 + 7);
  await writeFile(local('blocks.bin'), bytes);
  await done('-D', 'dfs.blocksize=1048576', '-put', local('blocks.bin'), '/blocks');
  expect(await done('-stat', '%b %o %r %n %u %F', '/blocks')).toBe(
    `${bytes.length} 1048576 3 blocks tutti regular file\n`,
  );
  await done('-get', '/blocks', local('blocks.back'));
  expect(Buffer.compare(await readFile(local('blocks.back')), bytes)).toBe(0);
});

test('sums, quotas, replicas, permissions, times', async () => {
  await done('-mkdir', '/sums');
  await writeFile(local('ten'), '0123456789');
  await done('-put', local('ten'), '/sums/ten');
  expect(plain(await done('-du', '/sums'))).toBe('10 30 /sums/ten');
  expect(plain(await done('-du', '-s', '/sums'))).toBe('10 30 /sums');
  expect(plain(await done('-count', '/sums'))).toBe('1 1 10 /sums');
  expect(plain(await done('-count', '-q', '/sums'))).toBe('none inf none inf 1 1 10 /sums');
  expect(plain(await done('-count', '-u', '/sums'))).toBe('none inf none inf /sums');
  expect(await done('-setrep', '2', '/sums/ten')).toBe('Replication 2 set: /sums/ten\n');
  await done('-chmod', '600', '/sums/ten');
  await done('-chown', 'alice:staff', '/sums/ten');
  await done('-touch', '-t', '20260102:030405', '/sums/ten');
  expect(plain(await done('-ls', '/sums/ten'))).toBe('-rw------- 2 alice staff 10 TIME /sums/ten');
  expect(await done('-df', '/')).toContain('webhdfs://');
  await done('-touchz', '/sums/empty');
  await done('-test', '-z', '/sums/empty');
  expect((await shell.run('-test', '-e', '/sums/nothing')).code).toBe(1);
  expect(await done('-find', '/sums', '-name', 't*')).toBe('/sums/ten\n');
});

test('moving and removing, with and without the trash', async () => {
  await done('-mkdir', '-p', '/rm/a/b', '/user/tutti');
  await done('-mv', '/rm/a', '/rm/c');
  expect(plain(await done('-ls', '-C', '/rm'))).toBe('/rm/c');
  expect((await shell.run('-rm', '/rm/c')).err).toContain('Is a directory');
  // A server of ours says that it keeps what is removed, so this client asks for it as of HDFS.
  const moved = await shell.run('-rm', '-r', '/rm/c');
  expect(moved).toMatchObject({ code: 0, err: '' });
  expect(await done('-ls', '-C', '/user/tutti/.Trash/Current/rm')).toBe('/user/tutti/.Trash/Current/rm/c\n');
  await done('-rm', '-r', '-skipTrash', '/rm');
  expect((await shell.run('-ls', '/rm')).err).toContain('No such file or directory');
  await done('-expunge', '-immediate');
  expect((await shell.run('-ls', '/user/tutti/.Trash/Current')).code).toBe(1);
});

test('snapshots', async () => {
  await done('-mkdir', '/kept');
  await writeFile(local('old'), 'old');
  await done('-put', local('old'), '/kept/file');
  await done('-allowSnapshot', '/kept');
  expect(await done('-createSnapshot', '/kept', 'one')).toBe('Created snapshot /kept/.snapshot/one\n');
  await done('-rm', '-skipTrash', '/kept/file');
  expect(await done('-cat', '/kept/.snapshot/one/file')).toBe('old');
  await done('-renameSnapshot', '/kept', 'one', 'first');
  expect(await done('-ls', '-C', '/kept/.snapshot')).toBe('/kept/.snapshot/first\n');
  await done('-deleteSnapshot', '/kept', 'first');
});

test('refusals arrive in HDFS’s words', async () => {
  const refused = async (...words: string[]): Promise<Outcome> => {
    const outcome = await shell.run(...words);
    expect({ words, code: outcome.code }).toEqual({ words, code: 1 });
    return outcome;
  };
  await writeFile(local('x'), 'x');
  await done('-put', local('x'), '/x');
  expect((await refused('-put', local('x'), '/x')).err).toContain('File exists');
  expect((await shell.run('-appendToFile', local('x'), '/x')).err).toContain('files are written once');
  expect((await refused('-cat', '/nothing')).err).toContain('No such file or directory');
  expect((await refused('-rmdir', '/data')).err).toContain('Directory is not empty');
  expect((await shell.run('-truncate', '1', '/x')).err).toContain('files are written once');
});
