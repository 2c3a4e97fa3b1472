/** `npm run bench -- tpch|store-tpch|latency|results|parser|journal|namenode|creates|filestore …` */

import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { benchCreates } from './creates.ts';
import { benchFilestore } from './filestore.ts';
import { benchJournal } from './journal.ts';
import { benchLatency } from './latency.ts';
import { benchNamenode } from './namenode.ts';
import { benchParser } from './parser.ts';
import { benchResults } from './results.ts';
import { benchStoreTpch } from './store-tpch.ts';
import { benchTpch } from './tpch.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    sf: { type: 'string', default: '1' },
    runs: { type: 'string', default: '5' },
    queries: { type: 'string' },
    /** Memory as the system happens to have it. */
    'as-found': { type: 'boolean', default: false },
    /** Kept between runs, so that data is generated once. */
    data: { type: 'string', default: path.join(tmpdir(), 'tutti-bench') },
  },
});

switch (positionals[0] ?? '') {
  case 'tpch':
    await benchTpch({
      scale: values.sf,
      runs: Number(values.runs),
      data: values.data,
      ...(values.queries !== undefined && { only: values.queries }),
    });
    break;
  case 'store-tpch':
    await benchStoreTpch({
      scale: values.sf,
      runs: Number(values.runs),
      data: values.data,
      ...(values.queries !== undefined && { only: values.queries }),
    });
    break;
  case 'latency':
    await benchLatency();
    break;
  case 'results':
    await benchResults(values.data);
    break;
  case 'journal':
    await benchJournal();
    break;
  case 'parser':
    benchParser(positionals[1] ?? path.join(import.meta.dirname, '../test/tpch/queries'));
    break;
  case 'namenode':
    await benchNamenode();
    await benchCreates();
    break;
  case 'creates':
    await benchCreates();
    break;
  case 'filestore':
    await benchFilestore({ gigabytes: Number(positionals[1] ?? '4'), asFound: values['as-found'] });
    break;
  default:
    console.error(
      'usage: npm run bench -- tpch [--sf 1] [--runs 5] [--queries q01,q05] | store-tpch [the same] | latency | results | parser [FOLDER] | journal | namenode | creates | filestore [GIGABYTES] [--as-found]',
    );
    process.exitCode = 2;
}
