import { expect, test } from 'vitest';
import { displayWidth, graphemes } from '../../src/client/display-width.ts';
import { EditBuffer } from '../../src/client/repl/edit-buffer.ts';
import { highlight } from '../../src/client/repl/highlight.ts';
import { tablesOf } from '../../src/client/repl/table-references.ts';
import { bytesText, countText, plural, secondsText } from '../../src/client/quantities.ts';
import { style } from '../../src/client/style.ts';

/** The text with a bar where the cursor is. */
function edited(text: string, ...steps: ((buffer: EditBuffer) => unknown)[]): string {
  const buffer = new EditBuffer();
  buffer.set(text.replace('|', ''), text.indexOf('|'));
  for (const step of steps) step(buffer);
  return `${buffer.text.slice(0, buffer.cursor)}|${buffer.text.slice(buffer.cursor)}`;
}

test.each([
  ['left steps over a whole emoji', 'a👩‍👩‍👧|b', (b: EditBuffer) => b.left(), 'a|👩‍👩‍👧b'],
  ['backspace takes a letter with its marks', 'cafe\u0301|', (b: EditBuffer) => b.backspace(), 'caf|'],
  ['delete takes what follows', 'a|🇩🇪b', (b: EditBuffer) => b.delete(), 'a|b'],
  ['words to the left', 'SELECT one_two, |x', (b: EditBuffer) => b.wordLeft(), 'SELECT |one_two, x'],
  ['words to the right', 'SELECT |one_two, x', (b: EditBuffer) => b.wordRight(), 'SELECT one_two|, x'],
  ['up onto an empty first line', '\na|', (b: EditBuffer) => b.up(), '|\na'],
  ['up keeps the column', 'abc\ndefg|\nh', (b: EditBuffer) => b.up(), 'abc|\ndefg\nh'],
  ['down ends at a shorter line’s end', 'abcdef|\nhi', (b: EditBuffer) => b.down(), 'abcdef\nhi|'],
  ['kill to the end of the line', 'ab|cd\nef', (b: EditBuffer) => b.killToLineEnd(), 'ab|\nef'],
  ['kill at the end of a line joins the next', 'ab|\nef', (b: EditBuffer) => b.killToLineEnd(), 'ab|ef'],
  ['kill to the start of the line', 'ab\ncd|e', (b: EditBuffer) => b.killToLineStart(), 'ab\n|e'],
])('%s', (_what, before, step, after) => {
  expect(edited(before, step)).toBe(after);
});

const kill = (buffer: EditBuffer): void => buffer.killWordBefore();

test('what was killed comes back, what was done is undone', () => {
  expect(
    edited(
      'one two|',
      kill,
      (buffer) => buffer.yank(),
      (buffer) => buffer.yank(),
    ),
  ).toBe('one twotwo|');
  expect(
    edited(
      'one two|',
      kill,
      kill,
      (buffer) => buffer.undo(),
      (buffer) => buffer.undo(),
    ),
  ).toBe('one two|');
});

test('keywords, functions, strings, numbers and comments have their colours', () => {
  const names = new Map([
    ['\u001b[1m\u001b[34m', '<K:'],
    ['\u001b[39m\u001b[22m', '>'],
    ['\u001b[36m', '<F:'],
    ['\u001b[32m', '<S:'],
    ['\u001b[35m', '<N:'],
    ['\u001b[33m', '<Q:'],
    ['\u001b[2m', '<C:'],
    ['\u001b[39m', '>'],
    ['\u001b[22m', '>'],
  ]);
  let text = highlight(`SELECT count(x), date(t.data) "Q" FROM t -- c\nWHERE a = 'it''s' LIMIT 5`, style(true));
  for (const [code, name] of names) text = text.replaceAll(code, name);
  expect(text).toBe(
    `<K:SELECT> <F:count>(x), <F:date>(t.data) <Q:"Q"> <K:FROM> t <C:-- c\n><K:WHERE> a = <S:'it''s'> <K:LIMIT> <N:5>`,
  );
});

const paths = (sql: string): string[] =>
  tablesOf(sql).map(({ path, alias }) => `${path.join('.')}${alias === undefined ? '' : ` ${alias}`}`);

test('a half-written statement names its tables', () => {
  expect(paths('SELECT  FROM demo.air.flights f, "My Table" AS m JOIN b ON')).toEqual([
    'demo.air.flights f',
    'My Table m',
    'b',
  ]);
  expect(paths('SELECT 1; SELECT x FROM (SELECT y FROM inner_one WHERE) LEFT JOIN c USING')).toEqual([
    'inner_one',
    'c',
  ]);
  expect(paths('DESCRIBE tpch.tiny.orders')).toEqual(['tpch.tiny.orders']);
});

test('widths are those of a terminal', () => {
  expect(['abc', 'é', 'e\u0301', '東京', '👩‍👩‍👧', '🇩🇪', '한', 'ｱ', ''].map(displayWidth)).toEqual([
    3, 1, 1, 4, 2, 2, 2, 1, 0,
  ]);
  expect(graphemes('a東').map(({ width }) => width)).toEqual([1, 2]);
});

test('quantities are short', () => {
  expect([0, 999, 1000, 9_949, 13_482_355, 999_600, 2.5e12].map(bytesText)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '9.9 kB',
    '13 MB',
    '1.0 MB',
    '2.5 TB',
  ]);
  expect([840, 61_000, 3_720_000].map(secondsText)).toEqual(['0.84 s', '1 min 1 s', '1 h 2 min']);
  expect([plural(1, 'row'), plural(3_000_000, 'row'), countText(1e6)]).toEqual([
    '1 row',
    '3,000,000 rows',
    '1,000,000',
  ]);
});
