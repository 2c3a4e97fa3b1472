/** What was typed, kept between runs in a file that only its owner reads. */
import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Entries kept; the file is cut back to them once it holds twice as many. */
const ENTRIES_MAX = 10_000;

export class History {
  readonly #file: string | undefined;
  readonly #entries: string[];

  /** Without a file it lasts as long as the program. */
  constructor(file?: string) {
    this.#file = file;
    this.#entries = file === undefined ? [] : load(file);
  }

  get entries(): readonly string[] {
    return this.#entries;
  }

  /** Lines that start with a blank are not kept, as in shells, nor is a repetition of the last. */
  add(entry: string): void {
    const text = entry.trimEnd();
    if (text === '' || text.startsWith(' ') || text === this.#entries.at(-1)) return;
    this.#entries.push(text);
    if (this.#file !== undefined) append(this.#file, text);
  }

  /** The newest entry before `index` that contains `wanted`, or -1. */
  search(wanted: string, index: number): number {
    for (let at = Math.min(index, this.#entries.length) - 1; at >= 0; at--) {
      if (this.#entries[at]!.includes(wanted)) return at;
    }
    return -1;
  }
}

/** `TUTTI_HISTORY`, else in the state folder where the environment names one, else in the home folder. */
export function historyFile(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  if (environment.TUTTI_HISTORY !== undefined) return environment.TUTTI_HISTORY || undefined;
  if (environment.XDG_STATE_HOME) return path.join(environment.XDG_STATE_HOME, 'tutti', 'history');
  return environment.HOME ? path.join(environment.HOME, '.tutti', 'history') : undefined;
}

/* One entry a line: newlines inside are written \n, backslashes twice. */
const encode = (text: string): string => `${text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`;
const decode = (line: string): string => line.replace(/\\(.)/g, (_, next: string) => (next === 'n' ? '\n' : next));

function load(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (problem) {
    if (isUnusable(problem)) return [];
    throw problem;
  }
  const entries = text.split('\n').filter(Boolean).map(decode);
  if (entries.length <= ENTRIES_MAX * 2) return entries;
  const kept = entries.slice(-ENTRIES_MAX);
  writeFileSync(file, kept.map(encode).join(''), { mode: 0o600 });
  return kept;
}

function append(file: string, entry: string): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    appendFileSync(file, encode(entry), { mode: 0o600 });
    chmodSync(file, 0o600);
  } catch (problem) {
    // A home folder that cannot be written costs the history, not the session.
    if (!isUnusable(problem)) throw problem;
  }
}

const isUnusable = (problem: unknown): boolean =>
  ['ENOENT', 'EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'EISDIR', 'ENOSPC'].includes(
    (problem as NodeJS.ErrnoException).code ?? '',
  );
