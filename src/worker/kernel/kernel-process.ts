/**
 * Entry of the kernel process, a worker's only child. It runs statements and makes generated files as its parent says, and
 * ends at once when the pipe to its parent closes, whatever runs: rows are on disk or nowhere.
 */

import { mkdirSync, rmSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { assert, unreachable } from '../../common/assert.ts';
import { sizeOfFile } from '../../common/files.ts';
import type { GeneratedFile } from '../../connectors/connector.ts';
import { SCAN_PROVIDERS } from '../../connectors/scan-providers.ts';
import { quote } from '../../types/kernel.ts';
import { writeArrowResult } from '../arrow/write-result.ts';
import { type Connection, DuckDb } from './duckdb.ts';
import type {
  ArrowTarget,
  JobUsage,
  KernelJob,
  KernelOptions,
  KernelReply,
  KernelRequest,
  KernelRows,
} from './protocol.ts';

/** How often an interrupt is repeated until the job ends: one that comes before the statement began is forgotten. */
const INTERRUPT_EVERY_MS = 20;

type Running = { readonly job: KernelJob; connection?: Connection; interrupted: boolean; cpuMicros: number };

class KernelProcess {
  #options: KernelOptions | undefined;
  #kernel: DuckDb | undefined;
  readonly #running = new Map<number, Running>();
  readonly #generating = new Map<string, Promise<void>>();
  #cpuMicros = 0;
  #generated = 0;

  async receive(request: KernelRequest): Promise<void> {
    switch (request.kind) {
      case 'open':
        return this.#open(request.options);
      case 'job':
        return this.#job(request.id, request.job);
      case 'interrupt':
        return this.#interrupt(request.id);
    }
  }

  async #open(options: KernelOptions): Promise<void> {
    try {
      assert(this.#running.size === 0, 'the kernel opens anew when nothing runs');
      this.#kernel?.close();
      this.#options = options;
      // What a killed kernel spilled is nobody's.
      rmSync(options.spillDirectory, { recursive: true, force: true });
      // The kernel makes its folder when it first spills, but not the ones above it.
      mkdirSync(options.spillDirectory, { recursive: true });
      this.#kernel = await DuckDb.open(options);
      reply({ kind: 'opened' });
    } catch (problem) {
      reply({ kind: 'openFailed', message: messageOf(problem) });
    }
  }

  async #job(id: number, job: KernelJob): Promise<void> {
    const running: Running = { job, interrupted: false, cpuMicros: 0 };
    this.#shareCpu();
    this.#running.set(id, running);
    try {
      const rows = await this.#perform(running, job);
      reply({ kind: 'done', id, rows, usage: this.#usage(running) });
    } catch (problem) {
      const broken = await this.#isBroken(messageOf(problem));
      reply({ kind: 'failed', id, message: messageOf(problem), broken });
    } finally {
      this.#shareCpu();
      this.#running.delete(id);
    }
  }

  async #perform(running: Running, job: KernelJob): Promise<readonly KernelRows[]> {
    switch (job.kind) {
      case 'run':
        return this.#runStatements(running, job);
      case 'generate':
        await this.#generateOnce(running, job.connector, job.file);
        return [];
      default:
        return unreachable(job);
    }
  }

  async #runStatements(running: Running, job: Extract<KernelJob, { kind: 'run' }>): Promise<readonly KernelRows[]> {
    const { statement, beside, rowsMax, profilePath, arrow } = job;
    const own = this.#withConnection(running, (connection) => {
      if (running.interrupted) throw new Error('INTERRUPT Error: Interrupted!');
      return arrow
        ? writeArrow(connection, statement, arrow, profilePath)
        : connection.run(statement, rowsMax, profilePath);
    });
    if (beside === undefined) return [await own];
    // Not the one to interrupt: it is short.
    const other = this.#withConnection({ ...running }, (connection) => connection.run(beside, rowsMax));
    const [first, last] = await Promise.allSettled([other, own]);
    if (last.status === 'rejected') throw last.reason;
    if (first.status === 'rejected') throw first.reason;
    return [first.value, last.value];
  }

  async #withConnection<T>(running: Running, work: (c: Connection) => Promise<T>): Promise<T> {
    assert(this.#kernel, 'the kernel is opened before jobs come');
    const kernel = this.#kernel;
    const connection = await kernel.connect();
    running.connection = connection;
    try {
      return await work(connection);
    } finally {
      delete running.connection;
      kernel.release(connection);
    }
  }

  /** Concurrent wishes for one file are one generation. */
  async #generateOnce(running: Running, connector: string, file: GeneratedFile): Promise<void> {
    const before = this.#generating.get(file.path);
    if (before) return before;
    const generation = this.#generate(running, connector, file).finally(() => this.#generating.delete(file.path));
    this.#generating.set(file.path, generation);
    return generation;
  }

  async #generate(running: Running, connector: string, file: GeneratedFile): Promise<void> {
    if (sizeOfFile(file.path) !== undefined) return;
    const provider = SCAN_PROVIDERS[connector];
    assert(provider?.generate && this.#options, `scan provider ${connector} generates files`);
    const batches = provider.generate(file.recipe, { dataDirectory: this.#options.dataDirectory });
    this.#generated += 1;
    const table = `generated_${this.#generated}`;
    const temporary = `${file.path}.${process.pid}.${this.#generated}.new`;
    mkdirSync(path.dirname(file.path), { recursive: true });
    await this.#withConnection(running, async (connection) => {
      try {
        const rows = await connection.load(table, file.columnNames, batches);
        const copy = `COPY "${table}" TO ${quote(temporary)} (FORMAT parquet, COMPRESSION snappy)`;
        const [written] = await connection.run(copy, 1);
        assert(Number(written?.[0]) === rows, 'the kernel wrote every generated row');
        // Readers see the whole file or none; two makers of the same file replace it by its equal.
        await rename(temporary, file.path);
      } finally {
        await connection.run(`DROP TABLE IF EXISTS "${table}"`, 1);
        await rm(temporary, { force: true });
      }
    });
  }

  #interrupt(id: number): void {
    const running = this.#running.get(id);
    if (!running) return;
    running.interrupted = true;
    running.connection?.interrupt();
    setTimeout(() => this.#interrupt(id), INTERRUPT_EVERY_MS);
  }

  /** An error after which the kernel refuses every statement. */
  async #isBroken(message: string): Promise<boolean> {
    if (!/invalidated|FATAL|INTERNAL Error/.test(message)) return false;
    try {
      const connection = await this.#kernel?.connect();
      await connection?.run('SELECT 1', 1);
      if (connection) this.#kernel?.release(connection);
      return false;
    } catch {
      return true;
    }
  }

  /** The process's time since the last look goes to the jobs that ran meanwhile, in equal parts. */
  #shareCpu(): void {
    const { user, system } = process.cpuUsage();
    const spent = user + system - this.#cpuMicros;
    this.#cpuMicros = user + system;
    for (const running of this.#running.values()) running.cpuMicros += spent / this.#running.size;
  }

  #usage(running: Running): JobUsage {
    this.#shareCpu();
    return { cpuMs: running.cpuMicros / 1000, memoryBytes: process.memoryUsage.rss() };
  }
}

const messageOf = (problem: unknown): string => (problem instanceof Error ? problem.message : String(problem));

function reply(message: KernelReply): void {
  // A closed pipe ends the process by its own event.
  process.send?.(message, undefined, undefined, () => {});
}

async function writeArrow(
  connection: Connection,
  query: string,
  target: ArrowTarget,
  profilePath?: string,
): Promise<KernelRows> {
  const { rows } = await writeArrowResult(connection, query, target, profilePath);
  return [[String(rows)]];
}

const kernel = new KernelProcess();
process.on('message', (request: KernelRequest) => {
  void kernel.receive(request);
});
// Not process.exit(): that would wait for the threads in which statements run.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// Ctrl-C reaches the whole group of a terminal's processes: the parent decides when its kernel ends.
process.on('SIGINT', () => {});
