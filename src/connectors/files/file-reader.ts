/**
 * How planning looks into the files of a catalog: at their bytes through their file system, at their rows through some worker's
 * kernel. The kernel opens local paths alone; a file of a store stands in a statement as a name that nobody can guess, and the
 * worker puts the path there under which its kernel finds the file.
 */

import { randomBytes } from 'node:crypto';
import { globFree, quote } from '../../types/kernel.ts';
import type { OpenFile } from '../../filestore/file-system.ts';
import type { FileSystems } from '../../filestore/file-systems.ts';
import type { JsonValue, KernelFile, KernelQueries, ScanFile } from '../connector.ts';
import { isLocal, uriOf } from './location.ts';
import type { DataFile } from './locate.ts';
import type { ParquetPart } from './parquet-bytes.ts';
import { type ParquetFooter, readParquetFooter } from './parquet-footer.ts';
import { asQueryError, changedFile } from '../store-failure.ts';

/** Longest line of column names that is looked at. */
const HEADER_BYTES_MAX = 64 * 1024;

export type FileReaderOptions = {
  readonly fileSystems: FileSystems;
  readonly kernel: KernelQueries;
  /** Local folders that the kernel may read. */
  readonly roots: readonly string[];
};

export class FileReader {
  readonly #options: FileReaderOptions;
  /** Begins the names in statements; no file and no catalog can say it. */
  readonly #mark = `file-${randomBytes(16).toString('hex')}-`;
  readonly #named: RegExp;

  constructor(options: FileReaderOptions) {
    this.#options = options;
    this.#named = new RegExp(`${this.#mark}([A-Za-z0-9_-]+)`, 'g');
  }

  /** A text file's line of column names. */
  firstLine(file: DataFile): Promise<string> {
    return this.#reading(file, async (opened) => {
      const bytes = await opened.read(0, Math.min(HEADER_BYTES_MAX, opened.length));
      return Buffer.from(bytes).toString('utf8').split(/\r?\n/, 1)[0] ?? '';
    });
  }

  /** Throws FILE_CORRUPT and FILE_UNSUPPORTED, naming the file. */
  footer(file: DataFile): Promise<ParquetFooter> {
    return this.#reading(file, (opened) => readParquetFooter(file.path, opened));
  }

  /** What the kernel calls the file in a statement for `query`. `part`: what of a Parquet file the statement reads. */
  literal(file: DataFile, part?: ParquetPart): string {
    return quote(globFree(isLocal(file.path) ? file.path : this.#nameOf(scanFileOf(file, part))));
  }

  /** What the kernel calls the files of a scan in a statement for `query`, by their locations. */
  paths(files: readonly ScanFile[]): ReadonlyMap<string, string> {
    return new Map(files.map((file) => [file.location, this.#nameOf(file)]));
  }

  /** Throws QueryError for what the kernel refuses. */
  query(sql: string): Promise<readonly (readonly JsonValue[])[]> {
    const names = new Map([...sql.matchAll(this.#named)].map(([as, data]) => [as, data!]));
    const files = [...names].map(([as, data]): KernelFile => {
      const file = JSON.parse(Buffer.from(data, 'base64url').toString()) as ScanFile;
      return { as, connector: 'files', file };
    });
    return this.#options.kernel.query(sql, this.#options.roots, files);
  }

  #nameOf(file: ScanFile): string {
    return this.#mark + Buffer.from(JSON.stringify(file)).toString('base64url');
  }

  async #reading<T>(file: DataFile, work: (opened: OpenFile) => Promise<T>): Promise<T> {
    return asQueryError(file.path, async () => {
      const uri = uriOf(file.path);
      const opened = await this.#options.fileSystems.of(uri).open(uri.path);
      try {
        if (opened.id !== file.id || opened.length !== file.bytes) throw changedFile(file.path);
        return await work(opened);
      } finally {
        await opened.close();
      }
    });
  }
}

/** A file of a store as a task opens it. */
const scanFileOf = ({ path, id, bytes, modifiedMs }: DataFile, part?: ParquetPart): ScanFile => ({
  location: path,
  id,
  bytes,
  modifiedMs,
  ...(part && { part }),
});
