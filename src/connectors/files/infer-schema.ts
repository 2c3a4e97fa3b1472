/** Finds out the columns of a table's files: by a kernel task, since only the kernel knows how it will read them. */

import { mapLimited } from '../../common/collections.ts';
import { QueryError } from '../../common/errors.ts';
import { identifier, quote } from '../../types/kernel.ts';
import { parseType } from '../../types/parse-type.ts';
import { DATE, BIGINT, VARCHAR } from '../../types/type.ts';
import type { SqlType } from '../../types/type.ts';
import type { Column } from '../connector.ts';
import type { TableConfiguration } from './configuration.ts';
import { fitsSql, isReadable } from './exact-text.ts';
import type { FileReader } from './file-reader.ts';
import { parseFileType, sqlTypeOf, textCell } from './kernel-schema.ts';
import type { DataFile } from './locate.ts';
import type { JsonNumbers } from './json-numbers.ts';
import { PATH_COLUMN } from './scan.ts';
import type { CsvOptions, FileFormat, FilesHandle } from './scan.ts';
import {
  type CsvSniffer,
  type FileColumn,
  FULL_SNIFF_BYTES_MAX,
  isInteger,
  SAMPLE_LINES,
  WIDE_INTEGER,
} from './sniff-csv.ts';

export type FilesSchema = {
  readonly columns: readonly Column[];
  readonly handle: FilesHandle;
  /** JSON files that are read line by line, by their paths. */
  readonly longNumbers?: ReadonlySet<string>;
};

export async function inferSchema(
  files: readonly DataFile[],
  format: FileFormat,
  configuration: TableConfiguration | undefined,
  reader: FileReader,
  sniffer: CsvSniffer,
  jsonNumbers: JsonNumbers,
): Promise<FilesSchema> {
  // Of Parquet the kernel reads the footers alone.
  const part = format === 'parquet' ? { columns: [] } : undefined;
  const list = `[${files.map((file) => reader.literal(file, part)).join(', ')}]`;
  const query: Query = (sql) => reader.query(sql);
  let csv: CsvOptions | undefined;
  let found: readonly FileColumn[];
  let hasQuotedEmpties = false;
  let wholeLines = false;
  if (format === 'parquet') {
    found = await describe(query, `read_parquet(${list}, union_by_name = true, hive_partitioning = false)`);
  } else if (format === 'json') {
    const sample = bytesOf(files) <= FULL_SNIFF_BYTES_MAX ? -1 : SAMPLE_LINES;
    const options = `format = 'newline_delimited', union_by_name = true, hive_partitioning = false, sample_size = ${sample}`;
    const described = async (records: string): Promise<readonly FileColumn[]> =>
      describe(query, `read_json(${list}, ${options}${records})`);
    if (configuration?.columns) found = declaredText(configuration.columns);
    else {
      const inferred = await described('');
      // The kernel's name for lines that are no objects of common keys; or a key of that name.
      if (inferred.length === 1 && inferred[0]!.name === 'json') {
        wholeLines = await described(', records = true').then(
          () => false,
          () => true,
        );
      }
      found = wholeLines ? inferred : await exactTypes(query, list, inferred);
    }
    if (!configuration?.columns && !wholeLines) await checkKeys(query, list, found);
  } else {
    const sniffed = await sniffer.sniff(files, format, configuration);
    ({ csv, hasQuotedEmpties } = sniffed);
    found = configuration?.columns ? declaredText(configuration.columns) : sniffed.columns;
    if (csv.header) await checkHeaders(files, reader);
  }
  const located = schemaOf(files, found, format, configuration, csv);
  const schema = wholeLines ? { ...located, handle: { ...located.handle, wholeLines } as const } : located;
  const isSampled =
    format === 'json' ? bytesOf(files) > FULL_SNIFF_BYTES_MAX : files.some((file) => file.bytes > FULL_SNIFF_BYTES_MAX);
  if (format === 'parquet' || !(isSampled || configuration?.columns || hasQuotedEmpties)) return schema;
  const longNumbers = format === 'json' ? await jsonNumbers.longIn(files, schema.columns) : undefined;
  return { ...schema, handle: { ...schema.handle, unproven: true }, ...(longNumbers && { longNumbers }) };
}

const bytesOf = (files: readonly DataFile[]): number => files.reduce((sum, file) => sum + file.bytes, 0);

type Query = FileReader['query'];

