/** Permissions as `chmod` takes them: `644`, `1777`, or changes such as `u+x,g-w,a=rX,+t`. */

import { UsageFailure } from '../failures.ts';

export type ModeChange = (mode: number, isFolder: boolean) => number;

const STICKY = 0o1000;
const SHIFTS: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };

/** Throws UsageFailure. */
export function modeChange(text: string): ModeChange {
  if (/^[01]?[0-7]{3}$/.test(text)) return () => Number.parseInt(text, 8);
  const clauses = text.split(',').map((clause) => /^([ugoa]*)([+=-])([rwxXt]*)$/.exec(clause));
  if (clauses.some((clause) => clause === null)) {
    throw new UsageFailure(`a mode is octal digits such as 644, or changes such as u+x,g-w; not "${text}"`);
  }
  return (mode, isFolder) =>
    clauses.reduce((before, clause) => {
      const [, who, sign, what] = clause as unknown as readonly [string, string, '+' | '-' | '=', string];
      return changed(before, isFolder, { who, sign, what });
    }, mode);
}

function changed(
  mode: number,
  isFolder: boolean,
  { who, sign, what }: { readonly who: string; readonly sign: '+' | '-' | '='; readonly what: string },
): number {
  const classes = who === '' || who.includes('a') ? ['u', 'g', 'o'] : [...new Set(who)];
  const canPass = isFolder || (mode & 0o111) !== 0;
  const bits = (what.includes('r') ? 4 : 0) | (what.includes('w') ? 2 : 0) | (hasX(what, canPass) ? 1 : 0);
  let result = mode;
  for (const one of classes) {
    const [all, some] = [7 << SHIFTS[one]!, bits << SHIFTS[one]!];
    if (sign === '=') result = (result & ~all) | some;
    else result = sign === '+' ? result | some : result & ~some;
  }
  if (!what.includes('t')) return result;
  return sign === '-' ? result & ~STICKY : result | STICKY;
}

/** X: where somebody may already, and for folders. */
const hasX = (what: string, canPass: boolean): boolean => what.includes('x') || (what.includes('X') && canPass);
