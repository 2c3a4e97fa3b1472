/** What `hdfs dfsadmin` does: how the datanodes are, which of them are to go, safe mode, quotas. */

import { compareNames } from '../../filestore/compare-names.ts';
import type { DatanodeReport, StoreReport } from '../../filestore/namenode/administration.ts';
import { hostAndPort, StoreError } from '../../filestore/network.ts';
import { UsageFailure } from '../failures.ts';
import { countText, plural } from '../quantities.ts';
import { byteText, secondText } from './columns.ts';
import { ANY, byteCount, type FsCommand, type FsCommands, type Options, wholeNumber } from './command.ts';
import { type FsShell, PathFailure } from './fs-shell.ts';

/** How often somebody who waits asks again. */
const WAIT_MS = 500;

export const ADMIN_COMMANDS: FsCommands = {
  report: {
    usage: '-report [-live] [-dead] [-decommissioning]',
    does: 'the datanodes, and how they are',
    details: 'A node is named as -decommission, -recommission and -maintenance take it; its host:port does as well.',
    options: { live: 'flag', dead: 'flag', decommissioning: 'flag' },
    words: [0, 0],
    run: report,
  },
  printTopology: {
    usage: '-printTopology',
    does: 'the racks, and the datanodes on each',
    words: [0, 0],
    run: topology,
  },
  safemode: {
    usage: '-safemode enter | leave | get | wait',
    does: 'whether the store may change; wait until it may',
    details: `
A store that has just started is in safe mode until enough of its blocks were reported. One that was told to enter it
stays until it is told to leave, and refuses changes at once: nobody waits for its end but -safemode wait.`,
    words: [1, 1],
    run: safeMode,
  },
  decommission: service(
    '-decommission <datanode> …',
    'copy what they have elsewhere, so that they may go',
    'decommissioning',
  ),
  recommission: service('-recommission <datanode> …', 'take them into service again', 'normal'),
  maintenance: service(
    '-maintenance <datanode> …',
    'they go for a while; their replicas count meanwhile',
    'maintenance',
  ),
  setQuota: {
    usage: '-setQuota <count> <folder> …',
    does: 'how many files and folders may be there at most, the folder itself counted',
    words: [2, ANY],
    run: (shell, [count, ...folders]) => quota(shell, folders, { names: wholeNumber('a quota', count!, 1) }),
  },
  clrQuota: {
    usage: '-clrQuota <folder> …',
    does: 'as many as there may be',
    words: [1, ANY],
    run: (shell, folders) => quota(shell, folders, { names: null }),
  },
  setSpaceQuota: {
    usage: '-setSpaceQuota <bytes> <folder> …',
    does: 'how many bytes may be there at most, replicas counted: 1073741824, 512m, 10g, 2t',
    details:
      'A file that is being written counts with whole blocks: less than one block times its replicas lets nothing in.',
    words: [2, ANY],
    run: (shell, [size, ...folders]) => quota(shell, folders, { space: byteCount('a space quota', size!) }),
  },
  clrSpaceQuota: {
    usage: '-clrSpaceQuota <folder> …',
    does: 'as many bytes as there is room for',
    words: [1, ANY],
    run: (shell, folders) => quota(shell, folders, { space: null }),
  },
};

function service(usage: string, does: string, wanted: 'normal' | 'decommissioning' | 'maintenance'): FsCommand {
  return {
    usage,
    does,
    details: `
A datanode is named by its id, how its id begins (four letters or more), or host:port of its address. tutti fs -report
says all of them, and when one may go: Decommissioned, or In maintenance.`,
    words: [1, ANY],
    run: async (shell, nodes) => {
      for (const node of nodes) {
        await shell.trying(node, async () => {
          const request = { node, service: wanted };
          const answer = await shell.change<{ node: string }>('setService', request).catch((problem: unknown) => {
            throw problem instanceof StoreError ? new PathFailure(node, problem.message) : problem;
          });
          await shell.say(`${answer.node}: ${wanted}`);
        });
      }
    },
  };
}

async function quota(
  shell: FsShell,
  folders: readonly string[],
  limits: { readonly names?: number | null; readonly space?: number | null },
): Promise<void> {
  await shell.each(folders, ({ path }) => shell.change('setQuota', { path, ...limits }));
}

async function safeMode(shell: FsShell, [action]: readonly string[]): Promise<void> {
  if (!['enter', 'leave', 'get', 'wait'].includes(action!)) throw new UsageFailure(`Illegal option ${action}`);
  for (;;) {
    const { isOn } = await shell.ask<{ isOn: boolean }>('safeMode', { action: action === 'wait' ? 'get' : action });
    if (action !== 'wait' || !isOn) return shell.say(`Safe mode is ${isOn ? 'ON' : 'OFF'}`);
    await new Promise((later) => setTimeout(later, WAIT_MS));
  }
}

