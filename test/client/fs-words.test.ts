/** What people write behind `tutti fs`: patterns, modes; and the bar that they see while bytes go. */
import { expect, test } from 'vitest';
import { modeChange } from '../../src/client/fs/mode-change.ts';
import {
  alternatives,
  isElsewhere,
  isPattern,
  matcherOf,
  nameMatcher,
  plainName,
  storePath,
} from '../../src/client/fs/paths.ts';
import { runFs } from '../../src/client/fs/run-fs.ts';
import { barText, shown } from '../../src/client/fs/transfer-progress.ts';
import type {
  DatanodeReport,
  FsckProblem,
  FsckReport,
  StoreReport,
} from '../../src/filestore/namenode/administration.ts';
import type { BalanceReply } from '../../src/filestore/protocol.ts';
import type { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import { fakeConsole } from './fake-console.ts';

test.each([
  ['/a/b', '/a/b'],
  ['a', '/user/ann/a'],
  ['.', '/user/ann'],
  ['../bob/', '/user/bob'],
  ['/', '/'],
  ['//a//b/', '/a/b'],
  ['tutti:///a', '/a'],
  ['tutti:///', '/'],
])('%j is the path %j', (text, expected) => {
  expect(storePath(text, '/user/ann')).toBe(expected);
});

test.each(['tutti://host:1/a', 'hdfs://host/a', 'file:///a', 'hdfs:/a', 'S3A://bucket/a'])(
  '%j is elsewhere',
  (text) => {
    expect(isElsewhere(text)).toBe(true);
  },
);

test.each(['tutti:///a', '/a', 'a', 'a/b:/c', '12:/a'])('%j is not elsewhere', (text) => {
  expect(isElsewhere(text)).toBe(false);
});

test.each([
  ['*', ['', 'a', '.a'], []],
  ['a?', ['ab', 'a?', 'a😀'], ['a', 'abc']],
  ['[a-c]x', ['ax', 'cx'], ['dx', 'x']],
  ['[^a-c]', ['d', ']', '^'], ['a', '']],
  ['[!a]', ['b'], ['a']],
  ['[]]', [']'], ['[', '']],
  ['a.b*', ['a.b', 'a.bc'], ['axb']],
  [String.raw`\*a`, ['*a'], ['ba', String.raw`\*a`]],
  ['a[', ['a['], ['a']],
])('the pattern %j', (pattern, matching, others) => {
  const matcher = matcherOf(pattern);
  expect(matching.filter((name) => !matcher.test(name))).toEqual([]);
  expect(others.filter((name) => matcher.test(name))).toEqual([]);
});

test('alternatives, and what is no pattern', () => {
  expect(alternatives('/a/{b,c/{d,e}}/f')).toEqual(['/a/b/f', '/a/c/d/f', '/a/c/e/f']);
  expect(alternatives('{a,b}{c,d}')).toEqual(['ac', 'ad', 'bc', 'bd']);
  expect(alternatives(String.raw`\{a,b}`)).toEqual([String.raw`\{a,b}`]);
  expect(alternatives('{a')).toEqual(['{a']);
  expect(isPattern('/plain/name (1).csv')).toBe(false);
  expect(nameMatcher(String.raw`a\*`)).toBeUndefined();
  expect(plainName(String.raw`a\*\\`)).toBe('a*\\');
});

const notAsked = (): never => expect.unreachable('the store is asked');

/** Called wrongly: the store is not asked. */
async function calledWrongly(...words: readonly string[]): Promise<string> {
  const console = fakeConsole();
  const client = { options: { caller: { user: 'ann' } }, read: notAsked, change: notAsked };
  const code = await runFs(() => ({ client }) as unknown as StoreFileSystem, words, console);
  expect({ words, code, out: console.out() }).toEqual({ words, code: 255, out: '' });
  return console.err();
}

test('without a command it says how it is called, and fails', async () => {
  for (const words of [[], ['-D', 'dfs.replication=2']]) {
    const said = await calledWrongly(...words);
    expect(said).toMatch(/^Usage: tutti fs \[--url <coordinator>\]/);
    expect(said).toContain('\t[-put [-f]');
    expect(said).toMatch(/\ntutti fs -help says what each of them does\.\n$/);
  }
});

test.each([
  ['-mkdir', ''],
  ['-mkdir', '-p', '/a', ''],
  ['-ls', ''],
  ['-rm', '-r', '-f', ''],
  ['-put', '', '/a'],
  ['-get', '/a', ''],
  ['-getmerge', '/a', ''],
  ['-mv', '/a', ''],
  ['-chmod', '644', ''],
  ['-fsck', '', '-files'],
  ['-find', ''],
  ['-find', '/a', '', '-name', '*'],
  ['-createSnapshot', '/a', ''],
])('%s with an empty path is called wrongly, and nothing is done', async (...words) => {
  const said = await calledWrongly(...words);
  expect(said).toMatch(/^-(\w+): an empty string is no path .*\nUsage: tutti fs -\1 /);
});

test.each(['a b', 'a:b:c', 'ann;staff', 'jürgen', 'ann:st*ff', 'ann\n', '$(id)'])('%j is no owner', async (who) => {
  expect(await calledWrongly('-chown', who, '/a')).toMatch(/^-chown: ".*" is not \[<owner>\]\[:<group>\]: names/s);
});

test.each(['a b', 'ann:staff', 'größer', '*'])('%j is no group', async (group) => {
  expect(await calledWrongly('-chgrp', group, '/a')).toMatch(/^-chgrp: ".*" is no group: names .*\nUsage: /);
});

const aFile = async (): Promise<object> => ({ status: { kind: 'file', name: '' } });

test('owners and groups are named as in Hadoop', async () => {
  expect(await calledWrongly('-chown', ':', '/a')).toContain('names neither an owner nor a group');
  const asked: object[] = [];
  const change = async (_operation: string, request: object): Promise<object> => ({ result: asked.push(request) });
  const store = { client: { options: { caller: { user: 'ann' } }, read: aFile, change } } as unknown as StoreFileSystem;
  for (const who of ['hive/node-1.example@EXAMPLE.COM', 'a_b:', ':staff', '0:0'])
    expect(await runFs(() => store, ['-chown', who, '/f'], fakeConsole())).toBe(0);
  expect(asked).toEqual([
    { path: '/f', owner: 'hive/node-1.example@EXAMPLE.COM' },
    { path: '/f', owner: 'a_b' },
    { path: '/f', group: 'staff' },
    { path: '/f', owner: '0', group: '0' },
  ]);
});

test.each([
  ['644', 0o777, false, 0o644],
  ['1777', 0, true, 0o1777],
  ['u+x,g-w', 0o660, false, 0o740],
  ['a=rX', 0o777, false, 0o555],
  ['a=rX', 0o600, false, 0o444],
  ['+X', 0o600, true, 0o711],
  ['o=', 0o777, false, 0o770],
  ['go+w', 0o700, true, 0o722],
  ['+t', 0o755, true, 0o1755],
  ['-t', 0o1755, true, 0o755],
])('the mode %s of %o is %o', (text, mode, isFolder, expected) => {
  expect(modeChange(text)(mode, isFolder)).toBe(expected);
});

test.each(['', '8', '77', '2777', 'x', 'u~x', 'u+q', 'u+x;g-w'])('%j is no mode', (text) => {
  expect(() => modeChange(text)).toThrow('a mode is');
});

test('a bar says how far it is, how fast, and how long it will take', () => {
  expect(barText('big', 1_500_000_000, 3_000_000_000, 5000, true)).toBe(
    'big ████████████░░░░░░░░░░░░ 50 %  1.5 GB of 3.0 GB  300 MB/s  5.00 s left',
  );
  expect(barText('big', 1, 3, 1, false)).toBe('big ########................ 33 %  1 B of 3 B  1.0 kB/s  0.00 s left');
  expect(barText('pipe', 2_000_000, undefined, 1000, true)).toBe('pipe  2.0 MB  2.0 MB/s');
});

async function* slow(): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 8; i++) {
    await new Promise((later) => setTimeout(later, 100));
    yield new Uint8Array(1000);
  }
}

