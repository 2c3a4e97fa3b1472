/** `-balancer`: starts it, shows how far it is, and ends it with Ctrl-C. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { BalanceReply, BalanceRequest } from '../../filestore/protocol.ts';
import { type Console, unicodeFor } from '../console.ts';
import { UsageFailure } from '../failures.ts';
import { bytesText, plural, secondsText } from '../quantities.ts';
import { byteCount, type FsCommands, type Options } from './command.ts';
import type { FsShell } from './fs-shell.ts';
import { bar } from './transfer-progress.ts';

export const BALANCER_COMMANDS: FsCommands = {
  balancer: {
    usage: '-balancer [-threshold <percent>] [-bandwidth <bytes per second>] [-start | -status | -stop]',
    does: 'even out how full the datanodes are, and wait until they are',
    details: `
-threshold  how far a datanode may be from the average of all, in points of percent, from 1 on (10)
-bandwidth  what a datanode sends, and what it takes, at most: 52428800, 50m (100m)
-start      only start it; it goes on by itself     -status  how far it is     -stop  end it
Ctrl-C ends it; what was moved stays. Exit codes: 0 balanced, 1 it could not be, or was ended.`,
    options: { threshold: 'value', bandwidth: 'value', start: 'flag', status: 'flag', stop: 'flag' },
    words: [0, 0],
    run: balance,
  },
};

const POLL_MS = 500;

type Asked = Omit<BalanceRequest, 'caller'>;

async function balance(shell: FsShell, _words: readonly string[], options: Options): Promise<void> {
  const ask = (request: Asked): Promise<BalanceReply> => shell.ask<BalanceReply>('balance', request);
  if (['start', 'status', 'stop'].filter((name) => options.has(name)).length > 1) {
    throw new UsageFailure('one of -start, -status and -stop');
  }
  const limits = limitsOf(options);
  if (options.has('status')) return tell(shell, await ask({ action: 'status' }));
  if (options.has('stop')) return tell(shell, await ask({ action: 'stop' }));
  let reply = await ask({ action: 'start', ...limits });
  if (options.has('start')) return tell(shell, reply);
  const ended = new AbortController();
  const unlisten = shell.console.onInterrupt(() => ended.abort());
  const meter = new BalanceMeter(shell.console);
  try {
    while (reply.state === 'running') {
      meter.show(reply);
      await sleep(POLL_MS, undefined, { signal: ended.signal }).catch(() => undefined);
      reply = await ask({ action: ended.signal.aborted ? 'stop' : 'status' });
    }
  } finally {
    meter.end();
    unlisten();
  }
  await tell(shell, reply);
  if (reply.state !== 'balanced') shell.exitCode = 1;
}

function limitsOf(options: Options): Pick<Asked, 'threshold' | 'bytesPerSecond'> {
  const [threshold, bandwidth] = [options.value('threshold'), options.value('bandwidth')];
  if (threshold !== undefined && !(Number(threshold) >= 1 && Number(threshold) <= 100)) {
    throw new UsageFailure(`-threshold is a percentage from 1 to 100, not "${threshold}"`);
  }
  return {
    ...(threshold !== undefined && { threshold: Number(threshold) }),
    ...(bandwidth !== undefined && { bytesPerSecond: byteCount('-bandwidth', bandwidth) }),
  };
}

const WORDS: Readonly<Record<BalanceReply['state'], string>> = {
  idle: 'The balancer has not been started',
  running: 'The balancer runs',
  balanced: 'The cluster is balanced',
  stuck: 'Some datanodes are still too full or too empty, and no block can move without harm',
  stopped: 'The balancer was ended',
};

async function tell(shell: FsShell, reply: BalanceReply): Promise<void> {
  const { state, threshold, average, datanodes, movedBlocks, movedBytes, elapsedMs, leftBytes } = reply;
  await shell.say(WORDS[state]);
  if (state !== 'idle') {
    const left = leftBytes > 0 ? `; ${bytesText(leftBytes)} left` : '';
    await shell.say(
      `moved ${plural(movedBlocks, 'block')}, ${bytesText(movedBytes)}, in ${secondsText(elapsedMs)}${left}`,
    );
  }
  await shell.say(`average ${average.toFixed(2)} %, threshold ${threshold} points`);
  for (const { node, utilisation } of datanodes) await shell.say(`${utilisation.toFixed(2).padStart(7)} %  ${node}`);
}

/** A bar on a terminal: of what was to be moved when it was first seen. */
class BalanceMeter {
  readonly #console: Console;
  #isShown = false;

  constructor(console: Console) {
    this.#console = console;
  }

  show({ movedBytes, leftBytes, movingBlocks }: BalanceReply): void {
    const { stderr } = this.#console;
    if (!stderr.isTTY) return;
    const total = movedBytes + leftBytes;
    const share = total === 0 ? 1 : movedBytes / total;
    const line =
      `balancing ${bar(share, unicodeFor(this.#console))} ${Math.floor(100 * share)} %  ` +
      `${bytesText(movedBytes)} of ${bytesText(total)}  ${plural(movingBlocks, 'block')} on the way`;
    stderr.write(`\r${line.slice(0, (stderr.columns ?? 80) - 1)}\u001b[K`);
    this.#isShown = true;
  }

  end(): void {
    if (this.#isShown) this.#console.stderr.write('\r\u001b[K');
  }
}
