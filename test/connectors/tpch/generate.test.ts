/** The generator gives dbgen's rows, whole or in any pieces. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { generateRows, rowsIn, unitsOf } from '../../../src/connectors/tpch/generate.ts';
import { scaleOf } from '../../../src/connectors/tpch/scale.ts';
import { TPCH_TABLE_NAMES, TPCH_TABLES } from '../../../src/connectors/tpch/schema.ts';
import type { TpchTableName } from '../../../src/connectors/tpch/schema.ts';
import { generateTextPool, TEXT_POOL_BYTES } from '../../../src/connectors/tpch/text-pool.ts';
import { dbgenLines } from './dbgen-lines.ts';

const pool = await generateTextPool();

function lines(table: TpchTableName, factor: number, first: number, count: number): string[] {
  return [...dbgenLines(table, generateRows(table, scaleOf(factor), { first, count }, pool))];
}

const wholeTable = (table: TpchTableName, factor: number): string[] =>
  lines(table, factor, 0, unitsOf(table, scaleOf(factor)));

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

/**
 * SHA-256 of each table at scale 0.01 as dbgen writes it, computed from the rows of the Java port io.trino.tpch:tpch 1.2.
 * Its rows were compared with ours in full at scale 0.001, 0.01, 0.0375 and 1, and in parts at 10, 100, 1000 and 10,000.
 */
const DBGEN: Readonly<Record<TpchTableName, readonly [rows: number, sha256: string]>> = {
  customer: [1500, '6b690cce995cb715861ebf2c77aa02c61406e3a0ddcd3326d1ecfa969b9163f8'],
  lineitem: [60175, 'ee411d23efcd2943ef70489799e37dfc24543dbd03b461a88e16fd82a95765e4'],
  nation: [25, '66f96949939fa8fdf1c4ffed1e5f6c2842fe11a14b51fdc6ed1e17460031e8c5'],
  orders: [15000, '07cc8b362fda6d0b503c4d6c5d228817548e0688a3b21b590c52bb47b7b79c0f'],
  part: [2000, '896e14465325110dd9cf05a16972028a58be0010959262176ecd97f4db1702f8'],
  partsupp: [8000, '5947b5ebab042b49148f82c1324ad122f7e0d98cfadcbef12da0a5e239e09e79'],
  region: [5, '6022658d673924389b54dcb70fa8c3d6da1b0d7afa3c1c017bab62a019df404f'],
  supplier: [100, '9dc1002ee774699a092ed83ba278caf466d62a15d7e35bb6ed9293475528734b'],
};

test('the first rows of every table', () => {
  const rows = Object.fromEntries(TPCH_TABLE_NAMES.map((table) => [table, lines(table, 0.01, 0, 1)[0]]));
  expect(rows).toEqual({
    customer:
      '1|Customer#000000001|IVhzIApeRb ot,c,E|15|25-989-741-2988|711.56|BUILDING|to the even, regular platelets. regular, ironic epitaphs nag e|',
    lineitem:
      '1|1552|93|1|17|24710.35|0.04|0.02|N|O|1996-03-13|1996-02-12|1996-03-22|DELIVER IN PERSON|TRUCK|egular courts above the|',
    nation: '0|ALGERIA|0| haggle. carefully final deposits detect slyly agai|',
    orders: '1|370|O|172799.49|1996-01-02|5-LOW|Clerk#000000951|0|nstructions sleep furiously among |',
    part: '1|goldenrod lavender spring chocolate lace|Manufacturer#1|Brand#13|PROMO BURNISHED COPPER|7|JUMBO PKG|901.00|ly. slyly ironi|',
    partsupp:
      '1|2|3325|771.64|, even theodolites. regular, final theodolites eat after the carefully pending foxes. furiously regular deposits sleep slyly. carefully bold realms above the ironic dependencies haggle careful|',
    region:
      '0|AFRICA|lar deposits. blithely final packages cajole. regular waters are final requests. regular accounts are according to |',
    supplier:
      '1|Supplier#000000001| N kD4on9OM Ipw3,gf0JBoQDd7tgrzrddZ|17|27-918-335-1736|5755.94|each slyly above the careful|',
  });
});

