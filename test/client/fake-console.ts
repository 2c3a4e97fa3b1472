/** A console whose streams a test reads and whose Ctrl-C it presses. */
import { PassThrough, Writable } from 'node:stream';
import type { Console, OutputStream } from '../../src/client/console.ts';

export type FakeConsole = Console & {
  out(): string;
  err(): string;
  readonly input: PassThrough;
  /** Presses Ctrl-C; whether anybody listened. */
  interrupt(): boolean;
  readonly exits: number[];
};

export function fakeConsole(terminal?: { readonly columns: number; readonly rows: number }): FakeConsole {
  const written = { out: '', err: '' };
  const stream = (name: 'out' | 'err'): OutputStream => {
    const target = new Writable({
      write(chunk: Buffer, _encoding, done) {
        written[name] += chunk.toString();
        done();
      },
    });
    return Object.assign(target, terminal ? { isTTY: true, ...terminal } : {});
  };
  const handlers = new Set<() => void>();
  const input = new PassThrough();
  const exits: number[] = [];
  return {
    stdin: Object.assign(input, terminal ? { isTTY: true, setRawMode: () => undefined } : {}),
    stdout: stream('out'),
    stderr: stream('err'),
    environment: { NO_COLOR: '1', HOME: '/nowhere' },
    onInterrupt(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    exit: (code) => exits.push(code),
    out: () => written.out,
    err: () => written.err,
    input,
    interrupt: () => [...handlers].map((handler) => handler()).length > 0,
    exits,
  };
}
