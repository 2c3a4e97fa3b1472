/** Writes on a datanode's own machine: into files that it names and takes over. Nothing is lost or made wrong by what fails on the way. */
import { readFile } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { type Disk, type DiskFile, localDisk } from '../../src/common/disk.ts';
import { NetworkError, type StoreNetwork } from '../../src/filestore/network.ts';
import type { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import { Random } from '../simulation/random.ts';
import { BLOCK_BYTES, LocalNodes } from './local-nodes.ts';

let nodes: LocalNodes;
afterEach(() => nodes.close());

/** Three blocks, the last of which is too short to be staged. */
const CONTENT = Buffer.from(new Random(3).bytes(2 * BLOCK_BYTES + 1_234));
/** More than a writer keeps in memory of one block. */
const LONG = Buffer.from(new Random(4).bytes(12_000_000));
const LONG_BLOCK = { replication: 1, blockSize: 16_000_000 };

async function* piecesOf(content: Uint8Array, pieceBytes = 100_000): AsyncGenerator<Uint8Array> {
  // One buffer for all: a piece stays as it is until the next one is asked for, and no longer.
  const buffer = Buffer.alloc(pieceBytes);
  for (let at = 0; at < content.length; at += pieceBytes) {
    const piece = content.subarray(at, at + pieceBytes);
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
    buffer.fill(0xee);
  }
}

const contentOf = async (fs: StoreFileSystem, path: string): Promise<Buffer> => {
  const file = await fs.open(path);
  return Buffer.from(await file.read(0, file.length));
};

/** This machine's disk, where what is staged does what a test wants. */
const whereStaged = (change: (file: DiskFile) => Partial<DiskFile>): Disk => ({
  ...localDisk,
  open: async (path, mode) => {
    const file = await localDisk.open(path, mode);
    return mode === 'write' && path.includes('/incoming/') ? { ...file, ...change(file) } : file;
  },
});

const failing = (code: string): never => {
  throw Object.assign(new Error(`${code}: simulated`), { code });
};

test('blocks are written into files of the datanode; a short one goes to it in one call', async () => {
  nodes = await LocalNodes.start({ datanodes: 1 });
  const fs = nodes.client('one');
  await fs.create('/f', piecesOf(CONTENT));
  expect(nodes.calls.map((call) => call.split(' ').at(-1))).toEqual([
    'stageBlock',
    'adoptBlock',
    'stageBlock',
    'adoptBlock',
    'writeBlock',
  ]);
  const files = await nodes.replicas();
  expect(Buffer.concat(await Promise.all(files.map(({ file }) => readFile(file)))).equals(CONTENT)).toBe(true);
  expect(await nodes.incoming()).toEqual([]);
  expect((await contentOf(nodes.client('elsewhere', { host: 'other' }), '/f')).equals(CONTENT)).toBe(true);
});

test('the first datanode sends what it took over to the others', async () => {
  nodes = await LocalNodes.start({ datanodes: 2 });
  const fs = nodes.client('one');
  await fs.create('/f', CONTENT);
  const files = await nodes.replicas();
  expect(files.map(({ node }) => node)).toEqual(['dn1', 'dn1', 'dn1', 'dn2', 'dn2', 'dn2']);
  for (const node of ['dn1', 'dn2']) {
    const mine = files.filter((one) => one.node === node);
    expect(Buffer.concat(await Promise.all(mine.map(({ file }) => readFile(file)))).equals(CONTENT)).toBe(true);
  }
});

test('a writer on another machine, and one that may not open the file, send the bytes', async () => {
  nodes = await LocalNodes.start({ datanodes: 1 });
  await nodes.client('far', { host: 'other' }).create('/far', CONTENT);
  expect(nodes.asked).toEqual(['writeBlock']);
  const closed: Disk = {
    ...localDisk,
    open: (path, mode) => (path.includes('/incoming/') ? failing('EACCES') : localDisk.open(path, mode)),
  };
  await nodes.client('closed', { disk: closed }).create('/closed', piecesOf(CONTENT));
  const other: Disk = { ...localDisk, stat: async (path) => ({ ...(await localDisk.stat(path)), inode: 7 }) };
  await nodes.client('misled', { disk: other }).create('/misled', piecesOf(CONTENT));
  for (const path of ['/far', '/closed', '/misled']) {
    expect((await contentOf(nodes.client('reader'), path)).equals(CONTENT)).toBe(true);
  }
  expect(await nodes.incoming()).toEqual([]);
});

test.each(['ENOSPC', 'EIO'])(
  '%s in the middle of a block: it is sent from the file and from the source',
  async (code) => {
    nodes = await LocalNodes.start({ datanodes: 1 });
    let writes = 0;
    const disk = whereStaged((file) => ({
      // A full disk takes the first part.
      write: async (offset, bytes) => {
        writes += 1;
        if (writes === 101) await file.write(offset, bytes.subarray(0, 5_000));
        return writes > 100 ? failing(code) : file.write(offset, bytes);
      },
    }));
    const fs = nodes.client('one', { disk, attributes: LONG_BLOCK });
    await fs.create('/f', piecesOf(LONG));
    expect(writes).toBe(101);
    expect(nodes.asked).toEqual(['dropStaged', 'stageBlock', 'writeBlock']);
    expect((await contentOf(nodes.client('reader'), '/f')).equals(LONG)).toBe(true);
    expect(await nodes.incoming()).toEqual([]);
  },
);

test('a sync that fails while the block is written: it is sent instead, and what was staged is dropped', async () => {
  nodes = await LocalNodes.start({ datanodes: 1 });
  const disk = whereStaged(() => ({ sync: async () => failing('EIO') }));
  const fs = nodes.client('one', { disk, attributes: LONG_BLOCK });
  await fs.create('/f', piecesOf(LONG));
  expect(nodes.asked).toEqual(['dropStaged', 'stageBlock', 'writeBlock']);
  expect((await contentOf(nodes.client('reader'), '/f')).equals(LONG)).toBe(true);
});

test('a datanode that is lost when it should take a block over: another one gets it', async () => {
  nodes = await LocalNodes.start({ datanodes: 2 });
  const network = nodes.network.from('one');
  let lost: string | undefined;
  const losing: StoreNetwork = {
    ...network,
    call: (to, operation, ...rest) => {
      if (operation === 'adoptBlock') lost ??= to;
      if (to === lost) throw new NetworkError(`${to} is gone`);
      return network.call(to, operation, ...rest);
    },
  };
  await nodes.client('one', { network: losing, attributes: LONG_BLOCK }).create('/f', piecesOf(LONG));
  const [replica, ...more] = await nodes.replicas();
  expect(more).toEqual([]);
  expect(replica!.node).not.toBe(lost);
  expect((await readFile(replica!.file)).equals(LONG)).toBe(true);
});

test('content that fails in the middle of a block fails the write with its own error, and leaves nothing', async () => {
  nodes = await LocalNodes.start({ datanodes: 1 });
  const problem = new Error('the source is broken');
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield LONG.subarray(0, 1_000_000);
    throw problem;
  }
  const fs = nodes.client('one', { attributes: LONG_BLOCK });
  await expect(fs.create('/f', broken())).rejects.toBe(problem);
  expect(await fs.stat('/f')).toBeUndefined();
  expect(await nodes.incoming()).toEqual([]);
  expect(await nodes.replicas()).toEqual([]);
});

