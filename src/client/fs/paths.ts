/** What people write for paths of the store: relative to their home there, `tutti:///a`, or patterns as in a shell. */

import path from 'node:path';
import { compareNames } from '../../filestore/compare-names.ts';

/** An absolute path. */
export function storePath(text: string, home: string): string {
  const inStore = text.replace(/^tutti:\/\/(?=\/)/, '');
  const whole = inStore.startsWith('/') ? inStore : `${home}/${inStore}`;
  return path.posix.normalize(whole).replace(/(?<=.)\/$/s, '');
}

/** Names a place as a URL would, and not one of the store that is asked: names of the store hold no colon. */
export const isElsewhere = (text: string): boolean => /^(?!tutti:\/\/\/)[a-z][a-z\d+.-]*:\//i.test(text);

/** Whether a text means more than itself. */
export const isPattern = (text: string): boolean => /[*?[\]{}\\]/.test(text);

/** `a/{b,c*}` → `a/b`, `a/c*`: alternatives may hold slashes. A backslash takes the next character as it is. */
export function alternatives(pattern: string): readonly string[] {
  const open = indexOutside(pattern, '{', 0);
  if (open < 0) return [pattern];
  const parts: string[] = [];
  let [depth, from] = [0, open + 1];
  for (let i = open + 1; i < pattern.length; i++) {
    const letter = pattern[i];
    if (letter === '\\') i++;
    else if (letter === '{') depth++;
    else if (letter === '}' && depth > 0) depth--;
    else if (letter === ',' && depth === 0) {
      parts.push(pattern.slice(from, i));
      from = i + 1;
    } else if (letter === '}') {
      parts.push(pattern.slice(from, i));
      const [before, behind] = [pattern.slice(0, open), pattern.slice(i + 1)];
      return parts.flatMap((part) => alternatives(before + part + behind));
    }
  }
  return [pattern];
}

function indexOutside(text: string, letter: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === letter) return i;
  }
  return -1;
}

/** What one name of a pattern matches; undefined when it means just itself. */
export const nameMatcher = (pattern: string): RegExp | undefined =>
  /[*?[]/.test(pattern.replaceAll(/\\./gs, '')) ? matcherOf(pattern) : undefined;

export function matcherOf(pattern: string, flags = ''): RegExp {
  let source = '';
  for (let i = 0; i < pattern.length; i++) {
    const letter = pattern[i]!;
    const end = letter === '[' ? pattern.indexOf(']', i + 2) : -1;
    if (letter === '\\' && i + 1 < pattern.length) source += escaped(pattern[++i]!);
    else if (letter === '*') source += '.*';
    else if (letter === '?') source += '.';
    else if (end > 0) {
      const inside = pattern.slice(i + 1, end).replace(/^!/, '^');
      const negated = inside.startsWith('^');
      source += `[${negated ? '^' : ''}${inside.slice(negated ? 1 : 0).replaceAll(/[\\[\]^]/g, String.raw`\$&`)}]`;
      i = end;
    } else source += escaped(letter);
  }
  return new RegExp(`^${source}$`, `su${flags}`);
}

/** Without the backslashes that took characters as they are. */
export const plainName = (pattern: string): string => pattern.replaceAll(/\\(.)/gs, '$1');

const escaped = (letter: string): string => letter.replaceAll(/[$()*+./?[\\\]^{|}]/g, String.raw`\$&`);

/** In the order of listings, each once. */
export const inOrder = <T extends { readonly path: string }>(items: readonly T[]): readonly T[] =>
  [...new Map(items.map((item) => [item.path, item])).values()].toSorted((a, b) => compareNames(a.path, b.path));
