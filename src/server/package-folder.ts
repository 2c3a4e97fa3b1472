/** Where this program stands. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Of the sources, or `dist/`, which stands in the package's folder. */
const programFolder = fileURLToPath(new URL('../..', import.meta.url));

/** With package.json and `catalog/`. */
export const packageFolder =
  path.basename(programFolder) === 'dist' ? path.dirname(programFolder) : path.resolve(programFolder);

/** The file that every process of the program starts from. */
export const entry = path.join(programFolder, `cli${path.extname(import.meta.url)}`);

export const version = (): string => {
  const text = readFileSync(path.join(packageFolder, 'package.json'), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
};
