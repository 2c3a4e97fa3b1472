/**
 * Types of CSV columns: the kernel looks into every file of a table, since a type that only the first one knows would round
 * or cut what the others hold. What was found in a file is kept as long as the file stays the same.
 */

import { QueryError } from '../../common/errors.ts';
import { globFree, identifier, quote } from '../../types/kernel.ts';
import type { JsonValue, KernelQueries } from '../connector.ts';
import type { TableConfiguration } from './configuration.ts';
import { KeptFindings } from './kept-findings.ts';
import { textCell } from './kernel-schema.ts';
import type { DataFile } from './locate.ts';
import type { CsvOptions } from './scan.ts';

export type FileColumn = { readonly name: string; readonly type: string };

export type SniffedCsv = { readonly csv: CsvOptions; readonly columns: readonly FileColumn[] };

/** Bytes of one file up to which every line is looked at; beyond, the kernel's sample of 20,480 lines decides. */
export const FULL_SNIFF_BYTES_MAX = 64 * 1024 * 1024;
export const SAMPLE_LINES = 20_480;

export class CsvSniffer {
  readonly #kernel: KernelQueries;
  readonly #roots: readonly string[];
  readonly #types = new KeptFindings<readonly string[]>();
  readonly #filled = new KeptFindings<readonly boolean[]>();

  constructor(kernel: KernelQueries, roots: readonly string[]) {
    this.#kernel = kernel;
    this.#roots = roots;
  }

  /** Throws FILE_UNSUPPORTED for files of other columns than the first one's. */
  async sniff(
    files: readonly DataFile[],
    format: 'csv' | 'tsv',
    configuration: TableConfiguration | undefined,
  ): Promise<SniffedCsv> {
    // The more lines, the surer is what separates them.
    const largest = files.reduce((most, file) => (file.bytes > most.bytes ? file : most));
    const { csv, columns } = await this.#dialect(largest, format, configuration);
    const read = sniffOptions(csv);
    const filesWithLines = files.filter((file) => file.bytes > 0);
    const typesByFile = await this.#types.of(filesWithLines, read, (batch) => this.#typesOf(batch, csv));
    typesByFile.forEach((types, i) => {
      if (types.length === columns.length) return;
      const what = `${filesWithLines[i]!.path} has ${types.length} columns, ${largest.path} has ${columns.length}`;
      throw new QueryError('FILE_UNSUPPORTED', `${what}: make them two tables or rewrite one`);
    });
    const types = columns.map((_, at) => typesByFile.map((each) => each[at]!));
    const doubtful = filesWithLines.filter((_, i) =>
      types.some((column) => column[i] === 'VARCHAR' && column.some((type) => type !== 'VARCHAR')),
    );
    const filled = await this.#filled.of(doubtful, read, (batch) => this.#filledOf(batch, csv, columns));
    // A column without values is text to the kernel: it says nothing of the others' values.
    const isSilent = (file: DataFile, column: number): boolean => filled[doubtful.indexOf(file)]?.[column] === false;
    return {
      csv,
      columns: columns.map(({ name }, at) => {
        const known = types[at]!.filter((_, i) => !isSilent(filesWithLines[i]!, at));
        return { name, type: known.length === 0 ? 'VARCHAR' : known.reduce(commonType) };
      }),
    };
  }

  async #dialect(
    file: DataFile,
    format: 'csv' | 'tsv',
    configuration: TableConfiguration | undefined,
  ): Promise<{ readonly csv: CsvOptions; readonly columns: readonly { readonly name: string }[] }> {
    const delimiter = configuration?.delimiter ?? (format === 'tsv' ? '\t' : undefined);
    const nullText = configuration?.nullText ?? '';
    const options = [
      `sample_size = ${SAMPLE_LINES}`,
      `nullstr = ${quote(nullText)}`,
      ...(delimiter ? [`delim = ${quote(delimiter)}`] : []),
      ...(configuration?.header === undefined ? [] : [`header = ${configuration.header}`]),
    ];
    const rows = await this.#query(
      `SELECT Delimiter, HasHeader, list_transform(Columns, lambda c: c.name) ` +
        `FROM sniff_csv(${pathOf(file)}, ${options.join(', ')})`,
    );
    const [found, header, columns] = rows[0] ?? [];
    if (!Array.isArray(columns)) throw new QueryError('FILE_CORRUPT', `${file.path} is not readable as ${format}`);
    return {
      csv: { delimiter: delimiter ?? textCell(found), header: configuration?.header ?? header === true, nullText },
      columns: columns.map((name) => ({ name: textCell(name as JsonValue) })),
    };
  }

  /** The types of each file's columns, in the files' order. */
  async #typesOf(files: readonly DataFile[], csv: CsvOptions): Promise<readonly (readonly string[])[]> {
    const parts = files.map((file, i) => {
      const sample = file.bytes <= FULL_SNIFF_BYTES_MAX ? -1 : SAMPLE_LINES;
      return (
        `SELECT ${i}, DateFormat, TimestampFormat, list_transform(Columns, lambda c: c.type) ` +
        `FROM sniff_csv(${pathOf(file)}, sample_size = ${sample}, ${sniffOptions(csv)})`
      );
    });
    const rows = await this.#query(parts.join(' UNION ALL '));
    const byFile = new Map(rows.map(([i, ...row]) => [Number(i), row]));
    return files.map((_, i) => {
      const [dateFormat, timestampFormat, types] = byFile.get(i)!;
      return (types as readonly string[]).map((type) => {
        if (type === 'DATE') return isIso(dateFormat) ? type : 'VARCHAR';
        return type === 'TIMESTAMP' && !isIso(timestampFormat) ? 'VARCHAR' : type;
      });
    });
  }

  /** Which columns of each file have a value. */
  async #filledOf(
    files: readonly DataFile[],
    csv: CsvOptions,
    columns: readonly { readonly name: string }[],
  ): Promise<readonly (readonly boolean[])[]> {
    const types = columns.map(({ name }) => `${quote(name)}: 'VARCHAR'`).join(', ');
    const counts = columns.map(({ name }) => `count(${identifier(name)}) > 0`).join(', ');
    const parts = files.map(
      (file, i) =>
        `SELECT ${i}, [${counts}] FROM read_csv(${pathOf(file)}, ${sniffOptions(csv)}, quote = '"', escape = '"', ` +
        `columns = {${types}}, auto_detect = false, hive_partitioning = false)`,
    );
    const rows = await this.#query(parts.join(' UNION ALL '));
    const byFile = new Map(rows.map(([i, filled]) => [Number(i), filled as readonly boolean[]]));
    return files.map((_, i) => byFile.get(i)!);
  }

  #query(sql: string): ReturnType<KernelQueries['query']> {
    return this.#kernel.query(sql, this.#roots);
  }
}

const pathOf = (file: DataFile): string => quote(globFree(file.path));

const sniffOptions = ({ delimiter, header, nullText }: CsvOptions): string =>
  `delim = ${quote(delimiter)}, header = ${header}, nullstr = ${quote(nullText)}`;

/** Files are read with the kernel's own form of dates: others, such as 13/02/2020, stay text. */
const isIso = (format: JsonValue | undefined): boolean =>
  typeof format !== 'string' || format === '' || format.startsWith('%Y-%m-%d');

/** The narrowest type that holds the values of both. */
function commonType(a: string, b: string): string {
  if (a === b) return a;
  const pair = [a, b].sort().join(' ');
  if (pair === 'BIGINT DOUBLE') return 'DOUBLE';
  return pair === 'DATE TIMESTAMP' ? 'TIMESTAMP' : 'VARCHAR';
}
