/** Text files hold values exactly, or the query fails by file and column: against arithmetic on the texts themselves. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TextTables } from '../support/text-tables.ts';

let tables: TextTables;

beforeAll(async () => {
  tables = await TextTables.open();
});

afterAll(async () => {
  await tables.close();
});

type Table = { readonly file: string; readonly text: string; readonly columns: Readonly<Record<string, string>> };

/** The rows of a file with declared columns; an error as `CODE message`. */
async function read({ file, text, columns }: Table): Promise<unknown> {
  await tables.write({ [file]: text });
  const declared = Object.entries(columns).map(([name, type]) => ({ name, type }));
  return tables.rows({ path: `data/${file}`, columns: declared });
}

const csv = async (type: string, ...values: readonly string[]): Promise<unknown> =>
  read({
    file: 'v.csv',
    text: `k,v\n${values.map((value) => `1,${value}\n`).join('')}`,
    columns: { k: 'integer', v: type },
  });

const json = async (type: string, ...values: readonly string[]): Promise<unknown> =>
  read({ file: 'v.jsonl', text: values.map((value) => `{"v":${value}}\n`).join(''), columns: { v: type } });

const refused = (file: string, value: string, type: string): string =>
  `FILE_CORRUPT /data/${file}, column "v": '${value}' is not exactly a value of type ${type}. ` +
  'Correct the file, or declare the column with a type that holds it: varchar holds every text';

const twoKeys = (text: string): Table => ({
  file: 'k.jsonl',
  text,
  columns: { v: 'bigint', n: 'decimal(20,18)' },
});

describe('JSON numbers keep their digits', () => {
  test.each([
    ['decimal(16,2)', '99999999999999.99', '99999999999999.99'],
    ['decimal(38,5)', '12345678901234567890.12345', '12345678901234567890.12345'],
    ['varchar', '1234567890123456.78', '1234567890123456.78'],
    ['varchar', '1.50', '1.5'],
    ['varchar', '{"a": 0.1234567890123456789, "b": 2}', '{"a":0.12345678901234568,"b":2}'],
    ['varchar', '"{ 1.2345678901234567 }"', '{ 1.2345678901234567 }'],
    ['bigint', '9007199254740993.0', '9007199254740993'],
    ['array(decimal(18,2))', '[9999999999999999.99, null, "1.5"]', ['9999999999999999.99', null, '1.50']],
    ['row(a bigint, b varchar)', '{"b": 123456789012345678.0, "a": 1}', { f0: '1', f1: '123456789012345678.0' }],
    ['decimal(2,1)', '"0.5"', '0.5'],
    ['json', '"x"', '"x"'],
    ['json', '{"a": 1.50, "b": "x"}', '{"a":1.5,"b":"x"}'],
  ])('%s of %s', async (type, text, value) => {
    expect(await json(type, text)).toEqual([[value]]);
    // A line beside it that is read the other way changes nothing.
    expect(await json(type, text, 'null')).toEqual([[value], [null]]);
  });

  test.each([
    ['decimal(2,1)', '0.1000000000000000000001', '0.1000000000000000000001'],
    ['decimal(38,2)', '1e-400', '1e-400'],
    ['bigint', '1.0000000000000000000000000000000000000001', '1.0000000000000000000000000000000000000001'],
    ['array(integer)', '[1, 1.5]', '1.5', 'integer'],
    ['row(a integer)', '{"a": [1]}', '[1]', 'integer'],
    ['array(integer)', '{"a": 1}', '{"a":1}'],
  ])('%s of %s is refused', async (type, text, value, at = type) => {
    expect(await json(type, text)).toBe(refused('v.jsonl', value, at));
  });

  test('a key twice, and lines that are no objects', async () => {
    const long = '"n":0.12345678901234567';
    expect(await read(twoKeys(`{"v":1,${long},"v":2}\n`))).toMatch(
      /^FILE_CORRUPT .*k\.jsonl: a JSON object has a key twice/,
    );
    expect(await read(twoKeys(`{"v":1,${long},"\\u0076":2}\n`))).toMatch(
      /^FILE_CORRUPT .*a JSON object has a key twice/,
    );
    expect(await read(twoKeys(`{"v":1,${long}}\n[0.12345678901234567]\n`))).toMatch(/^FILE_CORRUPT .*no JSON object/);
    // In an object within, or as a text, it is another one.
    expect(await read(twoKeys(`{"v":1,${long},"o":{"v":2},"p":"\\"v\\":3"}\n`))).toEqual([
      ['1', '0.123456789012345670'],
    ]);
  });

  test('what strings hold is left alone, whatever it looks like', async () => {
    const text = JSON.stringify({ v: 'a1 "2.5": \\ -3, {"v":4}\n\u0001é', n: 1 }).replace(
      '"n":1',
      '"n":-0.12345678901234567',
    );
    // Beside a long one, a short one is the same text as without.
    const beside = '{"v":1.50,"n":[1e5,-0.12345678901234567, 2.0]}';
    expect(await read({ file: 'b.jsonl', text: beside, columns: { v: 'varchar', n: 'array(varchar)' } })).toEqual([
      ['1.5', ['100000.0', '-0.12345678901234567', '2.0']],
    ]);
    expect(await read({ file: 's.jsonl', text, columns: { v: 'varchar', n: 'decimal(18,17)' } })).toEqual([
      ['a1 "2.5": \\ -3, {"v":4}\n\u0001é', '-0.12345678901234567'],
    ]);
  });
});

