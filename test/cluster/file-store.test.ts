/** The file store of a real server: what is written is there, also after workers and the whole server died. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { hostId } from '../../src/cluster/host-id.ts';
import { systemClock } from '../../src/common/clock.ts';
import { localDisk } from '../../src/common/disk.ts';
import { HttpNetwork } from '../../src/filestore/http-network.ts';
import type { FsckReport, StoreReport } from '../../src/filestore/namenode/administration.ts';
import { StoreError } from '../../src/filestore/network.ts';
import { StoreFileSystem, type StoreFileSystemOptions } from '../../src/filestore/store-file-system.ts';
import { Random } from '../simulation/random.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { childrenOf, descendantsOf, isAlive } from './process-tree.ts';

const BLOCK_BYTES = 1024 * 1024;

type Client = { readonly fs: StoreFileSystem; readonly close: () => void };

function clientOf(server: TestServer, name: string, more: Partial<StoreFileSystemOptions> = {}): Client {
  const secret = readFileSync(path.join(server.dataDirectory, 'secret'), 'utf8').trim();
  const network = new HttpNetwork(secret, systemClock);
  const caller = { user: 'tester', groups: [], superuser: true };
  const attributes = { replication: 2, blockSize: BLOCK_BYTES };
  const options = { network, clock: systemClock, namenode: server.url, caller, client: name, attributes, ...more };
  return { fs: new StoreFileSystem(options), close: () => network.close() };
}

/** Datanodes join a moment after the server is ready. */
async function createSoon(fs: StoreFileSystem, file: string, content: Uint8Array): Promise<void> {
  await expect
    .poll(
      () =>
        fs.createIfAbsent(file, content).catch((problem: unknown) => {
          if (!(problem instanceof StoreError)) throw problem;
          return problem.name;
        }),
      { timeout: 30_000 },
    )
    .toBe('created');
}

async function contentOf(fs: StoreFileSystem, file: string): Promise<Uint8Array> {
  const opened = await fs.open(file);
  return opened.read(0, opened.length);
}

async function replicasMissing(fs: StoreFileSystem): Promise<number> {
  const { problems } = await fs.client.read<FsckReport>('fsck', { path: '/' });
  return problems.length;
}

test('files outlive workers that are killed, and the server too', async () => {
  const dataDirectory = await mkdtemp(path.join(tmpdir(), 'tutti-store-'));
  const content = new Random(5).bytes(2 * BLOCK_BYTES + 12_345);
  try {
    const server = await startServer({ workers: 3, dataDirectory });
    const { fs, close } = clientOf(server, 'one');
    await createSoon(fs, '/warehouse/a', content);
    await createSoon(fs, '/warehouse/empty', new Uint8Array());
    expect(await fs.createIfAbsent('/warehouse/a', content)).toBe('exists');
    // It may have been written while one datanode alone had joined.
    await expect.poll(() => replicasMissing(fs), { timeout: 30_000 }).toBe(0);
    const [worker] = childrenOf(server.process.pid!);
    process.kill(worker!, 'SIGKILL');
    expect(Buffer.compare(await contentOf(fs, '/warehouse/a'), content)).toBe(0);
    process.kill(server.process.pid!, 'SIGKILL');
    close();
    const again = await startServer({ workers: 3, dataDirectory });
    const second = clientOf(again, 'two');
    await expect
      .poll(() => second.fs.stat('/warehouse/a'), { timeout: 30_000 })
      .toMatchObject({ length: content.length });
    await expect
      .poll(
        async () => Buffer.compare(await contentOf(second.fs, '/warehouse/a').catch(() => new Uint8Array()), content),
        {
          timeout: 30_000,
        },
      )
      .toBe(0);
    expect((await second.fs.list('/warehouse')).entries.map(({ path: name }) => name)).toEqual([
      '/warehouse/a',
      '/warehouse/empty',
    ]);
    second.close();
    await again.stop();
  } finally {
    await rm(dataDirectory, { recursive: true, force: true });
  }
});

test('a second server on the same data folder answers queries, and says that it has no file store', async () => {
  const first = await startServer({ workers: 1 });
  try {
    const second = await startServer({ workers: 1, dataDirectory: first.dataDirectory });
    const { fs, close } = clientOf(second, 'one');
    await expect(fs.stat('/a')).rejects.toThrow(/no file store.*in use by process \d+ on/);
    const asked = await fetch(`${second.url}/v1/info`);
    expect(asked.status).toBe(200);
    close();
    await second.stop();
  } finally {
    await first.stop();
  }
});

/** The files of the replicas of a server's workers. */
async function blockFiles(server: TestServer, folder = path.join(server.dataDirectory, 'blocks')): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => /\/\d+_\d+$/.test(name)).map((name) => path.join(folder, name));
}

