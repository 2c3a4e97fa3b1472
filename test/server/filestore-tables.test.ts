/** The file store as tables: what operators see of a real one, and that a large one is not answered by halves. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import { HttpNetwork } from '../../src/filestore/http-network.ts';
import { BlockMap } from '../../src/filestore/namenode/block-map.ts';
import { Datanodes } from '../../src/filestore/namenode/datanodes.ts';
import type { NameNode } from '../../src/filestore/namenode/namenode.ts';
import { fromSorted } from '../../src/filestore/namespace/ordered-map.ts';
import { type FileNode, newFolder, newNamespace, ROOT_ID } from '../../src/filestore/namespace/state.ts';
import { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import { filestoreTables } from '../../src/server/filestore-tables.ts';
import { SimulatedClock } from '../cluster/simulated-clock.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { runStatement } from '../support/trino.ts';

/** Heartbeats and reports come every second, when the machine has time for them. */
const TOLD_WITHIN = { timeout: 20_000 };

let server: TestServer;
let network: HttpNetwork;

beforeAll(async () => {
  server = await startServer({ workers: 2 });
  network = new HttpNetwork(readFileSync(path.join(server.dataDirectory, 'secret'), 'utf8').trim(), systemClock);
  // Datanodes join a moment after the server is ready.
  while ((await rows("SELECT 1 FROM system.filestore.nodes WHERE state = 'live'")).length < 2)
    await new Promise((later) => setTimeout(later, 200));
});
afterAll(async () => {
  network.close();
  await server.stop();
});

const rows = async (sql: string): Promise<readonly unknown[]> => (await runStatement(server.url, sql)).rows;

test('files, their blocks, and the nodes that hold them', async () => {
  const fs = new StoreFileSystem({
    network,
    clock: systemClock,
    namenode: server.url,
    caller: { user: 'anna', groups: ['users'], superuser: true },
    client: 'tables',
    attributes: { replication: 2, blockSize: 1024 * 1024 },
  });
  await fs.create('/air/2026/flights', new Uint8Array(1024 * 1024 + 5));
  await fs.create('/air.txt', new Uint8Array(3));
  await fs.create('/empty', new Uint8Array());
  const files = 'SELECT path, length, blocks, replication, owner, permission FROM system.filestore.files';
  expect(await rows(`${files} ORDER BY path`)).toEqual([
    ['/air.txt', 3, 1, 2, 'anna', 'rw-r--r--'],
    ['/air/2026/flights', 1024 * 1024 + 5, 2, 2, 'anna', 'rw-r--r--'],
    ['/empty', 0, 0, 2, 'anna', 'rw-r--r--'],
  ]);
  const paths = async (where: string): Promise<unknown> =>
    (await rows(`SELECT path FROM system.filestore.files WHERE ${where} ORDER BY path`)).flat();
  expect(await paths("path >= '/air/' AND path < '/air0'")).toEqual(['/air/2026/flights']);
  expect(await paths("path = '/air.txt' OR path = '/empty'")).toEqual(['/air.txt', '/empty']);
  expect(await paths("path LIKE '/air/%'")).toEqual(['/air/2026/flights']);
  expect(await paths("path > '/air/2027'")).toEqual(['/empty']);
  const held = `
    SELECT b.path, b.block_index, b.length, b.live_replicas, b.corrupt_replicas, count(n.node_id)
    FROM system.filestore.blocks b CROSS JOIN UNNEST(b.nodes) AS u (node)
    JOIN system.filestore.nodes n ON n.node_id = u.node AND n.state = 'live' AND n.service = 'normal'
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2`;
  await expect
    .poll(() => rows(held), TOLD_WITHIN)
    .toEqual([
      ['/air.txt', 0, 3, 2, 0, 2],
      ['/air/2026/flights', 0, 1024 * 1024, 2, 0, 2],
      ['/air/2026/flights', 1, 5, 2, 0, 2],
    ]);
  await expect
    .poll(() => rows('SELECT sum(blocks), min(used_bytes) > 1000000 FROM system.filestore.nodes'), TOLD_WITHIN)
    .toEqual([[6, true]]);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain('tutti_filestore_files 3\n');
  expect(metrics).toContain('tutti_filestore_datanodes{state="live"} 2\n');
});

