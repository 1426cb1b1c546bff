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

export function createLogger(level: Config['logLevel']): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime });
}
