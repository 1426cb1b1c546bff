// What the operator reads when an upstream gives no answer, or cannot be given the request.

import type { Route } from '../config.js';
import type { Logger } from '../ops/log.js';
import { createOnce } from '../ops/once.js';
import type { ProblemCode } from '../problem.js';

/** Logs the failure; returns the code to answer with. */
export type ReportFailure = (error: NodeJS.ErrnoException, timedOut: boolean, requestId: string) => ProblemCode;

export function createFailureReport(route: Route, log: Logger): ReportFailure {
  return (error, timedOut, requestId) => {
    const code = timedOut ? 'upstream_timeout' : 'upstream_unavailable';
    log.warn(
      { code, route: route.path, target: route.target, cause: error.code ?? error.message, requestId },
      'no answer from the upstream',
    );
    return code;
  };
}

/** Says once that somebody reads bodies before us; `recovered`: what they left of it could be passed on. */
export type ReportParser = (route: Route, recovered: boolean) => void;

export function createParserReport(log: Logger): ReportParser {
  const isFirst = createOnce();
  return ({ path }, recovered) => {
    if (!isFirst(`${recovered}`)) return;
    const advice = 'mount am-session-proxy before body parsers';
    if (recovered) log.warn({ route: path }, `a body was read before it came here, and passed on as it was: ${advice}`);
    else log.error({ route: path }, `a body was read before it came here, and cannot be passed on: ${advice}`);
  };
}
