/** The properties of a `tpch` catalog, as its JSON file states them. Both defaults are Trino's. */

import { z } from 'zod';

export const tpchConfigurationSchema = z.strictObject({
  connector: z.literal('tpch'),
  /** `orderkey`, or `o_orderkey` as the specification writes it. */
  columnNaming: z.enum(['simplified', 'standard']).default('simplified'),
  /** The type of amounts of money. */
  doubleMapping: z.enum(['double', 'decimal']).default('double'),
});

export type TpchConfiguration = z.infer<typeof tpchConfigurationSchema>;
