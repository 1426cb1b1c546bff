// The way of a request, in order: this is the map of the house.

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import type { HelmetOptions } from 'helmet';
import { createActivityCheck } from './activity.js';
import { createAmClient } from './am/client.js';
import { createDiscovery } from './am/discovery.js';
import { createPresence } from './am/presence.js';
import { createSsoCookie } from './am/sso-cookie.js';
import { createHttpTransport, type AmTransport } from './am/transport.js';
import { systemClock, type Clock } from './clock.js';
import { parseConfig, type Config, type Options } from './config.js';
import { createDenial } from './denial.js';
import { createForwarded, type RequestLike } from './forwarded.js';
import { createHealth } from './health.js';
import type { KeeperObserver } from './keeper/events.js';
import { createKeeper } from './keeper/keeper.js';
import { createLogger, type Logger } from './ops/log.js';
import { createOriginCheck } from './origin.js';
import { sendProblem } from './problem.js';
import { createProxies } from './proxy/routes.js';
import { requestIdOf } from './proxy/request-headers.js';
import { createRealmCheck } from './realm-check.js';
import { createRoutes, ownPaths } from './routes.js';
import { computeSecurityHeaders, type SecurityHeaders } from './security-headers.js';
import { createSessionJudge, type Cause, type Judgement } from './session.js';
import { describeSession, type SessionInfo } from './session-info.js';
import { createSpaFallback, createStaticFiles } from './static-files.js';
import { createRouter, hasOneLeadingSlash, isSafePath } from './target.js';

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- how Express lets middleware add to its requests
  namespace Express {
    interface Request {
      /** Set by `requireSession`. */
      amSession?: SessionInfo;
    }
  }
}

/** Everything of the configuration, and the seams. */
export interface SessionProxyOptions extends Options {
  /** Default: JSON lines on stdout at `logLevel`. */
  readonly logger?: Logger | undefined;
  /** Options of helmet, which win over ours. */
  readonly helmet?: HelmetOptions | undefined;
  /** Told of each decision about a session and each AM call; must not throw. */
  readonly onEvent?: KeeperObserver | undefined;
  /** For tests: time. */
  readonly clock?: Clock | undefined;
  /** For tests: how AM is reached. */
  readonly amTransport?: AmTransport | undefined;
}

const seams = [
  'logger',
  'helmet',
  'onEvent',
  'clock',
  'amTransport',
] as const satisfies readonly (keyof SessionProxyOptions)[];

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
  /** Express middleware for the team's own routes: only live sessions pass, with `req.amSession`. */
  readonly requireSession: RequestHandler;
  /** Express handler to be mounted last: `index.html` of `staticDir` for navigations. */
  readonly spaFallback: RequestHandler;
  /** helmet's headers as every answer carries them, names in lower case. */
  readonly securityHeaders: SecurityHeaders;
  /** The effective configuration. */
  readonly config: Config;
  /** `/readyz` answers 503 from now on. */
  stop(): void;
  /** Tells AM of the logouts that it has not heard of, once more, and lets go of timers and connections. */
  close(): Promise<void>;
}

/**
 * Keeps AM sessions alive while their users work, and guards the routes behind it.
 *
 * @throws ConfigError (`ERR_CONFIG`) with every mistake in the options
 */
