/** `tutti fs` against a real server. */
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NewFiles } from '../../src/client/fs/generic-options.ts';
import { runFs } from '../../src/client/fs/run-fs.ts';
import { hostId } from '../../src/cluster/host-id.ts';
import { clusterSecret } from '../../src/cluster/secret.ts';
import { systemClock } from '../../src/common/clock.ts';
import { crc32c } from '../../src/common/crc32c.ts';
import { localDisk } from '../../src/common/disk.ts';
import type { Caller } from '../../src/filestore/namespace/permissions.ts';
import { HttpNetwork } from '../../src/filestore/http-network.ts';
import { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import { Random } from '../simulation/random.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { fakeConsole } from './fake-console.ts';

const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');

let server: TestServer;
let folder: string;
let network: HttpNetwork;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-fs-'));
  server = await startServer({ workers: 2 });
  network = new HttpNetwork(
    clusterSecret({ environment: {}, dataDirectory: server.dataDirectory, make: false }),
    systemClock,
  );
  // Datanodes join a moment after the server is ready.
  while ((await fs('-report')).out.match(/^Status: Normal$/gm)?.length !== 2)
    await new Promise((later) => setTimeout(later, 200));
});
afterAll(async () => {
  network.close();
  await server.stop();
  await rm(folder, { recursive: true });
});

type Outcome = { readonly code: number; readonly out: string; readonly err: string };

const fs = (...words: string[]): Promise<Outcome> => fsWith('', ...words);

const open = (
  caller: Caller = { user: USER, groups: [], superuser: true },
  attributes: NewFiles = {},
): StoreFileSystem =>
  new StoreFileSystem({
    network,
    clock: systemClock,
    namenode: server.url,
    caller,
    client: `test-${randomUUID()}`,
    host: hostId(),
    disk: localDisk,
    attributes,
  });

/** In this process: the command line itself has a test of its own. */
async function fsWith(input: string | Uint8Array, ...words: string[]): Promise<Outcome> {
  const console = fakeConsole();
  console.input.end(input);
  const code = await runFs((newFiles) => open(undefined, newFiles), words, console);
  return { code, out: console.out(), err: console.err() };
}

/** As a person types it. */
function commandLine(input: string, ...words: string[]): Promise<Outcome> {
  const args = [cli, 'fs', '--url', server.url, '--data', server.dataDirectory, ...words];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
    child.stdin!.end(input);
  });
}

/** What it says when all is well. */
async function done(...words: string[]): Promise<string> {
  const outcome = await fs(...words);
  expect({ words, ...outcome }).toMatchObject({ code: 0, err: '' });
  return outcome.out;
}

async function refused(...words: string[]): Promise<string> {
  const outcome = await fs(...words);
  expect({ words, code: outcome.code }).toEqual({ words, code: 1 });
  return outcome.err;
}

const local = (name: string): string => path.join(folder, name);
const user = 'USER';
const USER = userInfo().username;

/** Without what differs from run to run. */
const plain = (text: string): string =>
  text
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?/g, 'TIME')
    .replaceAll(USER, user)
    .replaceAll(/ +/g, ' ');

test('-D before a command says what its new files have', async () => {
  const [replication, blocks] = ['dfs.replication=2', 'dfs.blocksize=1m'];
  const put = await fsWith('x', '-D', replication, `-D${blocks}`, '-put', '-', '/generic');
  expect(put).toEqual({ code: 0, out: '', err: '' });
  expect(await done('-stat', '%r %o', '/generic')).toBe('2 1048576\n');
  expect((await commandLine('x', '-D', 'dfs.replication=1', '-put', '-', '/generic-too')).code).toBe(0);
  expect(await done('-stat', '%r %o', '/generic-too')).toBe('1 134217728\n');
  await done('-rm', '-skipTrash', '/generic', '/generic-too');
  for (const wrong of [['-D'], ['-D', 'dfs.replication'], ['-D', 'dfs.umask=0', '-ls'], ['-DtoString=1', '-ls']]) {
    const { code, err } = await fs(...wrong);
    expect([code, err]).toEqual([
      255,
      expect.stringMatching(/^-D: takes name=value .* knows dfs.replication and dfs.blocksize\n$/),
    ]);
  }
  const small = await fs('-D', 'dfs.blocksize=1023k', '-put', '-', '/generic');
  expect([small.code, small.err]).toEqual([255, '-D: dfs.blocksize is 1m or more, not "1023k"\n']);
  const none = await fs('-D', 'dfs.replication=0', '-put', '-', '/generic');
  expect([none.code, none.err]).toEqual([255, '-D: dfs.replication is a whole number from 1, not "0"\n']);
});

