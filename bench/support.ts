/** What the benchmarks share: medians, process trees, the machine's name, a plain DuckDB over the same files. */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import { ProtocolClient } from '../src/client/protocol-client.ts';
import { newSession } from '../src/client/session.ts';
import type { ClientSession } from '../src/client/session.ts';
import { SCAN_PROVIDERS } from '../src/connectors/scan-providers.ts';
import type { Connector } from '../src/connectors/connector.ts';

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** The value below which the share `p` (0 to 1) of `values` lies. */
export const percentile = (values: readonly number[], p: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))]!;

export const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

/** One line that says on what and of what a figure was taken. */
export function provenance(): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${memory} GiB, Node ${process.version}, commit ${commit}`;
}

/** The process and all below it. */
export function processTree(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (stat) children.set(stat.parent, [...(children.get(stat.parent) ?? []), Number(name)]);
  }
  const tree: number[] = [];
  const visit = (pid: number): void => {
    tree.push(pid);
    for (const child of children.get(pid) ?? []) visit(child);
  };
  visit(root);
  return tree;
}

type ProcessStat = {
  readonly parent: number;
  readonly cpuSeconds: number;
  /** Spent in the system, with that of its children that have ended. */
  readonly systemSeconds: number;
};

/** Undefined for a process that has just ended. */
function statOf(pid: number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // Fields 14 to 17 of proc(5): user and system time, its own and that of its ended children, in ticks of 10 ms.
    const seconds = (field: number): number => Number(fields[field - 3]) / 100;
    return {
      parent: Number(fields[1]),
      cpuSeconds: seconds(14) + seconds(15),
      systemSeconds: seconds(15) + seconds(17),
    };
  } catch {
    return undefined;
  }
}

export const cpuSecondsOf = (root: number): number =>
  processTree(root).reduce((sum, pid) => sum + (statOf(pid)?.cpuSeconds ?? 0), 0);

export const systemSecondsOf = (root: number): number =>
  processTree(root).reduce((sum, pid) => sum + (statOf(pid)?.systemSeconds ?? 0), 0);

/** Kibibytes of a line of /proc/<pid>/status, such as VmRSS or VmHWM; 0 for a process that has ended. */
export function memoryOf(pid: number, line: 'VmRSS' | 'VmHWM'): number {
  try {
    const found = new RegExp(`${line}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(found?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Peak resident memory of a process tree, in bytes: the sum of its processes' own peaks. */
export const peakBytesOf = (root: number): number =>
  processTree(root).reduce((sum, pid) => sum + memoryOf(pid, 'VmHWM') * 1024, 0);

/** The project's own client: what the REPL reads pages with. */
export const benchClient = (url: string, session: Partial<ClientSession> = {}): ProtocolClient =>
  new ProtocolClient({ url: new URL(url), session: newSession({ user: 'bench', ...session }) });

/** Every row as values of JavaScript, as clients have them; no more than a page at a time. */
export async function readAll(client: ProtocolClient, sql: string): Promise<void> {
  for await (const { rows } of client.execute(sql).pages()) {
    if (rows) JSON.parse(`[${rows.bytes.toString('utf8', rows.start, rows.end)}]`);
  }
}

/** Plain DuckDB with views over the files of a connector's schema. */
export async function plainDuckDb(
  connector: Connector,
  provider: string,
  schema: string,
  options: { readonly threads: number; readonly memory: string; readonly dataDirectory: string },
): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(options.threads),
    memory_limit: options.memory,
    default_null_order: 'nulls_last',
  });
  const connection = await instance.connect();
  for (const table of await connector.listTables(schema)) {
    const description = (await connector.describeTable(schema, table))!;
    const columns = description.columns.filter((column) => !column.hidden);
    const names = columns.map((column) => column.name);
    const splits = await connector.splits(description, names, {});
    const sql = SCAN_PROVIDERS[provider]!.scanSql(description.handle, splits, columns, options);
    await connection.run(`CREATE VIEW ${table} AS ${sql}`);
  }
  return connection;
}
