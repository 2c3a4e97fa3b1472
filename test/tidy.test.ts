/** Holds the house to its plan: rooms import only rooms that stand before them. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

/** Lowest first. Rooms on one line do not import each other. */
const ROOMS: readonly (readonly string[])[] = [
  ['common'],
  ['types'],
  ['observe'],
  ['journal'],
  ['cluster'],
  ['filestore'],
  ['table'],
  ['transaction'],
  ['connectors'],
  ['catalog'],
  ['sql'],
  ['plan'],
  ['exchange'],
  ['coordinator', 'worker'],
  ['server', 'client'],
];

const source = path.resolve(import.meta.dirname, '../src');
const floorOf = (room: string): number => ROOMS.findIndex((rooms) => rooms.includes(room));

/** `sql`, `plan` and `catalog` see the connector interface, never an implementation. */
const CONNECTOR_INTERFACE = new Set(['connector.ts']);

function violations(file: string, text: string): string[] {
  const room = file.split(path.sep)[0] ?? '';
  const found: string[] = [];
  for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
    if (specifier === undefined) continue;
    if (specifier.startsWith('@duckdb/') && file !== path.join('worker', 'kernel', 'duckdb.ts')) {
      found.push(`${file}: only worker/kernel/duckdb.ts imports the kernel's package`);
    }
    if (!specifier.startsWith('.')) continue;
    const target = path.relative(source, path.resolve(source, path.dirname(file), specifier));
    const targetRoom = target.split(path.sep)[0] ?? '';
    if (targetRoom === room) continue;
    if (floorOf(targetRoom) < 0) found.push(`${file}: ${specifier} is outside the rooms`);
    else if (floorOf(targetRoom) >= floorOf(room)) found.push(`${file}: ${room} must not import ${targetRoom}`);
    if (targetRoom === 'connectors' && ['sql', 'plan', 'catalog'].includes(room)) {
      if (!CONNECTOR_INTERFACE.has(path.basename(target))) {
        found.push(`${file}: ${room} sees the connector interface only, not ${target}`);
      }
    }
  }
  return found;
}

test('rooms import only the rooms before them', () => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(0);
  const homeless = files.filter((file) => floorOf(file.split(path.sep)[0] ?? '') < 0);
  expect(homeless, 'files that stand in no room of the plan').toEqual([]);
  expect(files.flatMap((file) => violations(file, readFileSync(path.join(source, file), 'utf8')))).toEqual([]);
});

test('the tidy check notices what it forbids', () => {
  expect(violations('types/type.ts', `import { parse } from '../sql/parser.ts';`)).toHaveLength(1);
  expect(violations('coordinator/query.ts', `import { x } from '../worker/task.ts';`)).toHaveLength(1);
  expect(violations('plan/nodes.ts', `import { x } from '../connectors/tpch/tpch.ts';`)).toHaveLength(1);
  expect(violations('sql/ast.ts', `import { x } from '@duckdb/node-api';`)).toHaveLength(1);
  expect(violations('sql/ast.ts', `import { x } from '../types/type.ts';`)).toEqual([]);
});
