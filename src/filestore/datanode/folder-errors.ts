/** Why a datanode's folders cannot be served, with a code for programs and a next step for the person who starts the process. */

import type { ErrorCategory } from '../../common/errors.ts';

const CODES = {
  /** Another process has it. */
  FOLDER_IN_USE: 'USER_ERROR',
  /** Two of the paths that were given lead to it. */
  FOLDER_REPEATED: 'USER_ERROR',
  /** It is of another datanode or store, or no data folder at all. */
  FOLDER_MISMATCH: 'USER_ERROR',
  /** None is left that works. */
  FOLDER_FAILED: 'EXTERNAL',
} as const satisfies { readonly [code: string]: ErrorCategory };

export type DataFolderErrorCode = keyof typeof CODES;

export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
  readonly code: DataFolderErrorCode;

  constructor(code: DataFolderErrorCode, message: string) {
    super(message);
    this.code = code;
  }

  get category(): ErrorCategory {
    return CODES[this.code];
  }

  /** What was named is not this process's to serve: it must not begin beside whoever serves it, nor twice in one folder. */
  get isClaimed(): boolean {
    return this.code === 'FOLDER_IN_USE' || this.code === 'FOLDER_REPEATED';
  }
}

/** `by`: as the lock says it. */
export const folderInUse = (folder: string, by: string): DataFolderError =>
  new DataFolderError(
    'FOLDER_IN_USE',
    `${folder} is in use by ${by}; stop that one, or give this one another folder or name`,
  );