async function seen(isTTY: boolean): Promise<string> {
  const console = fakeConsole(isTTY ? { columns: 80, rows: 24 } : undefined);
  let bytes = 0;
  for await (const piece of shown(console, 'file', 8000, slow())) bytes += piece.length;
  expect(bytes).toBe(8000);
  return console.err();
}

test('it stands on a terminal only, and is gone when the bytes are', async () => {
  const drawn = await seen(true);
  expect(drawn).toContain('\rfile ');
  expect(drawn).toContain(' of 8.0 kB');
  expect(drawn.endsWith('\r\u001b[K')).toBe(true);
  expect(await seen(false)).toBe('');
});

const balancing = (state: BalanceReply['state'], movedBytes: number): BalanceReply => ({
  state,
  threshold: 10,
  bytesPerSecond: 1e8,
  elapsedMs: 2000,
  movedBlocks: movedBytes / 1e6,
  movedBytes,
  movingBlocks: state === 'running' ? 2 : 0,
  average: 41.5,
  datanodes: [{ node: 'dn-1', utilisation: 50 }],
  leftBytes: 4e6 - movedBytes,
});

test('the balancer shows a bar while it runs, and Ctrl-C ends it', async () => {
  const console = fakeConsole({ columns: 100, rows: 24 });
  const asked: string[] = [];
  const read = (_operation: string, { action }: { readonly action: string }): Promise<BalanceReply> => {
    asked.push(action);
    if (asked.length === 3) console.interrupt();
    return Promise.resolve(balancing(action === 'stop' ? 'stopped' : 'running', 1e6));
  };
  const store = { client: { options: { caller: { user: 'ann' } }, read } } as unknown as StoreFileSystem;
  expect(await runFs(() => store, ['-balancer'], console)).toBe(1);
  expect(asked).toEqual(['start', 'status', 'status', 'stop']);
  expect(console.err()).toContain(
    '\rbalancing ██████░░░░░░░░░░░░░░░░░░ 25 %  1.0 MB of 4.0 MB  2 blocks on the way\u001b[K',
  );
  expect(console.err().endsWith('\r\u001b[K')).toBe(true);
  expect(console.out()).toBe(
    'The balancer was ended\nmoved 1 block, 1.0 MB, in 2.00 s; 3.0 MB left\n' +
      'average 41.50 %, threshold 10 points\n  50.00 %  dn-1\n',
  );
});