test('the command line: options of its own, of the commands, pipes and exit codes', async () => {
  expect(await commandLine('', '-mkdir', '/typed')).toEqual({ code: 0, out: '', err: '' });
  expect(await commandLine('piped', '-put', '-', '/typed/in')).toEqual({ code: 0, out: '', err: '' });
  expect(await commandLine('', '-cat', '/typed/in')).toEqual({ code: 0, out: 'piped', err: '' });
  expect((await commandLine('', '-ls', '-h', '-d', '/typed')).out).toMatch(/^drwxr-xr-x .* \/typed\n$/);
  expect(await commandLine('', '-test', '-d', '/typed/in')).toMatchObject({ code: 1, out: '', err: '' });
  expect(await commandLine('', '-mv', '/one')).toMatchObject({ code: 255, out: '' });
  const args = [cli, 'fs', '--url', server.url, '--data', server.dataDirectory, '-find', '/'];
  // Who reads the first lines only, as `| head` does, ends it.
  for (let i = 0; i < 20; i++) await done('-mkdir', '-p', `/typed/${i}`);
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let problem = '';
  child.stderr.on('data', (text: Buffer) => (problem += text.toString()));
  child.stdout.destroy();
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
  expect(problem).toBe('');
  expect((await commandLine('', '-help', 'ls')).out).toMatch(/^-ls \[-C\]/);
});

test('files go in and come out as they were', async () => {
  expect(await refused('-ls')).toContain('your home /user/');
  const bytes = new Random(1).bytes(3_000_000);
  await writeFile(local('local.bin'), bytes);
  await done('-mkdir', '-p', '/in/deep');
  expect(await done('-put', local('local.bin'), '/in/deep')).toBe('');
  expect(await refused('-put', local('local.bin'), '/in/deep/local.bin')).toBe(
    "put: `/in/deep/local.bin': File exists (-f replaces it)\n",
  );
  await done('-put', '-f', local('local.bin'), '/in/deep/local.bin');
  await done('-get', '/in/deep/local.bin', local('back.bin'));
  expect(Buffer.compare(await readFile(local('back.bin')), bytes)).toBe(0);
  expect(await refused('-get', '/in/deep/local.bin', local('back.bin'))).toContain('File exists (-f replaces it)');
  expect(await refused('-get', '/in/deep/local.bin', local('no/such.bin'))).toBe(
    `get: \`${local('no')}': No such file or directory\n`,
  );
  expect(await done('-checksum', '/in/deep/local.bin')).toBe(
    `/in/deep/local.bin\tCOMPOSITE-CRC32C\t${crc32c(bytes).toString(16).padStart(8, '0')}\n`,
  );
  expect(plain(await done('-ls', '-R', '/in'))).toBe(
    [
      `drwxr-xr-x - ${user} tutti 0 TIME /in/deep`,
      `-rw-r--r-- 3 ${user} tutti 3000000 TIME /in/deep/local.bin`,
      '',
    ].join('\n'),
  );
  expect(plain(await done('-ls', '-h', '/in/deep'))).toBe(
    `Found 1 item\n-rw-r--r-- 3 ${user} tutti 2.9 M TIME /in/deep/local.bin\n`,
  );
  expect(await done('-du', '/in')).toBe('3000000  9000000  /in/deep\n');
  expect(await done('-du', '-s', '-h', '/in')).toBe('2.9 M  8.6 M  /in\n');
  expect(plain(await done('-count', '-q', '-v', '/in'))).toBe(
    [
      ' QUOTA REM_QUOTA SPACE_QUOTA REM_SPACE_QUOTA DIR_COUNT FILE_COUNT CONTENT_SIZE PATHNAME',
      ' none inf none inf 2 1 3000000 /in',
      '',
    ].join('\n'),
  );
});

