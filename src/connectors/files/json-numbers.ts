/** Which JSON files have numbers of more digits than a double keeps: only those are read the slow way, see `exactLinesSql`. */

import type { SqlType } from '../../types/type.ts';
import type { Column } from '../connector.ts';
import type { FileReader } from './file-reader.ts';
import { hasLongNumber } from './json-lines.ts';
import { KeptFindings } from './kept-findings.ts';
import type { DataFile } from './locate.ts';

/**
 * Bytes of a file up to which it is looked into, once, at about twice the cost of reading it. What is then known to have no
 * such numbers is read three times as fast as line by line.
 */
const LOOKED_INTO_BYTES_MAX = 256 * 1024 * 1024;

export class JsonNumbers {
  readonly #reader: FileReader;
  readonly #long = new KeptFindings<boolean>();

  constructor(reader: FileReader) {
    this.#reader = reader;
  }

  /** Paths of the files that must be read line by line for these columns. Large files are not looked into: they may have some. */
  async longIn(files: readonly DataFile[], columns: readonly Column[]): Promise<ReadonlySet<string>> {
    if (!columns.some(({ type, hidden }) => !hidden && needsDigits(type))) return new Set();
    const small = files.filter((file) => file.bytes <= LOOKED_INTO_BYTES_MAX);
    const found = await this.#long.of(small, '', (batch) => this.#find(batch));
    const short = new Set(small.filter((_, i) => !found[i]));
    return new Set(files.filter((file) => !short.has(file)).map((file) => file.path));
  }

  async #find(files: readonly DataFile[]): Promise<readonly boolean[]> {
    const parts = files.map(
      (file, i) =>
        `SELECT ${i}, count(*) > 0 FROM read_ndjson_objects(${this.#reader.literal(file)}) ` +
        `WHERE ${hasLongNumber('json')}`,
    );
    const rows = await this.#reader.query(parts.join(' UNION ALL '));
    const byFile = new Map(rows.map(([i, isLong]) => [Number(i), isLong === true]));
    return files.map((_, i) => byFile.get(i)!);
  }
}

/** Whether a number read as a double may become another value of this type. */
function needsDigits(type: SqlType): boolean {
  if (type.kind === 'array') return needsDigits(type.element);
  if (type.kind === 'map') return needsDigits(type.key) || needsDigits(type.value);
  if (type.kind === 'row') return type.fields.some((field) => needsDigits(field.type));
  return ['tinyint', 'smallint', 'integer', 'bigint', 'decimal', 'varchar', 'char', 'varbinary'].includes(type.kind);
}
