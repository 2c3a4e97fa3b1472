/** Folders of workers that share a machine: each has its own, and what the dead have left goes with the next start. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LocalLinks } from '../../src/worker/local-links.ts';
import { takeNodeFolders } from '../../src/worker/node-folders.ts';

let machine: string;
beforeEach(async () => {
  machine = await mkdtemp(path.join(tmpdir(), 'tutti-folders-'));
});
afterEach(() => rm(machine, { recursive: true }));

/** The process that the folder belongs to has died. */
async function die(folder: string): Promise<void> {
  const file = path.join(folder, 'owner.json');
  const owner = JSON.parse(await readFile(file, 'utf8')) as object;
  const { pid: processId } = spawnSync('true');
  await writeFile(file, JSON.stringify({ ...owner, processId }));
}

test("links on a store's disks go with the next worker's start when their worker died, and with its own end", async () => {
  const [data, disk] = [path.join(machine, 'data'), path.join(machine, 'disk')];
  const block = path.join(machine, 'block');
  await writeFile(block, 'bytes');
  const linkFolder = path.join(disk, 'links');
  const paths: string[] = [];
  const folders = [];
  for (const name of ['dead', 'alive']) {
    const own = await takeNodeFolders(data, name, [linkFolder]);
    folders.push(own);
    paths.push(new LocalLinks(own.links).hold('key', '.parquet', block)!.path);
  }
  expect(paths.every((each) => each.startsWith(linkFolder) && existsSync(each))).toBe(true);
  for (const folder of [path.join(linkFolder, 'dead'), path.join(data, 'exchange', 'dead')]) await die(folder);
  const third = await takeNodeFolders(data, 'third', [linkFolder]);
  expect(paths.map((each) => existsSync(each))).toEqual([false, true]);
  expect(existsSync(path.join(linkFolder, 'dead'))).toBe(false);
  await folders[1]!.remove();
  await third.remove();
  expect(existsSync(paths[1]!)).toBe(false);
  // Where nothing can be made, as on a disk that fails.
  expect((await takeNodeFolders(data, 'third', [path.join(block, 'links')])).links).toEqual([]);
});
