/** `-fsck`: what is wrong with files, and where their blocks are. */

import type { FsckProblem, FsckReport, StoreReport } from '../../filestore/namenode/administration.ts';
import { hostAndPort } from '../../filestore/network.ts';
import type { BlockLocation, HoldersReply } from '../../filestore/protocol.ts';
import { listed } from '../../filestore/unreadable-block.ts';
import { plural } from '../quantities.ts';
import { byteText } from './columns.ts';
import type { FsCommands, Options } from './command.ts';
import { type FsShell, type Item, PathFailure } from './fs-shell.ts';

export const FSCK_COMMANDS: FsCommands = {
  fsck: {
    usage: '-fsck [<path>] [-files [-blocks [-locations | -racks]]] [-list-corruptfileblocks] [-delete]',
    does: 'what is wrong with files: blocks that are missing, damaged, or have too few replicas',
    details: `
-files   every file         -blocks  and its blocks        -locations, -racks  and who has them
-list-corruptfileblocks     only files that cannot be read
-delete  remove files of which a block is lost (for good, not into the trash)
The exit code is 1 when a file cannot be read. Blocks with too few replicas are copied by themselves: -setrep sets how
many a file wants.`,
    options: {
      files: 'flag',
      blocks: 'flag',
      locations: 'flag',
      racks: 'flag',
      'list-corruptfileblocks': 'flag',
      delete: 'flag',
    },
    optionsAnywhere: true,
    words: [0, 1],
    run: fsck,
  },
};

async function fsck(shell: FsShell, [text = '/']: readonly string[], options: Options): Promise<void> {
  const root = await shell.get(text);
  const report = await look(shell, root.path);
  const unnamed = unnamedOf(report);
  const rest = `… and ${plural(unnamed, 'more problem')} that are only counted: -fsck of the folders below names them`;
  if (options.has('list-corruptfileblocks')) {
    const blocks = report.problems.filter(({ kind }) => kind === 'missing');
    for (const { block, path } of blocks) await shell.say(`blk_${block}\t${path}`);
    if (blocks.length < report.counts.missing) await shell.say(rest);
    await shell.say(`The filesystem under path '${root.path}' has ${report.lostFiles} CORRUPT files`);
    shell.exitCode = report.lostFiles > 0 ? 1 : 0;
    return;
  }
  if (options.has('files')) await everyFile(shell, root, report, options);
  else for (const problem of report.problems) await shell.say(problemText(problem));
  if (unnamed > 0 && !options.has('files')) await shell.say(rest);
  if (options.has('delete')) await deleteLost(shell, root, report);
  await summary(shell, root, report);
}

const look = (shell: FsShell, path: string): Promise<FsckReport> => shell.askAtLength<FsckReport>('fsck', { path });

/** Problems that the answer counts only. */
const unnamedOf = ({ counts, problems }: FsckReport): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0) - problems.length;

const problemText = ({ path, block, kind, replicas, wanted }: FsckProblem): string =>
  `${path}: blk_${block} is ${kind}: ${replicas} of ${plural(wanted, 'replica')}`;

const lostIn = ({ problems }: FsckReport): ReadonlySet<string> =>
  new Set(problems.filter(({ kind }) => kind === 'missing').map(({ path }) => path));

/** The answer names a part of them only: the rest is asked for when that is gone. */
async function deleteLost(shell: FsShell, { path: root }: Item, report: FsckReport): Promise<void> {
  for (let found = report; ;) {
    const lost = lostIn(found);
    for (const path of lost) {
      // The answer is as old as the look at all files took: what has come back meanwhile, or is another file by now, stays.
      if (!lostIn(await look(shell, path)).has(path)) await shell.say(`Kept ${path}: it is no longer missing`);
      else if (await shell.fs.delete(path)) await shell.say(`Deleted ${path}`);
    }
    if (lost.size >= found.lostFiles) return;
    found = await look(shell, root);
  }
}

async function everyFile(shell: FsShell, root: Item, report: FsckReport, options: Options): Promise<void> {
  for await (const { path, status } of shell.tree(root)) {
    if (status.kind === 'folder') {
      await shell.say(`${path} <dir>`);
      continue;
    }
    const { blocks } = await shell.ask<{ readonly blocks: readonly BlockLocation[] }>('locate', { path });
    const { problems } = unnamedOf(report) > 0 ? await look(shell, path) : report;
    const own = problems.filter((problem) => problem.path === path);
    const words = own.length === 0 ? 'OK' : own.map(({ block, kind }) => `blk_${block} is ${kind}`).join(', ');
    await shell.say(
      `${path} ${plural(status.length, 'byte')}, replicated: replication=${status.replication}, ${plural(blocks.length, 'block')}:  ${words}`,
    );
    if (!options.has('blocks')) continue;
    for (const [i, block] of blocks.entries()) {
      await shell.say(blockText(i, block, options) + (await lostText(shell, path, block, options)));
    }
  }
}

/** Of a block that nobody gives: who had it, or has it damaged. */
async function lostText(shell: FsShell, path: string, location: BlockLocation, options: Options): Promise<string> {
  if (location.replicas.length > 0 || !options.has('locations', 'racks')) return '';
  const { block, offset } = location;
  const { holders } = await shell.ask<HoldersReply>('holders', { path, block, offset });
  const damaged = listed(holders.filter(({ isDamaged }) => isDamaged));
  const gone = listed(holders.filter(({ isDamaged }) => !isDamaged));
  return `${gone ? `  was on ${gone}` : ''}${damaged ? `  damaged on ${damaged}` : ''}`;
}

function blockText(index: number, { block, generation, length, replicas }: BlockLocation, options: Options): string {
  const places = replicas.map(({ node, address, rack }) => {
    const host = hostAndPort(address);
    return options.has('racks') ? `${rack}/${host}` : `${node} (${host})`;
  });
  const where = options.has('locations') || options.has('racks') ? `  [${places.join(', ')}]` : '';
  return `${index}. blk_${block}_${generation} len=${length} Live_repl=${replicas.length}${where}`;
}

async function summary(
  shell: FsShell,
  { path }: Item,
  { files, blocks, bytes, counts, lostFiles }: FsckReport,
): Promise<void> {
  const { datanodes } = await shell.askAtLength<StoreReport>('report');
  const live = datanodes.filter(({ isAlive }) => isAlive);
  // Too few replicas, or a damaged one beside good ones, are mended by themselves.
  const isHealthy = lostFiles === 0;
  const average = blocks === 0 ? '' : ` (avg. block size ${byteText(Math.round(bytes / blocks))})`;
  for (const line of [
    '',
    `Status: ${isHealthy ? 'HEALTHY' : 'CORRUPT'}`,
    ` Number of data-nodes:\t${live.length}`,
    ` Number of racks:\t${new Set(live.map(({ rack }) => rack)).size}`,
    ` Total size:\t${bytes} B`,
    ` Total files:\t${files}`,
    ` Total blocks (validated):\t${blocks}${average}`,
    ` Under-replicated blocks:\t${counts['under-replicated']}`,
    ` Over-replicated blocks:\t${counts['over-replicated']}`,
    ` Blocks with damaged replicas:\t${counts.corrupt}`,
    ` Missing blocks:\t${counts.missing}`,
    '',
  ]) {
    await shell.say(line);
  }
  if (!isHealthy) throw new PathFailure(path, `is CORRUPT: ${plural(lostFiles, 'file')} cannot be read`);
  await shell.say(`The filesystem under path '${path}' is HEALTHY`);
}