test('a process on the machine of a datanode reads its blocks by their files, also when the datanode dies, and never wrong bytes', async () => {
  const server = await startServer({ workers: 2 });
  const { fs, close } = clientOf(server, 'one', { host: hostId(), disk: localDisk });
  try {
    const content = Buffer.from(new Random(6).bytes(2 * BLOCK_BYTES + 5));
    await createSoon(fs, '/f', content);
    await createSoon(fs, '/one-block', content.subarray(0, BLOCK_BYTES));
    await expect.poll(() => replicasMissing(fs), { timeout: 30_000 }).toBe(0);
    const one = await fs.open('/one-block');
    const local = await one.localPath();
    expect(readFileSync(local!).equals(content.subarray(0, BLOCK_BYTES))).toBe(true);
    // A replica of each block is harmed, of whichever datanode.
    const files = (await blockFiles(server)).toSorted();
    const blocks = new Map(files.map((file) => [path.basename(file), file]));
    expect(blocks.size).toBe(4);
    for (const file of blocks.values()) {
      const handle = await open(file, 'r+');
      await handle.write(Buffer.from('harmed'), 0, 6, 4_000);
      await handle.close();
    }
    expect(Buffer.compare(await contentOf(fs, '/f'), content)).toBe(0);
    // What a reader of this machine found is replaced, from the good ones.
    await expect.poll(() => replicasMissing(fs), { timeout: 30_000 }).toBe(0);
    await fs.create('/g', content);
    const opened = await fs.open('/g');
    const stream = opened.stream()[Symbol.asyncIterator]();
    const first = (await stream.next()).value as Uint8Array;
    process.kill(childrenOf(server.process.pid!)[0]!, 'SIGKILL');
    const pieces = [first];
    // The block that is open is read to its end by its file, whose datanode it was; the others from the one that lives.
    for (let piece = await stream.next(); !piece.done; piece = await stream.next()) pieces.push(piece.value);
    expect(Buffer.compare(Buffer.concat(pieces), content)).toBe(0);
  } finally {
    close();
    await server.stop();
  }
});

test('a worker that loses one of its disks goes on with the other, and what was on it is copied', async () => {
  const disks = await mkdtemp(path.join(tmpdir(), 'tutti-disks-'));
  const [one, two] = [path.join(disks, 'one'), path.join(disks, 'two')];
  const server = await startServer({ workers: 2, arguments: ['--store-dir', one, two] });
  const { fs, close } = clientOf(server, 'one');
  try {
    const contents = Array.from({ length: 12 }, (_, i) => new Random(i + 1).bytes(300_000 + i));
    await createSoon(fs, '/first', new Uint8Array(1));
    await expect
      .poll(async () => (await fs.client.read<StoreReport>('report', {})).datanodes.length, { timeout: 30_000 })
      .toBe(2);
    // At once: each takes the folder in which others have reserved less.
    await Promise.all(contents.map((content, i) => fs.create(`/f${i}`, content)));
    await expect.poll(() => replicasMissing(fs), { timeout: 30_000 }).toBe(0);
    const [worker, ...others] = (await readdir(two)).filter((name) => name !== 'links').toSorted();
    expect(others).toHaveLength(1);
    const lost = path.join(two, worker!);
    expect((await blockFiles(server, lost)).length).toBeGreaterThan(0);
    expect((await blockFiles(server, path.join(one, worker!))).length).toBeGreaterThan(0);
    await rm(lost, { recursive: true });
    for (const [i, content] of contents.entries()) {
      expect(Buffer.compare(await contentOf(fs, `/f${i}`), content)).toBe(0);
    }
    await Promise.all(contents.map((content, i) => fs.create(`/g${i}`, content)));
    const failed = async (): Promise<readonly number[]> => {
      const { datanodes } = await fs.client.read<StoreReport>('report', {});
      return datanodes
        .map(({ isAlive, failedFolders }) => (isAlive ? failedFolders : Number.NaN))
        .toSorted((a, b) => a - b);
    };
    await expect.poll(failed, { timeout: 30_000 }).toEqual([0, 1]);
    await expect.poll(() => replicasMissing(fs), { timeout: 30_000 }).toBe(0);
    for (const [i, content] of contents.entries()) {
      expect(Buffer.compare(await contentOf(fs, `/g${i}`), content)).toBe(0);
    }
  } finally {
    close();
    await server.stop();
    await rm(disks, { recursive: true, force: true });
  }
});

test('a worker whose disk cannot be used at its first start begins with the other one, and ends with its server', async () => {
  const disks = await mkdtemp(path.join(tmpdir(), 'tutti-disks-'));
  await writeFile(path.join(disks, 'file'), '');
  const stores = ['/proc/nope', path.join(disks, 'file', 'below'), path.join(disks, 'good')];
  const server = await startServer({ workers: 1, arguments: ['--store-dir', ...stores] });
  const { fs, close } = clientOf(server, 'one', { attributes: { replication: 1, blockSize: BLOCK_BYTES } });
  const processes = descendantsOf(server.process.pid!);
  try {
    await createSoon(fs, '/f', new Uint8Array(10));
    const { datanodes } = await fs.client.read<StoreReport>('report', {});
    expect(datanodes).toMatchObject([{ failedFolders: 2 }]);
  } finally {
    close();
    await server.stop();
    await rm(disks, { recursive: true, force: true });
  }
  expect(processes.length).toBeGreaterThan(0);
  expect(processes.filter(isAlive)).toEqual([]);
});

test('a server whose store cannot run says so to the person who started it', async () => {
  const dataDirectory = await mkdtemp(path.join(tmpdir(), 'tutti-store-'));
  const server = await startServer({ workers: 1, dataDirectory });
  const second = spawn(
    process.execPath,
    [path.resolve('dist/cli.js'), 'server', '--port', '0', '--workers', '1', '--data', dataDirectory],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  try {
    let said = '';
    second.stdout.on('data', (text: Buffer) => (said += text.toString()));
    await expect
      .poll(() => said, { timeout: 30_000 })
      .toMatch(
        /^Tutti is ready at \S+\nThe file store does not run: the journal in \S+ is in use by process \d+ on \S+; stop that one, or give this one another folder\. Queries do\.\n$/,
      );
  } finally {
    second.kill('SIGTERM');
    await once(second, 'exit');
    await server.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  }
});
