// The table of all settings: environment, options, .env.example, the documentation and `check` all follow it.

import type { OptionPath } from './options.js';
import { cookieDomain, cookieName, flag, folder, headerValue, listenHost, listOf } from './parsers.js';
import { numberFrom, oneOf, wholeFrom, type Parser } from './parsers.js';
import { basePath, pathPrefix, routes } from './paths.js';
import { realm, realms } from './realm.js';
import { trustProxy } from './trust-proxy.js';
import { baseUrl, loginUrl, origin, postLogoutUrl, redisUrl } from './urls.js';

export interface Setting {
  readonly group: 'AM' | 'Sessions' | 'Routes and files' | 'Browsers' | 'Server';
  /** Full name of the option. */
  readonly option: OptionPath;
  readonly parser: Parser<unknown>;
  /** As one would write it in the environment. */
  readonly default?: string;
  /** What holds without a value, where there is no fixed default. */
  readonly unset?: string;
  readonly required?: true;
  /** Never shown whole. */
  readonly secret?: true;
  /** One line for the reader of the documentation. */
  readonly about: string;
}

// Timers of Node hold 2^31 ms, and several of these are added up: a day, or a week at most, keeps far from it.
const DAY_S = 24 * 60 * 60;
const WEEK_S = 7 * DAY_S;
const DAY_MS = DAY_S * 1000;
const PORT = wholeFrom(0, 65_535);

