/** One attempt of a task: brings its inputs, waits for its turn, runs its statement in the kernel, tells what was written. */

import { mkdirSync, readFileSync } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { assert } from '../common/assert.ts';
import { mapLimited } from '../common/collections.ts';
import type { Clock } from '../common/clock.ts';
import { type ErrorCode, toErrorInfo } from '../common/errors.ts';
import { sizeOfFile } from '../common/files.ts';
import type { ScanContext, ScanProvider } from '../connectors/connector.ts';
import { checksumOfFile } from '../exchange/file-checksum.ts';
import { type InputFiles, InputsLost } from '../exchange/input-files.ts';
import { parseTaskId } from '../exchange/task-id.ts';
import {
  type InputFile,
  NO_STATISTICS,
  type OperatorProfile,
  type OutputFile,
  type ScanReads,
  type TaskFailure,
  type TaskRequest,
  type TaskState,
  type TaskStatistics,
  type TaskStatus,
} from '../exchange/task-protocol.ts';
import type { FunctionRegistry } from '../sql/functions/registry.ts';
import { globFree, quote } from '../types/kernel.ts';
import type { Admission } from './admission.ts';
import { inputSize } from './input-size.ts';
import { isInterrupted, isNarrowOverflow, kernelError } from './kernel/errors.ts';
import { type JobResult, type Kernel, KernelDied, KernelFailure } from './kernel/kernel.ts';
import { filesOfScans, localityOf, readsOf } from './scan-reads.ts';
import { inWhole, type OpenedFiles, type ScanFiles, type WantedFile } from './scan-files.ts';
import type { KernelJob, KernelRows } from './kernel/protocol.ts';
import { readAnswer } from './read-answer.ts';
import { operatorProfile, type ProfileTotals, profileTotals } from './profile.ts';
import { scansOf, type TaskContext, type TaskStatement, renderTask } from './render/render-task.ts';

export type TaskEnvironment = {
  /** Until then nothing is known of the folders to read. */
  readonly introduction: Promise<void>;
  readonly kernel: Kernel;
  readonly admission: Admission;
  readonly inputFiles: InputFiles;
  readonly registry: FunctionRegistry;
  readonly providers: Readonly<Record<string, ScanProvider>>;
  readonly scan: ScanContext;
  readonly scanFiles: ScanFiles;
  readonly machineId: string;
  readonly clock: Clock;
};

/** A TRY would take the overflow for an error of the query's and yield NULL, also far from where it stands in the plan. */
const catchesErrors = ({ fragment }: TaskRequest): boolean => JSON.stringify(fragment).includes('"kind":"Try"');

/** Beyond that a request of its own costs little beside the bytes. */
const INLINE_BYTES_MAX = 64 * 1024;

/** Rows that tell what a statement wrote: one a file. */
const ANSWER_ROWS_MAX = 100_000;

/** The input files on this machine. */
type Inputs = {
  /** Each once, by its path. */
  readonly files: ReadonlyMap<string, InputFile>;
  /** Paths by the RemoteSource node that reads them. */
  readonly bySource: ReadonlyMap<number, readonly string[]>;
};

export class Task {
  readonly request: TaskRequest;
  /** Resolves when the attempt has ended, however it ended; never rejects. */
  readonly ended: Promise<void>;
  readonly #environment: TaskEnvironment;
  /** The query's, holding this attempt's own. */
  readonly #queryDirectory: string;
  readonly #directory: string;
  readonly #task: number;
  readonly #abort = new AbortController();
  #state: TaskState = 'queued';
  #failure: TaskFailure | undefined;
  #outputs: readonly OutputFile[] = [];
  #statistics: TaskStatistics = NO_STATISTICS;
  #profile: OperatorProfile | undefined;
  #reads: readonly ScanReads[] = [];

  constructor(request: TaskRequest, queryDirectory: string, environment: TaskEnvironment) {
    const id = parseTaskId(request.taskId);
    assert(id, 'task ids are checked at the door');
    this.request = request;
    this.#environment = environment;
    this.#task = id.task;
    this.#queryDirectory = queryDirectory;
    this.#directory = path.join(queryDirectory, `${id.stage}.${id.task}.${request.attempt}`);
    this.ended = this.#run();
  }