test('suppliers with a remark in their comment', () => {
  expect([...lines('supplier', 1, 357, 1), ...lines('supplier', 1, 851, 1)]).toEqual([
    '358|Supplier#000000358|V3yxhHhHSXqOoc5UPv5TwkVDGKQsG|3|13-831-247-2584|6974.74|ans. ironicCustomer  requests cajole carefullyComplaintsy regular reque|',
    '852|Supplier#000000852|n3zasd04WljXdo9xMjQRkZKrEB|1|11-574-892-3228|213.41|Customer s. even asympRecommends haggl|',
  ]);
});

test.each(TPCH_TABLE_NAMES)('every row of %s at scale 0.01', (table) => {
  const rows = wholeTable(table, 0.01);
  expect([rows.length, sha256(`${rows.join('\n')}\n`)]).toEqual(DBGEN[table]);
});

// Compared with the Java port's rows.
test('rows far into a large scale, whose keys pass 32 bits', () => {
  const firstOrder = 1_400_000_000;
  expect(lines('orders', 1000, firstOrder, 1)).toMatchInlineSnapshot(`
    [
      "5600000001|100407017|F|96483.64|1994-09-14|4-NOT SPECIFIED|Clerk#000951413|0|y alongside of the furiously express accounts! accounts boost |",
    ]
  `);
  expect(lines('lineitem', 1000, firstOrder, 1)).toMatchInlineSnapshot(`
    [
      "5600000001|49674386|9674387|1|43|58389.70|0.04|0.03|R|F|1994-12-17|1994-10-15|1995-01-13|NONE|REG AIR|ructions detect quickly furiously r|",
      "5600000001|77400730|9900738|2|21|38364.27|0.00|0.01|R|F|1994-10-31|1994-12-12|1994-11-03|DELIVER IN PERSON|SHIP|ackages haggl|",
    ]
  `);
});

test.each(TPCH_TABLE_NAMES)('pieces of %s join to the whole', (table) => {
  const units = unitsOf(table, scaleOf(0.001));
  const cuts = [0, 1, 7, 8, 9, Math.floor(units / 3), Math.floor(units / 2), units - 1, units]
    .filter((cut) => cut <= units)
    .sort((a, b) => a - b);
  const pieces = cuts.slice(1).map((end, i) => lines(table, 0.001, cuts[i]!, end - cuts[i]!));
  expect(pieces.flat()).toEqual(wholeTable(table, 0.001));
});

test('row counts without generating rows', () => {
  const scale = scaleOf(1);
  const counts = TPCH_TABLE_NAMES.map((table) => [table, rowsIn(table, { first: 0, count: unitsOf(table, scale) })]);
  expect(Object.fromEntries(counts)).toEqual({
    customer: 150_000,
    lineitem: 6_001_215,
    nation: 25,
    orders: 1_500_000,
    part: 200_000,
    partsupp: 800_000,
    region: 5,
    supplier: 10_000,
  });
});

test('the text pool is that of dbgen', () => {
  // Of the pool in io.trino.tpch:tpch 1.2.
  expect(sha256(pool.subarray(0, TEXT_POOL_BYTES))).toBe(
    '09011f43d4e60579f77b33a51bbb67d04b4f3e700d84f289db6b937db90677f9',
  );
});

test.each(TPCH_TABLE_NAMES)('texts of %s fit the lengths that their columns declare', (table) => {
  const rows = wholeTable(table, 0.01).map((row) => row.split('|'));
  const tooLong = TPCH_TABLES[table].filter(
    ({ type }, index) => type.kind === 'varchar' && rows.some((row) => row[index]!.length > type.length!),
  );
  expect(tooLong).toEqual([]);
});