test('whole folders, several sources, standard input and output, times and permissions', async () => {
  await mkdir(local('tree/sub'), { recursive: true });
  await writeFile(local('tree/a'), 'A');
  await writeFile(local('tree/sub/b c'), 'BC');
  await chmod(local('tree/a'), 0o640);
  await utimes(local('tree/a'), 1_000_000_000, 1_000_000_000);
  await done('-mkdir', '/trees');
  await done('-put', '-p', local('tree'), '/trees/first');
  expect(await done('-stat', '%a %F %Y %n', '/trees/first/a')).toBe('640 regular file 1000000000000 a\n');
  await done('-cp', '-p', '/trees/first', '/trees/second');
  expect(await done('-stat', '%a %Y', '/trees/second/a')).toBe('640 1000000000000\n');
  await done('-get', '-p', '/trees/second', local('tree2'));
  expect(await readFile(local('tree2/sub/b c'), 'utf8')).toBe('BC');
  expect(await stat(local('tree2/a'))).toMatchObject({ mtimeMs: 1_000_000_000_000 });
  expect(await refused('-put', local('tree/a'), local('tree/sub/b c'), '/trees/both')).toContain(
    "`/trees/both': No such file or directory: /trees/both (tutti fs -mkdir -p /trees/both makes it)",
  );
  expect(await refused('-cp', '/trees/first', '/trees/second', '/trees/second/a')).toContain('several files need one');
  await done('-mkdir', '/trees/both');
  await done('-put', local('tree/a'), local('tree/sub/b c'), '/trees/both');
  expect(await done('-cat', '/trees/both/*')).toBe('ABC');
  expect(await fsWith('from a pipe', '-put', '-', '/trees/piped')).toMatchObject({ code: 0, err: '' });
  expect(await done('-get', '/trees/piped', '-')).toBe('from a pipe');
  await done('-getmerge', '-nl', '/trees/both', local('merged'));
  expect(await readFile(local('merged'), 'utf8')).toBe('A\nBC\n');
  await done('-moveFromLocal', local('merged'), '/trees/moved');
  expect((await readdir(folder)).includes('merged')).toBe(false);
  // What did not go in stays where it is, also when something else has failed before.
  await mkdir(local('kept'));
  await writeFile(local('kept/a:b'), 'no name of the store');
  expect(await fs('-moveFromLocal', local('none'), local('kept'), '/trees/both')).toMatchObject({ code: 1 });
  expect(await readdir(local('kept'))).toEqual(['a:b']);
  // One that is not there is said; the others go in.
  const some = await fs('-put', local('none'), local('tree/a'), '/trees/both/..');
  expect(some).toMatchObject({ code: 1, err: `put: \`${local('none')}': No such file or directory\n` });
  expect(await done('-cat', '/trees/a')).toBe('A');
});

test('reading: ends of files, what gzip packed, patterns', async () => {
  const lines = Array.from({ length: 1000 }, (_, i) => `line ${i}\n`).join('');
  await writeFile(local('lines'), lines);
  await writeFile(local('lines.gz'), gzipSync(lines));
  await done('-put', local('lines'), local('lines.gz'), '/');
  expect(await done('-head', '/lines')).toBe(lines.slice(0, 1024));
  expect(await done('-tail', '/lines')).toBe(lines.slice(-1024));
  expect(await done('-text', '/lines.gz', '/lines')).toBe(lines + lines);
  await done('-mkdir', '-p', '/logs/2026-01/x', '/logs/2026-02', '/logs/2025-01');
  expect(await done('-ls', '-C', '-d', '/logs/2026-*', '/logs/20{25,99}-0[1-3]')).toBe(
    '/logs/2026-01\n/logs/2026-02\n/logs/2025-01\n',
  );
  expect(await refused('-ls', '/logs/9*')).toBe("ls: `/logs/9*': No such file or directory\n");
  expect(await done('-find', '/logs', '-name', '*-01')).toBe('/logs/2025-01\n/logs/2026-01\n');
  expect(await done('-find', '/logs', '-iname', 'X', '-print0')).toBe('/logs/2026-01/x\0');
  await done('-mkdir', '/logs/a*b', '/logs/aab');
  expect(await done('-ls', '-C', '-d', String.raw`/logs/a\*b`)).toBe('/logs/a*b\n');
});

