/** What a journal refuses or reports, with a code for programs and a next step for people. */

import type { ErrorCategory } from '../common/errors.ts';

const CODES = {
  /** Another process has it. */
  JOURNAL_LOCKED: 'USER_ERROR',
  /** The folders that were given do not belong together. */
  JOURNAL_MISMATCH: 'USER_ERROR',
  /** Bytes that were durable are not there, or not as they were written. */
  JOURNAL_DAMAGED: 'EXTERNAL',
  JOURNAL_FULL: 'INSUFFICIENT_RESOURCES',
  JOURNAL_FAILED: 'INTERNAL_ERROR',
  JOURNAL_CLOSED: 'INTERNAL_ERROR',
  RECORD_TOO_LARGE: 'INTERNAL_ERROR',
  POSITION_NOT_KEPT: 'INTERNAL_ERROR',
} as const satisfies { readonly [code: string]: ErrorCategory };

export type JournalErrorCode = keyof typeof CODES;

export class JournalError extends Error {
  override readonly name: string = 'JournalError';
  readonly code: JournalErrorCode;

  constructor(code: JournalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get category(): ErrorCategory {
    return CODES[this.code];
  }
}

/** Where the damage begins. */
export type Damage = { readonly file: string; readonly offset: number; readonly what: string };

/** Nothing is started and nothing is truncated: what stands behind the damage was acknowledged. */
export class JournalDamagedError extends JournalError {
  override readonly name = 'JournalDamagedError';
  readonly file: string;
  readonly offset: number;

  constructor(damages: readonly [Damage, ...Damage[]]) {
    const places = damages.map(({ file, offset, what }) => `${file} at byte ${offset}: ${what}`);
    super(
      'JOURNAL_DAMAGED',
      `the journal is damaged and was left as it is (${places.join('; ')}). Bring the file back from a copy, ` +
        'or start with another journal folder that holds the same records.',
    );
    this.file = damages[0].file;
    this.offset = damages[0].offset;
  }
}
