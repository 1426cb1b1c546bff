// Logging: any pino-like logger in the library, JSON lines by pino in the command.

import { pino } from 'pino';
import type { Config } from '../config.js';

/** What we need of a logger; pino and console both fit. One line per change of state, never a token. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** JSON lines on stdout, with the level by name and the time in UTC. */
export function createLogger(level: Config['logLevel']): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (name) => ({ level: name }) },
  });
}
