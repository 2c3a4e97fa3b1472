/** Who starts a worker by hand is told at once whether it has joined, and if not, why; so is who runs the coordinator. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { NetworkError, StoreError, type StoreNetwork } from '../../src/filestore/network.ts';
import { StoreClient } from '../../src/filestore/store-client.ts';
import { RefusalLog } from '../../src/server/refusal-log.ts';
import { SimulatedClock } from './simulated-clock.ts';

const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');
const folder = mkdtempSync(path.join(tmpdir(), 'tutti-joining-'));
const SECRET = 'the secret that all of this cluster know';

const started = new Set<Started>();

/** A command that runs, and what it has said so far. */
class Started {
  readonly #process: ChildProcess;
  #said = '';

  constructor(secret: string, ...args: readonly string[]) {
    this.#process = spawn(process.execPath, [cli, ...args], {
      env: { ...process.env, TUTTI_SECRET: secret },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    started.add(this);
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#said += chunk.toString();
      });
    }
  }

  /** What the pattern found once it is said; what was said instead when it is not for half a minute. */
  async says(pattern: RegExp): Promise<string> {
    for (let waited = 0; waited < 30_000 && !pattern.test(this.#said); waited += 50) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const found = pattern.exec(this.#said);
    return found ? (found[1] ?? found[0]) : this.#said;
  }

  async stop(): Promise<void> {
    if (!started.delete(this)) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGTERM');
    await ended;
  }
}

const worker = (secret: string, url: string): Started =>
  new Started(secret, 'worker', '--coordinator', url, '--memory', '500MB', '--data', path.join(folder, 'worker'));

let coordinator: Started;
let forClients: string;
let forWorkers: string;

beforeAll(async () => {
  const data = path.join(folder, 'coordinator');
  const ports = ['--port', '0', '--internal-host', '127.0.0.1', '--internal-port', '0'];
  coordinator = new Started(SECRET, 'coordinator', ...ports, '--data', data);
  forClients = await coordinator.says(/ready at (http:\S+\d)/);
  forWorkers = await coordinator.says(/for workers at (http:\S+\d)/);
});
// What a test that failed has left.
afterEach(async () => {
  for (const each of started) if (each !== coordinator) await each.stop();
});
afterAll(async () => {
  await coordinator.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a worker says that it has joined once the coordinator has taken it in', async () => {
  const one = worker(SECRET, forWorkers);
  expect(await one.says(/has joined (http:\S+)/)).toBe(forWorkers);
  await one.stop();
});

test('a worker with another secret says so, and the coordinator too', async () => {
  const one = worker('the secret of quite another cluster', forWorkers);
  expect(await one.says(/the coordinator refuses this worker.*/)).toMatch(
    /signed with another secret.*Start both with the same TUTTI_SECRET/,
  );
  expect(await coordinator.says(/"why":"(signed with another[^"]*)"/)).toBe('signed with another secret, or altered');
  await one.stop();
});

test('of two workers with one name and a data folder each, the second waits until the first has ended', async () => {
  const named = (data: string): Started => {
    const folders = ['--memory', '500MB', '--data', path.join(folder, data)];
    return new Started(SECRET, 'worker', '--coordinator', forWorkers, '--node-id', 'w', ...folders);
  };
  const first = named('one');
  const url = await first.says(/Worker w at (http:\S+) has joined/);
  const second = named('two');
  const refused = `a worker w with another data directory is at ${url}`;
  const said = await second.says(/the coordinator refuses this worker.*/);
  expect(said).toContain(refused);
  expect(said).toContain('Give it another --node-id, or stop the other one');
  expect(await coordinator.says(/"why":"(a worker w with[^"]*)"/)).toBe(refused);
  await first.stop();
  expect(await second.says(/has joined (http:\S+)/)).toBe(forWorkers);
  await second.stop();
});

test('a worker at the address for clients says so, and the coordinator too', async () => {
  const one = worker(SECRET, forClients);
  expect(await one.says(/(http:\S+) takes no workers/)).toBe(forClients);
  expect(await coordinator.says(/"why":"(it took[^"]*)"/)).toBe('it took the address for clients');
  await one.stop();
});

/** What `tutti fs` says in the end, and how it ends. */
function fs(secret: string, url: string, ...words: readonly string[]): Promise<{ code: number; said: string }> {
  const env = { ...process.env, TUTTI_SECRET: secret };
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, 'fs', '--url', url, ...words], { env }, (problem, out, err) =>
      resolve({ code: problem ? Number(problem.code) : 0, said: out + err }),
    );
  });
}

test('tutti fs asks at the address for clients as at the other, and says which secret it lacks', async () => {
  for (const url of [forClients, forWorkers]) expect(await fs(SECRET, url, '-ls', '/')).toMatchObject({ code: 0 });
  const stranger = await fs('the secret of quite another cluster', forClients, '-ls', '/');
  expect(stranger.code).toBe(1);
  expect(stranger.said).toMatch(/signed with another secret.*TUTTI_SECRET or in the data folder \(--data/);
  expect(await fs(SECRET, 'nonsense://', '-ls', '/')).toMatchObject({
    code: 1,
    said: expect.stringContaining('--url takes an address such as'),
  });
});

test('who waits for a namenode is told what for', async () => {
  const said: string[] = [];
  const clock = new SimulatedClock();
  let asked = 0;
  const call = (): Promise<never> => {
    asked += 1;
    setTimeout(() => clock.advance(250), 0);
    return asked < 20
      ? Promise.reject(new NetworkError('nobody there'))
      : Promise.reject(new StoreError('IOException', 'end'));
  };
  const caller = { user: 'anna', groups: [], superuser: true };
  const onWait = (problem: Error): void => void said.push(problem.message);
  const network = { call, fetch: call } as unknown as StoreNetwork;
  const client = new StoreClient({ network, clock, namenode: 'n', caller, client: 'c', onWait });
  await expect(client.read('stat', {})).rejects.toThrow('end');
  expect(said).toEqual(['nobody there']);
});

test('refusals are told once a minute for an address and a reason, and never more than a hundred', () => {
  const clock = new SimulatedClock();
  const told: object[] = [];
  const log = new RefusalLog({ warn: (line: object) => void told.push(line) }, clock);
  const seen = (): number => told.splice(0).length;
  log.tell('10.0.0.1', 'signed 301 s from now');
  log.tell('10.0.0.1', 'signed 302 s from now');
  log.tell('10.0.0.2', 'signed 302 s from now');
  log.tell('10.0.0.1', 'sent before');
  expect(seen()).toBe(3);
  clock.advance(59_000);
  log.tell('10.0.0.1', 'sent before');
  expect(seen()).toBe(0);
  clock.advance(1_000);
  log.tell('10.0.0.1', 'sent before');
  expect(seen()).toBe(1);
  for (let i = 0; i < 1000; i++) log.tell(`10.1.1.${i}`, 'sent before');
  expect(seen()).toBe(99);
});
