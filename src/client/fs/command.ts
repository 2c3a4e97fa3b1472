/** A command of `tutti fs`: how it is called, and what it does. */

import { UsageFailure } from '../failures.ts';
import type { FsShell } from './fs-shell.ts';

export type FsCommand = {
  /** `-ls [-R] [<path> …]` */
  readonly usage: string;
  /** In a line. */
  readonly does: string;
  /** What else a person has to know: `-help` of the command shows it. */
  readonly details?: string;
  /** Their names without the dash; whether a value follows. */
  readonly options?: Readonly<Record<string, 'flag' | 'value'>>;
  /** Options may stand behind words, as `hdfs fsck` has them. */
  readonly optionsAnywhere?: true;
  /** What follows is the command's own business. */
  readonly raw?: true;
  /** Words may be empty. */
  readonly emptyWords?: true;
  /** Words behind the options, at least and at most. */
  readonly words: readonly [number, number];
  readonly run: (shell: FsShell, words: readonly string[], options: Options) => Promise<void>;
};

export type FsCommands = Readonly<Record<string, FsCommand>>;

export const ANY = Infinity;

export class Options {
  readonly #given: ReadonlyMap<string, string>;

  constructor(given: ReadonlyMap<string, string>) {
    this.#given = given;
  }

  has(...names: readonly string[]): boolean {
    return names.some((name) => this.#given.has(name));
  }

  value(name: string): string | undefined {
    return this.#given.get(name);
  }
}

/** As Hadoop reads them: options stand first, `--` ends them, a single dash is a word. Throws UsageFailure. */
export function parseWords(
  command: FsCommand,
  words: readonly string[],
): { readonly words: readonly string[]; readonly options: Options } {
  const { options: known = {}, words: bounds } = command;
  const given = new Map<string, string>();
  const rest: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const isOption = word.startsWith('-') && word !== '-' && (rest.length === 0 || command.optionsAnywhere);
    if (command.raw || !isOption) {
      rest.push(word);
      continue;
    }
    if (word === '--') {
      rest.push(...words.slice(i + 1));
      break;
    }
    const name = word.slice(1);
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) throw new UsageFailure(`Illegal option ${word}`);
    if (kind === 'value' && words[i + 1] === undefined) throw new UsageFailure(`option ${word} requires 1 argument`);
    given.set(name, kind === 'value' ? words[++i]! : '');
  }
  const [least, most] = bounds;
  if (!command.raw && !command.emptyWords) refuseEmpty(rest);
  if (rest.length < least) throw new UsageFailure(`Not enough arguments: expected ${least} but got ${rest.length}`);
  if (rest.length > most) throw new UsageFailure(`Too many arguments: expected ${most} but got ${rest.length}`);
  return { words: rest, options: new Options(given) };
}

/** An unset variable of a script leaves one; relative to the home it would be the home itself. Throws UsageFailure. */
export function refuseEmpty(words: readonly string[]): void {
  if (words.includes('')) throw new UsageFailure('an empty string is no path (an unset variable?)');
}

/** `3`, from `least` on. Throws UsageFailure. */
export function wholeNumber(what: string, text: string, least: number): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least) return number;
  throw new UsageFailure(`${what} is a whole number from ${least}, not "${text}"`);
}

const UNITS = ['', 'k', 'm', 'g', 't', 'p'];

/** `10g`, in powers of 1,024. Throws UsageFailure. */
export function byteCount(what: string, text: string): number {
  const [, digits, unit] = /^(\d{1,15})([kmgtp]?)$/i.exec(text) ?? [];
  const bytes = digits === undefined ? Number.NaN : Number(digits) * 1024 ** UNITS.indexOf(unit!.toLowerCase());
  if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw new UsageFailure(`${what} is a number of bytes such as 1073741824, 512m, 10g or 2t, not "${text}"`);
}
