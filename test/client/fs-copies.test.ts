/** What copies out of the store leave on this machine, of a store whose files break off. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runFs } from '../../src/client/fs/run-fs.ts';
import { StoreError } from '../../src/filestore/network.ts';
import type { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import { fakeConsole } from './fake-console.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'tutti-copies-'))));
afterEach(() => rm(folder, { recursive: true }));

const local = (name: string): string => path.join(folder, name);

/** Files of the root, by name; those that end in `!` break off there. */
function storeOf(files: Readonly<Record<string, string>>): { store: StoreFileSystem; open: Set<string> } {
  const open = new Set<string>();
  const read = async (_operation: string, { path: at }: { readonly path: string }): Promise<object> =>
    files[at] === undefined ? {} : { status: { kind: 'file', name: at.slice(1) } };
  const client = { options: { caller: { user: 'ann' } }, read };
  const openFile = async (at: string): Promise<object> => {
    open.add(at);
    const text = files[at]!;
    async function* stream(): AsyncGenerator<Buffer> {
      yield Buffer.from(text);
      if (text.endsWith('!')) throw new StoreError('BlockMissingException', `${at} has lost a block`);
    }
    return { length: text.length, stream, close: async () => void open.delete(at) };
  };
  return { store: { client, open: openFile } as unknown as StoreFileSystem, open };
}

const STORE = { '/a': 'A', '/b': 'B', '/broken': 'half!' };

async function run(...words: readonly string[]): Promise<{ code: number; err: string }> {
  const { store, open } = storeOf(STORE);
  const console = fakeConsole();
  const code = await runFs(() => store, words, console);
  expect([...open]).toEqual([]);
  return { code, err: console.err() };
}

test.each(['-getmerge', '-get'])('%s that fails half-way leaves what was there, and nothing else', async (command) => {
  await writeFile(local('old'), 'old');
  const sources = command === '-get' ? ['-f', '/broken'] : ['/a', '/broken'];
  const failed = { code: 1, err: expect.stringContaining('/broken has lost a block') };
  expect(await run(command, ...sources, local('old'))).toEqual(failed);
  expect(await run(command, ...sources, local('new'))).toEqual(failed);
  expect(await readdir(folder)).toEqual(['old']);
  expect(await readFile(local('old'), 'utf8')).toBe('old');
});

test('-getmerge replaces what is there, also by another name, and refuses what it cannot be', async () => {
  await writeFile(local('old'), 'old and longer');
  await symlink(local('old'), local('link'));
  expect(await run('-getmerge', '/a', '/b', local('link'))).toEqual({ code: 0, err: '' });
  expect(await readFile(local('old'), 'utf8')).toBe('AB');
  expect((await readdir(folder)).toSorted()).toEqual(['link', 'old']);
  expect(await run('-getmerge', '/a', folder)).toEqual({ code: 1, err: `getmerge: \`${folder}': Is a directory\n` });
  expect(await run('-getmerge', '/a', local('no/such'))).toEqual({
    code: 1,
    err: `getmerge: \`${local('no')}': No such file or directory\n`,
  });
});

test('-getmerge writes into a pipe', async () => {
  execFileSync('mkfifo', [local('pipe')]);
  const read = readFile(local('pipe'), 'utf8');
  expect(await run('-getmerge', '-nl', '/a', '/b', local('pipe'))).toEqual({ code: 0, err: '' });
  expect(await read).toBe('A\nB\n');
  expect(await readdir(folder)).toEqual(['pipe']);
});
