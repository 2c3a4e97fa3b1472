/** Statements with tokens taken out, put in and mixed: each is refused with a position, or read and written back. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { QueryError } from '../../../src/common/errors.ts';
import type { Statement } from '../../../src/sql/ast.ts';
import { formatStatement } from '../../../src/sql/formatter.ts';
import { scan } from '../../../src/sql/lexer.ts';
import { parseStatement } from '../../../src/sql/parser.ts';
import { random } from './random-expressions.ts';
import { withoutPositions } from './tree.ts';

const SEED = 11;

const statements = readFileSync(path.join(import.meta.dirname, 'corpus.sql'), 'utf8')
  .split(/^--@ .*\n/m)
  .slice(1)
  .map((sql) => scan(sql).map(({ start, end }) => sql.slice(start, end)));
const words = statements.flat();

test('5,000 damaged statements are refused with a position, or read and written back', () => {
  const next = random(SEED);
  const below = (bound: number): number => Math.floor(next() * bound);
  const wrong: string[] = [];
  for (let index = 0; index < 5_000; index++) {
    const tokens = [...statements[below(statements.length)]!];
    for (let damages = 1 + below(2); damages > 0; damages--) {
      const word = words[below(words.length)]!;
      tokens.splice(below(tokens.length), below(2), ...(next() < 0.6 ? [word] : []));
    }
    const problem = tryOut(tokens.join(' '));
    if (problem) wrong.push(`seed ${SEED}, statement ${index}: ${problem}`);
  }
  expect(wrong).toEqual([]);
});

function tryOut(sql: string): string | undefined {
  const tree = read(sql);
  if (typeof tree === 'string') return tree === '' ? undefined : tree;
  const written = formatStatement(tree);
  const again = read(written);
  const same = isDeepStrictEqual(withoutPositions(again), withoutPositions(tree));
  return same ? undefined : `${sql}\nwas written as ${written}`;
}

/** The tree; nothing where the statement is refused as it should be; else what went wrong. */
function read(sql: string): Statement | string {
  try {
    return parseStatement(sql);
  } catch (problem) {
    const told = problem instanceof QueryError && problem.location && !problem.message.includes('undefined');
    return told ? '' : `${sql}\nfailed with ${String(problem)}`;
  }
}
