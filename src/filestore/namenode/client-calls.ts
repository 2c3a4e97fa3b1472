/** What clients ask of the namenode, beyond what is decided by the namespace alone: where blocks go, and where they are. */

import type { Clock } from '../../common/clock.ts';
import { decidePublish } from '../namespace/decide-publish.ts';
import { ACCESS_TO_DELETE, decideDelete, type DeleteRequest } from '../namespace/decide-tree.ts';
import { decideAddBlock } from '../namespace/decide-writes.ts';
import { get } from '../namespace/ordered-map.ts';
import { passBelow } from '../namespace/permissions.ts';
import { locateBlocks } from '../namespace/queries.ts';
import type { BlockId } from '../namespace/state.ts';
import { resolveLive, targetOf } from '../namespace/resolve.ts';
import { type Operations, StoreError } from '../network.ts';
import type {
  AddBlock,
  BlockLocation,
  BlockToWrite,
  ClientMessage,
  HoldersReply,
  HoldersRequest,
  Publish,
  PublishReply,
  StoredBlock,
} from '../protocol.ts';
import { answer, orThrow } from './answer.ts';
import { blockHolders } from './block-holders.ts';
import type { BlockMap } from './block-map.ts';
import type { Datanodes } from './datanodes.ts';
import type { Leases } from './leases.ts';
import type { Ledger } from './ledger.ts';
import { type Change, CHANGES, READS } from './operations.ts';
import { nearestFirst, placeReplicas, type Random } from './placement.ts';
import { holdersOf } from './replicas.ts';
import type { Replication } from './replication.ts';
import { RetryCache } from './retry-cache.ts';
import type { SafeMode } from './safe-mode.ts';
import { inTurns } from './turns.ts';

export type ClientCallsOptions = {
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly leases: Leases;
  readonly blocks: BlockMap;
  readonly datanodes: Datanodes;
  readonly replication: Replication;
  readonly safeMode: Pick<SafeMode, 'isOn' | 'endsByItself'>;
  readonly random: Random;
};

export class ClientCalls {
  readonly #options: ClientCallsOptions;
  readonly #calls = new RetryCache();

  constructor(options: ClientCallsOptions) {
    this.#options = options;
  }

