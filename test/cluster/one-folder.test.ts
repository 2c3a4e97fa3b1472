/** A folder of blocks is one process's: a second one fails before it touches anything, and whoever dies has let it go. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import { HttpNetwork } from '../../src/filestore/http-network.ts';
import type { StoreReport } from '../../src/filestore/namenode/administration.ts';
import { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import { CAN_SEE_PROCESSES, childrenOf, isAlive } from './process-tree.ts';

const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');
const SECRET = 'the secret of workers that want one folder';
const folder = mkdtempSync(path.join(tmpdir(), 'tutti-one-folder-'));

/** A command that runs, and what it has said so far. */
class Started {
  readonly process: ChildProcess;
  said = '';
  readonly #ended: Promise<unknown>;
  /** Also its children are gone, or have closed what it gave them. */
  readonly #silent: Promise<unknown>;

  constructor(...args: readonly string[]) {
    this.process = spawn(process.execPath, [cli, ...args], {
      env: { ...process.env, TUTTI_SECRET: SECRET },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    started.add(this);
    this.#ended = once(this.process, 'exit').then(() => started.delete(this));
    this.#silent = once(this.process, 'close');
    for (const stream of [this.process.stdout!, this.process.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        this.said += chunk.toString();
      });
    }
  }

  get pid(): number {
    return this.process.pid!;
  }

  /** Once it is said; what was said instead when it is not for half a minute, or the command has ended. */
  async says(pattern: RegExp): Promise<void> {
    for (let waited = 0; waited < 30_000 && started.has(this) && !pattern.test(this.said); waited += 50) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (!pattern.test(this.said)) throw new Error(`not said: ${String(pattern)}; ${this.said}`);
  }

  async end(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal) this.process.kill(signal);
    await (signal ? this.#ended : this.#silent);
    return this.process.exitCode;
  }
}

const OWN = (data: string): readonly string[] => [
  '--port',
  '0',
  '--data',
  path.join(folder, data),
  '--memory',
  '300MB',
];

const started = new Set<Started>();
const strays = new Set<number>();
afterEach(async () => {
  for (const pid of strays) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  strays.clear();
  for (const each of started) if (each !== coordinator) await each.end('SIGKILL');
});

let coordinator: Started;
let url: string;
let network: HttpNetwork;
let fs: StoreFileSystem;
beforeAll(async () => {
  coordinator = new Started('coordinator', '--port', '0', '--data', path.join(folder, 'coordinator'));
  await coordinator.says(/ready at/);
  url = /ready at (http:\/\/[^\s,]+)/.exec(coordinator.said)![1]!;
  network = new HttpNetwork(SECRET, systemClock);
  const caller = { user: 'tester', groups: [], superuser: true };
  const attributes = { replication: 1, blockSize: 1024 * 1024 };
  fs = new StoreFileSystem({ network, clock: systemClock, namenode: url, caller, client: 'one', attributes });
});
afterAll(async () => {
  network.close();
  await coordinator.end('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

/** Of the name w, unless said otherwise. */
const worker = (data: string, ...more: readonly string[]): Started =>
  new Started('worker', '--coordinator', url, '--node-id', 'w', ...OWN(data), '--threads', '1', ...more);

const datanodes = async (): Promise<StoreReport['datanodes']> =>
  (await fs.client.read<StoreReport>('report', {})).datanodes;

async function contentOf(name: string): Promise<string> {
  const file = await fs.open(name);
  return Buffer.from(await file.read(0, file.length)).toString();
}

const filesIn = (root: string): Set<string> => new Set(readdirSync(root, { recursive: true, encoding: 'utf8' }));

const JOINED = /has joined/;

describe.runIf(CAN_SEE_PROCESSES)('one folder', () => {
  test('a second worker fails before it touches anything, and a killed one has let go at once, whatever its kernel does', async () => {
    const store = path.join(folder, 'store');
    const first = worker('one', '--store-dir', store);
    await first.says(JOINED);
    await expect
      .poll(() => fs.createIfAbsent('/f', Buffer.from('kept')).catch(String), { timeout: 30_000 })
      .toBe('created');
    const [before] = await datanodes();
    // As if a block were on its way in, and a query read one.
    const [incoming, link] = [path.join(store, 'w', 'incoming', '9_9.1'), path.join(store, 'links', 'w', 'link')];
    for (const file of [incoming, link]) writeFileSync(file, 'in use');
    const names = filesIn(store);

    const second = worker('two', '--store-dir', path.join(folder, 'another'), store);
    expect(await second.end()).toBe(78);
    const holder = `${path.join(store, 'w')} is in use by process ${first.pid} on ${hostname()}`;
    expect(second.said).toBe(
      `error: ${holder}; stop that one, or give this one another folder or name (FOLDER_IN_USE)\n`,
    );
    expect(filesIn(store)).toEqual(names);
    expect(filesIn(path.join(folder, 'another'))).toEqual(new Set(['w', 'w/lock']));
    // It has not been told to the coordinator, neither as a worker nor as a datanode.
    expect(await datanodes()).toMatchObject([{ node: before!.node, address: before!.address }]);

    const kernels = childrenOf(first.pid);
    expect(kernels.length).toBeGreaterThan(0);
    for (const kernel of kernels) {
      strays.add(kernel);
      process.kill(kernel, 'SIGSTOP');
    }
    await first.end('SIGKILL');
    const third = worker('one', '--store-dir', store);
    await third.says(JOINED);
    expect(kernels.filter(isAlive)).toEqual(kernels);
    await expect.poll(async () => (await datanodes())[0]?.address, { timeout: 30_000 }).not.toBe(before!.address);
    expect(await datanodes()).toMatchObject([{ node: before!.node }]);
    await expect.poll(() => contentOf('/f').catch(String), { timeout: 30_000 }).toBe('kept');
    expect(await third.end('SIGTERM')).toBe(0);
  });

  test('a server whose worker cannot have its folder ends with the reason', async () => {
    const store = path.join(folder, 'shared');
    const first = worker('three', '--store-dir', store, '--node-id', 'worker-2');
    await first.says(JOINED);
    const server = new Started('server', ...OWN('four'), '--workers', '2', '--store-dir', store);
    expect(await server.end()).toBe(1);
    const reason = `worker-2 is in use by process ${first.pid} on ${hostname()}; stop that one`;
    expect(server.said).toContain(reason);
    expect(server.said.trimEnd().split('\n').at(-1)).toBe('error: a worker cannot have its folders, as it says above');
  });

  test('one folder by two names is refused to a worker and to a server', async () => {
    const [store, link] = [path.join(folder, 'named'), path.join(folder, 'link')];
    symlinkSync(store, link);
    const one = worker('five', '--store-dir', store, link);
    expect(await one.end()).toBe(78);
    expect(one.said).toContain(`${store}/w and ${link}/w are one folder; name each folder once`);
    const server = new Started('server', ...OWN('six'), '--workers', '1', '--store-dir', store, store);
    expect(await server.end()).toBe(1);
    expect(server.said).toContain('worker-1 is named twice');
    expect(server.said).toContain('(FOLDER_REPEATED)');
  });

  test("a server's worker waits for one of a killed server that still ends", async () => {
    const first = new Started('server', ...OWN('seven'), '--workers', '1');
    await first.says(/ready at/);
    const [orphan] = childrenOf(first.pid);
    strays.add(orphan!);
    process.kill(orphan!, 'SIGSTOP');
    await first.end('SIGKILL');
    const second = new Started('server', ...OWN('seven'), '--workers', '1');
    await second.says(/worker-1 is in use by process \d+.*waits for another process to let its folders go/);
    const [waiting] = childrenOf(second.pid);
    expect(second.said).not.toMatch(/ready at/);
    process.kill(orphan!, 'SIGKILL');
    await second.says(/ready at/);
    expect(childrenOf(second.pid)).toEqual([waiting]);
    expect(await second.end('SIGTERM')).toBe(0);
  });
});
