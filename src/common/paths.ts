/** Questions to paths of the local machine. */

import path from 'node:path';

/** Whether `file` is `folder`, or below it. Both absolute, and without symbolic links if those matter. */
export const isInside = (folder: string, file: string): boolean =>
  file === folder || file.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);
