/** What a process tells its operator: one JSON line an event, on standard error. Made once by the composition root. */

import { destination, type Logger as PinoLogger, pino } from 'pino';

export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error'>;

/** `TUTTI_LOG` names the level: debug, info, warn, error or silent. */
export function makeLogger(role: string, environment: Readonly<Record<string, string | undefined>>): Logger {
  const level = environment['TUTTI_LOG'] ?? 'warn';
  return pino({ level, base: { role, pid: process.pid } }, destination({ fd: 2, sync: true }));
}
