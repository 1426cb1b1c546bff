// The way of a request, in order: this is the map of the house.

import { EventEmitter } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RequestHandler } from 'express';
import type { Config } from './config.js';
import type { RequestLike } from './forwarded.js';
import { createOnce, createOnceInAWhile } from './ops/once.js';
import { keepTicksQuick } from './ops/quick-ticks.js';
import { endWithConnection } from './pipelined.js';
import { createParts, type Parts, type SessionProxyOptions } from './parts.js';
import { sendProblem, type ProblemCode, type ProblemExtras } from './problem.js';
import { sessionCacheControl } from './proxy/cache-control.js';
import { requestIdOf } from './proxy/request-headers.js';
import { isWebSocketHandshake } from './proxy/upgrade.js';
import { lingerAfterAnswer } from './proxy/upload.js';
import { ownPaths } from './own-routes.js';
import type { SecurityHeaders } from './security-headers.js';
import type { Admitted, Cause, Judgement } from './session.js';
import { describeSession, type SessionInfo } from './session-info.js';
import { answerOnSocket } from './socket-answer.js';
import { hasOneLeadingSlash, isSafePath, pathOf } from './target.js';

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- how Express lets middleware add to its requests
  namespace Express {
    interface Request {
      /** Set by `requireSession`. */
      amSession?: SessionInfo;
    }
  }
}

type Next = (error?: unknown) => void;

/** An Express handler, and what else a server needs of it. */
export interface SessionProxy {
  (req: IncomingMessage, res: ServerResponse, next: Next): void;
  /**
   * The same in front of an app: proxied requests never enter Express, which makes them cheaper.
   *
   * @param app gets what is none of ours
   */
  wrap(app: RequestListener): RequestListener;
  /**
   * For the server's `upgrade` event: WebSockets to the proxied prefixes, session and origin checked first. They are
   * closed when their session ends, with 4401 where a close frame fits in.
   *
   * @returns false: the path is none of ours, and the socket untouched: others may take it, or somebody has to end it. Where
   * this is the server's only listener, nobody else could: then such a socket is answered with 404 and closed
   */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Express middleware for the team's own routes: only live sessions pass, with `req.amSession`. */
  readonly requireSession: RequestHandler;
  /** Express handler to be mounted last: `index.html` of `staticDir` for navigations. */
  readonly spaFallback: RequestHandler;
  /** helmet's headers as every answer carries them, names in lower case. */
  readonly securityHeaders: SecurityHeaders;
  /** Answers the metrics page of Prometheus, for an address that only machines inside reach: nothing here serves it. */
  readonly metrics: RequestListener;
  /** The effective configuration. */
  readonly config: Config;
  /**
   * For the begin of a shutdown: `/readyz` answers 503 from now on, WebSockets are closed with 1001, event streams end, and
   * AM is told once more of the logouts that it has not heard of. Other requests go on.
   */
  stop(): void;
  /**
   * The same, and lets go of timers and connections; ends proxied requests under way, so close the server first.
   * Resolves when AM was told of the logouts that it has not heard of, or `am.timeoutMs` later.
   */
  close(): Promise<void>;
}

/**
 * Keeps AM sessions alive while their users work, and guards the routes behind it.
 *
 * @throws ConfigError (`ERR_CONFIG`) with every mistake in the options
 */
export function sessionProxy(options: SessionProxyOptions): SessionProxy {
  const { bff, parts } = assemble(options);
  const idle = ofTheCommand.filter((name) => options[name] !== undefined);
  if (idle.length > 0)
    parts.log.warn({ options: idle }, 'these options do nothing here: it is your server that listens and stops');
  return bff;
}

/** Options that the command's server goes by, and nothing else. */
const ofTheCommand = ['host', 'port', 'adminHost', 'adminPort', 'shutdownTimeoutS'] as const;

/**
 * The same, with what it is made of, for the command, which builds its server from the same parts.
 *
 * @throws ConfigError (`ERR_CONFIG`) with every mistake in the options
 */
