/** Who starts a worker by hand is told at once whether it has joined, and if not, why; so is who runs the coordinator. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RefusalLog } from '../../src/server/refusal-log.ts';
import { SimulatedClock } from './simulated-clock.ts';

const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');
const folder = mkdtempSync(path.join(tmpdir(), 'tutti-joining-'));
const SECRET = 'the secret that all of this cluster know';

/** A command that runs, and what it has said so far. */
class Started {
  readonly #process: ChildProcess;
  #said = '';

  constructor(secret: string, ...args: readonly string[]) {
    this.#process = spawn(process.execPath, [cli, ...args], {
      env: { ...process.env, TUTTI_SECRET: secret },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
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

test('a worker at the address for clients says so, and the coordinator too', async () => {
  const one = worker(SECRET, forClients);
  expect(await one.says(/(http:\S+) takes no workers/)).toBe(forClients);
  expect(await coordinator.says(/"why":"(it took[^"]*)"/)).toBe('it took the address for clients');
  await one.stop();
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
