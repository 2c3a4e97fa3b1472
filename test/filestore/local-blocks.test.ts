/** Reads of blocks that are on the reader's machine: by their own files where that can be, and always the right bytes. */
import { open, readFile, stat, unlink, utimes } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { type Disk, localDisk } from '../../src/common/disk.ts';
import { mergeRanges, type Range } from '../../src/common/ranges.ts';
import type { OpenFile } from '../../src/filestore/file-system.ts';
import { Random } from '../simulation/random.ts';
import { fileSystemSuite } from './file-system-suite.ts';
import { BLOCK_BYTES, CHUNK_BYTES, LocalNodes } from './local-nodes.ts';

let nodes: LocalNodes;
afterEach(() => nodes.close());

const CONTENT = Buffer.from(new Random(3).bytes(2 * BLOCK_BYTES + 1_234));

const whole = async (file: OpenFile): Promise<Buffer> => Buffer.from(await file.read(0, file.length));

/** One bit of a file, as a disk flips it: neither its length nor its time shows it. */
async function flipBit(file: string, offset: number): Promise<void> {
  const { atime, mtime } = await stat(file);
  const handle = await open(file, 'r+');
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, offset);
  byte[0]! ^= 1;
  await handle.write(byte, 0, 1, offset);
  await handle.close();
  await utimes(file, atime, mtime);
}

describe('tutti:// with its blocks on this machine', () => {
  fileSystemSuite(async () => {
    nodes = await LocalNodes.start({ datanodes: 2 });
    return {
      fileSystem: nodes.client('one'),
      another: nodes.client('two'),
      readLocal: (path) => readFile(path),
      close: () => Promise.resolve(),
    };
  });
});

test('bytes come from the blocks of this machine, and none over the network', async () => {
  nodes = await LocalNodes.start({ datanodes: 1 });
  const fs = nodes.client('one');
  await fs.create('/f', CONTENT);
  nodes.calls.length = 0;
  const file = await fs.open('/f');
  expect((await whole(file)).equals(CONTENT)).toBe(true);
  const random = new Random(4);
  for (let i = 0; i < 50; i++) {
    const [offset, length] = [random.below(CONTENT.length + 10), random.below(2 * CHUNK_BYTES)];
    expect(CONTENT.subarray(offset, offset + length).equals(await file.read(offset, length))).toBe(true);
  }
  const local: Range[] = [];
  const pieces: Uint8Array[] = [];
  const onLocal = (bytes: Range): number => local.push(bytes);
  for await (const piece of file.stream(7, CONTENT.length - 9, { onLocal })) pieces.push(piece);
  expect(Buffer.concat(pieces).equals(CONTENT.subarray(7, -2))).toBe(true);
  expect(mergeRanges(local)).toEqual([[7, CONTENT.length - 2]]);
  // Once for each block.
  expect(nodes.calls).toEqual(Array.from({ length: 3 }, () => 'one → dn1 localReplica'));
  expect(await file.localPath()).toBeUndefined();
});

test('lent pieces are right while they may be looked at, over blocks, ranges and a replica with damage', async () => {
  nodes = await LocalNodes.start({ datanodes: 2 });
  const fs = nodes.client('one', { attributes: { replication: 2, blockSize: BLOCK_BYTES } });
  await fs.create('/f', CONTENT);
  const lent = async (offset: number, length: number): Promise<Buffer> => {
    const file = await fs.open('/f');
    const copies: Buffer[] = [];
    let before: Uint8Array = Buffer.of();
    for await (const piece of file.stream(offset, length, { lent: true })) {
      await new Promise((later) => setTimeout(later, 5));
      copies.push(Buffer.from(before));
      before = piece;
    }
    return Buffer.concat([...copies, before]);
  };
  expect((await lent(0, CONTENT.length)).equals(CONTENT)).toBe(true);
  const [from, count] = [BLOCK_BYTES - 7, BLOCK_BYTES + 100];
  expect((await lent(from, count)).equals(CONTENT.subarray(from, from + count))).toBe(true);
  for (const { file } of (await nodes.replicas()).slice(0, 2)) await flipBit(file, CHUNK_BYTES + 3);
  expect((await lent(0, CONTENT.length)).equals(CONTENT)).toBe(true);
});

