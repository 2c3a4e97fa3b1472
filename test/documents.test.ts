/** Links between the project's own documents and files lead somewhere. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '..');
const markdownIn = (folder: string): string[] =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(folder, name));

const documents = ['README.md', 'CHANGELOG.md', ...markdownIn('src'), ...markdownIn('docs'), ...markdownIn('bench')];

/** Targets of relative links, without their anchors. */
const linksOf = (text: string): string[] =>
  [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, target]) => decodeURIComponent(target ?? ''));

test('the life of a query names many files', () => {
  expect(linksOf(readFileSync(path.join(root, 'src/README.md'), 'utf8')).length).toBeGreaterThan(30);
});

test.each(documents)('links of %s', (document) => {
  const folder = path.dirname(path.join(root, document));
  const broken = linksOf(readFileSync(path.join(root, document), 'utf8')).filter(
    (target) => !existsSync(path.resolve(folder, target)),
  );
  expect(broken).toEqual([]);
});
