/**
 * Types of CSV columns: the kernel looks into every file of a table, since a type that only the first one knows would round
 * or cut what the others hold. What was found in a file is kept as long as the file stays the same.
 */

import { QueryError } from '../../common/errors.ts';
import { quote } from '../../types/kernel.ts';
import type { JsonValue } from '../connector.ts';
import type { TableConfiguration } from './configuration.ts';
import { fitsSql } from './exact-text.ts';
import { chooseDelimiter, delimiterCounts } from './find-delimiter.ts';
import type { FileReader } from './file-reader.ts';
import { KeptFindings } from './kept-findings.ts';
import { parseFileType, sqlTypeOf, textCell } from './kernel-schema.ts';
import type { DataFile } from './locate.ts';
import { CSV_READING, csvOptions } from './scan.ts';
import type { CsvOptions } from './scan.ts';

export type FileColumn = { readonly name: string; readonly type: string };

export type SniffedCsv = {
  readonly csv: CsvOptions;
  readonly columns: readonly FileColumn[];
  /** Columns of numbers, dates … have `""` somewhere, which is NULL there. */
  readonly hasQuotedEmpties: boolean;
};

/** What one file says of its columns. */
type Finding = {
  /** NOTHING where a column has no values: that says nothing of the others'. */
  readonly types: readonly string[];
  readonly quotedEmpties: readonly boolean[];
};

const NOTHING = 'NOTHING';

/** Bytes of one file up to which every line is looked at; beyond, the kernel's sample of 20,480 lines decides. */
export const FULL_SNIFF_BYTES_MAX = 64 * 1024 * 1024;
export const SAMPLE_LINES = 20_480;

export class CsvSniffer {
  readonly #reader: FileReader;
  readonly #found = new KeptFindings<Finding>();

  constructor(reader: FileReader) {
    this.#reader = reader;
  }

  /** Throws FILE_UNSUPPORTED for files of other columns than the first one's, FILE_CORRUPT for what is no CSV. */
  async sniff(
    files: readonly DataFile[],
    format: 'csv' | 'tsv',
    configuration: TableConfiguration | undefined,
  ): Promise<SniffedCsv> {
    // The more lines, the surer is what separates them.
    const largest = files.reduce((most, file) => (file.bytes > most.bytes ? file : most));
    const { csv, names } = await this.#dialect(largest, format, configuration);
    const filesWithLines = files.filter((file) => file.bytes > 0);
    const found = await this.#found.of(filesWithLines, csvOptions(csv), (batch) => this.#findingsOf(batch, csv));
    found.forEach(({ types }, i) => {
      if (types.length === names.length) return;
      const what = `${filesWithLines[i]!.path} has ${types.length} columns, ${largest.path} has ${names.length}`;
      throw new QueryError('FILE_UNSUPPORTED', `${what}: make them two tables or rewrite one`);
    });
    const columns = names.map((name, at) => {
      const known = found.map(({ types }) => types[at]!).filter((type) => type !== NOTHING);
      return { name, type: known.length === 0 ? 'VARCHAR' : known.reduce(commonType) };
    });
    const hasQuotedEmpties = columns.some(
      ({ type }, at) => type !== 'VARCHAR' && found.some(({ quotedEmpties }) => quotedEmpties[at]),
    );
    return { csv, columns, hasQuotedEmpties };
  }

