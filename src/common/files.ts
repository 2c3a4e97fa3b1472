/** Questions to the file system that many rooms ask. */

import { statSync } from 'node:fs';

/**
 * Bytes; undefined when there is no such file. Other failures of the disk are thrown. Not asynchronous: the files are this
 * node's own, and through the thread pool the question takes thirty times as long, which a task asks of dozens of files.
 */
export const sizeOfFile = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.size;
