/** A scale factor and the numbers of rows that follow from it. */
export type Scale = {
  readonly factor: number;
  readonly customers: number;
  readonly orders: number;
  readonly parts: number;
  readonly suppliers: number;
  readonly clerks: number;
};

export function scaleOf(factor: number): Scale {
  return {
    factor,
    customers: Math.floor(150_000 * factor),
    orders: Math.floor(1_500_000 * factor),
    parts: Math.floor(200_000 * factor),
    suppliers: Math.floor(10_000 * factor),
    clerks: Math.max(Math.floor(1000 * factor), 1000),
  };
}

export const SUPPLIERS_PER_PART = 4;
export const LINES_PER_ORDER_MAX = 7;

/** Below it there is no supplier. */
export const SCALE_FACTOR_MIN = 0.0001;
/** Above it keys pass 2³¹, where dbgen changes to another generator. */
export const SCALE_FACTOR_MAX = 10_000;

/** The scale factor of schema `tiny`, `sf1`, `sf0.1`, …; undefined for any other name. */
export function scaleFactorOf(schema: string): number | undefined {
  if (schema === 'tiny') return 0.01;
  const digits = /^sf(\d{1,5}(?:\.\d{1,6})?)$/.exec(schema)?.[1];
  if (digits === undefined) return undefined;
  const factor = Number(digits);
  return factor >= SCALE_FACTOR_MIN && factor <= SCALE_FACTOR_MAX ? factor : undefined;
}

/** The fixed schemas that are listed; every other `sf…` exists too. */
export const LISTED_SCHEMAS: readonly string[] = ['tiny', 'sf1', 'sf10', 'sf100'];