test('what is there, is tested by exit codes', async () => {
  await done('-touchz', '/test-empty');
  await writeFile(local('full'), 'full');
  await done('-put', local('full'), '/test-full');
  const codes = async (at: string): Promise<string> => {
    const found: string[] = [];
    for (const flag of ['e', 'd', 'f', 's', 'z', 'r', 'w']) {
      if ((await fs('-test', `-${flag}`, at)).code === 0) found.push(flag);
    }
    return found.join('');
  };
  expect(await codes('/test-empty')).toBe('efzrw');
  expect(await codes('/test-full')).toBe('efsrw');
  expect(await codes('/')).toBe('edsrw');
  expect((await fs('-test', '-e', '/nothing')).code).toBe(1);
  expect(await refused('-touchz', '/test-full')).toBe("touchz: `/test-full': Not a zero-length file\n");
  expect(await refused('-appendToFile', local('full'), '/test-full')).toContain('Files of this store are written once');
  expect(await refused('-truncate', '0', '/test-full')).toContain('written once');
});

test('permissions, owners, replicas', async () => {
  await done('-mkdir', '-p', '/own/below');
  await done('-touchz', '/own/file');
  await done('-chmod', '-R', 'u=rwX,g-r,o=,+t', '/own');
  await done('-chown', '-R', 'alice:staff', '/own');
  await done('-chgrp', 'others', '/own/file');
  expect(plain(await done('-ls', '/own'))).toBe(
    'Found 2 items\ndrwx--x--T - alice staff 0 TIME /own/below\n-rw------- 3 alice others 0 TIME /own/file\n',
  );
  expect(await done('-setrep', '-w', '2', '/own')).toBe(
    'Replication 2 set: /own/file\nWaiting for /own/file ... done\n',
  );
  expect((await fs('-chmod', '888', '/own')).err).toContain('not "888"');
});

test('quotas', async () => {
  await done('-mkdir', '/limited');
  await done('-setQuota', '3', '/limited');
  await done('-setSpaceQuota', '10g', '/limited');
  expect(plain(await done('-count', '-q', '-h', '/limited'))).toBe(' 3 2 10.0 G 10.0 G 1 0 0 /limited\n');
  await done('-mkdir', '/limited/a', '/limited/b');
  expect(await refused('-mkdir', '/limited/c')).toMatch(/quota.*exceeded/i);
  await done('-clrQuota', '/limited');
  await done('-mkdir', '/limited/c');
  await done('-setSpaceQuota', '1k', '/limited');
  expect(await refused('-put', local('full'), '/limited/c/full')).toMatch(/quota.*exceeded/i);
  await done('-clrSpaceQuota', '/limited');
  expect(plain(await done('-count', '-u', '/limited'))).toBe(' none inf none inf /limited\n');
  expect((await fs('-setQuota', 'many', '/limited')).code).toBe(255);
});

