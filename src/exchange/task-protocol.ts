/**
 * What coordinator and worker say to each other about tasks, over HTTP with JSON bodies. All requests are signed with the
 * cluster's secret (`src/cluster`). Identifiers nest: `query.stage.task`, and an attempt makes outputs unique, so that no
 * output is read twice.
 *
 * | request | meaning |
 * |---|---|
 * | `POST /v1/task` `TaskRequest` → `TaskStatus` | create and start (idempotent by task id and attempt); answers when done, or after `waitMs` |
 * | `GET /v1/task/{taskId}/{attempt}?waitMs=` → `TaskStatus` | answers when done, or after `waitMs` |
 * | `DELETE /v1/task/{taskId}/{attempt}` | cancel and remove outputs |
 * | `GET /v1/exchange/{taskId}/{attempt}/{partition}` | bytes of one output file; `Range` allowed |
 * | `POST /v1/removal` | cancel and remove everything of the queries that a `RemovalRequest` names |
 * | `POST /v1/kernel` `KernelRequest` → rows | generated SQL for connectors (schema inference, sketches) |
 */

import type { ErrorInfo } from '../common/errors.ts';
import type { JsonValue, KernelFile, Split } from '../connectors/connector.ts';
import type { Fragment } from '../plan/fragment.ts';

/** One output file of a finished task attempt. */
export type OutputFile = {
  /** 0 for outputs that are not partitioned. */
  readonly partition: number;
  readonly rows: number;
  readonly bytes: number;
  /** On the machine that wrote it, readable by workers with the same `machineId`. What stands in `inline` need not be there. */
  readonly path: string;
  /** As the writer left it, where other machines may read it: CRC-32 in hexadecimal digits. */
  readonly checksum?: string;
  /** What the file holds, of small results in lines of JSON: it spares a request. */
  readonly inline?: string;
};

/** Where a reader finds one file of an input fragment. */
export type InputFile = OutputFile & {
  readonly taskId: string;
  readonly attempt: number;
  /** Base URL of the worker that holds it. */
  readonly worker: string;
  readonly machineId: string;
};

export type TaskOutput =
  /** Rows for other tasks: Parquet, hash partitions 0 … partitions-1 (1 = not partitioned). */
  | {
      readonly kind: 'exchange';
      readonly partitions: number;
      /** When the cluster has several machines. */
      readonly checksums: boolean;
      /** Smaller files for the way between machines; without any, writing and reading take less of the processor. */
      readonly compressed: boolean;
    }
  /**
   * Rows for the client in one file: lines of JSON arrays (the protocol's wire form), or Parquet that the worker serves as an
   * Arrow stream. With `millisecondsOnly`, datetimes are cut to precision 3.
   */
  | { readonly kind: 'result'; readonly format: 'json-lines' | 'arrow'; readonly millisecondsOnly: boolean };

/** What is fixed once per query by the coordinator, so that every attempt computes the same. */
export type TaskSession = {
  readonly user: string;
  readonly timeZone: string;
  /** Instant of the query's start, ISO 8601 in UTC with microseconds. */
  readonly now: string;
  /** Of this task; the same for its every attempt. */
  readonly seed: number;
  readonly catalog?: string;
  readonly schema?: string;
};

export type TaskRequest = {
  /** `query.stage.task` */
  readonly taskId: string;
  /** From 0. */
  readonly attempt: number;
  readonly fragment: Fragment;
  /** Splits by the id of their TableScan node. */
  readonly splits: Readonly<Record<number, readonly Split[]>>;
  /** Files by the id of the RemoteSource node that reads them: of repartitioned inputs just the task's own partition. */
  readonly inputs: Readonly<Record<number, readonly InputFile[]>>;
  readonly output: TaskOutput;
  readonly session: TaskSession;
  /** Run alone on a fresh kernel: an attempt after the kernel died with this task in it. */
  readonly alone: boolean;
  /** EXPLAIN ANALYZE: report the kernel's operator profile. */
  readonly profile: boolean;
  readonly waitMs: number;
};

export type TaskState = 'queued' | 'running' | 'finished' | 'failed' | 'canceled';

