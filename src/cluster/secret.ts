/** The secret that the processes of one cluster share: who knows it may open internal routes. */

import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { QueryError } from '../common/errors.ts';
import { makeFoldersSync } from '../common/files.ts';

/** Shorter ones could be guessed by trying. */
const SECRET_LENGTH_MIN = 16;

/** Name of the file in the data directory. */
const SECRET_FILE = 'secret';

/**
 * `TUTTI_SECRET`, else the file `secret` in the data directory. With `make`, a missing file is made (a `server` on one
 * machine needs no setup); without, the error says what to do.
 */
export function clusterSecret(options: {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly dataDirectory: string;
  readonly make: boolean;
}): string {
  const given = options.environment['TUTTI_SECRET'];
  if (given) return checked(given, 'TUTTI_SECRET');
  const file = path.join(options.dataDirectory, SECRET_FILE);
  const found = read(file);
  if (found !== undefined) return checked(found, file);
  if (!options.make) {
    throw new QueryError(
      'PERMISSION_DENIED',
      `No cluster secret: set TUTTI_SECRET to the coordinator's, or copy its file ${SECRET_FILE} to ${file}`,
    );
  }
  publish(file, randomBytes(32).toString('hex'));
  return checked(read(file) ?? '', file);
}

/** Readable by its owner alone; made whole beside its place, so that two starting processes end with the same secret. */
function publish(file: string, secret: string): void {
  makeFoldersSync(path.dirname(file));
  const temporary = `${file}.${process.pid}.new`;
  writeFileSync(temporary, `${secret}\n`, { mode: 0o600 });
  try {
    linkSync(temporary, file);
  } catch (problem) {
    if (!isCode(problem, 'EEXIST')) throw problem;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (problem) {
    if (isCode(problem, 'ENOENT')) return undefined;
    throw problem;
  }
}

function checked(secret: string, where: string): string {
  if (secret.length >= SECRET_LENGTH_MIN) return secret;
  throw new QueryError(
    'PERMISSION_DENIED',
    `The cluster secret in ${where} is too short: use at least ${SECRET_LENGTH_MIN} characters`,
  );
}

const isCode = (problem: unknown, code: string): boolean =>
  problem instanceof Error && 'code' in problem && problem.code === code;