test('what is removed can be taken back', async () => {
  await done('-mkdir', '-p', '/bin/sub');
  await done('-touchz', '/bin/sub/x', '/bin/y');
  expect(await refused('-rm', '/bin/sub')).toBe("rm: `/bin/sub': Is a directory (-r removes it)\n");
  const trash = `/user/${USER}/.Trash`;
  expect(await done('-rm', '/bin/y')).toBe(`Moved: '/bin/y' to trash at: ${trash}/Current/bin/y\n`);
  await done('-touchz', '/bin/y');
  expect(await done('-rm', '/bin/y')).toMatch(/^Moved: '\/bin\/y' to trash at: .*\/Current\/bin\/y\d+\n$/);
  await done('-rm', '-r', '/bin/sub');
  await done('-mv', `${trash}/Current/bin/sub`, '/bin/sub');
  expect(await done('-ls', '-C', '/bin/sub')).toBe('/bin/sub/x\n');
  // Only its owner looks into it, and everybody passes the folder of all users.
  expect(await done('-stat', '%A', '/user', trash)).toBe('rwxr-xr-x\nrwx------\n');
  expect(await done('-rm', '-r', '-skipTrash', '/bin/sub')).toBe('Deleted /bin/sub\n');
  expect(await done('-expunge')).toMatch(/^Created trash checkpoint: \S+\/\.Trash\/\d{12}\n$/);
  expect(await done('-expunge', '-immediate')).toMatch(/^Deleted trash checkpoint: \S+\/\.Trash\/\d{12}\n$/);
  expect(await done('-ls', '-C', trash)).toBe('');
  expect(await refused('-rm', '/bin/none')).toBe("rm: `/bin/none': No such file or directory\n");
  expect(await done('-rm', '-f', '/bin/none')).toBe('');
  await done('-mkdir', '/bin/full');
  await done('-touchz', '/bin/full/x');
  expect(await refused('-rmdir', '/bin/full')).toBe("rmdir: `/bin/full': Directory is not empty\n");
  await done('-rmdir', '--ignore-fail-on-non-empty', '/bin/full');
  await done('-rm', '/bin/full/x');
  await done('-rmdir', '/bin/full');
  expect(await refused('-rm', '-r', '/user')).toContain('-skipTrash removes it for good');
});

test('snapshots', async () => {
  await writeFile(local('small'), 'some text');
  await done('-mkdir', '/kept');
  await done('-put', local('small'), '/kept/small');
  expect(await done('-allowSnapshot', '/kept')).toBe('Allowing snapshot on /kept succeeded\n');
  expect(await done('-createSnapshot', '/kept', 'before')).toBe('Created snapshot /kept/.snapshot/before\n');
  expect(plain(await done('-lsSnapshottableDir'))).toBe(`drwxr-xr-x ${user} tutti TIME 1 65536 /kept\n`);
  await done('-rm', '-skipTrash', '/kept/small');
  expect(await done('-cat', '/kept/.snapshot/before/small')).toBe('some text');
  await done('-mkdir', '/kept/folder');
  await done('-put', local('small'), '/kept/folder/new');
  const since = '/kept:\nM\t.\n+\t./folder\n-\t./small\n';
  const [then, now] = ['snapshot before', 'current directory'];
  for (const [from, to] of [
    ['before', '.'],
    ['.snapshot/before', ''],
  ] as const) {
    expect(await done('-snapshotDiff', '/kept', from, to)).toBe(
      `Difference between ${then} and ${now} under directory ${since}`,
    );
  }
  await done('-cp', '/kept/.snapshot/before/small', '/kept/small');
  await done('-createSnapshot', '/kept', 'after');
  await done('-mv', '/kept/small', '/kept/folder/moved');
  expect(await done('-snapshotDiff', '/kept', 'after', '.')).toBe(
    `Difference between snapshot after and ${now} under directory /kept:\nM\t.\nR\t./small -> ./folder/moved\nM\t./folder\n`,
  );
  expect(await refused('-snapshotDiff', '/kept', 'before', 'none')).toContain('Cannot find the snapshot none of /kept');
  expect(await fs('-snapshotDiff', '', 'before', '.')).toMatchObject({ code: 255 });
  await done('-deleteSnapshot', '/kept', 'after');
  await done('-rm', '-r', '-skipTrash', '/kept/folder');
  expect(await done('-renameSnapshot', '/kept', 'before', 'first')).toBe(
    'Renamed snapshot before to first under /kept\n',
  );
  expect(plain(await done('-lsSnapshot', '/kept'))).toBe(`drwxr-xr-x - ${user} tutti 0 TIME /kept/.snapshot/first\n`);
  expect(await refused('-disallowSnapshot', '/kept')).toContain('has snapshot(s)');
  for (const kept of ['/kept', '/kept/.snapshot/first']) {
    const said = await refused('-rm', '-r', kept);
    expect(said).toContain('tutti fs -deleteSnapshot');
    expect(said).not.toContain('-skipTrash');
  }
  expect(await done('-deleteSnapshot', '/kept', 'first')).toBe('Deleted snapshot first under /kept\n');
  await done('-disallowSnapshot', '/kept');
  expect(await done('-lsSnapshottableDir')).toBe('');
});

