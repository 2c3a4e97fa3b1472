/**
 * TPC-H's 22 queries on plain DuckDB and on Tutti, over the same Parquet files with the same kernel version and memory, in one
 * run: after one warm-up each engine runs every query in turn, five times. Derived from TPC-H; no TPC result.
 */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { tpchConfigurationSchema } from '../src/connectors/tpch/configuration.ts';
import { TpchConnector } from '../src/connectors/tpch/tpch-connector.ts';
import { startServer } from '../test/support/server.ts';
import type { TestServer } from '../test/support/server.ts';
import { runStatement } from '../test/support/trino.ts';
import {
  benchClient,
  cpuSecondsOf,
  geometricMean,
  median,
  peakBytesOf,
  plainDuckDb,
  provenance,
  readAll,
} from './support.ts';

export type TpchOptions = {
  readonly scale: string;
  readonly runs: number;
  readonly data: string;
  readonly only?: string;
};

type Engine = {
  readonly name: string;
  readonly run: (sql: string) => Promise<void>;
  readonly rootPid: number;
  readonly shuffledBytes: () => Promise<number>;
  readonly nodesUsed: () => Promise<number>;
};

const MEMORY = '4GB';
const FORCED = [['distribution', 'FORCED']] as const;
const queryFolder = path.resolve(import.meta.dirname, '../test/tpch/queries');

