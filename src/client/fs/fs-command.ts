/** Puts `tutti fs` together: which cluster, with whose secret, as whom. */

import { randomUUID } from 'node:crypto';
import { homedir, userInfo } from 'node:os';
import path from 'node:path';
import { hostId } from '../../cluster/host-id.ts';
import { clusterSecret } from '../../cluster/secret.ts';
import { systemClock } from '../../common/clock.ts';
import { blockingDisk } from '../../common/disk.ts';
import { QueryError } from '../../common/errors.ts';
import { HttpNetwork } from '../../filestore/http-network.ts';
import { StoreError } from '../../filestore/network.ts';
import { StoreFileSystem } from '../../filestore/store-file-system.ts';
import { processConsole } from '../console.ts';
import { type OpenStore, runFs } from './run-fs.ts';

export type FsCommandOptions = { readonly url?: string; readonly data?: string };

/** Whoever knows the cluster's secret is its operator. The exit code. */
export async function fsCommand(words: readonly string[], options: FsCommandOptions): Promise<number> {
  let network: HttpNetwork | undefined;
  const open: OpenStore = (newFiles) => {
    const namenode = coordinatorOf(options);
    network = new HttpNetwork(secretOf(options), systemClock);
    return new StoreFileSystem({
      network,
      clock: systemClock,
      namenode,
      onWait: (problem) => waiting(namenode, problem),
      caller: { user: userInfo().username, groups: [], superuser: true },
      client: `fs-${randomUUID()}`,
      host: hostId(),
      disk: blockingDisk,
      attributes: newFiles,
    });
  };
  try {
    return await runFs(open, words, processConsole);
  } finally {
    network?.close();
  }
}

function coordinatorOf({ url }: FsCommandOptions): string {
  const given = url ?? (process.env.TUTTI_URL || 'http://127.0.0.1:8080');
  const address = given.includes('://') ? given : `http://${given}`;
  if (/^https?:\/\/[^/]/.test(address) && URL.canParse(address)) return address;
  throw new QueryError('GENERIC_USER_ERROR', `--url takes an address such as http://127.0.0.1:8080, not "${given}"`);
}

/** Before half a minute of silence. */
function waiting(namenode: string, problem: Error): void {
  const unheard = `${namenode} does not answer; trying for half a minute. Is a server running there (tutti server)? --url and TUTTI_URL name another`;
  // The line may have a transfer's progress.
  const start = processConsole.stderr.isTTY ? '\r\u001b[K' : '';
  processConsole.stderr.write(`${start}${problem instanceof StoreError ? `waiting: ${problem.message}` : unheard}\n`);
}

function secretOf({ data }: FsCommandOptions): string {
  const { TUTTI_DATA } = process.env;
  const dataDirectory = path.resolve(data ?? TUTTI_DATA ?? path.join(homedir(), '.tutti', 'data'));
  return clusterSecret({ environment: process.env, dataDirectory, make: false });
}