  get isRunning(): boolean {
    return this.#state === 'queued' || this.#state === 'running';
  }

  status(): TaskStatus {
    return {
      taskId: this.request.taskId,
      attempt: this.request.attempt,
      state: this.#state,
      ...(this.#failure && { failure: this.#failure }),
      outputs: this.#outputs,
      statistics: this.#statistics,
      ...(this.#profile && { profile: this.#profile }),
      ...(this.#reads.length > 0 && { reads: this.#reads }),
    };
  }

  /** Its file of a partition, once finished. */
  output(partition: number): OutputFile | undefined {
    return this.#outputs.find((output) => output.partition === partition);
  }

  /** Resolves when nothing of it runs any more; its outputs are served no more. */
  async callOff(): Promise<void> {
    this.#abort.abort(new Error('The task was called off'));
    await this.ended;
    this.#outputs = [];
  }

  /** Resolves when nothing of it runs any more and its outputs are gone. */
  async remove(): Promise<void> {
    await this.callOff();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #run(): Promise<void> {
    try {
      await this.#environment.introduction;
      const inputs = await this.#bringInputs();
      await this.#runOver(inputs, filesOfScans(this.request, this.#environment.providers));
      this.#state = 'finished';
    } catch (problem) {
      await this.#fail(problem);
    }
  }

  async #runOver(inputs: Inputs, wanted: readonly WantedFile[]): Promise<void> {
    const { scanFiles, admission } = this.#environment;
    const { signal } = this.#abort;
    const files = await scanFiles.open(wanted, signal);
    try {
      const leave = await admission.enter(this.request.alone ? 'alone' : 'task', signal);
      try {
        this.#state = 'running';
        return await this.#runInKernel(inputs, files);
      } finally {
        leave();
      }
    } catch (problem) {
      // The kernel may have looked where nobody thought it would: then it found a hole, which it takes for damage.
      const isDamage = problem instanceof StatementFailed && kernelError(problem.message).code === 'FILE_CORRUPT';
      if (!isDamage || !files.hasHoles) throw problem;
    } finally {
      await files.release();
    }
    await this.#runOver(inputs, inWhole(wanted));
  }

  async #bringInputs(): Promise<Inputs> {
    const sources = Object.entries(this.request.inputs);
    const files = sources.flatMap(([, each]) => each);
    const { paths, bytesFetched } = await this.#environment.inputFiles.bring(
      files,
      this.#queryDirectory,
      this.#abort.signal,
    );
    this.#statistics = { ...this.#statistics, bytesFetched };
    let next = 0;
    return {
      files: new Map(files.map((file, i) => [paths[i]!, file])),
      bySource: new Map(sources.map(([id, each]) => [Number(id), each.map(() => paths[next++]!)])),
    };
  }