  async #dialect(
    file: DataFile,
    format: 'csv' | 'tsv',
    configuration: TableConfiguration | undefined,
  ): Promise<{ readonly csv: CsvOptions; readonly names: readonly string[] }> {
    const nullText = configuration?.nullText ?? '';
    const delimiter = configuration?.delimiter ?? (format === 'tsv' ? '\t' : await this.#delimiterOf(file));
    const declared = configuration?.header;
    const options = csvOptions({ delimiter, nullText, ...(declared !== undefined && { header: declared }) });
    const sql =
      `SELECT HasHeader, list_transform(Columns, lambda c: c.name) ` +
      `FROM sniff_csv(${this.#reader.literal(file)}, sample_size = ${SAMPLE_LINES}, ${SNIFFING}, ${options})`;
    const [[header, names] = []] = await this.#sniffing(sql, [file], { delimiter, nullText, header: declared ?? true });
    if (!Array.isArray(names)) throw new QueryError('FILE_CORRUPT', `${file.path} is not readable as ${format}`);
    return {
      csv: { delimiter, header: declared ?? header === true, nullText },
      names: names.map((name) => textCell(name as JsonValue)),
    };
  }

  async #delimiterOf(file: DataFile): Promise<string> {
    return chooseDelimiter(
      await this.#reader.firstLine(file),
      await this.#query(delimiterCounts(this.#reader.literal(file), SAMPLE_LINES)),
    );
  }

  /** In the files' order. */
  async #findingsOf(files: readonly DataFile[], csv: CsvOptions): Promise<readonly Finding[]> {
    const parts = files.map((file, i) => {
      const sample = file.bytes <= FULL_SNIFF_BYTES_MAX ? -1 : SAMPLE_LINES;
      return (
        `SELECT ${i}, DateFormat, TimestampFormat, list_transform(Columns, lambda c: c.type) ` +
        `FROM sniff_csv(${this.#reader.literal(file)}, sample_size = ${sample}, ${SNIFFING}, ${csvOptions(csv)})`
      );
    });
    const rows = await this.#sniffing(parts.join(' UNION ALL '), files, csv);
    const byFile = new Map(rows.map(([i, ...row]) => [Number(i), row]));
    const types = files.map((_, i) => {
      const [dateFormat, timestampFormat, found] = byFile.get(i)!;
      return (found as readonly string[]).map((type) => {
        if (type === 'DATE') return isIso(dateFormat) ? type : 'VARCHAR';
        return type === 'TIMESTAMP' && !isIso(timestampFormat) ? 'VARCHAR' : type;
      });
    });
    return this.#checked(files, csv, types);
  }

  /** What the values themselves say of the types that the kernel found: it cuts and rounds where it finds them. */
  async #checked(
    files: readonly DataFile[],
    csv: CsvOptions,
    types: readonly (readonly string[])[],
  ): Promise<readonly Finding[]> {
    const parts = files.map((file, i) => {
      const names = types[i]!.map((_, at) => `c${at}`);
      const columns = `columns = {${names.map((name) => `${quote(name)}: 'VARCHAR'`).join(', ')}}, auto_detect = false`;
      const reader = `read_csv(${this.#reader.literal(file)}, ${csvOptions(csv)}, ${columns}, ${CSV_READING}, ignore_errors = true)`;
      // Of larger ones every value is checked while it is read.
      const limit = file.bytes <= FULL_SNIFF_BYTES_MAX ? '' : ` LIMIT ${SAMPLE_LINES}`;
      const exact = names.map((name, at) => exactType(`NULLIF(${name}, '')`, types[i]![at]!));
      const empties = names.map((name) => `COALESCE(bool_or(${name} = ''), false)`);
      return `SELECT ${i}, [${exact.join(', ')}], [${empties.join(', ')}] FROM (SELECT * FROM ${reader}${limit})`;
    });
    const rows = await this.#query(parts.join(' UNION ALL '));
    const byFile = new Map(rows.map(([i, ...row]) => [Number(i), row]));
    return files.map((_, i) => {
      const [exact, quotedEmpties] = byFile.get(i)!;
      return { types: exact as readonly string[], quotedEmpties: quotedEmpties as readonly boolean[] };
    });
  }

  /** A sniffing statement. Where it fails the lines are read one by one, which names the one that is no CSV. */
  async #sniffing(
    sql: string,
    files: readonly DataFile[],
    csv: CsvOptions,
  ): Promise<readonly (readonly JsonValue[])[]> {
    try {
      return await this.#query(sql);
    } catch (problem) {
      for (const file of files) {
        const width = (await this.#reader.firstLine(file)).split(csv.delimiter).length;
        const columns = Array.from({ length: width }, (_, at) => `'c${at}': 'VARCHAR'`).join(', ');
        const options = `${csvOptions(csv)}, columns = {${columns}}, auto_detect = false`;
        await this.#query(`SELECT count(*) FROM read_csv(${this.#reader.literal(file)}, ${options}, ${CSV_READING})`);
      }
      throw problem;
    }
  }

  #query(sql: string): ReturnType<FileReader['query']> {
    return this.#reader.query(sql);
  }
}

/** A line of other length than most does not change what the others are; who reads it is told. */
const SNIFFING = `comment = '', skip = 0, ignore_errors = true`;

/** The type of a column of one file whose values are `value`, given the one that the kernel found. */
function exactType(value: string, found: string): string {
  const fits = found === 'VARCHAR' ? undefined : fitsSql(value, sqlTypeOf(parseFileType(found), ''));
  const wide = `CASE WHEN bool_and(TRY_CAST(${value} AS ${WIDE_INTEGER}) IS NOT NULL) FILTER (WHERE ${value} IS NOT NULL) THEN '${WIDE_INTEGER}' ELSE 'VARCHAR' END`;
  return (
    `CASE WHEN count(${value}) = 0 THEN '${NOTHING}' ` +
    (found === 'DOUBLE' ? `WHEN bool_and(${isInteger(value)}) THEN ${wide} ` : '') +
    (fits === undefined ? '' : `WHEN NOT bool_and(${fits}) THEN 'VARCHAR' `) +
    `ELSE '${found}' END`
  );
}

/** Integers beyond BIGINT: as doubles many of them would be one. */
export const WIDE_INTEGER = 'DECIMAL(38,0)';
export const isInteger = (value: string): string => `regexp_full_match(${value}, '\\s*[-+]?[0-9]+\\s*')`;

/** Files are read with the kernel's own form of dates: others, such as 13/02/2020, stay text. */
const isIso = (format: JsonValue | undefined): boolean =>
  typeof format !== 'string' || format === '' || format.startsWith('%Y-%m-%d');

/** The narrowest type that holds the values of both. */
function commonType(a: string, b: string): string {
  if (a === b) return a;
  const pair = [a, b].sort().join(' ');
  if (pair === 'BIGINT DOUBLE' || pair === `${WIDE_INTEGER} DOUBLE`) return 'DOUBLE';
  if (pair === `BIGINT ${WIDE_INTEGER}`) return WIDE_INTEGER;
  return pair === 'DATE TIMESTAMP' ? 'TIMESTAMP' : 'VARCHAR';
}
