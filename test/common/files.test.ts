/** Folders made level by level, on the real disk and on one that never lets it be done. */

import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localDisk } from '../../src/common/disk.ts';
import { makeFolders, makeFoldersSync } from '../../src/common/files.ts';
import { Random } from '../simulation/random.ts';
import { SimulatedDisk } from '../simulation/simulated-disk.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tutti-files-'));
});
afterEach(() => rm(folder, { recursive: true }));

test.each([
  ['makeFolders', (target: string) => makeFolders(localDisk, target)],
  ['makeFoldersSync', async (target: string) => makeFoldersSync(target)],
])('%s makes what is missing, and says what the system said', async (_name, make) => {
  await make(path.join(folder, 'a/b/c'));
  await make(path.join(folder, 'a/b/c'));
  expect((await stat(path.join(folder, 'a/b/c'))).isDirectory()).toBe(true);
  await make('/');
  await writeFile(path.join(folder, 'file'), '');
  await expect(make(path.join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(make(path.join(folder, 'file/below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  // Node's recursive mkdir never comes back from here.
  await expect(make('/proc/nope/below')).rejects.toThrow("mkdir '/proc");
});

test('what a killed process made is there after a crash, once the next one has asked for it', async () => {
  for (let seed = 0; seed < 50; seed++) {
    for (let call = 1; call <= 6; call++) {
      const disk = new SimulatedDisk({ random: new Random(seed) });
      const killed = disk.mount();
      let calls = 0;
      const dying = (name: 'mkdir' | 'syncFolder') => async (folder: string) => {
        if (++calls > call) return new Promise<void>(() => undefined);
        return killed[name](folder);
      };
      void makeFolders({ ...killed, mkdir: dying('mkdir'), syncFolder: dying('syncFolder') }, '/a/b');
      await new Promise((later) => setImmediate(later));
      disk.kill();
      await makeFolders(disk.mount(), '/a/b');
      disk.crash();
      expect(await disk.mount().stat('/a/b'), `seed ${seed}, killed after call ${call}`).toMatchObject({
        kind: 'folder',
      });
    }
  }
});

test('what was made is there after a crash', async () => {
  for (let seed = 0; seed < 50; seed++) {
    const disk = new SimulatedDisk({ random: new Random(seed) });
    await makeFolders(disk.mount(), '/a/b/c');
    disk.crash();
    expect(await disk.mount().stat('/a/b/c')).toMatchObject({ kind: 'folder' });
  }
});
