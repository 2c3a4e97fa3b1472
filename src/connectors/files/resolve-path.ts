/** Paths of a catalog file: absolute, relative to that file, or in an installed package. */

import { existsSync } from 'node:fs';
import path from 'node:path';

const PACKAGE = 'npm:';

/**
 * `npm:vega-datasets/data/x.csv` is looked up in every `node_modules` from the catalog file's folder upwards. When the package
 * is nowhere, the path it would have nearest to the file is returned: reading it then fails with the table's hint.
 */
export function resolvePath(text: string, baseDirectory: string): string {
  if (!text.startsWith(PACKAGE)) return path.resolve(baseDirectory, text);
  const relative = text.slice(PACKAGE.length);
  const name = relative
    .split('/')
    .slice(0, relative.startsWith('@') ? 2 : 1)
    .join('/');
  for (let folder = path.resolve(baseDirectory); ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'node_modules', name))) return path.join(folder, 'node_modules', relative);
    if (folder === path.dirname(folder)) return path.resolve(baseDirectory, '../node_modules', relative);
  }
}
