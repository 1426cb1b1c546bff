// What a session proxy is made of, put together once at start.

import type { ServerResponse } from 'node:http';
import type { HelmetOptions } from 'helmet';
import { createActivityCheck } from './activity.js';
import { createAmClient } from './am/client.js';
import { createDiscovery } from './am/discovery.js';
import { createPresence } from './am/presence.js';
import { createSsoCookie } from './am/sso-cookie.js';
import { createHttpTransport, type AmTransport } from './am/transport.js';
import { systemClock, type Clock } from './clock.js';
import { parseConfig, type Options } from './config.js';
import { createDenial } from './denial.js';
import { createForwarded } from './forwarded.js';
import { createHealth } from './health.js';
import type { KeeperObserver } from './keeper/events.js';
import { createKeeper } from './keeper/keeper.js';
import { createLogger, type Logger } from './ops/log.js';
import { createOriginCheck } from './origin.js';
import { createProxies } from './proxy/routes.js';
import { createRealmCheck } from './realm-check.js';
import { createRoutes } from './routes.js';
import { computeSecurityHeaders, setHeaders } from './security-headers.js';
import { createSessionJudge } from './session.js';
import { createSpaFallback, createStaticFiles } from './static-files.js';
import { createRouter } from './target.js';

/** Everything of the configuration, and the seams. */
export interface SessionProxyOptions extends Options {
  /** Default: JSON lines on stdout at `logLevel`. */
  readonly logger?: Logger | undefined;
  /** Options of helmet, which win over ours. */
  readonly helmet?: HelmetOptions | undefined;
  /** Told of each decision about a session and each AM call; what it throws is logged and goes no further. */
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

export type Parts = ReturnType<typeof createParts>;

/** @throws ConfigError (`ERR_CONFIG`) with every mistake in the options */
export function createParts(options: SessionProxyOptions) {
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
    observe: options.onEvent && shielded(options.onEvent, log),
  });

  const forwarded = createForwarded(config);
  const judge = createSessionJudge({ keeper, cookie, forwarded, clock, log });
  const denial = createDenial({ config, cookie, forwarded });
  const health = createHealth(
    () => discovery.complete,
    () => presence.state,
  );
  const securityHeaders = computeSecurityHeaders(config, options.helmet);
  const { staticDir } = config;

  /** Sets what every answer of our own carries. */
  function prepare(res: ServerResponse, requestId: string): void {
    setHeaders(res, securityHeaders);
    res.setHeader('x-request-id', requestId);
  }
  const proxies = createProxies({ config, cookie, forwarded, securityHeaders, prepare, clock, log });

  return {
    config,
    clock,
    log,
    cookie,
    judge,
    denial,
    health,
    securityHeaders,
    prepare,
    proxies,
    findRoute: createRouter(config.routes),
    checkOrigin: createOriginCheck({ ...config, requestHost: forwarded.host }),
    isActivity: createActivityCheck(config.session),
    ownRoutes: createRoutes({ config, cookie, keeper, judge, denial, health, clock, log }),
    files: staticDir === undefined ? undefined : createStaticFiles(staticDir, securityHeaders),
    spaFallback: createSpaFallback(staticDir, securityHeaders),
    start: discovery.start,
    async close(): Promise<void> {
      health.stop();
      discovery.close();
      await keeper.close();
      proxies.close();
      transport.close();
    },
  };
}

/** A watcher must not end the request that it watches. */
function shielded(observe: KeeperObserver, log: Logger): KeeperObserver {
  return (event) => {
    try {
      observe(event);
    } catch (error) {
      log.error({ error: error instanceof Error ? error.message : 'unknown' }, 'onEvent failed');
    }
  };
}