export async function benchTpch({ scale, runs, data, only }: TpchOptions): Promise<void> {
  const schema = `sf${scale}`;
  const queries = readdirSync(queryFolder)
    .filter((name) => name.endsWith('.sql') && (!only || only.split(',').includes(name.slice(0, 3))))
    .toSorted()
    .map((name) => ({
      name: name.slice(0, 3),
      sql: readFileSync(path.join(queryFolder, name), 'utf8').replace(/;\s*$/, ''),
    }));
  const servers: TestServer[] = [];
  const start = async (workers: number, threads: number): Promise<TestServer> => {
    const args = ['--threads', String(threads), '--memory', MEMORY];
    const server = await startServer({ workers, dataDirectory: data, arguments: args });
    servers.push(server);
    return server;
  };
  try {
    const one = await start(1, 2);
    await generate(one, schema);
    const two = await start(2, 1);
    const four = await start(4, 1);
    const engines = [
      await duckDbEngine(schema, data),
      tuttiEngine('1 × 2 threads', one, schema),
      tuttiEngine('2 × 1 thread', two, schema),
      tuttiEngine('2 × 1 forced', two, schema, FORCED),
      tuttiEngine('4 × 1 thread', four, schema),
      tuttiEngine('4 × 1 forced', four, schema, FORCED),
    ];
    await measure(engines, queries, runs, scale);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function generate(server: TestServer, schema: string): Promise<void> {
  const started = performance.now();
  for (const table of ['lineitem', 'orders', 'partsupp', 'part', 'customer', 'supplier', 'nation', 'region']) {
    await runStatement(server.url, `SELECT count(*) FROM tpch_standard.${schema}.${table}`);
  }
  console.log(`data: ${((performance.now() - started) / 1000).toFixed(1)} s until every table was there\n`);
}

async function duckDbEngine(schema: string, dataDirectory: string): Promise<Engine> {
  const properties = { connector: 'tpch', columnNaming: 'standard', doubleMapping: 'decimal' };
  const connector = new TpchConnector(tpchConfigurationSchema.parse(properties));
  const connection = await plainDuckDb(connector, 'tpch', schema, { threads: 2, memory: MEMORY, dataDirectory });
  return {
    name: 'DuckDB 2 threads',
    run: async (sql) => {
      const reader = await connection.runAndReadAll(sql);
      reader.getRowsJson();
    },
    rootPid: process.pid,
    shuffledBytes: () => Promise.resolve(0),
    nodesUsed: () => Promise.resolve(1),
  };
}

function tuttiEngine(
  name: string,
  server: TestServer,
  schema: string,
  session: readonly (readonly [name: string, value: string])[] = [],
): Engine {
  const client = benchClient(server.url, { catalog: 'tpch_standard', schema, properties: new Map(session) });
  const last = `(SELECT query_id FROM system.runtime.queries WHERE query NOT LIKE '%system.runtime%' ORDER BY created DESC LIMIT 1)`;
  const ask = async (sql: string): Promise<number> => Number((await runStatement(server.url, sql)).rows[0]?.[0] ?? 0);
  return {
    name,
    run: (sql) => readAll(client, sql),
    rootPid: server.process.pid!,
    shuffledBytes: () => ask(`SELECT bytes_shuffled FROM system.runtime.queries WHERE query_id = ${last}`),
    nodesUsed: () => ask(`SELECT count(DISTINCT node_id) FROM system.runtime.tasks WHERE query_id = ${last}`),
  };
}

type Figures = { readonly wall: number[]; cpu: number; shuffled: number; nodes: number };

async function measure(
  engines: readonly Engine[],
  queries: readonly { readonly name: string; readonly sql: string }[],
  runs: number,
  scale: string,
): Promise<void> {
  const figures = new Map<string, Figures>();
  const key = (engine: Engine, query: string): string => `${engine.name} ${query}`;
  for (const query of queries) {
    for (let run = 0; run <= runs; run++) {
      for (const engine of engines) {
        // The benchmark's own process runs DuckDB: its children are the servers, whose time is not DuckDB's.
        const cpuOf = (): number => (engine.rootPid === process.pid ? ownCpuSeconds() : cpuSecondsOf(engine.rootPid));
        const [cpuBefore, before] = [cpuOf(), performance.now()];
        await engine.run(query.sql);
        const [wall, cpu] = [performance.now() - before, cpuOf() - cpuBefore];
        if (run === 0) {
          const [shuffled, nodes] = [await engine.shuffledBytes(), await engine.nodesUsed()];
          figures.set(key(engine, query.name), { wall: [], cpu: 0, shuffled, nodes });
          continue;
        }
        const found = figures.get(key(engine, query.name))!;
        found.wall.push(wall);
        found.cpu += cpu / runs;
      }
    }
  }
  report(
    engines,
    queries.map((query) => query.name),
    (engine, query) => figures.get(key(engine, query))!,
    scale,
    runs,
  );
}

const ownCpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const cell = (text: string): string => text.padStart(18);

function report(
  engines: readonly Engine[],
  queries: readonly string[],
  figuresOf: (engine: Engine, query: string) => Figures,
  scale: string,
  runs: number,
): void {
  const [plain] = engines;
  console.log(`TPC-H's queries at scale ${scale}: median of ${runs} runs in ms (× plain DuckDB)`);
  console.log(provenance());
  console.log(`\n${'query'.padEnd(8)}${engines.map((engine) => cell(engine.name)).join('')}`);
  for (const query of queries) {
    const base = median(figuresOf(plain!, query).wall);
    const cells = engines.map((engine) => {
      const value = median(figuresOf(engine, query).wall);
      return cell(`${value.toFixed(0)} (${(value / base).toFixed(2)})`);
    });
    console.log(`${query.padEnd(8)}${cells.join('')}`);
  }
  const row = (title: string, of: (engine: Engine) => string): void =>
    console.log(`${title.padEnd(8)}${engines.map((engine) => cell(of(engine))).join('')}`);
  const ratios = (engine: Engine): number[] =>
    queries.map((query) => median(figuresOf(engine, query).wall) / median(figuresOf(plain!, query).wall));
  const sum = (engine: Engine, of: (figures: Figures) => number): number =>
    queries.reduce((total, query) => total + of(figuresOf(engine, query)), 0);
  console.log('');
  row('geomean', (engine) => `${geometricMean(ratios(engine)).toFixed(2)} ×`);
  row('worst', (engine) => `${Math.max(...ratios(engine)).toFixed(2)} ×`);
  row('CPU s', (engine) => sum(engine, (figures) => figures.cpu).toFixed(2));
  row('shuffled', (engine) => `${(sum(engine, (figures) => figures.shuffled) / 2 ** 20).toFixed(1)} MiB`);
  row('on >1', (engine) => `${queries.filter((query) => figuresOf(engine, query).nodes > 1).length} queries`);
  row('peak', (engine) => `${(peakBytesOf(engine.rootPid) / 2 ** 20).toFixed(0)} MiB`);
}
