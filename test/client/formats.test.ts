/** Results as text, compared with the files in golden/ (UPDATE=1 writes them anew). */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Column } from '../../src/client/column-kind.ts';
import { FORMATS } from '../../src/client/formats/formats.ts';
import type { FormatOptions } from '../../src/client/formats/format.ts';
import { splitPage } from '../../src/client/page-bytes.ts';
import { floatText, valueText } from '../../src/client/value-text.ts';
import { parseType } from '../../src/types/parse-type.ts';
import { typeSignature } from '../../src/types/wire.ts';

const folder = path.join(import.meta.dirname, 'golden');

/** What the golden file holds; under UPDATE=1 it is written first. */
function golden(name: string, text: string): string {
  const file = path.join(folder, `${name}.txt`);
  if (process.env.UPDATE) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, text);
  }
  return readFileSync(file, 'utf8');
}

const column = (name: string, type: string): Column => ({
  name,
  type,
  typeSignature: typeSignature(parseType(type), { parametricDatetime: true }),
});

type Format = keyof typeof FORMATS;

/** Pages of rows, each the JSON of its rows, in a format. */
function print(format: Format, columns: Column[], pages: string[], options: Partial<FormatOptions> = {}): string {
  const writer = FORMATS[format](columns, { colours: false, unicode: true, ...options });
  let text = '';
  for (const page of pages)
    text += Buffer.from(writer.rows(splitPage(Buffer.from(`{"data":[${page}]}`)).rows!)).toString();
  return text + Buffer.from(writer.end()).toString();
}

const SIMPLE = [
  column('state', 'varchar(2)'),
  column('n', 'bigint'),
  column('d', 'double'),
  column('p', 'decimal(12,2)'),
];
const SIMPLE_ROWS = [
  `["TX",123456,10.25,"1.50"],["CA",7,null,"-20.00"]`,
  ``,
  ` [ null , 9223372036854775807 , 1e+20 , "0.05" ] `,
];

const EVERY = [
  column('b', 'boolean'),
  column('r', 'real'),
  column('v', 'varchar'),
  column('x', 'varbinary'),
  column('day', 'date'),
  column('at', 'timestamp(3) with time zone'),
  column('a', 'array(bigint)'),
  column('m', 'map(varchar, double)'),
  column('w', 'row(name varchar, born integer)'),
  column('j', 'json'),
];
const EVERY_ROWS = [
  `[true,1.5,"plain","aGVsbG8=","2024-02-29","2024-02-29 10:00:00.000 UTC",[1,null,9007199254740993],{"k":0.1,"l":null},["Ada, \\"the\\" first",1815],"{\\"a\\":1}"]`,
  `[false,"NaN","a,b \\"c\\"\\nd | e\\\\","",null,null,[],{},[null,null],"[1,2]"]`,
  `[null,"-Infinity","",null,"0001-01-01","1970-01-01 00:00:00.001 Europe/Berlin",null,null,null,null]`,
];

for (const format of ['table', 'csv', 'json', 'markdown'] as const) {
  test(`${format}: numbers, texts and NULL`, () => {
    const text = print(format, SIMPLE, SIMPLE_ROWS);
    expect(text).toBe(golden(`simple.${format}`, text));
  });
  test(`${format}: every kind of type`, () => {
    const text = print(format, EVERY, EVERY_ROWS);
    expect(text).toBe(golden(`every.${format}`, text));
  });
  test(`${format}: no rows`, () => {
    const text = print(format, SIMPLE, []);
    expect(text).toBe(golden(`empty.${format}`, text));
  });
}

test('table: wide characters, emoji and combining marks stay aligned', () => {
  const rows = [`["東京",1],["Zürich",22],["👩‍👩‍👧 family",333],["e\u0301te\u0301",4],["🇩🇪",5],["a\\u001b[31mb",6]`];
  const text = print('table', [column('name', 'varchar'), column('n', 'integer')], rows);
  expect(text).toBe(golden('wide-characters.table', text));
});

test('table: a table wider than the terminal wraps its texts', () => {
  const quick = 'the quick brown fox jumps over the lazy dog and runs away from everybody who looks at it';
  const rows = [`["${quick}","short",1.0],["${'x'.repeat(70)}",null,2.5]`];
  const columns = [column('text', 'varchar'), column('other', 'varchar'), column('d', 'double')];
  const text = print('table', columns, rows, { width: 60 });
  expect(text).toBe(golden('wrapped.table', text));
});