async function describe(query: Query, source: string): Promise<readonly FileColumn[]> {
  const rows = await query(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${source})`);
  return rows.map(([name, type]) => ({ name: textCell(name), type: textCell(type) }));
}

/**
 * The kernel takes integers beyond BIGINT for doubles, of which many integers are one, and cuts times to microseconds: such
 * columns become decimals or text, and JSON where it is within arrays or objects.
 */
async function exactTypes(query: Query, list: string, columns: readonly FileColumn[]): Promise<readonly FileColumn[]> {
  const doubtful = columns.filter(({ type }) => /DOUBLE|\bTIME\b/.test(type));
  if (doubtful.length === 0) return columns;
  // EXISTS ends at the first such value: most columns of fractions show theirs at once.
  const parts = doubtful.flatMap(({ name, type }) => {
    const reader = `read_json(${list}, format = 'newline_delimited', records = true, columns = {${quote(name)}: 'VARCHAR'}, hive_partitioning = false)`;
    const value = identifier(name);
    return JSON_DOUBTS[type === 'DOUBLE' || type === 'TIME' ? type : 'nested'](value).map(
      (condition) => `EXISTS (SELECT 1 FROM ${reader} WHERE ${condition})`,
    );
  });
  const [row = []] = await query(`SELECT ${parts.join(', ')}`);
  const types = new Map(
    doubtful.map(({ name, type }, i) => {
      const [isOther, isWider] = [row[2 * i] === true, row[2 * i + 1] === true];
      if (type === 'DOUBLE' && !isOther) return [name, isWider ? 'VARCHAR' : WIDE_INTEGER];
      if (type === 'TIME' && isOther) return [name, 'VARCHAR'];
      return [name, type !== 'DOUBLE' && isOther ? 'JSON' : type];
    }),
  );
  return columns.map(({ name, type }) => ({ name, type: types.get(name) ?? type }));
}

/** Two conditions for each kind of column. */
const JSON_DOUBTS = {
  DOUBLE: (value: string) => {
    const isOther = `NOT ${isInteger(value)}`;
    return [isOther, `${isOther} OR (${value} IS NOT NULL AND TRY_CAST(${value} AS ${WIDE_INTEGER}) IS NULL)`];
  },
  TIME: (value: string) => [`NOT (${fitsSql(value, { kind: 'time', precision: 6 })})`, 'false'],
  nested: (value: string) => [
    // An integer that a double may not keep, or a time finer than a microsecond.
    `regexp_matches(${value}, '[\\[:,]-?[0-9]{19,}[\\],}]|"[0-9]+:[0-9]+:[0-9]+\\.[0-9]{6}[0-9]*[1-9]')`,
    'false',
  ],
} as const;

/** Text formats read declared columns as text, which `textSql` makes values of. Throws FILE_UNSUPPORTED. */
const declaredText = (columns: NonNullable<TableConfiguration['columns']>): readonly FileColumn[] =>
  columns.map(({ name, type }) => {
    if (isReadable(parseType(type))) return { name, type: 'VARCHAR' };
    throw new QueryError(
      'FILE_UNSUPPORTED',
      `Column "${name}" is declared as ${type}, which is not read from text: declare it as varchar and cast it in the query`,
    );
  });

/**
 * The kernel calls a key that differs from another in case only `key_1`, and does not find it under that name when it reads.
 * Throws FILE_UNSUPPORTED.
 */
async function checkKeys(query: Query, list: string, columns: readonly FileColumn[]): Promise<void> {
  const names = new Set(columns.map(({ name }) => name.toLowerCase()));
  if (!columns.some(({ name }) => names.has(name.toLowerCase().replace(/_\d+$/, '')) && /_\d+$/.test(name))) return;
  const rows = await query(`SELECT DISTINCT unnest(json_keys(json)) FROM read_ndjson_objects(${list})`);
  const keys = rows.map(([key]) => textCell(key)).sort();
  for (const [i, key] of keys.entries()) {
    const twin = keys.slice(i + 1).find((other) => other.toLowerCase() === key.toLowerCase());
    if (twin === undefined) continue;
    throw new QueryError(
      'FILE_UNSUPPORTED',
      `The JSON files have keys "${key}" and "${twin}", which differ in case only: rename one, or declare the columns`,
    );
  }
}

/** Columns of CSV files are read by position, so all files of a table must begin with the same line of names. */
async function checkHeaders(files: readonly DataFile[], reader: FileReader): Promise<void> {
  const lines = await mapLimited(files, FIRST_LINES_AT_ONCE, (file) => reader.firstLine(file));
  const expected = lines[0]!;
  for (const [i, file] of files.entries()) {
    if (lines[i] === expected || file.bytes === 0) continue;
    throw new QueryError(
      'FILE_UNSUPPORTED',
      `${file.path} names other columns in its first line than ${files[0]!.path}: make them two tables or rewrite one`,
    );
  }
}

const FIRST_LINES_AT_ONCE = 16;

function schemaOf(
  files: readonly DataFile[],
  found: readonly FileColumn[],
  format: FileFormat,
  configuration: TableConfiguration | undefined,
  csv: CsvOptions | undefined,
): FilesSchema {
  const declared = new Map(configuration?.columns?.map(({ name, type }) => [name.toLowerCase(), parseType(type)]));
  const columns: Column[] = [];
  const sources: Record<string, { name: string; type: string }> = {};
  found.forEach((column, i) => {
    const name = column.name.toLowerCase() || `_col${i}`;
    if (declared.size > 0 && !declared.has(name)) return;
    if (name in sources) {
      throw new QueryError(
        'FILE_UNSUPPORTED',
        `${files[0]!.path} has two columns named "${name}"; declare its columns in the catalog`,
      );
    }
    sources[name] = column;
    columns.push({ name, type: declared.get(name) ?? sqlTypeOf(parseFileType(column.type), name) });
  });
  for (const [name, type] of declared) {
    // A column that no file has: NULL everywhere.
    if (!(name in sources) && !(name in files[0]!.partition)) columns.push({ name, type });
  }
  for (const name of Object.keys(files[0]!.partition)) {
    delete sources[name];
    const at = columns.findIndex((column) => column.name === name);
    if (at >= 0) columns.splice(at, 1);
    columns.push({
      name,
      type: declared.get(name) ?? partitionType(files.map((file) => file.partition[name] ?? null)),
    });
  }
  columns.push({ name: PATH_COLUMN, type: VARCHAR, hidden: true });
  return { columns, handle: { format, columns: sources, ...(csv && { csv }) } };
}

/** The narrowest of BIGINT, DATE and VARCHAR that holds every folder's value. */
function partitionType(values: readonly (string | null)[]): SqlType {
  const present = values.filter((value) => value !== null);
  if (present.length === 0) return VARCHAR;
  if (present.every((value) => /^-?(0|[1-9]\d{0,17})$/.test(value))) return BIGINT;
  if (present.every((value) => /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value)))) return DATE;
  return VARCHAR;
}
