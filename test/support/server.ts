/** A real `tutti server` process tree for tests. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

export type TestServer = {
  readonly url: string;
  readonly process: ChildProcess;
  readonly dataDirectory: string;
  /** SIGTERM, waits for the end, removes the data directory when it was made here. */
  readonly stop: () => Promise<void>;
};

const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');

export type ServerOptions = {
  readonly workers: number;
  readonly arguments?: readonly string[];
  /** Kept at the end; absent = a temporary one. */
  readonly dataDirectory?: string;
};

/** Resolves when the server says that it is ready. */
export async function startServer(options: ServerOptions): Promise<TestServer> {
  const dataDirectory = options.dataDirectory ?? (await mkdtemp(path.join(tmpdir(), 'tutti-test-')));
  const args = ['server', '--port', '0', '--workers', String(options.workers), '--data', dataDirectory];
  const child = spawn(process.execPath, [cli, ...args, ...(options.arguments ?? [])], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = /ready at (http:\/\/\S+)/.exec(output)?.[1];
      if (found) resolve(found);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${output}`)));
  });
  const stop = async (): Promise<void> => {
    const ended =
      child.exitCode === null && child.signalCode === null && new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
    if (options.dataDirectory === undefined) await rm(dataDirectory, { recursive: true, force: true });
  };
  return { url, process: child, dataDirectory, stop };
}
