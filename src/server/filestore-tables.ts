/** The rows of `system.filestore`: the files of the cluster's own store, their blocks, and who holds them, as of one moment. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { QueryError } from '../common/errors.ts';
import type { RuntimeTables, SystemRow } from '../connectors/connector.ts';
import { knownService } from '../filestore/namenode/datanodes.ts';
import type { NameNode } from '../filestore/namenode/namenode.ts';
import { liveHoldersOf } from '../filestore/namenode/replicas.ts';
import { entries } from '../filestore/namespace/ordered-map.ts';
import { modeText } from '../filestore/namespace/permissions.ts';
import { allBlocks, fileOfBlock } from '../filestore/namespace/queries.ts';
import type { Block, FileNode, Inode } from '../filestore/namespace/state.ts';
import { lengthOf } from '../filestore/namespace/tree.ts';
import { StoreError } from '../filestore/network.ts';
import { pathBelow } from '../filestore/store-path.ts';
import { mayContain } from '../types/compare.ts';
import { moment, whole } from '../types/constant.ts';
import type { TupleDomain } from '../types/domain.ts';
import { VARCHAR } from '../types/type.ts';

/** The rows go through the coordinator's memory, some half a kilobyte each. */
const ROWS_MAX = 200_000;
/** Others are served in between. */
const STEPS_PER_TURN = 2_000;

export type FilestoreSources = {
  /** Rejects with StoreError where there is no store. */
  readonly namenode: () => Promise<NameNode>;
  /** Milliseconds on the clock of `Datanode.heardMs`, and since 1970. */
  readonly clock: { readonly elapsedMs: () => number; readonly wallMs: () => number };
};

export const filestoreTables = ({ namenode: opened, clock }: FilestoreSources): RuntimeTables => ({
  async rows(_schema, table, constraint) {
    const namenode = await opened().catch((problem: unknown) => {
      if (!(problem instanceof StoreError)) throw problem;
      throw new QueryError('NOT_SUPPORTED', problem.message);
    });
    if (table === 'nodes') return nodeRows(namenode, clock);
    return collected(table === 'files' ? fileRows(namenode, constraint) : blockRows(namenode, constraint), table);
  },
});

/** `undefined` is a step without a row. */
type Steps = Generator<SystemRow | undefined, void, undefined>;

async function collected(steps: Steps, table: string): Promise<readonly SystemRow[]> {
  const rows: SystemRow[] = [];
  let taken = 0;
  for (const row of steps) {
    taken += 1;
    if (taken % STEPS_PER_TURN === 0) await nextTurn();
    if (!row) continue;
    if (rows.length === ROWS_MAX) throw tooMany(table);
    rows.push(row);
  }
  return rows;
}

const tooMany = (table: string): QueryError =>
  new QueryError(
    'EXCEEDED_LOCAL_MEMORY_LIMIT',
    `system.filestore.${table} has more than ${ROWS_MAX.toLocaleString('en')} rows: ask for a part of it, as in ` +
      `WHERE path >= '/warehouse/' AND path < '/warehouse0'`,
  );

/** Those that are seen: a file that is still being written is not. */
function* fileRows({ state }: NameNode, { path: wanted }: TupleDomain): Steps {
  const mayBe = (low: string, high: string): boolean => !wanted || mayContain(VARCHAR, wanted, low, high, false);

  function* below(path: string, inode: Inode): Steps {
    if (inode.kind === 'file') {
      yield inode.client === undefined && mayBe(path, path) ? fileRow(path, inode) : undefined;
      return;
    }
    // '0' follows '/': every path below the folder lies between the two.
    const prefix = path === '/' ? '' : path;
    if (!mayBe(`${prefix}/`, `${prefix}0`)) return;
    yield undefined;
    for (const [name, child] of entries(inode.children)) yield* below(pathBelow(path, name), child);
  }
  yield* below('/', state.root);
}

function fileRow(path: string, file: FileNode): SystemRow {
  const { owner, group, mode, replication, blockSize } = file.attributes;
  return {
    path,
    length: whole(lengthOf(file)),
    blocks: whole(file.blocks.length),
    replication: whole(replication),
    block_size: whole(blockSize),
    owner,
    group,
    permission: modeText(mode),
    modified: moment(file.mtime),
  };
}

/** Those of snapshots too, whose files may be gone. What is being written is not. */
function* blockRows(namenode: NameNode, { path: wanted }: TupleDomain): Steps {
  const { state } = namenode;
  for (const block of allBlocks(state)) {
    const at = fileOfBlock(state, block.id);
    const isWritten = block.length === undefined || at?.file.client !== undefined;
    const isWanted = !wanted || mayContain(VARCHAR, wanted, at?.path ?? null, at?.path ?? null, at === undefined);
    yield isWritten || !isWanted ? undefined : blockRow(namenode, block, at);
  }
}

function blockRow(namenode: NameNode, block: Block, at: ReturnType<typeof fileOfBlock>): SystemRow {
  const index = at?.file.blocks.findIndex(({ id }) => id === block.id);
  const live = liveHoldersOf(namenode, block.id);
  return {
    block_id: whole(block.id),
    generation: whole(block.generation),
    length: whole(block.length ?? 0),
    path: at?.path,
    block_index: index === undefined ? undefined : whole(index),
    replication: whole(block.replication),
    live_replicas: whole(live.length),
    corrupt_replicas: whole(namenode.replication.corrupt.get(block.id)?.size ?? 0),
    nodes: live.map(({ node }) => node).toSorted(),
  };
}

async function nodeRows(
  { datanodes, blocks }: NameNode,
  clock: FilestoreSources['clock'],
): Promise<readonly SystemRow[]> {
  const [nowMs, wallMs] = [clock.elapsedMs(), clock.wallMs()];
  // As of one moment, but for the blocks: to count those of a million takes a tenth of a second for each datanode.
  const nodes = datanodes.all().map((datanode) => ({ ...datanode, held: 0 }));
  for (const node of nodes) {
    for (const _ of blocks.blocksOf(node.number)) {
      node.held += 1;
      if (node.held % (10 * STEPS_PER_TURN) === 0) await nextTurn();
    }
    await nextTurn();
  }
  return nodes.map((datanode) => {
    const { node, registration, heartbeat, isAlive, rack, host, held, heardMs } = datanode;
    return {
      node_id: node,
      http_uri: registration.address,
      host,
      rack,
      state: isAlive ? 'live' : 'dead',
      service: knownService(datanode),
      capacity_bytes: heartbeat && whole(heartbeat.capacityBytes),
      used_bytes: heartbeat && whole(heartbeat.usedBytes),
      free_bytes: heartbeat && whole(heartbeat.freeBytes),
      blocks: whole(held),
      failed_folders: heartbeat && whole(heartbeat.failedFolders),
      last_heartbeat: moment(wallMs - (nowMs - heardMs)),
    };
  });
}