  operations(): Operations {
    const { ledger, leases } = this.#options;
    const changes = Object.entries(CHANGES).map(([name, decide]) => [
      name,
      answer((message: ClientMessage) => this.#change(decide as Change, message)),
    ]);
    const reads = Object.entries(READS).map(([name, read]) => [
      name,
      answer((message: object) => orThrow(read(ledger.state, message as never))),
    ]);
    return {
      ...Object.fromEntries([...changes, ...reads]),
      locate: answer((message: Locate) => this.#locate(message)),
      holders: answer((message: HoldersRequest) => this.#holders(message)),
      renewLease: answer(({ client }: ClientMessage) => {
        leases.renew(client);
        return {};
      }),
      addBlock: answer((message: ClientMessage & AddBlock) => this.once(message, () => this.#addBlock(message))),
      delete: answer((message: ClientMessage & DeleteRequest) => this.once(message, () => this.#delete(message))),
      publish: answer((message: ClientMessage & Publish) => this.once(message, () => this.#publish(message))),
    };
  }

  /** Throws StaleEpochException for a call that another namenode was asked, and may have carried out. */
  once(message: ClientMessage, carryOut: () => Promise<object>): Promise<object> {
    const { epoch } = message;
    const { ledger } = this.#options;
    if (epoch !== ledger.epoch) {
      throw new StoreError('StaleEpochException', `The namenode leads in epoch ${ledger.epoch}, not ${epoch}`);
    }
    return this.#calls.once(message, carryOut);
  }

  #change(decide: Change, message: ClientMessage): Promise<object> {
    const { ledger, leases } = this.#options;
    return this.once(message, async () => {
      leases.renew(message.client);
      const request = Object.assign({}, message, { now: ledger.wallMs() });
      return { result: await ledger.decided((tip) => decide(tip, request as never)) };
    });
  }

  /** Who is no superuser needs access to all folders below: they are walked in turns first, and what changed meanwhile again. */
  async #delete(message: ClientMessage & DeleteRequest): Promise<object> {
    const { path, caller, client, recursive } = message;
    const { ledger, leases, clock } = this.#options;
    leases.renew(client);
    ledger.refuseChanges();
    const at = resolveLive(ledger.tip, path);
    const top = at.kind === 'refused' ? undefined : targetOf(at);
    const passed =
      caller.superuser || !recursive || top?.kind !== 'folder'
        ? undefined
        : await inTurns(clock, passBelow(top, caller, ACCESS_TO_DELETE));
    const request = Object.assign({}, message, { now: ledger.wallMs(), passed });
    return { result: await ledger.decided((tip) => decideDelete(tip, request)) };
  }

  async #addBlock(message: ClientMessage & AddBlock): Promise<BlockToWrite> {
    const { client, file, bytes, host, excluded, previous } = message;
    const { ledger, leases, replication, datanodes, random } = this.#options;
    leases.renew(client);
    const decision = decideAddBlock(ledger.tip, { file, client, previous, now: ledger.wallMs() });
    if (decision.kind === 'refused') return ledger.settled(decision);
    this.#takeStored(previous);
    const request = {
      count: decision.result.replication,
      bytes,
      existing: [],
      excluded: new Set(excluded),
      ...(host !== undefined && { writer: host }),
    };
    const targets = placeReplicas(datanodes.writable(), request, random);
    // Before anything is decided: a block that nobody takes is none.
    if (targets.length === 0) throw noRoom(bytes, datanodes);
    const block = await ledger.settled(ledger.append(decision));
    if (previous) replication.look(previous.id);
    return {
      block: block.id,
      generation: block.generation,
      targets: targets.map(({ node, host: at, registration }) => ({ node, host: at, address: registration.address })),
    };
  }

  async #publish(message: ClientMessage & Publish): Promise<PublishReply> {
    const { client, caller, file, last, path, overwrite } = message;
    const { ledger, leases, replication } = this.#options;
    leases.renew(client);
    const request = { file, client, last, path, caller, overwrite, now: ledger.wallMs() };
    const decision = decidePublish(ledger.tip, request);
    // Of one that is complete already the datanodes tell by themselves.
    if (decision.kind === 'change') this.#takeStored(last);
    const { file: written, refusal } = await ledger.settled(ledger.append(decision));
    const published = refusal?.name !== 'FileAlreadyExistsException';
    if (refusal && published) throw new StoreError(refusal.name, refusal.message);
    for (const { id } of written.blocks) replication.look(id);
    return { published };
  }

  /** The writer knows who stored the block before they have reported it. Nobody did: then it is not written. */
  #takeStored(block: StoredBlock | undefined): void {
    if (!block) return;
    const { ledger, datanodes, blocks, replication, clock } = this.#options;
    // Once it is complete, replicas come and go: a writer that repeats itself says what was so before.
    const isOpen = get(ledger.tip.blocks, block.id)?.length === undefined;
    for (const node of isOpen ? block.stored : []) {
      const datanode = datanodes.byId(node);
      if (!datanode?.isAlive || !blocks.add(block.id, datanode.number)) continue;
      datanode.claimed.set(block.id, clock.elapsedMs());
      replication.look(block.id);
    }
    if (block.length > 0 && holdersOf(this.#options, block.id).length === 0) {
      throw new StoreError('NotEnoughReplicasException', `Block ${block.id} has no replica on a datanode that lives`);
    }
  }

  #locate({ path, caller, start, end, host, rack }: Locate): object {
    const { ledger, safeMode, datanodes, random } = this.#options;
    const range = { ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
    const { file, length, blocks: found } = orThrow(locateBlocks(ledger.state, path, caller, range));
    if (file.client !== undefined) throw new StoreError('FileNotFoundException', `${path} is still being written`);
    const reader = { ...(host !== undefined && { host }), ...(rack !== undefined && { rack }) };
    const located = found.map(({ offset, block }): BlockLocation => {
      const replicas = nearestFirst(
        holdersOf(this.#options, block.id).filter(({ isAlive }) => isAlive),
        reader,
        random,
      );
      if (replicas.length === 0 && (safeMode.endsByItself || (safeMode.isOn && datanodes.mayStillReport(block.id)))) {
        throw new StoreError('SafeModeException', notReported(block.id, path));
      }
      return {
        block: block.id,
        generation: block.generation,
        length: block.length!,
        offset,
        replicas: replicas.map(({ node, host: at, rack: on, registration }) => ({
          node,
          host: at,
          rack: on,
          address: registration.address,
        })),
      };
    });
    return { id: file.id, length, blocks: located };
  }

  #holders({ path, caller, block, offset }: HoldersRequest): HoldersReply {
    const range = { start: offset, end: offset + 1 };
    const { blocks } = orThrow(locateBlocks(this.#options.ledger.state, path, caller, range));
    if (blocks[0]?.block.id === block) return blockHolders(this.#options, block);
    throw new StoreError('FileNotFoundException', `${path} has no block ${block} any more`);
  }
}

export type Locate = Pick<ClientMessage, 'caller'> & {
  readonly path: string;
  readonly start?: number;
  readonly end?: number;
  readonly host?: string;
  readonly rack?: string;
};

const notReported = (block: BlockId, path: string): string =>
  `No datanode has reported block ${block} of ${path} yet: start those that are missing (tutti fs -report names those that are there)`;

function noRoom(bytes: number, datanodes: Datanodes): StoreError {
  const [writable, all, foreign] = [datanodes.writable().length, datanodes.all().length, datanodes.foreign().length];
  if (all + foreign === 0) {
    return new StoreError('NotEnoughReplicasException', 'No datanode is there: start a worker (tutti worker --help)');
  }
  const strangers = foreign > 0 ? `; ${foreign} more hold blocks of another store and are refused` : '';
  return new StoreError(
    'NotEnoughReplicasException',
    `No datanode has room for ${bytes} bytes: ${writable} of ${all} datanodes take blocks${strangers}`,
  );
}
