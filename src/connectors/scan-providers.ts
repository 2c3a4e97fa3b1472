/** The scan providers that every worker and kernel process has, by the name that plans carry. */

import type { ScanProvider } from './connector.ts';
import { filesScan } from './files/scan.ts';
import { INLINE, inlineRows } from './inline/inline-rows.ts';
import { TpchScan } from './tpch/scan.ts';

export const SCAN_PROVIDERS: Readonly<Record<string, ScanProvider>> = {
  [INLINE]: inlineRows,
  files: filesScan,
  tpch: new TpchScan(),
};