/** One after the other; the last one again and again. */
function inTurn<T>(answers: readonly T[]): () => T {
  const left = [...answers];
  return () => (left.length > 1 ? left.shift()! : left[0]!);
}

/** The n-th time that it is asked for the report, or where a file's block is, a store says the n-th of these; after the last always that. */
async function waitedFor(reports: readonly object[], replicas: readonly (readonly string[])[]): Promise<string> {
  const console = fakeConsole();
  const [report, holders] = [inTurn(reports), inTurn(replicas)];
  const read = async (operation: string): Promise<object> => {
    if (operation === 'stat') return { status: { kind: 'file', name: '' } };
    if (operation === 'report') {
      return { datanodes: Object.entries(report()).map(([node, service]) => ({ node, service, isAlive: true })) };
    }
    return { blocks: [{ block: 1, replicas: holders().map((node) => ({ node })) }] };
  };
  const client = {
    options: { caller: { user: 'ann' } },
    read,
    change: async () => ({ result: true }),
    unique: () => '1',
  };
  const store = { client } as unknown as StoreFileSystem;
  expect([await runFs(() => store, ['-setrep', '-w', '2', '/f'], console), console.err()]).toEqual([0, '']);
  return console.out();
}

test('-setrep -w counts the replicas that stay', async () => {
  const nodes = { a: 'normal', b: 'normal', c: 'decommissioning' };
  const said = await waitedFor(
    [nodes],
    [
      ['a', 'c'],
      ['a', 'b', 'c'],
    ],
  );
  expect(said).toBe('Replication 2 set: /f\nWaiting for /f .... done\n');
});

test('-setrep -w counts the replicas of a datanode that has come while it waits', async () => {
  const said = await waitedFor([{ a: 'normal' }, { a: 'normal', b: 'normal' }], [['a'], ['a', 'b']]);
  expect(said).toContain('and 1 of them live and stay: waiting until there are more\nWaiting for /f .... done\n');
});

