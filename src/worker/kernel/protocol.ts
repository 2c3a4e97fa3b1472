/** What a worker and its kernel process say to each other, as JSON over the pipe between them. */

import type { GeneratedFile, JsonValue } from '../../connectors/connector.ts';
import type { SqlType } from '../../types/type.ts';

export type KernelOptions = {
  /** What scan providers get to know: where generated files stand. */
  readonly dataDirectory: string;
  /** Folders that the kernel may read and write. */
  readonly folders: readonly string[];
  readonly spillDirectory: string;
  /** Of all statements together; beyond it they spill, or fail with EXCEEDED_LOCAL_MEMORY_LIMIT. */
  readonly memoryBytes: number;
  readonly spillBytesMax: number;
  readonly threads: number;
};

export type KernelJob =
  /**
   * Runs the statement; its rows come back last. With `profilePath` it is profiled. With `arrow` it is a query whose rows go
   * to a file, and their count comes back. `beside` runs at the same time; its rows come back first.
   */
  | {
      readonly kind: 'run';
      readonly statement: string;
      readonly beside?: string;
      readonly rowsMax: number;
      readonly profilePath?: string;
      readonly arrow?: ArrowTarget;
    }
  /** Makes a file that does not exist yet, see `ScanProvider.generate`. */
  | { readonly kind: 'generate'; readonly connector: string; readonly file: GeneratedFile };

/** A file of Arrow record batches. The query's columns are what `arrowSql` makes of these types. */
export type ArrowTarget = { readonly path: string; readonly types: readonly SqlType[] };

export type KernelRequest =
  /** First of all; again to close what is open and open anew, when nothing runs. */
  | { readonly kind: 'open'; readonly options: KernelOptions }
  | { readonly kind: 'job'; readonly id: number; readonly job: KernelJob }
  | { readonly kind: 'interrupt'; readonly id: number };

/** Small, whatever the statement: rows of tables never pass through here. */
export type KernelRows = readonly (readonly JsonValue[])[];

export type JobUsage = { readonly cpuMs: number; readonly memoryBytes: number };

export type KernelReply =
  | { readonly kind: 'opened' }
  | { readonly kind: 'openFailed'; readonly message: string }
  | { readonly kind: 'done'; readonly id: number; readonly rows: readonly KernelRows[]; readonly usage: JobUsage }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly message: string;
      /** After this error the kernel refuses everything; the process ends. */
      readonly broken: boolean;
    };
