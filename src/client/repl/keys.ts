/** Key presses of a terminal in raw mode, in order, whoever waits for them; what is typed ahead is kept. */
import { emitKeypressEvents } from 'node:readline';
import type { InputStream } from '../console.ts';

export type Key = {
  /** `return`, `left`, `a`, …; `text` for pasted text, `input-over`, `resize` when the screen changed. */
  readonly name: string;
  readonly ctrl: boolean;
  readonly meta: boolean;
  readonly shift: boolean;
  /** The characters that came in. */
  readonly text: string;
};

type NodeKey = { name?: string; ctrl?: boolean; meta?: boolean; shift?: boolean; sequence?: string };

export class Keys {
  readonly #stream: InputStream;
  readonly #pending: Key[] = [];
  readonly #interrupts = new Set<() => void>();
  #waiting: ((key: Key) => void) | undefined;
  #pasted: string | undefined;
  #ended = false;

  constructor(stream: InputStream) {
    this.#stream = stream;
    emitKeypressEvents(stream);
    stream.on('keypress', this.#onKeypress);
    stream.on('end', this.#onEnd);
    this.resume();
  }

  next(): Promise<Key> {
    const key = this.#pending.shift();
    if (key) return Promise.resolve(key);
    if (this.#ended) return Promise.resolve(plain('input-over', ''));
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  /** Wakes whoever waits, so that the screen is drawn again; nobody else needs to know. */
  resized(): void {
    if (this.#waiting) this.#put(plain('resize', ''));
  }

  /** Ctrl-C while nobody reads keys, that is while a statement runs. */
  onInterrupt(handler: () => void): () => void {
    this.#interrupts.add(handler);
    return () => this.#interrupts.delete(handler);
  }

  /** Leaves the terminal to another program, such as a pager. */
  suspend(): void {
    this.#stream.setRawMode?.(false);
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.setRawMode?.(true);
    this.#stream.resume();
  }

  close(): void {
    this.suspend();
    this.#stream.off('keypress', this.#onKeypress);
    this.#stream.off('end', this.#onEnd);
  }

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#put(plain('input-over', ''));
  };

  readonly #onKeypress = (_text: string | undefined, key: NodeKey): void => {
    const sequence = key.sequence ?? '';
    if (key.name === 'paste-start') {
      this.#pasted = '';
    } else if (key.name === 'paste-end') {
      this.#put(plain('text', (this.#pasted ?? '').replaceAll('\r\n', '\n').replaceAll('\r', '\n')));
      this.#pasted = undefined;
    } else if (this.#pasted !== undefined) {
      this.#pasted += sequence;
    } else {
      const { ctrl = false, meta = false, shift = false } = key;
      this.#put({ name: key.name ?? '', ctrl, meta, shift, text: sequence });
    }
  };

  #put(key: Key): void {
    if (this.#waiting) {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting(key);
    } else if (key.ctrl && key.name === 'c' && this.#interrupts.size > 0) {
      // What was typed ahead was meant for after the statement that is now being cancelled.
      this.#pending.length = 0;
      for (const handler of this.#interrupts) handler();
    } else {
      this.#pending.push(key);
    }
  }
}

const plain = (name: string, text: string): Key => ({ name, ctrl: false, meta: false, shift: false, text });
