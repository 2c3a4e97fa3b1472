/** What is said of a block that cannot be read: who has it, or had it when they were last heard of, and what to do about that. */

import { hostAndPort, NetworkError, StoreError } from './network.ts';
import type { BlockHolder, HoldersReply, Replica } from './protocol.ts';

/** Somebody who lives has a good replica. */
export const isHeld = (holders: readonly BlockHolder[]): boolean =>
  holders.some(({ isAlive, isDamaged }) => isAlive && !isDamaged);

export const blockText = ({ block, generation }: Omit<Replica, 'length'>): string => `blk_${block}_${generation}`;

/**
 * BlockMissingException when nobody who lives has it: then nobody else can read it either. IOException when somebody has, and did not give it,
 * or lives and has not said yet what it has; `why` is what came of asking them.
 */
export function unreadableBlock(
  path: string,
  block: Omit<Replica, 'length'>,
  { holders, isAwaited }: HoldersReply,
  why?: Error,
): StoreError {
  const isMissing = !isHeld(holders);
  const isUnknown = isAwaited && holders.every(({ isDamaged }) => isDamaged);
  const isDamaged = holders.some((holder) => holder.isDamaged);
  const none = `no datanode that lives has ${isDamaged ? 'a good replica of it' : 'it'}`;
  const problem = isMissing ? none : (why?.message ?? 'its datanodes gave no answer');
  const sentences = [
    `Could not obtain block ${blockText(block)} of ${path}: ${problem}.`,
    ...(isMissing ? missing(holders, isUnknown) : held(holders, why)),
    `tutti fs -fsck ${path} -files -blocks -locations shows what is there`,
  ];
  return new StoreError(isMissing && !isUnknown ? 'BlockMissingException' : 'IOException', sentences.join(' '), {
    cause: why,
  });
}

function missing(holders: readonly BlockHolder[], isUnknown: boolean): readonly string[] {
  const good = holders.filter(({ isDamaged }) => !isDamaged);
  const damaged = holders.filter(({ isDamaged }) => isDamaged);
  const it = good.length > 1 ? 'one of these workers' : 'this worker';
  const others = isUnknown
    ? 'Not all datanodes have said yet what they have: try again in a moment, and start the workers that are missing.'
    : 'No other datanode that lives has it: start the workers that are missing; if there are none, write the file anew.';
  return [
    ...(damaged.length > 0 ? [`It is damaged on ${listed(damaged)}.`] : []),
    good.length > 0 ? `It was on ${listed(good)}: start ${it} again.` : others,
  ];
}

const held = (holders: readonly BlockHolder[], why: Error | undefined): readonly string[] => [
  `It is on ${listed(holders.filter(({ isDamaged }) => !isDamaged))}` +
    (why instanceof NetworkError ? ': start the worker again if it has ended, or see why it cannot be reached.' : '.'),
];

export const listed = (holders: readonly BlockHolder[]): string =>
  holders
    .map(({ node, address, silentMs }) => {
      const silentSeconds = Math.round(silentMs / 1000);
      return `datanode ${node} (${hostAndPort(address)}, last heard of ${silentSeconds} s ago)`;
    })
    .join(', ');