test('table: a plan keeps its lines', () => {
  const plan = JSON.stringify(`Output\n  ${'long '.repeat(20)}\n    Scan\n`);
  const text = print('table', [column('Query Plan', 'varchar')], [`[${plan}]`], { width: 40 });
  expect(text).toBe(` Query Plan\n${'─'.repeat(40)}\n Output\n   ${'long '.repeat(20).trimEnd()}\n     Scan\n`);
});

test('table: what cannot be wrapped becomes a block for each row', () => {
  const columns = Array.from({ length: 12 }, (_, index) => column(`column_${index}`, index % 2 ? 'varchar' : 'bigint'));
  const row = `[${columns.map((_, index) => (index % 2 ? `"value ${index}"` : index)).join(',')}]`;
  const text = print('table', columns, [`${row},${row.replace('"value 3"', 'null')}`], { width: 60 });
  expect(text).toBe(golden('blocks.table', text));
});

test('table: ASCII and colours', () => {
  const text = print('table', SIMPLE, SIMPLE_ROWS, { unicode: false, colours: true });
  expect(text).toBe(golden('ascii.table', text));
});

test('json: columns of the same name do not hide each other', () => {
  const columns = [column('n', 'bigint'), column('n', 'bigint'), column('n_2', 'bigint')];
  expect(print('json', columns, ['[1,2,3]'])).toBe('{"n":1,"n_2":2,"n_2_2":3}\n');
});

test('long strings and many rows pass the writers whole', () => {
  const long = 'é'.repeat(100_000);
  const columns = [column('s', 'varchar'), column('n', 'integer')];
  const rows = Array.from({ length: 3000 }, (_, index) => `["s${index}",${index}]`).join(',');
  expect(print('csv', columns, [`["${long}",1]`, rows])).toBe(
    `s,n\n${long},1\n${Array.from({ length: 3000 }, (_, index) => `s${index},${index}\n`).join('')}`,
  );
  expect(print('json', columns, [`["${long}",1]`])).toBe(`{"s":"${long}","n":1}\n`);
});

test.each([
  ['0.0', '0.0'],
  ['-0.0', '-0.0'],
  ['1.0', '1.0'],
  ['0.001', '0.001'],
  ['0.00099', '9.9E-4'],
  ['9999999.0', '9999999.0'],
  ['10000000.0', '1.0E7'],
  ['12345678.9', '1.23456789E7'],
  ['1e+20', '1.0E20'],
  ['1.7976931348623157e+308', '1.7976931348623157E308'],
  ['5e-324', '5.0E-324'],
  ['-2.5e-7', '-2.5E-7'],
  ['1e5', '100000.0'],
  ['"NaN"', 'NaN'],
  ['"-Infinity"', '-Infinity'],
])('the floating number %s is shown as %s, in CSV too', (json, text) => {
  expect(floatText(json)).toBe(text);
  expect(print('csv', [column('d', 'double')], [`[${json}]`])).toBe(`d\n${text}\n`);
});

test('nested values read like Trino shows them', () => {
  const type = typeSignature(parseType('row(a array(row(x double)), m map(integer, varchar))'), {
    parametricDatetime: true,
  });
  expect(valueText('[[[1e10],[null],null],{"1":"one"}]', type)).toBe('{a=[{x=1.0E10}, {x=NULL}, NULL], m={1=one}}');
});

test.each(['table', 'csv', 'json', 'markdown'] as const)('%s steers no terminal, and changes no file', (format) => {
  const escape = String.fromCharCode(0x1b);
  const reverse = String.fromCharCode(0x202e);
  const columns = [column(`a${escape}[2J`, 'varchar')];
  const pages = [`["x\\u001b[31my${reverse}"]`];
  const shown = print(format, columns, pages, { width: 80 });
  expect(shown).toContain(format === 'json' ? '\\u001b[31m' : '\u241b[31m');
  expect(shown).not.toContain(escape);
  expect(shown).not.toContain(reverse);
  // A table is for people wherever it goes.
  expect(print(format, columns, pages).includes(reverse)).toBe(format !== 'table');
});