type Asked = { readonly path: string; readonly request?: string };

/**
 * A store of lost files of a block each, that names two problems an answer; those in `back` are among the lost when all is looked at,
 * and have come back when they are looked at alone.
 */
function lossy(lost: string[], back: readonly string[] = []): StoreFileSystem {
  const fsckOf = (path: string): FsckReport => {
    const found = path === '/' ? [...lost, ...back] : lost.filter((file) => path === file);
    const problems = found.map((file): FsckProblem => ({
      path: file,
      block: 1,
      kind: 'missing',
      replicas: 0,
      wanted: 1,
    }));
    const counts = { missing: found.length, corrupt: 0, 'under-replicated': 0, 'over-replicated': 0 };
    const [files, blocks] = [found.length, found.length];
    return {
      files,
      blocks,
      bytes: 0,
      healthy: found.length === 0,
      lostFiles: files,
      counts,
      problems: problems.slice(0, 2),
    };
  };
  const asked = new Set<string>();
  const read = async (operation: string, { path, request }: Asked): Promise<unknown> => {
    // It takes a while.
    if (operation === 'fsck' && !asked.has(request!) && asked.add(request!)) return { stillAtWork: true };
    if (operation === 'fsck') return fsckOf(path);
    if (operation === 'stat') return { status: { kind: 'folder', name: '' } };
    if (operation === 'list')
      return { entries: lost.map((file) => ({ kind: 'file', name: file.slice(1) })), remaining: 0 };
    const block = { block: 1, generation: 1, offset: 0, length: 1, replicas: [] };
    if (operation === 'locate') return { blocks: [block] };
    const holder = { address: 'http://h:1', isAlive: false, silentMs: 5_000 };
    const holders = [true, false].map((isDamaged) => ({ ...holder, node: isDamaged ? 'bad' : 'gone', isDamaged }));
    return operation === 'holders' ? { holders } : { datanodes: [] };
  };
  const remove = async (path: string): Promise<boolean> => lost.splice(lost.indexOf(path), 1).length === 1;
  let names = 0;
  const client = { options: { caller: { user: 'ann' } }, read, unique: () => `${(names += 1)}` };
  return { client, delete: remove } as unknown as StoreFileSystem;
}

test('fsck counts, lists and removes also what an answer does not name', async () => {
  const run = async (...words: string[]): Promise<{ code: number; out: string; err: string }> => {
    const console = fakeConsole();
    const code = await runFs(() => store, ['-fsck', '/', ...words], console);
    return { code, out: console.out(), err: console.err() };
  };
  const lost = ['/a', '/b', '/c', '/d', '/e'];
  const store = lossy(lost);
  const plain = await run();
  expect(plain).toMatchObject({ code: 1, err: "fsck: `/': is CORRUPT: 5 files cannot be read\n" });
  expect(plain.out).toContain('… and 3 more problems that are only counted');
  expect(plain.out).toContain(' Missing blocks:\t5\n');
  expect((await run('-files')).out.match(/blk_1 is missing$/gm)).toHaveLength(5);
  const listed = await run('-list-corruptfileblocks');
  expect(listed.out).toMatch(/… and 3 more problems .*\n.* has 5 CORRUPT files\n$/);
  expect((await run('-delete')).out.match(/^Deleted .*$/gm)).toHaveLength(5);
  expect(lost).toEqual([]);
  expect(await run()).toMatchObject({ code: 0, err: '' });
});

test('of a block that nobody gives fsck says who had it', async () => {
  const console = fakeConsole();
  await runFs(() => lossy(['/a']), ['-fsck', '/', '-files', '-blocks', '-locations'], console);
  expect(console.out()).toContain(
    '0. blk_1_1 len=1 Live_repl=0  []  was on datanode gone (h:1, last heard of 5 s ago)  damaged on datanode bad (h:1, last heard of 5 s ago)\n',
  );
});

test('fsck -delete keeps what has come back since it looked at all files', async () => {
  const console = fakeConsole();
  await runFs(() => lossy(['/gone'], ['/back']), ['-fsck', '/', '-delete'], console);
  expect(console.out()).toContain('Deleted /gone\nKept /back: it is no longer missing\n');
});

