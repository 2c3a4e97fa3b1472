/** The properties of a `files` catalog, as its JSON file states them. */

import { z } from 'zod';
import { QueryError } from '../../common/errors.ts';
import { parseType } from '../../types/parse-type.ts';

const typeSchema = z.string().superRefine((text, context) => {
  try {
    parseType(text);
  } catch (problem) {
    if (!(problem instanceof QueryError)) throw problem;
    context.addIssue({ code: 'custom', message: problem.message });
  }
});

const columnSchema = z.strictObject({ name: z.string().min(1), type: typeSchema });

const tableSchema = z.strictObject({
  /** A file, a folder or a glob (`*`, `?`, `**`), relative to the catalog's file; `npm:<package>/<path>` is looked up there. */
  path: z.string().min(1),
  format: z.enum(['parquet', 'csv', 'tsv', 'json']).optional(),
  /** Declared columns; absent = inferred from the files. */
  columns: z.array(columnSchema).min(1).optional(),
  /** CSV and TSV: the first line names the columns. */
  header: z.boolean().optional(),
  delimiter: z.string().length(1).optional(),
  /** CSV and TSV: the text that stands for NULL beside the empty field. */
  nullText: z.string().optional(),
  comment: z.string().optional(),
  /** What to do when the file is missing, said in the error. */
  hint: z.string().optional(),
});

export const filesConfigurationSchema = z.strictObject({
  connector: z.literal('files'),
  /** Only files below these folders are read. Relative to the catalog's file; `npm:<package>` is that package's folder. */
  roots: z.array(z.string().min(1)).min(1),
  /** All machines of the cluster see the same files there: a network file system, or equal copies. */
  shared: z.boolean().optional(),
  /** Schema → table → where it lies; or schema → `{"folder": …}`: each file or subfolder of it is a table. */
  schemas: z.record(
    z.string().min(1),
    z
      .strictObject({
        folder: z.string().min(1).optional(),
        tables: z.record(z.string().min(1), tableSchema).optional(),
      })
      .transform(({ folder, tables }, context) => {
        if (folder !== undefined && tables === undefined) return { folder };
        if (tables !== undefined && folder === undefined) return { tables };
        context.addIssue({ code: 'custom', message: 'A schema has either a "folder" or "tables"' });
        return z.NEVER;
      }),
  ),
});

export type FilesConfiguration = z.infer<typeof filesConfigurationSchema>;
export type TableConfiguration = z.infer<typeof tableSchema>;