test('a block that snapshots alone have is told without a path', async () => {
  const fs = new StoreFileSystem({
    network,
    clock: systemClock,
    namenode: server.url,
    caller: { user: 'anna', groups: [], superuser: true },
    client: 'snapshots',
    attributes: { replication: 1 },
  });
  await fs.create('/kept/file', new Uint8Array(7));
  await fs.client.change('allowSnapshot', { path: '/kept' });
  await fs.client.change('createSnapshot', { path: '/kept', name: 'one' });
  await fs.delete('/kept/file');
  const blocks = 'SELECT path, block_index, live_replicas FROM system.filestore.blocks WHERE length = 7';
  await expect.poll(() => rows(blocks), TOLD_WITHIN).toEqual([[null, null, 1]]);
  expect(await rows(`${blocks} AND path = '/kept/file'`)).toEqual([]);
});

test('a datanode that died is shown as dead, and since when it was silent', async () => {
  const clock = new SimulatedClock();
  const datanodes = new Datanodes(clock, 1, 10_000);
  const [blocks, registered] = [new BlockMap(), { address: 'http://h:1', rack: '/r', host: 'h', store: undefined }];
  datanodes.register({ ...registered, node: 'gone', incarnation: '1' }, 'normal');
  blocks.add(5, 1);
  clock.advance(10_001);
  datanodes.register({ ...registered, node: 'new', incarnation: '2' }, 'normal');
  datanodes.takeSilent();
  const namenode = { datanodes, blocks } as unknown as NameNode;
  const tables = filestoreTables({ namenode: () => Promise.resolve(namenode), clock });
  const moment = new Date(clock.wallMs() - 10_001).toISOString().replace('T', ' ').replace('Z', ' UTC');
  expect(await tables.rows('filestore', 'nodes', {})).toMatchObject([
    { node_id: 'gone', state: 'dead', service: 'normal', blocks: '1', used_bytes: undefined, last_heartbeat: moment },
    { node_id: 'new', state: 'live', blocks: '0' },
  ]);
});

test('a cluster without a store says so', async () => {
  const without = await startServer({ workers: 1, arguments: ['--no-store'] });
  try {
    await expect(runStatement(without.url, 'SELECT * FROM system.filestore.files')).rejects.toThrow(
      'NOT_SUPPORTED: There is no file store: this cluster keeps no files; one that tutti server or tutti coordinator starts does',
    );
  } finally {
    await without.stop();
  }
});

test('more files than the coordinator should hold as rows are refused, and a part of them is not', async () => {
  const attributes = { owner: 'o', group: 'g', mode: 0o644, replication: 1, blockSize: 1 };
  const file: FileNode = { kind: 'file', id: 1, attributes, mtime: 0, atime: 0, blocks: [], client: undefined };
  const names = Array.from({ length: 200_001 }, (_, i) => `f${String(i).padStart(6, '0')}`);
  const files = names.map(() => file);
  const root = { ...newFolder(ROOT_ID, attributes, 0), children: fromSorted(names, files), files: files.length };
  const state = { ...newNamespace({ owner: 'o', group: 'g' }), root };
  const tables = filestoreTables({
    namenode: () => Promise.resolve({ state } as unknown as NameNode),
    clock: systemClock,
  });
  await expect(tables.rows('filestore', 'files', {})).rejects.toThrow(/has more than 200,000 rows: ask for a part/);
  const path = { ranges: [{ low: { value: '/f200000', inclusive: true } }], nullAllowed: false };
  expect(await tables.rows('filestore', 'files', { path })).toMatchObject([{ path: '/f200000' }]);
});
