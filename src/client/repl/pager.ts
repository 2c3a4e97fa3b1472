/** Shows results: short ones as they are, longer than the screen in `less` where there is one, else page by page. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { type Console, write } from '../console.ts';
import { UsageFailure } from '../failures.ts';
import type { Keys } from './keys.ts';

export type Pager = {
  write(bytes: Uint8Array): Promise<void>;
  /** Fulfilled when the person has seen enough. */
  end(): Promise<void>;
};

/** Thrown into whoever writes once the person has seen enough: the rest of the result is not wanted. */
export class PagerLeft extends Error {
  override readonly name = 'PagerLeft';
}

const LESS = 'less';

/** Lines of the screen that the prompt and the summary take. */
const LINES_SPARED = 4;
/** What is held back before it is clear that a pager is needed. */
const HELD_BYTES_MAX = 256 * 1024;

export class ResultPager implements Pager {
  readonly #console: Console;
  readonly #keys: Keys;
  readonly #command: readonly string[] | undefined;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #lines = 0;
  #inner: Pager | undefined;

  /** `command` undefined = page by page here; empty = never page. */
  constructor(console: Console, keys: Keys, command: readonly string[] | undefined) {
    this.#console = console;
    this.#keys = keys;
    this.#command = command;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#inner) return this.#inner.write(bytes);
    if (this.#command?.length === 0) return write(this.#console.stdout, bytes);
    // Copied, since the writer uses its buffer again.
    this.#held.push(Buffer.from(bytes));
    this.#heldBytes += bytes.length;
    for (const byte of bytes) if (byte === 10) this.#lines++;
    if (this.#lines > (this.#console.stdout.rows ?? 24) - LINES_SPARED || this.#heldBytes > HELD_BYTES_MAX) {
      this.#inner = this.#command ? new ProgramPager(this.#console, this.#keys, this.#command) : this.#builtIn();
      await this.#inner.write(this.#take());
    }
  }

  async end(): Promise<void> {
    if (this.#inner) await this.#inner.end();
    else if (this.#held.length > 0) await write(this.#console.stdout, this.#take());
  }

  #take(): Buffer {
    const held = Buffer.concat(this.#held);
    this.#held = [];
    return held;
  }

  #builtIn(): Pager {
    return new ScreenPager(this.#console, this.#keys);
  }
}

/** `PAGER` where set (empty or `off`: none), else less if it is there, else undefined. */
export function pagerCommand(environment: Console['environment']): readonly string[] | undefined {
  const named = environment.TUTTI_PAGER ?? environment.PAGER;
  if (named === '' || named === 'off' || named === 'cat') return [];
  if (named !== undefined && named !== LESS) return named.split(/\s+/);
  const found = spawnSync(LESS, ['--version'], { stdio: 'ignore' });
  return found.status === 0 ? [LESS, '-FRSX'] : undefined;
}

class ProgramPager implements Pager {
  readonly #keys: Keys;
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  readonly #restore: () => void;
  #left = false;
  #problem: Error | undefined;

  constructor(console: Console, keys: Keys, [program = LESS, ...args]: readonly string[]) {
    this.#keys = keys;
    // The pager reads the terminal itself, and Ctrl-C is meant for it.
    keys.suspend();
    this.#restore = console.onInterrupt(() => undefined);
    const child = spawn(program, args, { stdio: ['pipe', 'inherit', 'inherit'] });
    this.#child = child;
    this.#closed = new Promise((resolve) => {
      child.once('close', () => resolve());
      child.once('error', (problem) => {
        this.#problem = new UsageFailure(
          `the pager ${program} cannot be started (${problem.message}); \\pager off shows results without one`,
        );
        resolve();
      });
    });
    void this.#closed.then(() => (this.#left = true));
    // A pager that ends early breaks its pipe.
    child.stdin.on('error', () => (this.#left = true));
  }

  async write(bytes: Uint8Array): Promise<void> {
    const pipe = this.#child.stdin!;
    if (!this.#left && !pipe.write(bytes)) {
      const drained = new Promise<void>((resolve) => pipe.once('drain', () => resolve()));
      await Promise.race([drained, this.#closed]);
    }
    if (!this.#left) return;
    await this.end();
    throw new PagerLeft('the pager was left');
  }

  async end(): Promise<void> {
    this.#child.stdin!.end();
    await this.#closed;
    this.#restore();
    this.#keys.resume();
    if (this.#problem) throw this.#problem;
  }
}

class ScreenPager implements Pager {
  readonly #console: Console;
  readonly #keys: Keys;
  #linesLeft: number;
  #rest = '';

  constructor(console: Console, keys: Keys) {
    this.#console = console;
    this.#keys = keys;
    this.#linesLeft = this.#height();
  }

  async write(bytes: Uint8Array): Promise<void> {
    const text = this.#rest + Buffer.from(bytes).toString();
    const lines = text.split('\n');
    this.#rest = lines.pop() ?? '';
    while (lines.length > 0) {
      if (this.#linesLeft <= 0) await this.#ask();
      const shown = lines.splice(0, this.#linesLeft);
      this.#linesLeft -= shown.length;
      await write(this.#console.stdout, `${shown.join('\n')}\n`);
    }
  }

  async end(): Promise<void> {
    if (this.#rest !== '') await write(this.#console.stdout, this.#rest);
  }

  #height(): number {
    return Math.max(2, (this.#console.stdout.rows ?? 24) - 1);
  }

  async #ask(): Promise<void> {
    const { stdout } = this.#console;
    await write(stdout, '-- more -- (space: page, Enter: line, q: enough) ');
    for (;;) {
      const { name, ctrl } = await this.#keys.next();
      const leaves = name === 'q' || name === 'escape' || name === 'input-over' || (ctrl && name === 'c');
      if (leaves || name === 'space' || name === 'return') await write(stdout, '\r\u001b[K');
      if (leaves) throw new PagerLeft('the pager was left');
      if (name === 'space') this.#linesLeft = this.#height();
      else if (name === 'return') this.#linesLeft = 1;
      else continue;
      return;
    }
  }
}