test('what operators look at: fsck, report, safe mode, nodes that are to go', async () => {
  await done('-mkdir', '/checked');
  await done('-put', local('small'), '/checked/small');
  // Two datanodes cannot hold three replicas.
  expect(await done('-fsck', '/checked')).toContain('is under-replicated: 2 of 3 replicas');
  await done('-setrep', '2', '/checked/small');
  expect(
    (await done('-fsck', '/checked', '-files', '-blocks', '-locations'))
      .replaceAll(/blk_\d+_\d+/g, 'BLOCK')
      .replaceAll(/\[.*\]/g, '[NODES]'),
  ).toMatchInlineSnapshot(`
    "/checked <dir>
    /checked/small 9 bytes, replicated: replication=2, 1 block:  OK
    0. BLOCK len=9 Live_repl=2  [NODES]

    Status: HEALTHY
     Number of data-nodes:	2
     Number of racks:	1
     Total size:	9 B
     Total files:	1
     Total blocks (validated):	1 (avg. block size 9 B)
     Under-replicated blocks:	0
     Over-replicated blocks:	0
     Blocks with damaged replicas:	0
     Missing blocks:	0

    The filesystem under path '/checked' is HEALTHY
    "
  `);
  expect(
    (await done('-report'))
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME')
      .replaceAll(/^Name: .*/gm, 'Name: NODE')
      .replaceAll(/^Address: .*/gm, 'Address: ADDRESS')
      .replaceAll(/\d[\d,.]*(?: \([\d.]+ [KMGT]?B\))?/g, 'N'),
  ).toMatchInlineSnapshot(`
    "Configured Capacity: N
    DFS Remaining: N
    DFS Used: N
    DFS Used%: N%
    Files: N in N folders, N without their replicas
    Blocks: N of which N to be copied, trimmed or looked at (missing and damaged ones: tutti fs -fsck /)

    -------------------------------------------------
    Live datanodes (N):

    Name: NODE
    Address: ADDRESS
    Rack: /default-rack
    Status: Normal
    Configured Capacity: N
    DFS Remaining: N
    DFS Used: N
    DFS Used%: N%
    Last contact: TIME

    Name: NODE
    Address: ADDRESS
    Rack: /default-rack
    Status: Normal
    Configured Capacity: N
    DFS Remaining: N
    DFS Used: N
    DFS Used%: N%
    Last contact: TIME

    "
  `);
  expect((await done('-printTopology')).replaceAll(/127\.0\.0\.1:\d+ \(\S+\)/g, 'NODE')).toBe(
    'Rack: /default-rack\n   NODE In Service\n   NODE In Service\n\n',
  );
  const [, node] = /^Name: (.*)/m.exec(await done('-report'))!;
  expect(await done('-decommission', node!)).toBe(`${node}: decommissioning\n`);
  expect(await done('-report', '-decommissioning')).toContain(`Name: ${node}`);
  expect(await done('-recommission', node!)).toBe(`${node}: normal\n`);
  expect(await refused('-maintenance', 'nobody')).toContain('known are');
  const [, host] = /^Address: http:\/\/(.*)/m.exec(await done('-report'))!;
  // Nobody else can take what wants two replicas.
  expect(await done('-decommission', host!)).toBe(`${node}: decommissioning\n`);
  expect(await done('-report')).toMatch(
    /Decommission in progress\n.* elsewhere: [\d,]+\nNo other datanode can take [\d,]+ of them/,
  );
  expect(await done('-recommission', node!.slice(0, 8))).toBe(`${node}: normal\n`);
  expect(await refused('-maintenance', node!.slice(0, 3))).toContain(`known are ${node} (${host}), `);
  expect(await done('-safemode', 'enter')).toBe('Safe mode is ON\n');
  expect(await done('-safemode', 'get')).toBe('Safe mode is ON\n');
  const safe =
    'The namenode is in safe mode: an administrator turned it on, and tutti fs -safemode leave turns it off\n';
  expect(await refused('-mkdir', '/unsafe')).toBe(`mkdir: \`/unsafe': ${safe}`);
  expect(await refused('-put', local('small'), '/checked/unsafe')).toBe(`put: \`${local('small')}': ${safe}`);
  expect(await refused('-rm', '/checked/small')).toBe(`rm: \`/checked/small': Failed to move to the trash: ${safe}`);
  const waiting = fs('-safemode', 'wait');
  expect(await done('-safemode', 'leave')).toBe('Safe mode is OFF\n');
  expect(await waiting).toMatchObject({ code: 0, out: 'Safe mode is OFF\n' });
  expect(plain(await done('-df', '-h'))).toMatch(/^Filesystem Size Used Available Use%\ntutti:\/\/\/ [\d.]+ [GT] /);
});