  async #runInKernel(inputs: Inputs, files: OpenedFiles): Promise<void> {
    const { kernel, clock, registry, providers, scan } = this.#environment;
    const { signal } = this.#abort;
    const started = clock.elapsedMs();
    if (this.request.alone) kernel.renew();
    for (const job of this.#generations()) await kernel.run(job, signal);
    this.#reads = readsOf(this.request, providers, files);
    this.#statistics = { ...this.#statistics, ...localityOf(this.#reads) };
    const context = {
      registry,
      providers,
      scan: { ...scan, files: files.paths },
      inputs: inputs.bySource,
      directory: this.#directory,
      task: this.#task,
    };
    const { statement, result } = await this.#executeNarrowFirst(context, inputs.files, files);
    // What the kernel has read is what was there before and is there now.
    files.check();
    this.#outputs = await this.#withMore(readAnswer(statement.answer, result.rows.at(-1)!));
    this.#checkInputs(inputs.files, result.rows);
    const profile = await this.#readProfile();
    const rowsWritten = sum(this.#outputs.map((output) => output.rows));
    this.#statistics = {
      ...this.#statistics,
      ...inputSize(this.request, rowsWritten),
      bytesFetched: this.#statistics.bytesFetched + files.bytesFetched,
      rowsWritten,
      bytesWritten: sum(this.#outputs.map((output) => output.bytes)),
      wallMs: clock.elapsedMs() - started,
      cpuMs: result.usage.cpuMs,
      memoryBytes: profile?.memoryBytes ?? result.usage.memoryBytes,
      spilledBytes: profile?.spilledBytes ?? 0,
    };
  }

  /** A small result for the client travels with the status; files for other machines have checksums. */
  async #withMore(outputs: readonly OutputFile[]): Promise<readonly OutputFile[]> {
    const { output } = this.request;
    if (output.kind === 'exchange') {
      return output.checksums ? mapLimited(outputs, CHECKSUMS_AT_ONCE, withChecksum) : outputs;
    }
    const [file] = outputs;
    if (output.format !== 'json-lines' || !file || file.inline !== undefined || file.bytes > INLINE_BYTES_MAX) {
      return outputs;
    }
    return [{ ...file, inline: readFileSync(file.path, 'utf8') }];
  }

