/** How fast a large result reaches a client, and what it costs the coordinator: 6 million rows of 4 columns. */

import { startServer } from '../test/support/server.ts';
import { runStatement } from '../test/support/trino.ts';
import { memoryOf, provenance } from './support.ts';

const SQL = 'SELECT orderkey, partkey, extendedprice, shipdate FROM tpch.sf1.lineitem';

export async function benchResults(data: string): Promise<void> {
  console.log(provenance());
  const server = await startServer({ workers: 1, dataDirectory: data });
  try {
    await runStatement(server.url, 'SELECT count(*) FROM tpch.sf1.lineitem');
    for (let run = 0; run < 3; run++) {
      const before = performance.now();
      const { rows, bytes, pages } = await drain(server.url);
      const seconds = (performance.now() - before) / 1000;
      if (rows !== ROWS) throw new Error(`${rows} rows arrived instead of ${ROWS}`);
      const peak = memoryOf(server.process.pid!, 'VmHWM') / 1024;
      console.log(
        `${(rows / 1e6).toFixed(2)} M rows in ${seconds.toFixed(2)} s: ${(rows / seconds / 1e6).toFixed(2)} M rows/s, ` +
          `${(bytes / 2 ** 20 / seconds).toFixed(0)} MiB/s in ${pages} pages; coordinator's peak ${peak.toFixed(0)} MiB`,
      );
    }
  } finally {
    await server.stop();
  }
}

/** Of lineitem at scale 1. */
const ROWS = 6_001_215;

/** Reads every page as bytes and counts the rows: what a client does with them is its own cost. */
async function drain(url: string): Promise<{ rows: number; bytes: number; pages: number }> {
  const headers = { 'X-Trino-User': 'bench' };
  let response = await fetch(`${url}/v1/statement`, { method: 'POST', body: SQL, headers });
  let [rows, bytes, pages] = [0, 0, 0];
  for (;;) {
    const page = Buffer.from(await response.arrayBuffer());
    bytes += page.length;
    pages++;
    // Envelope without rows: from its end, since the rows stand in the middle.
    const text = page.toString('latin1');
    const error = /"error":\{"message":"([^"]*)/.exec(text);
    if (error) throw new Error(error[1]);
    const at = text.indexOf('"data":[');
    if (at >= 0) rows += countRows(text, at);
    const next = /"nextUri":"([^"]+)"/.exec(text)?.[1];
    if (!next) return { rows, bytes, pages };
    response = await fetch(next, { headers });
  }
}

/** Rows of flat values: a bracket closes and the next one opens. No value of this query holds brackets. */
function countRows(text: string, start: number): number {
  let rows = 1;
  for (let at = text.indexOf('],', start); at >= 0; at = text.indexOf('],', at + 2)) {
    if (text.slice(at + 2, at + 4).includes('[')) rows++;
  }
  return rows;
}