test('the balancer is started, waited for, looked at and ended', async () => {
  expect(await done('-balancer', '-status')).toMatch(
    /^The balancer has not been started\naverage [\d.]+ %, threshold 10 points\n(?: +[\d.]+ % {2}\S+\n){2}$/,
  );
  expect(await done('-balancer', '-threshold', '50', '-bandwidth', '10m')).toMatch(
    /^The cluster is balanced\nmoved 0 blocks, 0 B, in [\d.]+ s\naverage [\d.]+ %, threshold 50 points\n/,
  );
  expect(await done('-balancer', '-stop')).toMatch(/^The cluster is balanced\n/);
  expect(await fs('-balancer', '-threshold', '0')).toMatchObject({
    code: 255,
    err: expect.stringContaining('-threshold is a percentage from 1 to 100, not "0"'),
  });
  expect((await fs('-balancer', '-bandwidth', 'much')).err).toContain('not "much"');
});

test('what cannot be done is said in a line', async () => {
  expect(await refused('-cat', '/nowhere', '/')).toBe(
    "cat: `/nowhere': No such file or directory\ncat: `/': Is a directory\n",
  );
  expect(await refused('-mkdir', '/none/below')).toBe(
    "mkdir: `/none/below': No such file or directory: /none (-p makes it as well)\n",
  );
  expect(await refused('-cat', '/a:b')).toContain('Invalid path name: /a:b');
  await done('-touchz', '/plain');
  expect(await refused('-ls', '/plain/x')).toBe("ls: `/plain/x': A part of the path is a file, not a directory\n");
  expect(await refused('-cp', '/plain', '/plain')).toContain('copied into itself');
});

test('paths that name another place, or a folder that is not there, are refused', async () => {
  await writeFile(local('some'), 'some');
  await done('-mkdir', '/slashes');
  await done('-put', local('some'), '/slashes/');
  expect(await refused('-ls', 'hdfs://host:8020/slashes/*')).toBe(
    "ls: `hdfs://host:8020/slashes/*': Name the cluster with --url; paths of the store are /a/b or tutti:///a/b\n",
  );
  expect(await refused('-put', local('some'), 'tutti://host:1/some')).toContain('Name the cluster with --url');
  const missing =
    "`/slashes/none/': No such file or directory: /slashes/none (tutti fs -mkdir -p /slashes/none makes it)\n";
  expect(await refused('-put', local('some'), '/slashes/none/')).toBe(`put: ${missing}`);
  expect(await refused('-cp', '/slashes/some', '/slashes/none/')).toBe(`cp: ${missing}`);
  expect(await refused('-mv', '/slashes/some', '/slashes/none/')).toBe(`mv: ${missing}`);
  expect(await refused('-get', '/slashes/some', local('none/'))).toBe(
    `get: \`${local('none/')}': No such file or directory\n`,
  );
  // A home that is not there yet is no file to be.
  const nobody = { user: 'nobody', groups: [], superuser: true };
  const homeless = fakeConsole();
  expect(await runFs(() => open(nobody), ['-put', local('some')], homeless)).toBe(1);
  expect(homeless.err()).toBe(
    "put: `.': No such file or directory: /user/nobody (tutti fs -mkdir -p /user/nobody makes it)\n",
  );
  expect(await refused('-cp', '/slashes/some', '/slashes/some/')).toContain('Is not a directory');
  expect(await done('-ls', '-C', '/slashes')).toBe('/slashes/some\n');
  expect(await fs('-df', '/none')).toEqual({ code: 1, out: '', err: "df: `/none': No such file or directory\n" });
  expect(await refused('-createSnapshot', '/slashes')).toContain('(tutti fs -allowSnapshot /slashes makes it one)');
  for (const names of [['-deleteSnapshot'], ['-renameSnapshot', 'b'], ['-snapshotDiff', '.'], ['-createSnapshot']]) {
    const [command, ...more] = names as [string, ...string[]];
    const missing = `${command.slice(1)}: \`/missing': No such file or directory\n`;
    expect(await refused(command, '/missing', 'a', ...more)).toBe(missing);
    expect(await refused(command, '/slashes', 'a', ...more)).toContain(
      '(tutti fs -allowSnapshot /slashes makes it one)',
    );
  }
  expect(await refused('-appendToFile', local('some'), '/slashes/some')).toContain("`/slashes/some': Files of this");
});

