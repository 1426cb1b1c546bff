// What the operator reads when an upstream gives no answer, or cannot be given the request.

import type { Clock } from '../clock.js';
import type { Route } from '../config.js';
import type { Logger } from '../ops/log.js';
import { createCeiling } from '../ops/ceiling.js';
import { connectHint } from '../ops/connect-hint.js';
import { createCount, createOnce } from '../ops/once.js';
import type { ProblemCode } from '../problem.js';

interface UpstreamFailure {
  readonly error: NodeJS.ErrnoException;
  readonly timedOut: boolean;
  readonly requestId: string;
  readonly method: string | undefined;
  /** What `answers` was when the request was sent. */
  readonly answersBefore: number;
}

/** One route's upstream, as its requests and upgrades find it. */
export interface UpstreamReport {
  /** How many answers it has given so far. */
  readonly answers: number;
  /** The head of an answer has come, whatever its status. */
  answered(): void;
  /** Not for what the client broke off. Returns the code to answer with. */
  failed(failure: UpstreamFailure): ProblemCode;
  /** It broke off an answer whose head was passed on already. */
  brokeOff(error: NodeJS.ErrnoException, requestId: string, method: string | undefined): void;
  /** From now on it is we who end the connections. */
  close(): void;
}

export interface UpstreamReportOptions {
  readonly route: Route;
  readonly log: Logger;
  readonly clock: Clock;
}

/** From the first request without an answer to the next answer. */
interface Outage {
  readonly since: number;
  failed: number;
  /** Of these no line has told yet. */
  untold: number;
  /** Whoever was told of it must see its end. */
  isSaid: boolean;
}

/** How often a route says the same. */
const againMs = 60_000;
/** An upstream that cannot be reached is said at once, so many times in so long; beyond that only what lasts. */
const mostAtOnce = 10;
const mostWithinMs = 10 * 60_000;

export function createUpstreamReport({ route, log, clock }: UpstreamReportOptions): UpstreamReport {
  const upstream = { route: route.path, target: route.target };
  const maySayAtOnce = createCeiling(clock, mostAtOnce, mostWithinMs);
  const countSingle = createCount(clock, againMs);
  let answers = 0;
  let outage: Outage | undefined;
  let saidAt = -Infinity;
  /** Outages that came and went without a line. */
  let unsaid = 0;
  let closed = false;

  /** One request among others that are answered: nothing has changed. */
  function saySingle(message: string, code: string, fields: object): void {
    const failed = countSingle(`${message} ${code}`);
    if (failed > 0) log.warn({ ...fields, failed }, message);
    else log.debug(fields, message);
  }

  function sayOutage(cause: string, fields: object): void {
    const now = clock.now();
    const current = outage ?? { since: now, failed: 0, untold: 0, isSaid: false };
    outage = current;
    current.failed++;
    current.untold++;
    if (!maySay(current, cause, now)) return log.debug(fields, 'no answer from the upstream');
    const sofar = {
      failed: current.untold,
      ...(current.failed > 1 && { forS: seconds(now - current.since) }),
      ...(unsaid > 0 && { unsaid }),
    };
    saidAt = now;
    unsaid = 0;
    current.untold = 0;
    current.isSaid = true;
    log.warn({ ...fields, ...sofar }, 'no answer from the upstream: requests to this route fail until it answers');
  }

  function maySay({ isSaid, since }: Outage, cause: string, now: number): boolean {
    if (isSaid || !isConnect(cause)) return now - saidAt >= againMs;
    return maySayAtOnce() || now - since >= againMs;
  }

  function sayBack({ since, failed, isSaid }: Outage): void {
    // at the level of the outage
    if (!isSaid) unsaid++;
    else log.warn({ ...upstream, failed, forS: seconds(clock.now() - since) }, 'the upstream answers again');
  }

  return {
    get answers() {
      return answers;
    },
    answered() {
      answers++;
      if (!outage) return;
      sayBack(outage);
      outage = undefined;
    },
    failed({ error, timedOut, requestId, method, answersBefore }) {
      const code = timedOut ? 'upstream_timeout' : 'upstream_unavailable';
      if (closed) return code;
      const cause = timedOut ? 'timeout' : causeOf(error);
      const hint = timedOut
        ? 'what may take longer needs a larger PROXY_TIMEOUT_MS (proxyTimeoutMs)'
        : connectHint(cause);
      const fields = { code, ...upstream, cause, method, requestId, ...(hint !== undefined && { hint }) };
      const answersOthers = answers > answersBefore;
      if (answersOthers) saySingle('no answer from the upstream to a request, while it answers others', code, fields);
      else sayOutage(cause, fields);
      return code;
    },
    brokeOff(error, requestId, method) {
      if (closed) return;
      const fields = { ...upstream, cause: causeOf(error), method, requestId };
      saySingle('the upstream broke off an answer: the client has got a part of it', '', fields);
    },
    close() {
      closed = true;
    },
  };
}

function causeOf({ code, message }: NodeJS.ErrnoException): string {
  return code ?? message;
}

/** It cannot be reached: no matter of a single request. */
function isConnect(cause: string): boolean {
  return /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|ETIMEDOUT)$/.test(cause);
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
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
