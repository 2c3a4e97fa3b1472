/**
 * Brings a task's input files within its kernel's reach: by path when the writer shares this machine's data directory, else
 * fetched over HTTP, whole, with length and checksum compared. Files go from socket to disk, never through memory as a whole.
 */

import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ClusterClient, ClusterError } from '../cluster/cluster-client.ts';
import type { Clock } from '../common/clock.ts';
import { sizeOfFile } from '../common/files.ts';
import { Checksum } from './file-checksum.ts';
import { BYTES_HEADER, CHECKSUM_TRAILER } from './serve-file.ts';
import type { InputFile } from './task-protocol.ts';

/** Outputs that can no longer be read. */
export class InputsLost extends Error {
  override readonly name = 'InputsLost';
  readonly inputs: readonly InputFile[];

  constructor(inputs: readonly InputFile[], why: string) {
    super(`Output of ${inputs.map((input) => `${input.taskId}/${input.attempt}`).join(', ')} is lost: ${why}`);
    this.inputs = inputs;
  }
}

export type LocalInputs = {
  /** Paths in the order of the given files. */
  readonly paths: readonly string[];
  readonly bytesFetched: number;
};

/** Files on their way at a time, of all tasks together: enough to keep a network busy. */
const FETCHES_MAX = 8;

/** Pauses before the second, third and fourth try: a longer silence means a lost worker. */
const RETRY_PAUSES_MS = [100, 400, 1500];

const FETCH_TIMEOUT_MS = 4000;

export class InputFiles {
  readonly #client: ClusterClient;
  readonly #clock: Clock;
  readonly #machineId: string;
  readonly #fetching = new Map<string, Promise<number>>();
  #active = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(client: ClusterClient, clock: Clock, machineId: string) {
    this.#client = client;
    this.#clock = clock;
    this.#machineId = machineId;
  }

  /** `directory` is the query's, for fetched files: tasks of one query share them. Rejects with InputsLost. */
  async bring(files: readonly InputFile[], directory: string, signal: AbortSignal): Promise<LocalInputs> {
    let bytesFetched = 0;
    const outcomes = await Promise.allSettled(
      files.map(async (file) => {
        if (file.machineId === this.#machineId) return this.#visible(file);
        const target = path.join(directory, 'fetched', `${file.taskId}.${file.attempt}.${file.partition}.parquet`);
        bytesFetched += await this.#fetchOnce(file, target, signal);
        return target;
      }),
    );
    signal.throwIfAborted();
    const lost: InputFile[] = [];
    let why = '';
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      if (!(outcome.reason instanceof InputsLost)) throw outcome.reason;
      lost.push(...outcome.reason.inputs);
      why = outcome.reason.message;
    }
    if (lost.length > 0) throw new InputsLost(lost, why);
    return { paths: outcomes.map((outcome) => (outcome as PromiseFulfilledResult<string>).value), bytesFetched };
  }

  /** The file as its writer announced it. */
  async #visible(file: InputFile): Promise<string> {
    const bytes = sizeOfFile(file.path);
    if (bytes === file.bytes) return file.path;
    const why = bytes === undefined ? 'its file is gone' : `its file has ${bytes} bytes, not ${file.bytes}`;
    throw new InputsLost([file], why);
  }

  /** Bytes that went over the network: none for a file that was fetched before. */
  async #fetchOnce(file: InputFile, target: string, signal: AbortSignal): Promise<number> {
    for (let before = this.#fetching.get(target); before; before = this.#fetching.get(target)) {
      // Whoever began it may have called it off for reasons of its own.
      const arrived = await before.then(
        () => true,
        () => false,
      );
      signal.throwIfAborted();
      if (arrived) return 0;
    }
    const fetching = this.#fetch(file, target, signal);
    this.#fetching.set(target, fetching);
    try {
      return await fetching;
    } finally {
      this.#fetching.delete(target);
    }
  }

  async #fetch(file: InputFile, target: string, signal: AbortSignal): Promise<number> {
    if (sizeOfFile(target) === file.bytes) return 0;
    await mkdir(path.dirname(target), { recursive: true });
    await this.#enter();
    try {
      for (let tries = 0; ; tries++) {
        try {
          await this.#transfer(file, target, signal);
          return file.bytes;
        } catch (problem) {
          signal.throwIfAborted();
          const pause = RETRY_PAUSES_MS[tries];
          const final = problem instanceof ClusterError && (problem.refused || problem.status !== undefined);
          if (!isTransport(problem)) throw problem;
          if (final || pause === undefined) throw new InputsLost([file], (problem as Error).message);
          await new Promise<void>((resolve) => void this.#clock.after(pause, resolve));
        }
      }
    } finally {
      this.#leave();
    }
  }

  async #transfer(file: InputFile, target: string, signal: AbortSignal): Promise<void> {
    const url = `${file.worker}/v1/exchange/${file.taskId}/${file.attempt}/${file.partition}`;
    const response = await this.#client.stream('GET', url, undefined, { signal, timeoutMs: FETCH_TIMEOUT_MS });
    const meter = new Meter();
    const temporary = `${target}.new`;
    try {
      await pipeline(response, meter, createWriteStream(temporary), { signal });
      const announced = Number(response.headers[BYTES_HEADER]);
      const { bytes, text } = meter.passed;
      if (bytes !== file.bytes || announced !== file.bytes) {
        throw new TransferError(`${bytes} of ${file.bytes} bytes arrived from ${url}`);
      }
      // The writer's own, where it made one: what changed on the writer's disk is noticed too.
      const checksum = file.checksum ?? response.trailers[CHECKSUM_TRAILER];
      if (checksum !== text) {
        throw new TransferError(`bytes from ${url} have checksum ${text}, not ${checksum ?? 'any'}`);
      }
      await rename(temporary, target);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async #enter(): Promise<void> {
    if (this.#active >= FETCHES_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#active += 1;
  }

  #leave(): void {
    this.#active -= 1;
    this.#waiting.shift()?.();
  }
}

/** What arrived is not what was sent. */
class TransferError extends Error {
  override readonly name = 'TransferError';
}

/** Failures of the way between two machines, as against those of this machine's disk. */
function isTransport(problem: unknown): boolean {
  if (problem instanceof ClusterError || problem instanceof TransferError) return true;
  const { code } = problem as NodeJS.ErrnoException;
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ETIMEDOUT';
}

class Meter extends Transform {
  readonly passed = new Checksum();

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.passed.pass(chunk);
    done(null, chunk);
  }
}
