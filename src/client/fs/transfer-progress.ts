/** A bar for people who wait for bytes: on a terminal, on standard error, and gone when it is done. */

import { type Console, unicodeFor } from '../console.ts';
import { bytesText, secondsText } from '../quantities.ts';

/** Quick ones come without a flicker. */
const SHOW_AFTER_MS = 300;
const REDRAW_MS = 100;

const BAR_WIDTH = 24;

/** The bytes as they are; `total` is unknown of what comes from a pipe. */
export async function* shown(
  console: Console,
  what: string,
  total: number | undefined,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (!console.stderr.isTTY) return yield* bytes;
  const progress = new TransferProgress(console, what, total);
  try {
    for await (const piece of bytes) {
      yield piece;
      progress.add(piece.length);
    }
  } finally {
    progress.end();
  }
}

export class TransferProgress {
  readonly #console: Console;
  readonly #what: string;
  readonly #total: number | undefined;
  readonly #startedMs = performance.now();
  #shownMs = 0;
  #done = 0;

  constructor(console: Console, what: string, total: number | undefined) {
    this.#console = console;
    this.#what = what;
    this.#total = total;
  }

  add(bytes: number): void {
    this.#done += bytes;
    const now = performance.now();
    if (now - this.#startedMs < SHOW_AFTER_MS || now - this.#shownMs < REDRAW_MS) return;
    this.#shownMs = now;
    const text = barText(this.#what, this.#done, this.#total, now - this.#startedMs, unicodeFor(this.#console));
    const { columns = 80 } = this.#console.stderr;
    this.#console.stderr.write(`\r${text.slice(0, columns - 1)}\u001b[K`);
  }

  end(): void {
    if (this.#shownMs > 0) this.#console.stderr.write('\r\u001b[K');
  }
}

/** `big.parquet ██████░░░░ 45 %  1.2 GB of 2.7 GB  310 MB/s  5.00 s left` */
export function barText(
  what: string,
  done: number,
  total: number | undefined,
  elapsedMs: number,
  isUnicode: boolean,
): string {
  const perSecond = (1000 * done) / elapsedMs;
  const speed = `${bytesText(perSecond)}/s`;
  if (total === undefined) return `${what}  ${bytesText(done)}  ${speed}`;
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const left = perSecond > 0 ? `  ${secondsText((1000 * (total - done)) / perSecond)} left` : '';
  return `${what} ${bar(share, isUnicode)} ${Math.floor(100 * share)} %  ${bytesText(done)} of ${bytesText(total)}  ${speed}${left}`;
}

export function bar(share: number, isUnicode: boolean): string {
  const [full, empty] = isUnicode ? (['█', '░'] as const) : (['#', '.'] as const);
  const cells = Math.floor(share * BAR_WIDTH);
  return full.repeat(cells) + empty.repeat(BAR_WIDTH - cells);
}
