/** `tutti demo`: four questions to a cluster that just started, each with its answer and what the cluster did for it. */
import { signatureOf } from './column-kind.ts';
import { type Console, styleFor, unicodeFor, write } from './console.ts';
import { errorText } from './error-text.ts';
import { readCells } from './formats/cells.ts';
import { table } from './formats/table.ts';
import { cancelOnInterrupt } from './interrupts.ts';
import { printResult, type ResultSummary } from './print-result.ts';
import { allStages, ProgressLine } from './progress.ts';
import type { ProtocolClient } from './protocol-client.ts';
import { bytesText, plural, secondsText } from './quantities.ts';
import { highlight } from './repl/highlight.ts';

export type Question = { readonly title: string; readonly sql: string };

export const QUESTIONS: readonly Question[] = [
  {
    title: 'At what time of day should one fly?',
    sql: `SELECT hour(date) / 4 * 4 AS from_hour,
       count(*) AS flights,
       round(avg(delay), 1) AS minutes_late,
       round(100e0 * count_if(delay > 30) / count(*), 1) AS percent_very_late
FROM demo.air.flights
GROUP BY 1
ORDER BY 1`,
  },
  {
    title: 'Which large cities keep their travellers waiting longest?',
    sql: `SELECT a.city, a.state, count(*) AS flights, round(avg(f.delay), 1) AS minutes_late
FROM demo.air.flights f
JOIN demo.air.airports a ON f.origin = a.iata
GROUP BY a.city, a.state
HAVING count(*) >= 20000
ORDER BY avg(f.delay) DESC
LIMIT 5`,
  },
  {
    title: 'Of each airport’s worst route, which are the worst of all?',
    sql: `WITH routes AS (
  SELECT origin, destination, count(*) AS flights, avg(delay) AS late,
         rank() OVER (PARTITION BY origin ORDER BY avg(delay) DESC) AS place
  FROM demo.air.flights
  GROUP BY origin, destination
  HAVING count(*) >= 500
)
SELECT o.city AS "from", d.city AS "to", r.flights, round(r.late, 1) AS minutes_late
FROM routes r
JOIN demo.air.airports o ON r.origin = o.iata
JOIN demo.air.airports d ON r.destination = d.iata
WHERE r.place = 1
ORDER BY r.late DESC
LIMIT 5`,
  },
  {
    title: 'TPC-H 5: what did local suppliers in Asia earn in 1994?',
    sql: `SELECT n.name, round(sum(l.extendedprice * (1 - l.discount)), 2) AS revenue
FROM tpch.tiny.customer c
JOIN tpch.tiny.orders o ON c.custkey = o.custkey
JOIN tpch.tiny.lineitem l ON l.orderkey = o.orderkey
JOIN tpch.tiny.supplier s ON l.suppkey = s.suppkey AND c.nationkey = s.nationkey
JOIN tpch.tiny.nation n ON s.nationkey = n.nationkey
JOIN tpch.tiny.region r ON n.regionkey = r.regionkey
WHERE r.name = 'ASIA'
  AND o.orderdate >= DATE '1994-01-01'
  AND o.orderdate < DATE '1994-01-01' + INTERVAL '1' YEAR
GROUP BY n.name
ORDER BY revenue DESC`,
  },
];

/**
 * Asks every question; the exit code is 1 after the first that is not answered. The optimizer would give tables so small to
 * one worker, which is quickest, but the demo is to show the others at work too.
 */
export async function runDemo(client: ProtocolClient, console: Console, questions = QUESTIONS): Promise<number> {
  const before = client.session;
  client.session = { ...before, properties: new Map([...before.properties, ['distribution', 'FORCED']]) };
  try {
    return await ask(client, console, questions);
  } finally {
    client.session = before;
  }
}

async function ask(client: ProtocolClient, console: Console, questions: readonly Question[]): Promise<number> {
  const { stdout, stderr } = console;
  const paint = styleFor(stdout, console);
  const note = 'SET SESSION distribution = FORCED: one worker would do for tables so small; here all of them join in.';
  await write(stdout, `${paint.dim(note)}\n`);
  for (const [index, { title, sql }] of questions.entries()) {
    await write(stdout, `\n${paint.bold(`${index + 1}. ${title}`)}\n\n${indented(highlight(sql, paint))};\n\n`);
    try {
      await write(stdout, `\n${paint.green('▸')} ${paint.dim(await answer(client, sql, console))}\n`);
    } catch (problem) {
      await write(stderr, `${errorText(problem, sql, styleFor(stderr, console), stderr.columns)}\n`);
      return 1;
    }
  }
  return 0;
}

/** Prints the answer; what the cluster did for it. */
async function answer(client: ProtocolClient, sql: string, console: Console): Promise<string> {
  const { stdout, stderr } = console;
  const started = performance.now();
  const run = client.execute(sql);
  const progress = stderr.isTTY ? new ProgressLine(stderr, styleFor(stderr, console)) : undefined;
  const options = {
    colours: styleFor(stdout, console).colours,
    unicode: unicodeFor(console),
    width: stdout.isTTY ? stdout.columns : undefined,
  };
  const summary = await cancelOnInterrupt(
    console,
    run,
    () => progress?.note('cancelling'),
    () =>
      printResult(run, {
        format: table,
        options,
        onPage: (page) => progress?.update(page.stats),
        write: async (bytes) => {
          progress?.end();
          await write(stdout, bytes);
        },
      }),
  ).finally(() => progress?.end());
  const elapsed = performance.now() - started;
  return workText(summary, await shuffledBytes(client, summary.queryId), elapsed);
}

/** `3 stages · 14 tasks on 3 workers · 3,000,000 rows, 9.1 MB scanned · 1.2 MB shuffled · 0.84 s` */
export function workText({ stats }: ResultSummary, shuffled: number | undefined, elapsedMs: number): string {
  const stages = allStages(stats.rootStage).length;
  const tasks = stats.totalSplits ?? 0;
  const scanned = `${plural(stats.processedRows ?? 0, 'row')}, ${bytesText(stats.physicalInputBytes ?? 0)} scanned`;
  return [
    ...(stages > 0 ? [plural(stages, 'stage')] : []),
    ...(tasks > 0 ? [`${plural(tasks, 'task')} on ${plural(stats.nodes ?? 0, 'worker')}`] : []),
    scanned,
    ...(shuffled === undefined ? [] : [`${bytesText(shuffled)} shuffled`]),
    secondsText(elapsedMs),
  ].join(' · ');
}

/** The protocol's statistics have no word for shuffles; the system tables do. */
async function shuffledBytes(client: ProtocolClient, queryId: string): Promise<number | undefined> {
  const sql = `SELECT bytes_shuffled FROM system.runtime.queries WHERE query_id = '${queryId}'`;
  for await (const { columns, rows } of client.execute(sql).pages()) {
    if (!columns || !rows) continue;
    for (const [bytes] of readCells(rows, columns.map(signatureOf))) if (bytes) return Number(bytes);
  }
  return undefined;
}

const indented = (text: string): string => text.replace(/^/gm, '   ');
