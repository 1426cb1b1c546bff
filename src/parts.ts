// What a session proxy is made of, put together once at start.

import type { RequestListener, ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import type { HelmetOptions } from 'helmet';
import { createActivityCheck, type ActivityCheck } from './activity.js';
import { createAmClient } from './am/client.js';
import { createDiscovery } from './am/discovery.js';
import { createPresence } from './am/presence.js';
import { createSsoCookie, type SsoCookie } from './am/sso-cookie.js';
import { createHttpTransport, type AmTransport } from './am/transport.js';
import { systemClock, type Clock } from './clock.js';
import { configWarnings, parseConfig, type Config, type Options, type Route } from './config.js';
import { createDenial, type Denial } from './denial.js';
import { createForwarded } from './forwarded.js';
import { createHealth } from './health.js';
import type { KeeperObserver } from './keeper/events.js';
import { createKeeper } from './keeper/keeper.js';
import { createErrorReport, createLogger, type Logger, type ReportError } from './ops/log.js';
import { createMetrics, type Metrics } from './ops/metrics.js';
import { packageVersion } from './ops/version.js';
import { describeStart } from './ops/start-line.js';
import { createOriginCheck } from './origin.js';
import { createProxies, type Proxies } from './proxy/proxies.js';
import { createStreams } from './proxy/streams.js';
import { countProblem } from './problem.js';
import { createRealmCheck } from './realm-check.js';
import { createOwnRoutes } from './own-routes.js';
import { computeSecurityHeaders, setHeaders, type SecurityHeaders } from './security-headers.js';
import { createSessionJudge, type SessionJudge } from './session.js';
import { createSpaFallback, createStaticFiles, type PlainHandler } from './static-files.js';
import { connectRedisStore } from './store/redis-url.js';
import type { SessionStore } from './store/session-store.js';
import { createRouter } from './target.js';

/** Everything of the configuration, and the seams. */
export interface SessionProxyOptions extends Options {
  /** Default: JSON lines on stdout at `logLevel`. */
  readonly logger?: Logger | undefined;
  /** Options of helmet, which win over ours. */
  readonly helmet?: HelmetOptions | undefined;
  /** Told of each decision about a session and each AM call; what it throws is logged and goes no further. */
  readonly onEvent?: KeeperObserver | undefined;
  /** What the nodes of a cluster share. Default: Redis at `redisUrl`; without that nothing, each node for itself. */
  readonly store?: SessionStore | undefined;
  /** For tests: time. */
  readonly clock?: Clock | undefined;
  /** For tests: how AM is reached. */
  readonly amTransport?: AmTransport | undefined;
}

const seams = [
  'logger',
  'helmet',
  'onEvent',
  'store',
  'clock',
  'amTransport',
] as const satisfies readonly (keyof SessionProxyOptions)[];

export interface Parts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly reportError: ReportError;
  readonly cookie: SsoCookie;
  readonly judge: SessionJudge;
  readonly denial: Denial;
  readonly securityHeaders: SecurityHeaders;
  /** Sets what every answer of our own carries. */
  prepare(res: ServerResponse, requestId: string): void;
  readonly proxies: Proxies;
  findRoute(url: string): Route | undefined;
  readonly checkOrigin: ReturnType<typeof createOriginCheck>;
  readonly isActivity: ActivityCheck;
  readonly ownRoutes: RequestListener;
  /** Undefined without a `staticDir`. */
  readonly files: PlainHandler | undefined;
  readonly spaFallback: RequestHandler;
  readonly metrics: Metrics;
  /** Begins to ask AM for its cookie's name. */
  start(): void;
  /** Not ready any more, no socket or stream stays open, AM is told of the logouts that wait. */
  stop(): void;
  close(): Promise<void>;
}

/** @throws ConfigError (`ERR_CONFIG`) with every mistake in the options */
export function createParts(options: SessionProxyOptions): Parts {
  const config = parseConfig(options, seams);
  const clock = options.clock ?? systemClock;
  const log = options.logger ?? createLogger(config.logLevel);
  const reportError = createErrorReport(log, clock);
  log.info(describeStart(config, options.store !== undefined), 'am-session-proxy starts');
  for (const warning of configWarnings(config, options.store !== undefined)) log.warn({}, warning);

  const store = options.store ?? (config.redisUrl === undefined ? undefined : connectRedisStore(config.redisUrl));
  const cookie = createSsoCookie(config.am.cookieName);
  const graceS = Math.max(config.am.downGraceS, config.session.trustS);
  const presence = createPresence({ log, clock, flavor: config.am.flavor, url: config.am.url, graceS });
  const transport = options.amTransport
    ? { send: options.amTransport, close: () => undefined }
    : createHttpTransport(config.am.url);
  const am = createAmClient({ am: config.am, cookieName: () => cookie.name, transport: transport.send, clock });
  const metrics = createMetrics({
    version: packageVersion(),
    sessionsMax: config.session.max,
    hasStore: store !== undefined,
    now: {
      am: () => presence.state,
      keeper: () => keeper.stats,
      openStreams: () => streams.open,
      store: () => keeper.storeState,
    },
    reportError,
  });
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
    store,
    meter: metrics.meter,
    observe: createObserver(options.onEvent, config.logLevel === 'debug', log, reportError),
  });

  const forwarded = createForwarded(config);
  const judge = createSessionJudge({ keeper, cookie, forwarded, clock, log });
  const denial = createDenial({ config, cookie, forwarded });
  const health = createHealth({
    isComplete: () => discovery.complete,
    presence,
    cookieName: () => cookie.name,
    clock,
    graceS,
    store: () => keeper.storeState,
    storeFailure: () => keeper.storeFailure,
  });
  const securityHeaders = computeSecurityHeaders(config, options.helmet);
  const { staticDir } = config;

  function prepare(res: ServerResponse, requestId: string): void {
    setHeaders(res, securityHeaders);
    res.setHeader('x-request-id', requestId);
    countProblem(res, metrics.refused);
  }
  const streams = createStreams(keeper);
  const proxies = createProxies({
    config,
    cookie,
    forwarded,
    securityHeaders,
    prepare,
    streams,
    denial,
    clock,
    log,
  });

  return {
    config,
    clock,
    log,
    reportError,
    cookie,
    judge,
    denial,
    securityHeaders,
    prepare,
    proxies,
    findRoute: createRouter(config.routes),
    checkOrigin: createOriginCheck({ ...config, requestHost: forwarded.host }),
    isActivity: createActivityCheck(config.session),
    ownRoutes: createOwnRoutes({ config, cookie, keeper, judge, denial, health, clock, reportError }),
    files: staticDir === undefined ? undefined : createStaticFiles(staticDir, securityHeaders),
    spaFallback: createSpaFallback(staticDir, securityHeaders),
    metrics,
    start: discovery.start,
    stop(): void {
      health.stop();
      void streams.stop();
      keeper.tellLogouts();
    },
    async close(): Promise<void> {
      health.stop();
      discovery.close();
      await Promise.all([streams.stop(), keeper.close()]);
      presence.close();
      proxies.close();
      transport.close();
    },
  };
}

/** Undefined where nobody watches: then the keeper makes no events. */
function createObserver(
  onEvent: KeeperObserver | undefined,
  debug: boolean,
  log: Logger,
  reportError: ReportError,
): KeeperObserver | undefined {
  if (!onEvent && !debug) return undefined;
  return (event) => {
    if (debug) log.debug(event, event.type);
    try {
      onEvent?.(event);
    } catch (error) {
      // a watcher must not end the request that it watches
      reportError(error, 'onEvent threw: requests go on');
    }
  };
}
