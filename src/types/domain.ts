/** Sets of values a column may have, as far as a predicate tells: what split skipping reads. */

import type { ConstantValue } from './constant.ts';

export type Bound = { readonly value: ConstantValue; readonly inclusive: boolean };

/** An interval; an absent bound is open to that side. */
export type Range = { readonly low?: Bound; readonly high?: Bound };

/** Values in any of `ranges` (ascending, not overlapping); an empty list means no value at all. */
export type Domain = { readonly ranges: readonly Range[]; readonly nullAllowed: boolean };

/** Column name → domain. A row outside any of them cannot satisfy the predicate; absent columns are unrestricted. */
export type TupleDomain = Readonly<Record<string, Domain>>;