export function assemble(options: SessionProxyOptions): { readonly bff: SessionProxy; readonly parts: Parts } {
  const parts = createParts(options);
  keepTicksQuick();
  const { config, clock, log, reportError, cookie, judge, denial, prepare, proxies, files } = parts;
  const isOurs = ownPaths(config.basePath);
  const sayOnce = createOnce();
  const maySayOrigin = createOnceInAWhile(clock, originAgainMs);

  function refuse(res: ServerResponse, requestId: string, code: ProblemCode, extras?: ProblemExtras): void {
    prepare(res, requestId);
    sendProblem(res, code, extras);
  }

  /** Answers a cross-site request; true: it may go on. */
  function passesOriginCheck(req: IncomingMessage, res: ServerResponse, requestId: string, isUpgrade = false): boolean {
    const verdict = parts.checkOrigin(req, isUpgrade);
    if (verdict.allowed) return true;
    if (maySayOrigin()) {
      const { origin, 'sec-fetch-site': site } = req.headers;
      log.warn(
        { origin, site, comparedWith: verdict.comparedWith, method: req.method, requestId },
        'a cross-site request was refused: behind a proxy set PUBLIC_URL (publicUrl) or TRUST_PROXY (trustProxy); other origins go into TRUSTED_ORIGINS (trustedOrigins)',
      );
    }
    refuse(res, requestId, 'cross_site_request');
    return false;
  }

  function causeOf(req: RequestLike, isUpgrade: boolean): Cause {
    return parts.isActivity(req, isUpgrade) ? 'activity' : 'background';
  }

  /** Waits for the verdict only where AM is asked. */
  function withSession(
    req: IncomingMessage,
    res: ServerResponse,
    requestId: string,
    cause: Cause,
    then: (admitted: Admitted) => void,
  ): void {
    const settle = (judgement: Judgement): void => {
      if (res.destroyed) return;
      if (judgement.kind === 'admitted') return then(judgement);
      prepare(res, requestId);
      denial.deny(req, res, judgement);
    };
    const judgement = judge.judge(req, cause);
    if (judgement instanceof Promise) judgement.then(settle).catch((error: unknown) => failed(res, requestId, error));
    else settle(judgement);
  }

  function failed(res: ServerResponse, requestId: string, error: unknown): void {
    reportError(error, 'a request failed in here', { requestId });
    if (res.headersSent) return void res.destroy();
    refuse(res, requestId, 'internal_error');
  }

  /**
   * The steps, in their order; false: the request is none of ours, and untouched.
   *
   * @param head of an upgrade: what came after its headers
   */
  function take(req: IncomingMessage, res: ServerResponse, requestId: string, head?: Buffer): boolean {
    const isUpgrade = head !== undefined;
    const url = req.url ?? '';
    if ('baseUrl' in req && req.baseUrl !== '') {
      if (sayOnce('mount'))
        log.error(
          { mountedAt: req.baseUrl },
          'requests are answered with 500: mount at the root, app.use(bff), the prefixes are in the routes',
        );
      refuse(res, requestId, 'internal_error');
      return true;
    }
    if (!hasOneLeadingSlash(url)) {
      refuse(res, requestId, 'bad_request_target');
      return true;
    }
    if (mayBeTruncated(req)) {
      refuse(res, requestId, 'headers_too_large');
      return true;
    }
    if (isUpgrade && !isWebSocketHandshake(req)) {
      refuse(res, requestId, 'bad_request');
      return true;
    }
    if (isOurs.has(pathOf(url))) {
      if (isUpgrade) refuse(res, requestId, 'not_found');
      else if (passesOriginCheck(req, res, requestId)) {
        prepare(res, requestId);
        parts.ownRoutes(req, res);
      }
      return true;
    }
    const route = parts.findRoute(url);
    if (!route) return false;
    if (!isUpgrade) lingerAfterAnswer(req, res, clock);
    if (req.readableFlowing) holdBody(req, res);
    const passOn = (admitted?: Admitted): void => {
      const { pass, upgrade: join } = proxies.of(route);
      if (isUpgrade) join(req, res, head, requestId, admitted);
      else pass(req, res, requestId, admitted);
    };
    if (!isSafePath(url)) refuse(res, requestId, 'bad_request_target');
    else if (route.access === 'public') {
      // while the SSO cookie's name is not known, any cookie may be it
      if (cookie.name !== undefined || req.headers.cookie === undefined) passOn();
      else refuse(res, requestId, 'am_unavailable', { retryAfterS: 1 });
    } else if (passesOriginCheck(req, res, requestId, isUpgrade))
      withSession(req, res, requestId, causeOf(req, isUpgrade), passOn);
    return true;
  }

  function handle(req: IncomingMessage, res: ServerResponse, next: Next): void {
    const requestId = requestIdOf(req);
    endWithConnection(req, res);
    try {
      if (take(req, res, requestId)) return;
    } catch (error) {
      // outside Express nobody else would catch it, and the process would end
      return failed(res, requestId, error);
    }
    if (!files) return next();
    files(req, res, (error) => (error === undefined ? next() : failed(res, requestId, error)));
  }

  function upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const url = req.url ?? '';
    const mayBeOthers = hasOneLeadingSlash(url) && !isOurs.has(pathOf(url)) && !parts.findRoute(url);
    if (mayBeOthers && !isOnlyListener(req, upgrade)) return false;
    // it may have ended while a listener of the team's looked something up
    if (socket.destroyed) return !mayBeOthers;
    const res = answerOnSocket(req, clock);
    if (!res) return !mayBeOthers;
    const requestId = requestIdOf(req);
    try {
      if (!take(req, res, requestId, head)) refuse(res, requestId, 'not_found');
    } catch (error) {
      failed(res, requestId, error);
    }
    return !mayBeOthers;
  }

  const requireSession: RequestHandler = (req, res, next) => {
    const requestId = requestIdOf(req);
    // socket.io runs it for upgrades too (`io.engine.use`), and outside Express
    const isUpgrade = isWebSocketHandshake(req);
    if (!passesOriginCheck(req, res, requestId, isUpgrade)) return;
    // in a router Express shortens `url`, and BACKGROUND_PATHS are whole paths
    const url = req.originalUrl ?? req.url;
    const cause = causeOf({ method: req.method, url, headers: req.headers, socket: req.socket }, isUpgrade);
    withSession(req, res, requestId, cause, ({ session }) => {
      req.amSession = describeSession(session, clock.now());
      // the route may say otherwise; without a word a shared cache could keep one user's page for another
      res.setHeader('cache-control', sessionCacheControl(req, ''));
      // what socket.io hands in for an upgrade is less than a response
      if (!isUpgrade) res.appendHeader('vary', 'Cookie');
      next();
    });
  };

  parts.start();
  const bff: SessionProxy = Object.assign(handle, {
    wrap:
      (app: RequestListener): RequestListener =>
      (req, res) =>
        handle(req, res, () => app(req, res)),
    upgrade,
    requireSession,
    spaFallback: parts.spaFallback,
    securityHeaders: parts.securityHeaders,
    metrics: parts.metrics.page,
    config,
    stop: parts.stop,
    close: parts.close,
  });
  return { bff, parts };
}

/**
 * Node's server shows about a thousand headers and drops the rest (`maxHeadersCount`), but frames the body by them all:
 * passed on, the body of such a request would be the next request.
 */
function mayBeTruncated({ rawHeaders }: IncomingMessage): boolean {
  return rawHeaders.length >= headersMax * 2;
}

const headersMax = 900;
/** One line a minute: whoever sends such requests must not fill the log, nor hide a mistake in the configuration. */
const originAgainMs = 60_000;

/** Somebody before us listens to the body, to count it for instance: it must not flow before the upstream gets it too. */
function holdBody(req: IncomingMessage, res: ServerResponse): void {
  req.pause();
  res.once('finish', () => req.resume());
}

/** Node hands an upgrade to all listeners, and ends none that nobody takes. */
function isOnlyListener({ socket }: IncomingMessage, listener: SessionProxy['upgrade']): boolean {
  const server = 'server' in socket ? socket.server : undefined;
  if (!(server instanceof EventEmitter)) return false;
  const [first, ...others] = server.listeners('upgrade');
  return first === listener && others.length === 0;
}
