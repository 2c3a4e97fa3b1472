/**
 * Plans statements of the usual shapes before anyone asks for one, while nothing else is to be done: a runtime that has seen
 * its planner at work answers the first statements several times faster (a join of nine tables is planned in 80 ms the first
 * time, in 6 ms later).
 */

import { CatalogManager } from '../catalog/catalog-manager.ts';
import type { Clock } from '../common/clock.ts';
import { tpchConfigurationSchema } from '../connectors/tpch/configuration.ts';
import { TpchConnector } from '../connectors/tpch/tpch-connector.ts';
import { planStatement as planLogically } from '../plan/logical/plan-statement.ts';
import { optimize } from '../plan/optimizer.ts';
import { analyze } from '../sql/analyzer/analyze.ts';
import { parseStatement } from '../sql/parser.ts';
import type { Session } from '../sql/session.ts';

/** Joins, subqueries of each kind, grouping, windows: what most statements are made of. Nothing of it is ever run. */
const STATEMENTS = [
  `SELECT n.name, sum(l.extendedprice * (1 - l.discount)) AS revenue, count(*), avg(l.quantity)
   FROM customer c JOIN orders o ON c.custkey = o.custkey JOIN lineitem l ON l.orderkey = o.orderkey
     JOIN supplier s ON l.suppkey = s.suppkey JOIN nation n ON s.nationkey = n.nationkey
     JOIN region r ON n.regionkey = r.regionkey
   WHERE r.name = 'ASIA' AND o.orderdate >= date '1994-01-01' AND o.orderdate < date '1994-01-01' + interval '1' year
   GROUP BY n.name HAVING count(*) > 10 ORDER BY revenue DESC LIMIT 10`,
  `SELECT s.acctbal, s.name, p.partkey FROM part p, supplier s, partsupp ps, nation n, region r
   WHERE p.partkey = ps.partkey AND s.suppkey = ps.suppkey AND p.size = 15 AND p.type LIKE '%BRASS'
     AND s.nationkey = n.nationkey AND n.regionkey = r.regionkey AND r.name = 'EUROPE'
     AND ps.supplycost = (SELECT min(x.supplycost) FROM partsupp x JOIN supplier y ON y.suppkey = x.suppkey
                          WHERE p.partkey = x.partkey)
   ORDER BY s.acctbal DESC, n.name, s.name LIMIT 100`,
  `WITH totals AS (SELECT custkey, sum(totalprice) AS total, count(DISTINCT orderstatus) AS kinds FROM orders GROUP BY 1)
   SELECT substr(c.phone, 1, 2) AS code, rank() OVER (PARTITION BY c.nationkey ORDER BY t.total DESC) AS place,
     CASE WHEN c.acctbal > 0 THEN 'in' ELSE 'out' END AS standing
   FROM customer c LEFT JOIN totals t ON c.custkey = t.custkey
   WHERE c.nationkey IN (SELECT nationkey FROM nation WHERE name <> 'FRANCE')
     AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.custkey = c.custkey AND o.comment LIKE '%special%')
   UNION ALL SELECT 'all', count(*), NULL FROM supplier`,
  `SELECT 1`,
];

/** Rounds after which a further one gains little. */
const ROUNDS = 3;
/** Of several workers, so that exchanges are placed. */
const CLUSTER = { workers: 3, threadsPerWorker: 1 };
/** Since the start: whoever starts a server to ask something at once is not disturbed. */
const DELAY_MS = 1500;
/** Between two statements, for everything else that wants to run. */
const PAUSE_MS = 20;

/** Answers with a function that ends it. */
export function warmUp(clock: Clock, isIdle: () => boolean, onProblem: (problem: unknown) => void): () => void {
  const configuration = tpchConfigurationSchema.parse({ connector: 'tpch' });
  const connector = new TpchConnector(configuration);
  const provider = { connectorName: 'tpch', scanProvider: 'tpch', informationScanProvider: 'inline' };
  const catalogs = new CatalogManager([{ name: 'tpch', connector, information: connector, ...provider }]);
  const work = Array.from({ length: ROUNDS }, () => STATEMENTS).flat();
  let stopped = false;
  let stopWaiting = clock.after(DELAY_MS, next);
  function next(): void {
    // Nobody waits for these plans: a mistake of ours in them ends the warm-up alone.
    step().catch(onProblem);
  }
  async function step(): Promise<void> {
    const text = isIdle() ? work.shift() : undefined;
    if (text !== undefined) await plan(text);
    if (!stopped && work.length > 0) stopWaiting = clock.after(text === undefined ? DELAY_MS : PAUSE_MS, next);
  }
  const session: Session = {
    queryId: 'warm-up',
    user: 'tutti',
    catalog: 'tpch',
    schema: 'sf1',
    timeZone: 'UTC',
    now: '2026-01-01T00:00:00.000000Z',
    properties: {},
  };
  async function plan(text: string): Promise<void> {
    const statement = parseStatement(text);
    if (statement.kind !== 'Query') return;
    const metadata = catalogs.view();
    const analysis = await analyze(statement, session, metadata, { text, parameters: [] });
    await optimize(planLogically(analysis, session), { session, metadata, cluster: CLUSTER });
  }
  return () => {
    stopped = true;
    stopWaiting();
  };
}