test('a client on another machine, and one that is given no disk, hear the datanode', async () => {
  nodes = await LocalNodes.start({ datanodes: 1 });
  await nodes.client('writer').create('/f', CONTENT);
  const { disk: _, ...elsewhere } = { disk: localDisk, host: 'another-machine' };
  for (const options of [elsewhere, { ...elsewhere, disk: localDisk }, { disk: undefined as never }]) {
    nodes.calls.length = 0;
    const file = await nodes.client('reader', options).open('/f');
    const local: Range[] = [];
    const onLocal = (bytes: Range): number => local.push(bytes);
    const pieces: Uint8Array[] = [];
    for await (const piece of file.stream(0, CONTENT.length, { onLocal })) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(CONTENT)).toBe(true);
    expect(local).toEqual([]);
    expect(await file.localPath()).toBeUndefined();
    expect(nodes.asked).toEqual(['readBlock']);
  }
});

test("a file of one block is that block's own file", async () => {
  nodes = await LocalNodes.start({ datanodes: 1 });
  const fs = nodes.client('one');
  await fs.create('/f', CONTENT.subarray(0, BLOCK_BYTES));
  const file = await fs.open('/f');
  const [replica] = await nodes.replicas();
  expect(await file.localPath()).toBe(replica!.file);
  expect((await readFile(replica!.file)).equals(CONTENT.subarray(0, BLOCK_BYTES))).toBe(true);
});

test('a bit that flipped before the first read is found, told, and read from the next replica', async () => {
  nodes = await LocalNodes.start({ datanodes: 2 });
  const fs = nodes.client('one');
  await fs.create('/f', CONTENT);
  for (const { node, file } of await nodes.replicas()) if (node === 'dn1') await flipBit(file, 77);
  const file = await fs.open('/f');
  expect((await whole(file)).equals(CONTENT)).toBe(true);
  expect(nodes.damaged.length).toBeGreaterThan(0);
  expect(nodes.damaged.every((damaged) => damaged.startsWith('dn1 '))).toBe(true);
});

test('a kernel is never given a file with a bit that flipped before its verification', async () => {
  nodes = await LocalNodes.start({ datanodes: 2 });
  const fs = nodes.client('one');
  await fs.create('/f', CONTENT.subarray(0, BLOCK_BYTES));
  const [first, second] = await nodes.replicas();
  await flipBit(first!.file, BLOCK_BYTES - 1);
  const file = await fs.open('/f');
  // The order of two replicas on one machine is nobody's business.
  const paths = await Promise.all([1, 2, 3, 4].map(() => file.localPath()));
  expect(new Set(paths)).toEqual(new Set([second!.file]));
});

test('a bit that flipped after the verification: a reader finds it at once, a kernel is given the file until somebody has', async () => {
  nodes = await LocalNodes.start({ datanodes: 1 });
  const fs = nodes.client('one');
  await fs.create('/f', CONTENT.subarray(0, BLOCK_BYTES));
  const [replica] = await nodes.replicas();
  // One that can be set again to the last digit.
  await utimes(replica!.file, new Date(1_700_000_000_000), new Date(1_700_000_000_000));
  const file = await fs.open('/f');
  const path = (await file.localPath())!;
  await flipBit(path, CHUNK_BYTES + 5);
  // Within the hour the datanode believes what it verified.
  expect(await file.localPath()).toBe(path);
  expect(nodes.damaged).toEqual([]);
  // Only a part of the chunk: the datanode, which takes it for verified, would send it as it is.
  await expect(file.read(CHUNK_BYTES, 10)).rejects.toMatchObject({
    message: expect.stringContaining('a good replica of it. It is damaged on') as string,
  });
  expect(nodes.damaged).toHaveLength(1);
  expect(await file.localPath()).toBeUndefined();
});

