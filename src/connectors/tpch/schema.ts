/** TPC-H's eight tables: names and types as the specification and Trino's connector of that name have them. */
import { BIGINT, DATE, decimal, INTEGER, varchar } from '../../types/type.ts';
import type { SqlType } from '../../types/type.ts';

export type TpchTableName = 'customer' | 'lineitem' | 'nation' | 'orders' | 'part' | 'partsupp' | 'region' | 'supplier';

export type TpchColumn = {
  /** As the specification writes it, with the table's prefix: the name in the files. */
  readonly standardName: string;
  /** Trino's default. */
  readonly simpleName: string;
  readonly type: SqlType;
};

/** How Trino declares the specification's decimals; files always hold this type. */
const MONEY = decimal(12, 2);

export const TPCH_TABLES: Readonly<Record<TpchTableName, readonly TpchColumn[]>> = {
  customer: columns('c_', {
    custkey: BIGINT,
    name: varchar(25),
    address: varchar(40),
    nationkey: BIGINT,
    phone: varchar(15),
    acctbal: MONEY,
    mktsegment: varchar(10),
    comment: varchar(117),
  }),
  lineitem: columns('l_', {
    orderkey: BIGINT,
    partkey: BIGINT,
    suppkey: BIGINT,
    linenumber: INTEGER,
    quantity: MONEY,
    extendedprice: MONEY,
    discount: MONEY,
    tax: MONEY,
    returnflag: varchar(1),
    linestatus: varchar(1),
    shipdate: DATE,
    commitdate: DATE,
    receiptdate: DATE,
    shipinstruct: varchar(25),
    shipmode: varchar(10),
    comment: varchar(44),
  }),
  nation: columns('n_', { nationkey: BIGINT, name: varchar(25), regionkey: BIGINT, comment: varchar(152) }),
  orders: columns('o_', {
    orderkey: BIGINT,
    custkey: BIGINT,
    orderstatus: varchar(1),
    totalprice: MONEY,
    orderdate: DATE,
    orderpriority: varchar(15),
    clerk: varchar(15),
    shippriority: INTEGER,
    comment: varchar(79),
  }),
  part: columns('p_', {
    partkey: BIGINT,
    name: varchar(55),
    mfgr: varchar(25),
    brand: varchar(10),
    type: varchar(25),
    size: INTEGER,
    container: varchar(10),
    retailprice: MONEY,
    comment: varchar(23),
  }),
  partsupp: columns('ps_', {
    partkey: BIGINT,
    suppkey: BIGINT,
    availqty: INTEGER,
    supplycost: MONEY,
    comment: varchar(199),
  }),
  region: columns('r_', { regionkey: BIGINT, name: varchar(25), comment: varchar(152) }),
  supplier: columns('s_', {
    suppkey: BIGINT,
    name: varchar(25),
    address: varchar(40),
    nationkey: BIGINT,
    phone: varchar(15),
    acctbal: MONEY,
    comment: varchar(101),
  }),
};

export const TPCH_TABLE_NAMES = Object.keys(TPCH_TABLES) as readonly TpchTableName[];

export const isTpchTable = (name: string): name is TpchTableName => Object.hasOwn(TPCH_TABLES, name);

function columns(prefix: string, types: Readonly<Record<string, SqlType>>): TpchColumn[] {
  return Object.entries(types).map(([simpleName, type]) => ({ standardName: prefix + simpleName, simpleName, type }));
}