test('bytes that reached the disk otherwise than the writer had them are never read', async () => {
  nodes = await LocalNodes.start({ datanodes: 1 });
  const disk = whereStaged((file) => ({
    write: (offset, bytes) => {
      const harmed = Uint8Array.from(bytes);
      if (offset === 500_000) harmed[1]! ^= 1;
      return file.write(offset, harmed);
    },
  }));
  await nodes.client('one', { disk, attributes: LONG_BLOCK }).create('/f', piecesOf(LONG));
  expect(nodes.damaged).toEqual([]);
  for (const options of [{}, { host: 'other' }]) {
    const file = await nodes.client('reader', options).open('/f');
    await expect(file.read(499_990, 20)).rejects.toMatchObject({
      message: expect.stringContaining('a good replica of it. It is damaged on') as string,
    });
    expect(await file.localPath()).toBeUndefined();
  }
  expect(nodes.damaged).toHaveLength(1);
});

test('a block of a hundred thousand little pieces is no more work than one of a few', async () => {
  nodes = await LocalNodes.start({ datanodes: 1 });
  const fs = nodes.client('one');
  await fs.create('/f', piecesOf(CONTENT.subarray(0, BLOCK_BYTES), 3));
  expect(nodes.calls.map((call) => call.split(' ').at(-1))).toEqual(['stageBlock', 'adoptBlock']);
  expect((await contentOf(fs, '/f')).equals(CONTENT.subarray(0, BLOCK_BYTES))).toBe(true);
});