/** What HDFS calls them here, in other words than in its report. */
const TOPOLOGY_STATES: Readonly<Record<DatanodeReport['service'], string>> = {
  normal: 'In Service',
  decommissioning: 'Decommission In Progress',
  decommissioned: 'Decommissioned',
  entering_maintenance: 'Entering Maintenance',
  maintenance: 'In Maintenance',
};

async function topology(shell: FsShell): Promise<void> {
  const { datanodes } = await shell.askAtLength<StoreReport>('report');
  if (datanodes.length === 0) return shell.say('No Nodes');
  const racks = new Map<string, string[]>();
  for (const { node, address, rack, service: state, isAlive } of datanodes) {
    const at = rack === '' ? '(not known: not heard of since the coordinator started)' : rack;
    const line = `   ${hostAndPort(address)} (${node}) ${TOPOLOGY_STATES[state]}${isAlive ? '' : ', dead'}`;
    racks.set(at, [...(racks.get(at) ?? []), line]);
  }
  for (const [rack, lines] of [...racks].toSorted(([a], [b]) => compareNames(a, b))) {
    await shell.say(`Rack: ${rack}\n${lines.toSorted(compareNames).join('\n')}\n`);
  }
}

async function report(shell: FsShell, _words: readonly string[], options: Options): Promise<void> {
  const {
    files,
    folders,
    blocks,
    length,
    safeMode: isSafe,
    pending,
    datanodes,
    foreign,
  } = await shell.askAtLength<StoreReport>('report');
  const alive = datanodes.filter(({ isAlive }) => isAlive);
  const dead = datanodes.filter(({ isAlive }) => !isAlive);
  const leaving = alive.filter((one) => one.service !== 'normal');
  const sum = (of: (one: DatanodeReport) => number): number => alive.reduce((total, one) => total + of(one), 0);
  const all = !options.has('live', 'dead', 'decommissioning');
  if (isSafe) await shell.say('Safe mode is ON');
  for (const line of [
    ...roomLines(
      sum((one) => one.capacityBytes),
      sum((one) => one.usedBytes),
      sum((one) => one.freeBytes),
    ),
    `Files: ${countText(files)} in ${plural(folders, 'folder')}, ${size(length)} without their replicas`,
    `Blocks: ${countText(blocks)}, of which ${countText(pending)} to be copied, trimmed or looked at (missing and damaged ones: tutti fs -fsck /)`,
    '',
  ]) {
    await shell.say(line);
  }
  if (all || options.has('live')) await nodes(shell, 'Live datanodes', alive);
  if ((all && dead.length > 0) || options.has('dead')) await nodes(shell, 'Dead datanodes', dead);
  if (options.has('decommissioning')) await nodes(shell, 'Datanodes that are to go', leaving);
  if (!all || foreign.length === 0) return;
  await shell.say('-------------------------------------------------');
  await shell.say(`Datanodes that are refused, since their blocks belong to another store (${foreign.length}):\n`);
  for (const { node, address, store } of foreign)
    await shell.say(`Name: ${node}\nAddress: ${address}\nStore: ${store}\n`);
}

async function nodes(shell: FsShell, title: string, list: readonly DatanodeReport[]): Promise<void> {
  await shell.say('-------------------------------------------------');
  await shell.say(`${title} (${list.length}):\n`);
  for (const one of list) {
    for (const line of [
      `Name: ${one.node}`,
      `Address: ${one.address}`,
      `Rack: ${one.rack}`,
      `Status: ${STATES[one.service]}`,
      ...leavingLines(one),
      ...roomLines(one.capacityBytes, one.usedBytes, one.freeBytes),
      ...(one.failedFolders > 0 ? [`Failed folders: ${one.failedFolders}`] : []),
      `Last contact: ${secondText(Date.now() - one.silentMs)}`,
      '',
    ]) {
      await shell.say(line);
    }
  }
}

function leavingLines({ service: state, leaving }: DatanodeReport): readonly string[] {
  if (!leaving || leaving.blocks === 0) return [];
  const what = state === 'entering_maintenance' ? 'are on no datanode that stays' : 'have too few replicas elsewhere';
  return [
    `Blocks that ${what}: ${countText(leaving.blocks)}`,
    ...(leaving.stuck === 0
      ? []
      : [
          `No other datanode can take ${countText(leaving.stuck)} of them: add one, or lower what files want (-setrep)`,
        ]),
  ];
}

const STATES: Readonly<Record<DatanodeReport['service'], string>> = {
  normal: 'Normal',
  decommissioning: 'Decommission in progress',
  decommissioned: 'Decommissioned',
  entering_maintenance: 'Entering maintenance',
  maintenance: 'In maintenance',
};

function roomLines(capacity: number, used: number, free: number): readonly string[] {
  const share = capacity === 0 ? 0 : (100 * used) / capacity;
  return [
    `Configured Capacity: ${size(capacity)}`,
    `DFS Remaining: ${size(free)}`,
    `DFS Used: ${size(used)}`,
    `DFS Used%: ${share.toFixed(2)}%`,
  ];
}

const size = (bytes: number): string => `${bytes} (${byteText(bytes)})`;
