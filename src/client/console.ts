/** Where a command reads and writes: the process's own streams, or a test's. */
import type { Readable, Writable } from 'node:stream';
import { type Style, style, wantsColours, wantsUnicode } from './style.ts';

export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };
export type InputStream = Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };

export type Console = {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Calls `handler` on each Ctrl-C instead of ending the process, until the returned function is called. */
  onInterrupt(handler: () => void): () => void;
  /** Ends the process now, for the second of two quick interrupts. */
  exit(code: number): void;
};

export const processConsole: Console = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  onInterrupt(handler) {
    process.on('SIGINT', handler);
    return () => process.off('SIGINT', handler);
  },
  exit: (code) => process.exit(code),
};

export const styleFor = (stream: OutputStream, { environment }: Console): Style =>
  style(wantsColours({ isTTY: stream.isTTY === true }, environment));

export const unicodeFor = ({ environment }: Console): boolean => wantsUnicode(environment);

/** Fulfilled when the stream has taken the bytes and they may be reused; rejected when it is broken. */
export const write = (stream: OutputStream, bytes: Uint8Array | string): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error ? reject(error) : resolve()));
  });

/** Whether nobody reads our output any more, as behind `| head`. */
export const isBrokenPipe = (problem: unknown): boolean => (problem as NodeJS.ErrnoException | null)?.code === 'EPIPE';

export async function readAll(stream: InputStream): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream as AsyncIterable<Buffer | string>) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString();
}