const settings = {
  AM_URL: {
    group: 'AM',
    option: 'am.url',
    parser: baseUrl,
    required: true,
    about: 'AM as this server reaches it, such as `https://am.example.com/am`; plain http only to loopback',
  },
  AM_PUBLIC_URL: {
    group: 'AM',
    option: 'am.publicUrl',
    parser: baseUrl,
    unset: '`AM_URL`',
    about: 'AM as browsers see it, when `AM_URL` is an internal address: `Host` towards AM, base of `LOGIN_URL`',
  },
  AM_REALM: {
    group: 'AM',
    option: 'am.realm',
    parser: realm,
    default: '/',
    about: 'Realm to log in to and to ask AM in: `/alpha`, `alpha`, `/a/b` or `/realms/root/realms/alpha`',
  },
  AM_COOKIE_NAME: {
    group: 'AM',
    option: 'am.cookieName',
    parser: cookieName,
    unset: 'asked from AM, again every 10 min',
    about: 'Name of the SSO cookie',
  },
  AM_COOKIES: {
    group: 'AM',
    option: 'am.cookies',
    parser: listOf(cookieName, 'names of cookies'),
    default: 'session-jwt,AMAuthCookie,DProPCookie',
    about: "AM's other cookies, kept from upstreams and cleared at logout; `none` for no others",
  },
  AM_FLAVOR: {
    group: 'AM',
    option: 'am.flavor',
    parser: oneOf('ping', 'openam'),
    default: 'ping',
    about: '`ping` for AM 7 and later and Identity Cloud, `openam` for community OpenAM and Wren:AM',
  },
  AM_UPDATE_FREQUENCY_S: {
    group: 'AM',
    option: 'am.updateFrequencyS',
    parser: numberFrom(0.1, DAY_S),
    default: '60',
    about: "AM's Latest Access Time Update Frequency, in seconds: set what AM has",
  },
  AM_TIMEOUT_MS: {
    group: 'AM',
    option: 'am.timeoutMs',
    parser: wholeFrom(1, 600_000),
    default: '3000',
    about: 'How long one call of AM may take, in milliseconds',
  },
  AM_MAX_CONCURRENCY: {
    group: 'AM',
    option: 'am.maxConcurrency',
    parser: wholeFrom(1, 10_000),
    default: '64',
    about: 'AM calls in flight at most',
  },
  AM_DOWN_GRACE_S: {
    group: 'AM',
    option: 'am.downGraceS',
    parser: numberFrom(0, WEEK_S),
    default: '300',
    about: "How long after AM's last confirmation a session works on while AM is away, in seconds; 0 for not at all",
  },
  AM_ALLOW_HTTP: {
    group: 'AM',
    option: 'am.allowHttp',
    parser: flag,
    default: 'false',
    about: 'Allows plain http to an AM that is not on loopback: tokens then travel for all to read',
  },
  SESSION_REALMS: {
    group: 'Sessions',
    option: 'session.realms',
    parser: realms,
    unset: '`AM_REALM`',
    about: 'Realms whose sessions are let through, comma-separated, without regard to case; `*` for any',
  },
  SESSION_TRUST_S: {
    group: 'Sessions',
    option: 'session.trustS',
    parser: numberFrom(0, DAY_S),
    default: '120',
    about: "How long AM's last confirmation of a session is good without asking again, in seconds",
  },
  SESSION_ACTIVITY: {
    group: 'Sessions',
    option: 'session.activity',
    parser: oneOf('any', 'asserted'),
    default: 'any',
    about: '`any`: all requests but background ones are activity; `asserted`: only what the page declares',
  },
  BACKGROUND_PATHS: {
    group: 'Sessions',
    option: 'session.backgroundPaths',
    parser: listOf(pathPrefix, 'prefixes of paths such as /api/poll'),
    default: 'none',
    about: 'Prefixes of paths whose requests are never activity, comma-separated',
  },
  SESSIONS_MAX: {
    group: 'Sessions',
    option: 'session.max',
    // A Map of V8 holds 2^24 entries.
    parser: wholeFrom(1, 16_000_000),
    default: '1000000',
    about: 'Sessions kept in memory at most',
  },
  COOKIE_DOMAINS: {
    group: 'Sessions',
    option: 'cookieDomains',
    parser: listOf(cookieDomain, 'host names such as example.com'),
    unset: "those of AM's `domains` that the request's host lies under",
    about: 'Domains for which cookies are cleared at logout, comma-separated; `none` for host-only cookies',
  },
  PROXY_ROUTES: {
    group: 'Routes and files',
    option: 'routes',
    parser: routes,
    default: 'none',
    about: 'APIs that need a session: `/api=http://127.0.0.1:4000,/files=http://files:8080/base`',
  },
  PUBLIC_ROUTES: {
    group: 'Routes and files',
    option: 'publicRoutes',
    parser: routes,
    default: 'none',
    about: 'The same for APIs that need no session',
  },
  PROXY_TIMEOUT_MS: {
    group: 'Routes and files',
    option: 'proxyTimeoutMs',
    parser: wholeFrom(1, DAY_MS),
    default: '30000',
    about: "From the last byte of the request to the first of the upstream's answer, in milliseconds",
  },
  BASE_PATH: {
    group: 'Routes and files',
    option: 'basePath',
    parser: basePath,
    unset: 'none',
    about: 'Goes in front of `/session`, `/session/refresh` and `/logout`',
  },
  STATIC_DIR: {
    group: 'Routes and files',
    option: 'staticDir',
    parser: folder,
    unset: 'none',
    about: "Folder of the single-page app's files, which need no session",
  },
  PUBLIC_URL: {
    group: 'Browsers',
    option: 'publicUrl',
    parser: origin,
    unset: 'taken from each request',
    about: 'Origin under which browsers see the application, such as `https://app.example.com`',
  },
  LOGIN_URL: {
    group: 'Browsers',
    option: 'loginUrl',
    parser: loginUrl,
    unset: '`{AM_PUBLIC_URL}/XUI/?realm={AM_REALM}`',
    about: 'Where to log in; `goto` is added to its query',
  },
  POST_LOGOUT_URLS: {
    group: 'Browsers',
    option: 'postLogoutUrls',
    parser: {
      ...listOf(postLogoutUrl, ''),
      accepts: 'absolute URLs, or paths that begin with exactly one /, separated by commas',
    },
    default: '/',
    about: 'Where `/logout?goto=` may lead, comma-separated and to the letter; the first is the default',
  },
  TRUSTED_ORIGINS: {
    group: 'Browsers',
    option: 'trustedOrigins',
    parser: listOf(origin, 'origins such as https://app.example.com'),
    default: 'none',
    about: 'Other origins whose form posts and sockets are accepted, comma-separated (no CORS)',
  },
  TRUST_PROXY: {
    group: 'Browsers',
    option: 'trustProxy',
    parser: trustProxy,
    default: 'false',
    about: 'Proxies in front whose `X-Forwarded-*` counts: how many, or their addresses and subnets',
  },
  CONTENT_SECURITY_POLICY: {
    group: 'Browsers',
    option: 'contentSecurityPolicy',
    parser: headerValue,
    unset: 'one that fits single-page apps',
    about: 'The whole `Content-Security-Policy`; `none` for no such header',
  },
  REDIS_URL: {
    group: 'Server',
    option: 'redisUrl',
    parser: redisUrl,
    secret: true,
    unset: 'none, each node for itself',
    about: 'Shares refresh windows and logouts between nodes: `redis://` or `rediss://`',
  },
  HOST: {
    group: 'Server',
    option: 'host',
    parser: listenHost,
    default: '127.0.0.1',
    about: 'Address to listen on; `0.0.0.0` or `::` for all',
  },
  PORT: { group: 'Server', option: 'port', parser: PORT, default: '3000', about: 'Port; 0 for any free one' },
  ADMIN_HOST: {
    group: 'Server',
    option: 'adminHost',
    parser: listenHost,
    default: '127.0.0.1',
    about: 'Address for `/metrics`',
  },
  ADMIN_PORT: {
    group: 'Server',
    option: 'adminPort',
    parser: PORT,
    unset: 'none, no metrics',
    about: 'Port for `/metrics`; 0 for any free one',
  },
  SHUTDOWN_TIMEOUT_S: {
    group: 'Server',
    option: 'shutdownTimeoutS',
    parser: numberFrom(0, 3600),
    default: '10',
    about: 'How long requests may take to finish after SIGTERM, in seconds',
  },
  LOG_LEVEL: {
    group: 'Server',
    option: 'logLevel',
    parser: oneOf('debug', 'info', 'warn', 'error', 'silent'),
    default: 'info',
    about: '`debug`, `info`, `warn`, `error` or `silent`',
  },
} satisfies Record<string, Setting>;

export type Variable = keyof typeof settings;

type ValueOf<S> = S extends { parser: Parser<infer T> }
  ? S extends { default: string } | { required: true }
    ? T
    : T | undefined
  : never;

/** The value of every setting: given, or its fixed default, or undefined. */
export type Values = { readonly [V in Variable]: ValueOf<(typeof settings)[V]> };

export function isVariable(name: string): name is Variable {
  return Object.hasOwn(settings, name);
}

export const variables: readonly Variable[] = Object.keys(settings).filter(isVariable);

/** The row of a variable, typed for code that treats all rows alike. */
export function settingOf(variable: Variable): Setting {
  return settings[variable];
}
