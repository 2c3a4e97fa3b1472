/** What `npm ci` installs suits what package.json promises: the Node.js it names, and nobody's registry but the reader's. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

type Locked = { readonly engines?: { readonly node?: string }; readonly resolved?: string };

const root = path.resolve(import.meta.dirname, '..');
const read = (file: string): unknown => JSON.parse(readFileSync(path.join(root, file), 'utf8'));
const { engines } = read('package.json') as { readonly engines: { readonly node: string } };
const { packages } = read('package-lock.json') as { readonly packages: Readonly<Record<string, Locked>> };
const oldest = numbers(engines.node);

function numbers(version: string): readonly number[] {
  const [, major, minor, patch] = /(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(version) ?? [];
  if (major === undefined) throw new TypeError(`no version: ${version}`);
  return [Number(major), Number(minor ?? 0), Number(patch ?? 0)];
}

function isOlder(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((number, i) => number !== b[i]);
  return at >= 0 && a[at]! < b[at]!;
}

/** Ranges as packages write them: `>=18`, `^20.19.0 || >=22.12.0`, `20 || >=22`, `*`. */
const accepts = (range: string, version: readonly number[]): boolean =>
  range.split('||').some((part) => {
    if (part.trim() === '*') return true;
    const least = numbers(part);
    return !isOlder(version, least) && (part.trim().startsWith('>=') || version[0] === least[0]);
  });

test('ranges of versions', () => {
  const cases: [string, boolean][] = [
    ['>=18', true],
    ['>= 10.x', true],
    ['^20.19.0 || >=22.12.0', true],
    ['20 || >=22', true],
    ['*', true],
    ['>=20.19.1', false],
    ['^18.0.0 || >=22', false],
  ];
  for (const [range, expected] of cases) expect([range, accepts(range, [20, 19, 0])]).toEqual([range, expected]);
});

test('every package runs on the oldest Node.js that is promised', () => {
  const refused = Object.entries(packages).filter(
    ([, { engines: wants }]) => wants?.node !== undefined && !accepts(wants.node, oldest),
  );
  expect(refused.map(([name, { engines: wants }]) => `${name} wants Node.js ${wants!.node}`)).toEqual([]);
});

test('the lock file names no registry: each reader’s own is asked', () => {
  expect(Object.values(packages).flatMap(({ resolved }) => resolved ?? [])).toEqual([]);
});
