/** What datanodes say to the namenode, and what they are told to do. */

import type { Logger } from '../../observe/logger.ts';
import { serviceOf } from '../namespace/decide-services.ts';
import type { Namespace } from '../namespace/state.ts';
import { type Operations, StoreError } from '../network.ts';
import type {
  BlockReport,
  DatanodeCommand,
  DatanodeRegistration,
  Heartbeat,
  HeartbeatReply,
  RegisterReply,
} from '../protocol.ts';
import { answer } from './answer.ts';
import type { BlockMap } from './block-map.ts';
import { takeReport } from './block-reports.ts';
import type { Datanodes } from './datanodes.ts';
import type { Replication } from './replication.ts';
import type { SafeMode } from './safe-mode.ts';

export type DatanodeCallsOptions = {
  readonly store: string;
  readonly epoch: number;
  readonly state: () => Namespace;
  readonly blocks: BlockMap;
  readonly datanodes: Datanodes;
  readonly replication: Replication;
  readonly safeMode: SafeMode;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** More is known of where blocks are. */
  readonly onReport: () => void;
};

export class DatanodeCalls {
  readonly #options: DatanodeCallsOptions;

  constructor(options: DatanodeCallsOptions) {
    this.#options = options;
  }

  operations(): Operations {
    return {
      register: answer((registration: DatanodeRegistration) => this.#register(registration)),
      heartbeat: answer((heartbeat: Heartbeat) => this.#heartbeat(heartbeat)),
      blockReport: answer((report: BlockReport) => this.#report(report)),
    };
  }

  #register(registration: DatanodeRegistration): RegisterReply {
    const { node, address, store: theirs } = registration;
    const { store, state, datanodes, logger } = this.#options;
    if (theirs !== undefined && theirs !== store) {
      // Told once, not at every attempt.
      if (datanodes.refuse(registration))
        logger.warn({ datanode: node, address, theirs, store }, foreign(theirs, store));
      throw new StoreError('IOException', `Datanode ${node} is refused: ${foreign(theirs, store)}`);
    }
    const { session } = datanodes.register(registration, serviceOf(state(), node));
    logger.info({ datanode: node, address, session }, 'datanode registered');
    return { store, session, ...this.#reply([{ kind: 'report' }]) };
  }

  #heartbeat(heartbeat: Heartbeat): HeartbeatReply {
    const { datanodes, safeMode, replication } = this.#options;
    const datanode = datanodes.heard(heartbeat);
    Object.assign(datanode, { heartbeat, freeBytes: heartbeat.freeBytes, transfers: heartbeat.transfers });
    replication.copiesFailed(datanode, heartbeat.failedCopies);
    const report: DatanodeCommand[] = datanodes.owesReport(datanode) ? [{ kind: 'report' }] : [];
    return this.#reply([...report, ...(safeMode.isOn ? [] : replication.commandsFor(datanode))]);
  }

  #reply(commands: HeartbeatReply['commands']): HeartbeatReply {
    return { epoch: this.#options.epoch, commands };
  }

  #report(report: BlockReport): object {
    const { datanodes, blocks, replication, state, onReport } = this.#options;
    takeReport(report, datanodes.heard(report), { blocks, replication, state });
    onReport();
    return {};
  }
}

const foreign = (theirs: string, ours: string): string =>
  `it holds blocks of store ${theirs}, and this is store ${ours}. If the namenode was started with a new or a wrong journal folder, ` +
  'stop it and start it with the one of that store (--journal-dir); nothing was deleted. If the blocks are of no use any more, ' +
  'give the datanode empty folders';
