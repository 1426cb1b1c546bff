// Logging: any pino-like logger in the library, JSON lines by pino in the command.

import { pino } from 'pino';
import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import { createCount } from './once.js';

/**
 * What we need of a logger; pino and console both fit. One line per change of state, not per request, and never a token.
 * `error`: somebody must act. `warn`: users are or will be affected, or a setting is doubtful. `info`: the life of the
 * process. `debug`: each decision. Settings are named as in the environment, and in brackets as the library's option.
 */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** JSON lines on stdout, with the level by name and the time in UTC. */
export function createLogger(level: Config['logLevel']): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (name) => ({ level: name }) },
    },
    // they are few, and at the end of the process the last ones count: pino's own way may lose or swap them
    pino.destination({ sync: true }),
  );
}

/** Logs an error that nobody expected. */
export type ReportError = (error: unknown, message: string, fields?: object) => void;

const againMs = 60_000;

/** One line a minute for each place in the code: a request that always runs into it must not fill the log with stacks. */
export function createErrorReport(log: Logger, clock: Clock): ReportError {
  const countOf = createCount(clock, againMs);
  return (error, message, fields) => {
    const described = describeError(error);
    const times = countOf(`${message} ${placeOf(described.stack)}`);
    if (times > 0) log.error({ ...described, ...(times > 1 && { times }), ...fields }, message);
    else log.debug({ ...described, ...fields }, message);
  };
}

interface DescribedError {
  readonly error: string;
  /** Its frames, the innermost first. */
  readonly stack: string | undefined;
}

const messageMax = 500;
const stackMax = 4_000;
/** As long as this, and without a blank or slash, it may be a token: Node quotes some of the values that it refuses. */
const tokenLike = /[\w.*+=@%-]{40,}/g;

/** What is logged of an error: not its other properties, in which Node keeps headers and bodies. */
function describeError(error: unknown): DescribedError {
  if (!(error instanceof Error)) return { error: `not an Error, but of type ${typeof error}`, stack: undefined };
  const { name, message, stack = '' } = error;
  // it begins with the message
  const frames = stack.slice(stack.indexOf(message) + message.length).match(/^ +at .*$/gm);
  return {
    error: `${name}: ${message}`.replaceAll(tokenLike, '***').slice(0, messageMax),
    stack: frames?.join('\n').slice(0, stackMax),
  };
}

/** The innermost place in the code that the stack names. */
function placeOf(stack: string | undefined): string {
  return stack?.split('\n', 1)[0] ?? '';
}
