/** The demo asks about files of a package that is not always there: better said before a cluster is started for them. */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { QueryError } from '../common/errors.ts';
import { filesConfigurationSchema } from '../connectors/files/configuration.ts';
import { resolveLocation } from '../connectors/files/location.ts';
import { packageFolder } from './package-folder.ts';

/** Throws FILE_NOT_FOUND with the table's own hint, and the folder where it helps. */
export function checkDemoFiles(catalogs = path.join(packageFolder, 'catalog')): void {
  const { schemas } = filesConfigurationSchema.parse(
    JSON.parse(readFileSync(path.join(catalogs, 'demo.json'), 'utf8')),
  );
  for (const schema of Object.values(schemas)) {
    for (const [name, table] of Object.entries('tables' in schema ? schema.tables : {})) {
      const file = resolveLocation(table.path, catalogs);
      if (existsSync(file)) continue;
      const hint = table.hint === undefined ? '' : `: ${table.hint} (in ${path.dirname(catalogs)})`;
      throw new QueryError('FILE_NOT_FOUND', `The demo's table ${name} has no file ${file}${hint}`);
    }
  }
}
