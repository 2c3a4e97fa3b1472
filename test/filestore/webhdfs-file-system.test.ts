/** `webhdfs://` against a small HDFS: what every file system does, and what may go wrong on the way. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import { TEMPORARY_AGE_MAX_MS } from '../../src/filestore/local-listing.ts';
import type { Bytes } from '../../src/filestore/network.ts';
import { TEMPORARY_PREFIX } from '../../src/filestore/store-path.ts';
import { WebHdfsClient } from '../../src/filestore/webhdfs-client.ts';
import { WebHdfsFileSystem } from '../../src/filestore/webhdfs-file-system.ts';
import { FakeHdfs } from './fake-hdfs.ts';
import { fileSystemSuite } from './file-system-suite.ts';
import type { SuiteSubject } from './file-system-suite.ts';
import { Signal } from './signal.ts';

describe('webhdfs:// is a file system', () => {
  fileSystemSuite(onHdfs);
});

async function onHdfs(): Promise<SuiteSubject> {
  const hdfs = await FakeHdfs.start();
  const open = (): WebHdfsFileSystem =>
    new WebHdfsFileSystem({ authority: hdfs.authority, clock: systemClock, user: 'hdfs' });
  const [fileSystem, another] = [open(), open()];
  const close = async (): Promise<void> => {
    fileSystem.close();
    another.close();
    await hdfs.close();
  };
  return { fileSystem, another, close, readLocal: () => Promise.reject(new Error('there is no local path')) };
}

describe('faults', () => {
  let hdfs: FakeHdfs;
  let files: WebHdfsFileSystem;
  const content = Buffer.alloc(300_000, 'content ');
  beforeEach(async () => {
    hdfs = await FakeHdfs.start();
    files = new WebHdfsFileSystem({ authority: hdfs.authority, clock: { ...systemClock, wallMs: () => hdfs.now } });
  });
  afterEach(async () => {
    files.close();
    await hdfs.close();
  });

  const textOf = async (path: string): Promise<string> => {
    const file = await files.open(path);
    return Buffer.from(await file.read(0, file.length)).toString();
  };

  test.each(['refuse', 'cut'] as const)(
    'any request of a create that fails (%s) leaves the file whole or not there',
    async (fault) => {
      for (let k = 1; ; k++) {
        let requests = 0;
        hdfs.fault = () => (++requests === k ? fault : undefined);
        const path = `/d${k}/f`;
        const outcome = await files.createIfAbsent(path, content).catch((problem: Error) => problem.name);
        hdfs.fault = () => undefined;
        const there = (await files.stat(path)) !== undefined;
        // An answer that was lost: HDFS is asked what became of it.
        expect([outcome, there]).toEqual(there ? ['created', true] : ['IOException', false]);
        expect(there ? await textOf(path) : content.toString()).toBe(content.toString());
        if (k > requests) break;
      }
      expect(hdfs.paths().filter((path) => path.includes(TEMPORARY_PREFIX))).toEqual([]);
    },
  );

  test('a kept connection that was closed is no error', async () => {
    for (let i = 0; i < 20; i++) {
      expect(await files.stat('/f')).toBeUndefined();
      // The client hears of it when it asks the next time.
      hdfs.dropConnections();
      expect((await files.list('/')).entries).toEqual([]);
    }
  });

  test('a slow datanode holds the writer back', async () => {
    const awake = new Signal();
    hdfs.awake = awake.given;
    const taken = { pieces: 0 };
    const source = async function* (): Bytes {
      for (; taken.pieces < 100; taken.pieces++) yield Buffer.alloc(1_000_000);
    };
    const creating = files.create('/f', source());
    for (let before = -1; before !== taken.pieces || before === 0;) {
      before = taken.pieces;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(taken.pieces).toBeLessThan(30);
    awake.give();
    await creating;
    expect(await files.stat('/f')).toMatchObject({ length: 100_000_000 });
  });

  test('a file of which a part arrived is not created', async () => {
    hdfs.keptBytesMax = 100_000;
    await expect(files.create('/d/f', content)).rejects.toMatchObject({ name: 'IOException' });
    expect(hdfs.paths()).toEqual(['/d']);
  });

  test('a datanode that keeps only a part of it is noticed', async () => {
    hdfs.fault = (op, _path, where) => {
      if (op === 'RENAME' || where === 'datanode') return undefined;
      for (const [inode, bytes] of hdfs.contents) hdfs.contents.set(inode, bytes.subarray(0, 100_000));
      return undefined;
    };
    await files.create('/f', content);
    const file = await files.open('/f');
    const problem = { name: 'IOException' };
    await expect(file.read(0, file.length)).rejects.toMatchObject(problem);
    await expect(file.read(200_000, 10)).rejects.toMatchObject(problem);
  });

  test('a writer that dies leaves what nobody sees, and it goes in time', async () => {
    const other = new WebHdfsFileSystem({ authority: hdfs.authority, clock: systemClock, unique: () => 'left' });
    hdfs.fault = (op) => (op === 'RENAME' || op === 'DELETE' ? 'refuse' : undefined);
    await expect(other.create('/d/f', content)).rejects.toMatchObject({ name: 'IOException' });
    other.close();
    hdfs.fault = () => undefined;
    expect(hdfs.paths()).toEqual(['/d', `/d/${TEMPORARY_PREFIX}left`]);
    expect((await files.list('/d')).entries).toEqual([]);
    expect((await files.list('/', { recursive: true })).entries).toEqual([]);
    expect(hdfs.paths()).toHaveLength(2);
    hdfs.now += TEMPORARY_AGE_MAX_MS + 60_000;
    await files.list('/d');
    expect(hdfs.paths()).toEqual(['/d']);
  });

  test('a folder in which only hidden files are left is empty', async () => {
    const other = new WebHdfsFileSystem({ authority: hdfs.authority, clock: systemClock });
    hdfs.fault = (op) => (op === 'RENAME' || op === 'DELETE' ? 'refuse' : undefined);
    await expect(other.create('/d/f', content)).rejects.toMatchObject({ name: 'IOException' });
    other.close();
    hdfs.fault = () => undefined;
    expect(await files.delete('/d')).toBe(true);
    expect(hdfs.paths()).toEqual([]);
  });

  test('a file that is replaced while it is read is not mixed', async () => {
    await files.create('/f', Buffer.alloc(1000, 'a'));
    const file = await files.open('/f');
    await files.create('/f', Buffer.alloc(1000, 'b'), { overwrite: true });
    await expect(file.read(0, 10)).rejects.toMatchObject({ name: 'IOException' });
    await files.delete('/f');
    await expect(file.read(0, 10)).rejects.toMatchObject({ name: 'FileNotFoundException' });
  });

  test('a part of a file is not taken for the whole, though the other side calls it written', async () => {
    const answered = new Signal();
    const hasty = createServer((request, response) => {
      if (!request.url!.includes('sent=here')) {
        response.writeHead(307, { location: `${request.url}&sent=here` }).end();
        return;
      }
      request.once('data', () => response.writeHead(201).end(() => answered.give()));
    });
    hasty.listen(0, '127.0.0.1');
    await once(hasty, 'listening');
    const client = new WebHdfsClient({ authority: `127.0.0.1:${(hasty.address() as AddressInfo).port}` });
    async function* content(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('one');
      await answered.given;
      await new Promise((resolve) => void setTimeout(resolve, 50));
      yield Buffer.from('two');
    }
    await expect(client.write('/f', content(), {})).rejects.toMatchObject({ name: 'IOException' });
    client.close();
    hasty.closeAllConnections();
    hasty.close();
  });

  test('a file that is cut off and written on while it is read is not mixed', async () => {
    await files.create('/f', Buffer.alloc(1000, 'a'));
    const file = await files.open('/f');
    expect(await file.read(0, 3)).toEqual(Buffer.from('aaa'));
    hdfs.rewrite(Buffer.alloc(1000, 'b'));
    await expect(file.read(3, 3)).rejects.toMatchObject({ name: 'IOException' });
  });

  test('who is not there, or is something else, is an IOException', async () => {
    await hdfs.close();
    await expect(files.stat('/f')).rejects.toMatchObject({ name: 'IOException' });
    await expect(files.create('/f', content)).rejects.toMatchObject({ name: 'IOException' });
    hdfs = await FakeHdfs.start();
  });
});