export type TaskStatistics = {
  /** Once it has finished: of inputs that were read to their end, tables and files of other tasks alike. */
  readonly rowsRead: number;
  readonly bytesRead: number;
  /** Of those, from tables. */
  readonly rowsScanned: number;
  readonly bytesScanned: number;
  /** Inputs that a LIMIT may have ended early, and that are counted nowhere. */
  readonly inputsCut: number;
  /** Of all inputs, bytes fetched from other machines. */
  readonly bytesFetched: number;
  readonly rowsWritten: number;
  readonly bytesWritten: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly memoryBytes: number;
  readonly spilledBytes: number;
  /** Splits of its scans, and as many of them as were read without a network. */
  readonly splits: number;
  readonly localSplits: number;
  /** The bytes of these splits. */
  readonly localBytes: number;
  readonly remoteBytes: number;
};

/** Of a task that has not run. */
export const NO_STATISTICS: TaskStatistics = {
  rowsRead: 0,
  bytesRead: 0,
  rowsScanned: 0,
  bytesScanned: 0,
  inputsCut: 0,
  bytesFetched: 0,
  rowsWritten: 0,
  bytesWritten: 0,
  wallMs: 0,
  cpuMs: 0,
  memoryBytes: 0,
  spilledBytes: 0,
  splits: 0,
  localSplits: 0,
  localBytes: 0,
  remoteBytes: 0,
};

/** What a task has read of a table, and how much of that without a network. */
export type ScanReads = {
  /** The scan's plan node. */
  readonly scan: number;
  /** It is in a file store: where it is read from is worth telling. */
  readonly isStored: boolean;
  readonly splits: number;
  readonly localSplits: number;
  readonly bytes: number;
  readonly localBytes: number;
};

/** One operator of the kernel's profile, as a tree. */
export type OperatorProfile = {
  readonly name: string;
  readonly rows: number;
  readonly wallMs: number;
  readonly detail: string;
  readonly children: readonly OperatorProfile[];
};

/** How a failure counts: the kernel died with the task in it, an input could not be read, or the statement itself failed. */
export type TaskFailure =
  | { readonly kind: 'error'; readonly error: ErrorInfo }
  /** `alone` tells whether nothing else ran in that kernel: only then does the death count as the task's attempt. */
  | { readonly kind: 'kernel-died'; readonly alone: boolean; readonly outOfMemory: boolean; readonly message: string }
  | { readonly kind: 'input-lost'; readonly inputs: readonly { readonly taskId: string; readonly attempt: number }[] };

export type TaskStatus = {
  readonly taskId: string;
  readonly attempt: number;
  readonly state: TaskState;
  readonly failure?: TaskFailure;
  /** When finished; exactly the files that hold rows. */
  readonly outputs: readonly OutputFile[];
  readonly statistics: TaskStatistics;
  readonly profile?: OperatorProfile;
  /** Of each of its scans. */
  readonly reads?: readonly ScanReads[];
};

export type RemovalRequest = { readonly queries: readonly string[] };

export type KernelRequest = {
  readonly sql: string;
  readonly roots: readonly string[];
  readonly files?: readonly KernelFile[];
};
export type KernelResponse = { readonly rows: readonly (readonly JsonValue[])[] } | { readonly error: ErrorInfo };

/** A worker's announcement and heartbeat: `POST /v1/announce` at the coordinator. */
export type Announcement = {
  readonly nodeId: string;
  /** New at every start, so that a restarted worker is not taken for the old one. */
  readonly incarnation: string;
  readonly url: string;
  readonly version: string;
  /** Equal for workers that share a data directory: they read each other's files by path. */
  readonly machineId: string;
  /** Equal for processes that see the same local files. */
  readonly hostId: string;
  readonly threads: number;
  /** Tasks it runs at a time. */
  readonly slots: number;
  readonly memoryBytes: number;
  readonly memoryUsedBytes: number;
  readonly runningTasks: readonly string[];
};

/** The coordinator's answer: what a worker must know to run. */
export type AnnouncementReply = {
  /** Folders that the mounted catalogs read from. */
  readonly roots: readonly string[];
  /** Queries whose files the worker may keep; all others are leftovers. */
  readonly liveQueries: readonly string[];
};
