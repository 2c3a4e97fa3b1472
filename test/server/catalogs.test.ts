/** Catalog files with mistakes: the message names the file, the place in it and what would be right. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { systemClock } from '../../src/common/clock.ts';
import { FileSystems } from '../../src/filestore/file-systems.ts';
import { mountCatalogs } from '../../src/server/mount-catalogs.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'tutti-catalogs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const nobody = { rows: () => Promise.resolve([]) };
const kernel = { query: () => Promise.reject(new Error('no catalog is read when it is mounted')) };

async function mounted(name: string, text: string): Promise<string> {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  try {
    const found = await mountCatalogs(folder, {
      kernel,
      runtime: nobody,
      fileSystems: new FileSystems(systemClock),
      cacheDirectory: folder,
    });
    return found.map((catalog) => catalog.name).join(' ');
  } catch (problem) {
    return (problem as Error).message.replace(folder, '…');
  } finally {
    rmSync(file);
  }
}

const files = (schemas: object): string => JSON.stringify({ connector: 'files', roots: ['.'], schemas });
const table = (type: string): object => ({ a: { tables: { t: { path: 't.csv', columns: [{ name: 'x', type }] } } } });

test.each([
  ['x.json', '{"connector": "tpch"}', 'system x'],
  ['x.json', files({ a: { folder: 'a' }, b: { tables: {} } }), 'system x'],
  ['x.json', files(table('decimal(12,2)')), 'system x'],
  ['x.json', '{"connector": "file"}', 'Catalog file …/x.json: there is no connector "file"; did you mean files?'],
  ['x.json', '{', 'Catalog file …/x.json: it is no JSON ('],
  ['x.json', files({ a: { tabels: {} } }), 'Unrecognized key: "tabels"\n  → at schemas.a'],
  ['x.json', files({ a: {} }), 'A schema has either a "folder" or "tables"\n  → at schemas.a'],
  ['x.json', files({ a: { folder: 'a', tables: {} } }), 'A schema has either a "folder" or "tables"'],
  ['x.json', files(table('decimel(1)')), 'Unknown type: decimel\n  → at schemas.a.tables.t.columns[0].type'],
  ['my-cat.json', '{"connector": "tpch"}', 'cannot be called "my-cat" (small letters, digits and _, no digit first)'],
  ['system.json', '{"connector": "tpch"}', 'cannot be called "system" (that one is there already)'],
])('%s: %s', async (name, text, expected) => {
  expect(await mounted(name, text)).toContain(expected);
});
