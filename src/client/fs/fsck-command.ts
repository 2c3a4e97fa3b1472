/** `-fsck`: what is wrong with files, and where their blocks are. */

import type { FsckProblem, FsckReport, StoreReport } from '../../filestore/namenode/administration.ts';
import type { BlockLocation } from '../../filestore/protocol.ts';
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
  const report = await shell.ask<FsckReport>('fsck', { path: root.path });
  const lost = new Set(report.problems.filter(({ kind }) => kind === 'missing').map(({ path }) => path));
  if (options.has('list-corruptfileblocks')) {
    const blocks = report.problems.filter(({ kind }) => kind === 'missing');
    for (const { block, path } of blocks) await shell.say(`blk_${block}\t${path}`);
    await shell.say(`The filesystem under path '${root.path}' has ${report.counts.missing} CORRUPT files`);
    shell.exitCode = blocks.length > 0 ? 1 : 0;
    return;
  }
  if (options.has('files')) await everyFile(shell, root, report.problems, options);
  else for (const problem of report.problems) await shell.say(problemText(problem));
  await summary(shell, root, report, lost);
  if (options.has('delete')) {
    for (const path of lost) {
      if (await shell.fs.delete(path)) await shell.say(`Deleted ${path}`);
    }
  }
}

const problemText = ({ path, block, kind, replicas, wanted }: FsckProblem): string =>
  `${path}: blk_${block} is ${kind}: ${replicas} of ${plural(wanted, 'replica')}`;

async function everyFile(
  shell: FsShell,
  root: Item,
  problems: readonly FsckProblem[],
  options: Options,
): Promise<void> {
  for await (const { path, status } of shell.tree(root)) {
    if (status.kind === 'folder') {
      await shell.say(`${path} <dir>`);
      continue;
    }
    const { blocks } = await shell.ask<{ readonly blocks: readonly BlockLocation[] }>('locate', { path });
    const own = problems.filter((problem) => problem.path === path);
    const words = own.length === 0 ? 'OK' : own.map(({ block, kind }) => `blk_${block} is ${kind}`).join(', ');
    await shell.say(
      `${path} ${plural(status.length, 'byte')}, replicated: replication=${status.replication}, ${plural(blocks.length, 'block')}:  ${words}`,
    );
    if (!options.has('blocks')) continue;
    for (const [i, block] of blocks.entries()) await shell.say(blockText(i, block, options));
  }
}

function blockText(index: number, { block, generation, length, replicas }: BlockLocation, options: Options): string {
  const places = replicas.map(({ node, address, rack }) => {
    const host = URL.canParse(address) ? new URL(address).host : address;
    return options.has('racks') ? `${rack}/${host}` : `${node} (${host})`;
  });
  const where = options.has('locations') || options.has('racks') ? `  [${places.join(', ')}]` : '';
  return `${index}. blk_${block}_${generation} len=${length} Live_repl=${replicas.length}${where}`;
}

async function summary(
  shell: FsShell,
  { path }: Item,
  { files, blocks, bytes, counts }: FsckReport,
  lost: ReadonlySet<string>,
): Promise<void> {
  const { datanodes } = await shell.ask<StoreReport>('report');
  const live = datanodes.filter(({ isAlive }) => isAlive);
  const isHealthy = lost.size === 0;
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
  if (!isHealthy) throw new PathFailure(path, `is CORRUPT: ${plural(lost.size, 'file')} cannot be read`);
  await shell.say(`The filesystem under path '${path}' is HEALTHY`);
}
