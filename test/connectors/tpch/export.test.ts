import { expect, test } from 'vitest';
import { exportedFiles } from '../../../src/connectors/tpch/export.ts';

test('an export is a folder of files for every table', () => {
  const files = exportedFiles(0.5, 'out');
  expect(
    files.map(({ path, recipe }) => `${path} ${JSON.stringify(recipe)}`).filter((line) => !line.includes('lineitem')),
  ).toMatchInlineSnapshot(`
    [
      "out/customer/00000.parquet {"table":"customer","scaleFactor":0.5,"first":0,"count":75000}",
      "out/nation/00000.parquet {"table":"nation","scaleFactor":0.5,"first":0,"count":25}",
      "out/orders/00000.parquet {"table":"orders","scaleFactor":0.5,"first":0,"count":187500}",
      "out/orders/00001.parquet {"table":"orders","scaleFactor":0.5,"first":187500,"count":187500}",
      "out/orders/00002.parquet {"table":"orders","scaleFactor":0.5,"first":375000,"count":187500}",
      "out/orders/00003.parquet {"table":"orders","scaleFactor":0.5,"first":562500,"count":187500}",
      "out/part/00000.parquet {"table":"part","scaleFactor":0.5,"first":0,"count":25000}",
      "out/part/00001.parquet {"table":"part","scaleFactor":0.5,"first":25000,"count":25000}",
      "out/part/00002.parquet {"table":"part","scaleFactor":0.5,"first":50000,"count":25000}",
      "out/part/00003.parquet {"table":"part","scaleFactor":0.5,"first":75000,"count":25000}",
      "out/partsupp/00000.parquet {"table":"partsupp","scaleFactor":0.5,"first":0,"count":25000}",
      "out/partsupp/00001.parquet {"table":"partsupp","scaleFactor":0.5,"first":25000,"count":25000}",
      "out/partsupp/00002.parquet {"table":"partsupp","scaleFactor":0.5,"first":50000,"count":25000}",
      "out/partsupp/00003.parquet {"table":"partsupp","scaleFactor":0.5,"first":75000,"count":25000}",
      "out/region/00000.parquet {"table":"region","scaleFactor":0.5,"first":0,"count":5}",
      "out/supplier/00000.parquet {"table":"supplier","scaleFactor":0.5,"first":0,"count":5000}",
    ]
  `);
  expect(files.filter(({ path }) => path.startsWith('out/lineitem/')).length).toBe(16);
  expect(files[0]!.columnNames.slice(0, 2)).toEqual(['c_custkey', 'c_name']);
});

test.each([0, -1, 0.00001, 20_000, Number.NaN, Infinity])('scale factor %d is refused', (scaleFactor) => {
  expect(() => exportedFiles(scaleFactor, 'out')).toThrow(/give a number from 0\.0001 to 10000/);
});