export function sessionProxy(options: SessionProxyOptions): SessionProxy {
  const config = parseConfig(options, seams);
  const clock = options.clock ?? systemClock;
  const log = options.logger ?? createLogger(config.logLevel);

  const cookie = createSsoCookie(config.am.cookieName);
  const presence = createPresence(log, config.am.flavor);
  const transport = options.amTransport
    ? { send: options.amTransport, close: () => undefined }
    : createHttpTransport(config.am.url);
  const am = createAmClient({ am: config.am, cookieName: () => cookie.name, transport: transport.send, clock });
  const discovery = createDiscovery({ am, cookie, presence, clock, log });
  const keeper = createKeeper({
    am,
    clock,
    presence,
    log,
    ...config.am,
    trustS: config.session.trustS,
    sessionsMax: config.session.max,
    servesRealm: createRealmCheck(config.session.realms, log),
    observe: options.onEvent,
  });

  const forwarded = createForwarded(config);
  const judge = createSessionJudge({ keeper, cookie, forwarded, clock, log });
  const denial = createDenial({ config, cookie, forwarded });
  const health = createHealth(
    () => discovery.complete,
    () => presence.state,
  );
  const securityHeaders = computeSecurityHeaders(config, options.helmet);
  const isOurs = ownPaths(config.basePath);
  const ownRoutes = createRoutes({ config, cookie, keeper, judge, denial, health, clock, log });
  const findRoute = createRouter(config.routes);
  const proxies = createProxies({ config, cookie, forwarded, securityHeaders, prepare, clock, log });
  const isActivity = createActivityCheck(config.session);
  const checkOrigin = createOriginCheck({ ...config, requestHost: forwarded.host });
  const files = config.staticDir === undefined ? undefined : createStaticFiles(config.staticDir, securityHeaders);
  const sayOnce = createOnce();

  function prepare(res: ServerResponse, requestId?: string): void {
    for (const [name, value] of securityHeaders) res.setHeader(name, value);
    if (requestId !== undefined) res.setHeader('x-request-id', requestId);
  }

  /** Answers a cross-site request; true: it may go on. */
  function passesOriginCheck(req: IncomingMessage, res: ServerResponse, requestId: string): boolean {
    const verdict = checkOrigin(req, false);
    if (verdict.allowed) return true;
    if (sayOnce('origin'))
      log.warn(
        { origin: req.headers.origin, comparedWith: verdict.comparedWith },
        'a cross-site request was refused: behind a proxy set PUBLIC_URL or TRUST_PROXY; other origins go into TRUSTED_ORIGINS',
      );
    prepare(res, requestId);
    sendProblem(res, 'cross_site_request');
    return false;
  }

  function causeOf(req: RequestLike): Cause {
    return isActivity(req) ? 'activity' : 'background';
  }

  /** Waits for the verdict only where AM is asked. */
  function withSession(
    req: IncomingMessage,
    res: ServerResponse,
    requestId: string,
    cause: Cause,
    then: (judgement: Judgement & { kind: 'admitted' }) => void,
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
    log.error({ requestId, error: error instanceof Error ? error.message : 'unknown' }, 'a request failed in here');
    if (res.headersSent) return void res.destroy();
    prepare(res, requestId);
    sendProblem(res, 'internal_error');
  }

  function handle(req: IncomingMessage, res: ServerResponse, next: Next): void {
    const url = req.url ?? '';
    const requestId = requestIdOf(req);
    if ('baseUrl' in req && req.baseUrl !== '') {
      if (sayOnce('mount'))
        log.error({ mountedAt: req.baseUrl }, 'mount at the root, app.use(bff): the prefixes are in the routes');
      prepare(res, requestId);
      return sendProblem(res, 'internal_error');
    }
    if (!hasOneLeadingSlash(url)) {
      prepare(res, requestId);
      return sendProblem(res, 'bad_request_target');
    }
    if (isOurs.has(pathOf(url))) {
      if (!passesOriginCheck(req, res, requestId)) return;
      prepare(res, requestId);
      return ownRoutes(req, res);
    }
    const route = findRoute(url);
    if (!route) {
      if (!files) return next();
      return files(req, res, (error) => (error === undefined ? next() : failed(res, requestId, error)));
    }
    if (!isSafePath(url)) {
      prepare(res, requestId);
      return sendProblem(res, 'bad_request_target');
    }
    const proxy = proxies.of(route);
    if (route.access === 'public') {
      // while the SSO cookie's name is not known, any cookie may be it
      if (cookie.name !== undefined || req.headers.cookie === undefined) return proxy(req, res, requestId, undefined);
      prepare(res, requestId);
      return sendProblem(res, 'am_unavailable', { retryAfterS: 1 });
    }
    if (!passesOriginCheck(req, res, requestId)) return;
    withSession(req, res, requestId, causeOf(req), ({ session }) => proxy(req, res, requestId, session));
  }

  const requireSession: RequestHandler = (req, res, next) => {
    const requestId = requestIdOf(req);
    if (!passesOriginCheck(req, res, requestId)) return;
    // in a router Express shortens `url`, and BACKGROUND_PATHS are whole paths
    const cause = causeOf({ method: req.method, url: req.originalUrl, headers: req.headers, socket: req.socket });
    withSession(req, res, requestId, cause, ({ session }) => {
      req.amSession = describeSession(session, clock.now());
      // the route may say otherwise; without a word a shared cache could keep one user's page for another
      res.setHeader('cache-control', 'private, no-cache');
      next();
    });
  };

  discovery.start();
  return Object.assign(handle, {
    wrap:
      (app: RequestListener): RequestListener =>
      (req, res) =>
        handle(req, res, () => app(req, res)),
    requireSession,
    spaFallback: createSpaFallback(config.staticDir, securityHeaders),
    securityHeaders,
    config,
    stop: health.stop,
    async close() {
      health.stop();
      discovery.close();
      await keeper.close();
      proxies.close();
      transport.close();
    },
  });
}

function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}

/** True the first time that it is asked for a key. */
function createOnce(): (key: string) => boolean {
  const said = new Set<string>();
  return (key) => !said.has(key) && said.add(key).has(key);
}