/** 1234567n with 6 digits behind the point → 1.234567. */
function fixed(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

describe('a declared type holds the value exactly, or the query fails', () => {
  test.each([
    ['decimal(5,2)', ['0.126', '1e-3', '1_0', '1000', '0x1', 'x']],
    ['decimal(38,2)', ['1e-30', '1e999', '1e9999', '.']],
    ['integer', ['1.5', `1.${'0'.repeat(39)}1`, '0x10', '1_0', '3000000000', '15e-1']],
    ['tinyint', ['128']],
    ['char(3)', ['abcdef']],
    ['varchar(3)', ['abcdef']],
    ['date', ['2024-01-01 12:00:00', '2024-02-30', 'infinity', 'epoch']],
    ['time(3)', ['2024-01-01 12:00:00', '12:00:00.1234', '12:00:00+01', '24:00:00']],
    ['timestamp(3)', ['2024-01-01 12:00:00.1234', '2024-01-01 12:00:00.123456789', 'infinity', '2024-01-01 12:00:00Z']],
    ['timestamp(6)', ['2024-01-01 12:00:00.123456789']],
    ['timestamp(9)', ['3024-01-01 12:00:00']],
    ['timestamp(3) with time zone', ['2024-01-01 12:00:00.1234Z', 'infinity']],
    ['double', ['1_0', 'x']],
    ['boolean', ['2']],
    ['uuid', ['x']],
    ['json', ['{']],
    ['array(integer)', ['[1.5']],
  ])('%s', async (type, values) => {
    for (const value of values) {
      expect(await csv(type, '', value)).toBe(refused('v.csv', value, type));
      expect(await json(type, 'null', type === 'json' ? `{` : `"${value}"`)).toMatch(/^FILE_CORRUPT .*v\.jsonl/);
    }
  });

  test.each([
    ['decimal(5,2)', { '0.120': '0.12', ' 1.5 ': '1.50', '12e-1': '1.20', '-.5': '-0.50', '1200e-2': '12.00' }],
    ['decimal(38,0)', { '1e37': `1${'0'.repeat(37)}`, [`0.${'0'.repeat(40)}1e41`]: '1' }],
    ['bigint', { '1.0': '1', '15e1': '150', '-9223372036854775808': '-9223372036854775808' }],
    ['char(3)', { 'ab   ': 'ab' }],
    ['varchar(3)', { äöü: 'äöü' }],
    ['time(3)', { '12:00': '12:00:00', '1:02:03.1230': '01:02:03.123' }],
    ['timestamp(3)', { '2024-01-01 12:00:00.123000': '2024-01-01 12:00:00.123', '2024-01-01': '2024-01-01 00:00:00' }],
    ['timestamp(9)', { '2024-01-01T12:00:00.123456789': '2024-01-01 12:00:00.123456789' }],
    ['double', { '1e400': 'Infinity', '0.1': 0.1 }],
  ])('%s holds', async (type, values) => {
    for (const [text, value] of Object.entries(values)) expect(await csv(type, text)).toEqual([[1, value]]);
  });

  test('decimals agree with arithmetic on their digits', async () => {
    let seed = 20_261_121;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const digits = (length: number): string =>
      Array.from({ length }, () => (random(3) === 0 ? random(10) : 0)).join('');
    let [exact, inexact] = [0, 0];
    for (let i = 0; i < 150; i++) {
      const [whole, fraction, exponent] = [digits(1 + random(12)), digits(random(12)), random(30) - 15];
      const text = `${random(2) ? '-' : ''}${whole}${fraction && `.${fraction}`}${random(2) ? `e${exponent}` : ''}`;
      const [mantissa, power] = text.split('e');
      const behind = fraction.length - Number(power ?? 0);
      const unscaled = BigInt(mantissa!.replace('.', '')) * 10n ** BigInt(Math.max(0, 6 - behind));
      const divisor = 10n ** BigInt(Math.max(0, behind - 6));
      const fits = unscaled % divisor === 0n && (unscaled / divisor).toString().replace('-', '').length <= 20;
      const rows = await csv('decimal(20,6)', text);
      const expected = fits ? [[1, fixed(unscaled / divisor, 6)]] : refused('v.csv', text, 'decimal(20,6)');
      expect(rows).toEqual(expected);
      if (fits) exact++;
      else inexact++;
    }
    expect(Math.min(exact, inexact)).toBeGreaterThan(20);
  });

  test('types that no text is read as are refused before', async () => {
    expect(await csv('interval day to second', '1')).toMatch(/^FILE_UNSUPPORTED .*declare it as varchar/);
  });
});