  /** What is there already is not asked of the kernel: each job costs a way to its process and back. */
  #generations(): readonly KernelJob[] {
    const { providers, scan } = this.#environment;
    const jobs = scansOf(this.request).flatMap(({ id, table }) => {
      const files = providers[table.connector]?.filesToGenerate?.(table.handle, this.request.splits[id] ?? [], scan);
      return (files ?? []).map((file) => ({ kind: 'generate', connector: table.connector, file }) as const);
    });
    return jobs.filter(({ file }) => sizeOfFile(file.path) === undefined);
  }

  /** Decimals in 64 bits are twice as fast and nearly always enough; where they are not, the kernel says so. */
  async #executeNarrowFirst(
    context: Omit<TaskContext, 'narrowDecimals'>,
    inputs: Inputs['files'],
    files: OpenedFiles,
  ): Promise<{ readonly statement: TaskStatement; readonly result: JobResult }> {
    const execute = async (narrowDecimals: boolean): Promise<{ statement: TaskStatement; result: JobResult }> => {
      const statement = renderTask(this.request, { ...context, narrowDecimals });
      // Not asynchronous, here and below: through the thread pool it takes many times as long, while the client waits.
      if (statement.answer.kind !== 'lines') mkdirSync(this.#directory, { recursive: true });
      return { statement, result: await this.#execute(statement, inputs, files) };
    };
    if (catchesErrors(this.request)) return execute(false);
    try {
      return await execute(true);
    } catch (problem) {
      if (!(problem instanceof StatementFailed && isNarrowOverflow(problem.message))) throw problem;
      await rm(this.#directory, { recursive: true, force: true });
      return execute(false);
    }
  }

  async #execute(statement: TaskStatement, inputs: Inputs['files'], files: OpenedFiles): Promise<JobResult> {
    const list = [...inputs.keys()].map((file) => quote(globFree(file))).join(', ');
    const footers = `SELECT file_name, num_rows FROM parquet_file_metadata([${list}])`;
    const job: KernelJob = {
      kind: 'run',
      statement: statement.sql,
      ...(inputs.size > 0 && { beside: footers }),
      rowsMax: ANSWER_ROWS_MAX,
      ...(this.request.profile && { profilePath: this.#profilePath }),
      ...(statement.arrow && { arrow: statement.arrow }),
    };
    try {
      return await this.#environment.kernel.run(job, this.#abort.signal);
    } catch (problem) {
      if (!(problem instanceof KernelFailure)) throw problem;
      await this.#findLostInputs(problem, inputs);
      // Damage may be nothing but another file in the old one's place.
      files.check();
      throw new StatementFailed(files.told(problem.message), statement.sql);
    }
  }

  get #profilePath(): string {
    return path.join(this.#directory, 'profile.json');
  }

  /** Rows that the files' footers hold, against those that their writers counted: both saw the same rows. */
  #checkInputs(inputs: Inputs['files'], rows: readonly KernelRows[]): void {
    const files = [...inputs.values()];
    if (files.length === 0) return;
    // The kernel's threads answer for the files in no order.
    const counts = new Map(rows[0]!.map(([name, count]) => [name, Number(count)]));
    const lost = [...inputs].filter(([path, file]) => counts.get(path) !== file.rows).map(([, file]) => file);
    if (lost.length > 0) {
      throw new InputsLost(lost, 'it holds other rows than its writer counted');
    }
  }

  /** A failure over an exchange file is not the query's: the file is made again. */
  async #findLostInputs(failure: KernelFailure, inputs: Inputs['files']): Promise<void> {
    const suspicious = SUSPICIOUS.has(kernelError(failure.message).code);
    const lost: InputFile[] = [];
    for (const [file, input] of inputs) {
      const bytes = await stat(file).then(
        (found) => found.size,
        () => -1,
      );
      if (bytes !== input.bytes || (suspicious && !(await this.#canRead(file)))) lost.push(input);
    }
    if (lost.length > 0) throw new InputsLost(lost, failure.message);
  }

  /** Whether the kernel reads the file to its end, with all its columns. */
  async #canRead(file: string): Promise<boolean> {
    const list = quote(globFree(file));
    const sql = `SELECT count(hash(whole)) FROM read_parquet([${list}], hive_partitioning = false) AS whole`;
    try {
      await this.#environment.kernel.run({ kind: 'run', statement: sql, rowsMax: 1 }, this.#abort.signal);
      return true;
    } catch (problem) {
      if (problem instanceof KernelFailure) return false;
      throw problem;
    }
  }

  async #readProfile(): Promise<ProfileTotals | undefined> {
    if (!this.request.profile) return undefined;
    const profile: unknown = JSON.parse(await readFile(this.#profilePath, 'utf8'));
    this.#profile = operatorProfile(profile);
    return profileTotals(profile);
  }

  async #fail(problem: unknown): Promise<void> {
    if (this.#abort.signal.aborted) {
      this.#state = 'canceled';
      return;
    }
    this.#failure = failureOf(problem);
    this.#state = 'failed';
    // Nobody reads the output of a failed attempt. What cannot be removed now goes with the query's folder.
    await rm(this.#directory, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Errors that a damaged file may have caused: the kernel does not always name it. */
const SUSPICIOUS: ReadonlySet<ErrorCode> = new Set(['FILE_CORRUPT', 'FILE_NOT_FOUND', 'GENERIC_INTERNAL_ERROR']);

/** The statement failed for reasons of its own. */
class StatementFailed extends Error {
  override readonly name = 'StatementFailed';
  readonly sql: string;

  constructor(message: string, sql: string) {
    super(message);
    this.sql = sql;
  }
}

function failureOf(problem: unknown): TaskFailure {
  if (problem instanceof InputsLost) {
    const inputs = problem.inputs.map(({ taskId, attempt }) => ({ taskId, attempt }));
    return { kind: 'input-lost', inputs };
  }
  if (problem instanceof KernelDied) {
    const { alone, outOfMemory, message } = problem;
    return { kind: 'kernel-died', alone, outOfMemory, message };
  }
  if (problem instanceof StatementFailed) return { kind: 'error', error: kernelError(problem.message, problem.sql) };
  // Other than the statement: generated files.
  if (problem instanceof KernelFailure) {
    assert(!isInterrupted(problem.message), 'only jobs that are called off are interrupted');
    return { kind: 'error', error: kernelError(problem.message) };
  }
  return { kind: 'error', error: toErrorInfo(problem) };
}

/** Of one task: reading is faster than the kernel writes. */
const CHECKSUMS_AT_ONCE = 2;

async function withChecksum(output: OutputFile): Promise<OutputFile> {
  const { bytes, text } = await checksumOfFile(output.path);
  assert(bytes === output.bytes, 'the kernel has written the bytes that it says');
  return { ...output, checksum: text };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