const datanode = (
  node: string,
  leaving: DatanodeReport['leaving'],
  rest?: Partial<DatanodeReport>,
): DatanodeReport => ({
  node,
  address: `http://${node}:1`,
  rack: '/a',
  isAlive: true,
  service: 'decommissioning',
  capacityBytes: 1,
  usedBytes: 0,
  freeBytes: 1,
  failedFolders: 0,
  silentMs: 0,
  leaving,
  ...rest,
});

/** What it prints of a store with these datanodes. */
async function topologyOf(...datanodes: readonly DatanodeReport[]): Promise<string> {
  const console = fakeConsole();
  const answers = [{ stillAtWork: true }, { datanodes }];
  const read = (): Promise<unknown> => Promise.resolve(answers.shift());
  const client = { options: { caller: { user: 'ann' } }, read, unique: () => 'one' };
  expect(await runFs(() => ({ client }) as unknown as StoreFileSystem, ['-printTopology'], console)).toBe(0);
  return console.out();
}

test('the topology is the racks with the datanodes on each', async () => {
  expect(await topologyOf()).toBe('No Nodes\n');
  const printed = await topologyOf(
    datanode('zoe', undefined, { rack: '/b', service: 'normal' }),
    datanode('leaving', undefined),
    datanode('gone', undefined, { rack: '', service: 'maintenance', isAlive: false }),
    datanode('anna', undefined, { rack: '/b', service: 'normal', isAlive: false }),
  );
  expect(printed).toMatchInlineSnapshot(`
    "Rack: (not known: not heard of since the coordinator started)
       gone:1 (gone) In Maintenance, dead

    Rack: /a
       leaving:1 (leaving) Decommission In Progress

    Rack: /b
       anna:1 (anna) In Service, dead
       zoe:1 (zoe) In Service

    "
  `);
});

test('the report says who has gone away from this store, and who never belonged to it', async () => {
  const report: StoreReport = {
    files: 0,
    folders: 0,
    length: 0,
    blocks: 0,
    safeMode: false,
    pending: 0,
    datanodes: [
      datanode('done', undefined, { service: 'decommissioned' }),
      datanode('busy', { blocks: 2000, stuck: 0 }),
      datanode('stuck', { blocks: 3, stuck: 2 }),
      datanode('new', undefined),
      datanode('away soon', { blocks: 1, stuck: 0 }, { service: 'entering_maintenance' }),
    ],
    foreign: [{ node: 'stranger', address: 'http://stranger:1', store: 'another' }],
  };
  // A large store needs longer than one waits for an answer.
  const answers = [{ stillAtWork: true }, report];
  const asked: unknown[] = [];
  const read = (...words: readonly unknown[]) => {
    asked.push(words);
    return Promise.resolve(answers.shift());
  };
  const client = { options: { caller: { user: 'ann' } }, read, unique: () => 'one' };
  const console = fakeConsole();
  expect(await runFs(() => ({ client }) as unknown as StoreFileSystem, ['-report'], console)).toBe(0);
  const request = ['report', { request: 'one' }];
  expect(asked).toEqual([request, request]);
  const lines = console.out().match(/^(?:Name|Address|Store|Status|Blocks that|No other|Datanodes).*/gm)!;
  expect(lines.join('\n')).toMatchInlineSnapshot(`
    "Name: done
    Address: http://done:1
    Status: Decommissioned
    Name: busy
    Address: http://busy:1
    Status: Decommission in progress
    Blocks that have too few replicas elsewhere: 2,000
    Name: stuck
    Address: http://stuck:1
    Status: Decommission in progress
    Blocks that have too few replicas elsewhere: 3
    No other datanode can take 2 of them: add one, or lower what files want (-setrep)
    Name: new
    Address: http://new:1
    Status: Decommission in progress
    Name: away soon
    Address: http://away soon:1
    Status: Entering maintenance
    Blocks that are on no datanode that stays: 1
    Datanodes that are refused, since their blocks belong to another store (1):
    Name: stranger
    Address: http://stranger:1
    Store: another"
  `);
});