test('what would go into a folder that is missing is refused before a byte is sent, and no folder is made', async () => {
  await writeFile(local('lonely'), 'lonely');
  await mkdir(local('nest'));
  await done('-touchz', '/lonely');
  const missing = "`/mistyped/x': No such file or directory: /mistyped (tutti fs -mkdir -p /mistyped makes it)\n";
  for (const [name, ...words] of [
    ['-put', local('lonely')],
    ['-put', '-f', local('nest')],
    ['-put', '-'],
    ['-copyFromLocal', local('lonely')],
    ['-moveFromLocal', local('lonely')],
    ['-cp', '/lonely'],
    ['-mv', '/lonely'],
    ['-touchz'],
  ] as const) {
    expect(await refused(name, ...words, '/mistyped/x')).toBe(`${name.slice(1)}: ${missing}`);
  }
  expect((await fs('-test', '-e', '/mistyped')).code).toBe(1);
  expect(await readdir(folder)).toContain('lonely');
  // Of several, those that can be made are.
  expect(await refused('-touchz', '/mistyped/x', '/made')).toBe(`touchz: ${missing}`);
  expect((await fs('-test', '-z', '/made')).code).toBe(0);
  expect(await refused('-put', local('lonely'), '/lonely/x')).toContain('A part of the path is a file');
});

test('called wrongly, it says how it is called', async () => {
  expect(await fs('-mv', '/one')).toEqual({
    code: 255,
    out: '',
    err: '-mv: Not enough arguments: expected 2 but got 1\nUsage: tutti fs -mv <path> … <path>\n',
  });
  expect((await fs('-rmm', '/')).err).toBe('-rmm: Unknown command\nDid you mean -rm? tutti fs -help lists them.\n');
  expect((await fs('ls', '/')).err).toBe('ls: Unknown command\nDid you mean -ls? This command begins with a dash.\n');
  expect(await fs('-ls', '-z', '/')).toMatchObject({
    code: 255,
    err: expect.stringMatching(/^-ls: Illegal option -z\n/),
  });
  expect((await fs('-setrep', 'two', '/')).code).toBe(255);
  await expect(await done('-help')).toMatchFileSnapshot('fs-help.txt');
  await expect(await done('-usage')).toMatchFileSnapshot('fs-usage.txt');
  expect(await done('-help', 'rm', '-test')).toMatchInlineSnapshot(`
    "-rm [-f] [-r | -R] [-skipTrash] [-safely] <path> … :
      Remove files, and with -r folders: into the trash.
      What is removed stands in /user/<you>/.Trash for a day (tutti server --trash <time>) and can be moved back.
      -skipTrash removes it for good   -f without a word about what is not there   -r, -R folders with all that is in them
    -test -[defswrz] <path> :
      Whether it is so: the exit code is 0, else 1.
      -e it is there   -d it is a folder     -f it is a file   -s it is not empty   -z it is a file of no bytes
      -r you may read it                     -w you may write it
    "
  `);
});