test('a file that was written to after its verification is verified again, and no path is given', async () => {
  nodes = await LocalNodes.start({ datanodes: 1 });
  const fs = nodes.client('one');
  await fs.create('/f', CONTENT.subarray(0, BLOCK_BYTES));
  const file = await fs.open('/f');
  const path = (await file.localPath())!;
  const handle = await open(path, 'r+');
  await handle.write(Buffer.from('something else'), 0, 14, 3);
  await handle.close();
  await utimes(path, new Date(), new Date(Date.now() + 5_000));
  expect(await file.localPath()).toBeUndefined();
  expect(nodes.damaged).toHaveLength(1);
});

/** This machine's disk, where `open` of a block's file does what a test wants. */
const whereBlocks = (openBlock: Disk['open']): Disk => ({
  ...localDisk,
  open: (path, mode) => (path.includes('/blocks/') ? openBlock(path, mode) : localDisk.open(path, mode)),
});

test('a block whose file the reader may not open comes over the network, and is not tried again', async () => {
  nodes = await LocalNodes.start({ datanodes: 1 });
  await nodes.client('writer').create('/f', CONTENT);
  nodes.calls.length = 0;
  let tries = 0;
  const disk = whereBlocks((path) => {
    tries += 1;
    return Promise.reject(Object.assign(new Error(`EACCES: ${path}`), { code: 'EACCES' }));
  });
  const file = await nodes.client('reader', { disk }).open('/f');
  for (let i = 0; i < 3; i++) expect((await whole(file)).equals(CONTENT)).toBe(true);
  expect(await file.localPath()).toBeUndefined();
  expect(tries).toBe(1);
  expect(nodes.calls.filter((call) => call.endsWith('localReplica'))).toHaveLength(1);
});

test('what has the path here and is not the file that the datanode meant is not read', async () => {
  nodes = await LocalNodes.start({ datanodes: 1 });
  await nodes.client('writer').create('/f', CONTENT.subarray(0, BLOCK_BYTES));
  nodes.calls.length = 0;
  const disk: Disk = { ...localDisk, stat: async (path) => ({ ...(await localDisk.stat(path)), inode: 1 }) };
  const file = await nodes.client('reader', { disk }).open('/f');
  expect(await file.localPath()).toBeUndefined();
  expect((await whole(file)).equals(CONTENT.subarray(0, BLOCK_BYTES))).toBe(true);
  expect(nodes.asked).toEqual(['localReplica', 'readBlock']);
});

test('a read that fails in the middle of a block goes on where it was', async () => {
  nodes = await LocalNodes.start({ datanodes: 2 });
  const fs = nodes.client('writer', { attributes: { replication: 2, blockSize: 4_000_000 } });
  const content = Buffer.from(new Random(9).bytes(3_500_000));
  await fs.create('/f', content);
  let reads = 0;
  const disk = whereBlocks(async (path, mode) => {
    const file = await localDisk.open(path, mode);
    return {
      ...file,
      read: (offset, buffer) => {
        reads += 1;
        if (reads > 2) throw Object.assign(new Error('EIO: simulated'), { code: 'EIO' });
        return file.read(offset, buffer);
      },
    };
  });
  const file = await nodes.client('reader', { disk }).open('/f');
  expect((await whole(file)).equals(content)).toBe(true);
  expect(reads).toBeGreaterThan(2);
});

test('a replica that goes away while it is read is read on, and then from another one', async () => {
  nodes = await LocalNodes.start({ datanodes: 2 });
  const fs = nodes.client('one');
  await fs.create('/f', CONTENT);
  const file = await fs.open('/f');
  const pieces: Uint8Array[] = [];
  for await (const piece of file.stream()) {
    pieces.push(piece);
    if (pieces.length > 1) continue;
    for (const replica of await nodes.replicas()) if (replica.node === 'dn1') await unlink(replica.file);
  }
  expect(Buffer.concat(pieces).equals(CONTENT)).toBe(true);
  expect((await whole(file)).equals(CONTENT)).toBe(true);
});
