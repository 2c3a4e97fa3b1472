/** What a process tells its operator: one JSON line an event, on standard error. Made once by the composition root. */

import { destination, type DestinationStream, type Logger as PinoLogger, pino, stdSerializers } from 'pino';

export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error'>;

/** `TUTTI_LOG` names the level: debug, info, warn, error or silent. */
export function makeLogger(
  role: string,
  environment: Readonly<Record<string, string | undefined>>,
  out: DestinationStream = destination({ fd: 2, sync: true }),
): Logger {
  const level = environment['TUTTI_LOG'] ?? 'warn';
  // An error is otherwise written without its message.
  return pino({ level, base: { role, pid: process.pid }, serializers: { error: stdSerializers.err } }, out);
}
