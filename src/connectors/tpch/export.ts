/**
 * The files of `tutti tpch --sf N --out DIR`: every table is a folder of Parquet files below DIR, with the specification's
 * column names and decimals, so that a `files` catalog mounts DIR as a schema as it stands.
 */

import path from 'node:path';
import { QueryError } from '../../common/errors.ts';
import type { GeneratedFile } from '../connector.ts';
import { SCALE_FACTOR_MAX, SCALE_FACTOR_MIN, scaleOf } from './scale.ts';
import { standardNames } from './scan.ts';
import type { TpchRecipe } from './scan.ts';
import { TPCH_TABLE_NAMES } from './schema.ts';
import { splitsOf } from './splits.ts';

/** To be written with the scan provider `tpch`, in any order. Throws for scale factors that there are no rows for. */
export function exportedFiles(scaleFactor: number, directory: string): readonly GeneratedFile[] {
  if (!(scaleFactor >= SCALE_FACTOR_MIN && scaleFactor <= SCALE_FACTOR_MAX)) {
    throw new QueryError(
      'INVALID_ARGUMENTS',
      `Scale factor ${scaleFactor}: give a number from ${SCALE_FACTOR_MIN} to ${SCALE_FACTOR_MAX}, such as 0.01 or 1`,
    );
  }
  return TPCH_TABLE_NAMES.flatMap((table) =>
    splitsOf(table, scaleOf(scaleFactor)).map(({ index, first, count }) => {
      const recipe: TpchRecipe = { table, scaleFactor, first, count };
      const file = `${String(index).padStart(5, '0')}.parquet`;
      return { path: path.join(directory, table, file), columnNames: standardNames(table), recipe };
    }),
  );
}
