/** A coordinator and workers as processes of their own, for faults that are done to one of them. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import path from 'node:path';
import { hostId } from '../../src/cluster/host-id.ts';
import { systemClock } from '../../src/common/clock.ts';
import { localDisk } from '../../src/common/disk.ts';
import { HttpNetwork } from '../../src/filestore/http-network.ts';
import type { StoreReport } from '../../src/filestore/namenode/administration.ts';
import { NetworkError, type StoreNetwork } from '../../src/filestore/network.ts';
import { StoreFileSystem } from '../../src/filestore/store-file-system.ts';
import type { FileAttributes } from '../../src/filestore/store-writer.ts';
import { childrenOf } from '../cluster/process-tree.ts';

const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');
const SECRET = 'what all processes under these faults know';
const PATIENCE_MS = 60_000;

/** A command that runs, and all that it has said. */
export class Running {
  readonly process: ChildProcess;
  /** Code or signal, once it has ended. */
  readonly ended: Promise<number | string>;
  isOver = false;
  said = '';
  readonly #isTraced: boolean;

  constructor(wrapper: readonly string[], args: readonly string[]) {
    this.#isTraced = wrapper[0] === 'strace';
    const [command, ...rest] = [...wrapper, process.execPath, cli, ...args];
    this.process = spawn(command!, rest, {
      // strace counts calls by thread, so all calls of one kind are made in one.
      env: { ...process.env, TUTTI_SECRET: SECRET, UV_THREADPOOL_SIZE: wrapper.length > 0 ? '1' : '4' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.process.stdout!, this.process.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        this.said += chunk.toString();
      });
    }
    this.ended = new Promise((resolve) => {
      this.process.once('exit', (code, signal) => {
        this.isOver = true;
        resolve(code ?? signal ?? 'nothing');
      });
    });
  }

  async says(pattern: RegExp): Promise<void> {
    const until = Date.now() + PATIENCE_MS;
    while (!pattern.test(this.said)) {
      if (this.isOver || Date.now() > until) throw new Error(`${String(pattern)} was not said, but: ${this.said}`);
      await later(20);
    }
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { pid } = this.process;
    // strace would end alone.
    const traced = this.#isTraced && pid !== undefined ? childrenOf(pid) : [];
    for (const child of traced) process.kill(child, signal);
    if (traced.length === 0) this.process.kill(signal);
    await this.ended;
  }
}

export const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until it is so; says what it was otherwise. */
export async function until(what: string, patienceMs: number, isSo: () => Promise<boolean>): Promise<number> {
  const start = Date.now();
  while (!(await isSo())) {
    if (Date.now() - start > patienceMs) throw new Error(`after ${patienceMs / 1000} s not so: ${what}`);
    await later(100);
  }
  return Date.now() - start;
}

type ClientOptions = {
  readonly isOver?: () => boolean;
  /** Opens files of datanodes on this machine by itself. */
  readonly isLocal?: boolean;
};

/** The processes that are named run on one machine, each with a data folder of its own. */
export class Machines {
  readonly folder: string;
  readonly #network = new HttpNetwork(SECRET, systemClock);
  readonly #port: number;
  readonly running = new Set<Running>();
  #clients = 0;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.#port = port;
  }

  static async in(folder: string): Promise<Machines> {
    return new Machines(folder, await freePort());
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The same one on the same port each time. Does not wait. `wrapper`: a command that runs it. */
  coordinator(wrapper: readonly string[] = []): Running {
    const data = path.join(this.folder, 'coordinator');
    return this.#run(wrapper, ['coordinator', '--port', String(this.#port), '--data', data]);
  }

  worker(name: string, wrapper: readonly string[] = [], ...more: readonly string[]): Running {
    const memory = ['--memory', '500MB', '--threads', '1'];
    const which = ['--coordinator', this.url, '--node-id', name, '--data', this.dataOf(name)];
    return this.#run(wrapper, ['worker', ...which, ...memory, ...more]);
  }

  dataOf(name: string): string {
    return path.join(this.folder, name);
  }

  #run(wrapper: readonly string[], args: readonly string[]): Running {
    const running = new Running(wrapper, args);
    this.running.add(running);
    void running.ended.then(() => this.running.delete(running));
    return running;
  }

  /** A client of the store. Once `isOver` says so, nothing of it reaches anybody. */
  client(
    attributes: Partial<FileAttributes> = {},
    { isOver = () => false, isLocal = false }: ClientOptions = {},
  ): StoreFileSystem {
    this.#clients += 1;
    return new StoreFileSystem({
      network: endedBy(isOver, this.#network),
      clock: systemClock,
      namenode: this.url,
      caller: { user: 'faults', groups: [], superuser: true },
      client: `faults-${process.pid}-${this.#clients}`,
      attributes,
      ...(isLocal && { host: hostId(), disk: localDisk }),
    });
  }

  /** Until so many datanodes take blocks, and the namenode has left safe mode. */
  /** `isFewer`: whether one of them is known not to come. */
  async inService(datanodes: number, isFewer = (): boolean => false): Promise<void> {
    const store = this.client();
    await until(`${datanodes} datanodes are in service`, PATIENCE_MS, async () => {
      const report = await store.client.read<StoreReport>('report', {});
      const live = report.datanodes.filter(({ isAlive, capacityBytes }) => isAlive && capacityBytes > 0);
      return live.length === (isFewer() ? datanodes - 1 : datanodes) && !report.safeMode;
    });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.running].map((running) => running.stop('SIGKILL')));
    this.#network.close();
  }
}

/** The client's process has ended, as far as anybody can tell. */
export class ClientOver extends Error {
  override readonly name = 'ClientOver';
}

function endedBy(isOver: () => boolean, network: StoreNetwork): StoreNetwork {
  const guarded = async <T>(call: () => Promise<T>): Promise<T> => {
    if (isOver()) throw new ClientOver('the client is over');
    try {
      return await call();
    } catch (problem) {
      if (problem instanceof NetworkError && isOver()) throw new ClientOver('the client is over', { cause: problem });
      throw problem;
    }
  };
  return {
    call: (...call) => guarded(() => network.call(...call)),
    fetch: (...call) => guarded(() => network.fetch(...call)),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a port has a number');
  return address.port;
}

/** What strace does to the `when`-th call, in the thread that makes it. `log`: where it says so. */
export const faultAt = (call: string, fault: string, when: number, log = '/dev/null'): readonly string[] => {
  const inject = `inject=${call}:${fault}:when=${when}`;
  return ['strace', '-f', '-qq', '-o', log, '-e', `trace=${call}`, '-e', inject];
};
