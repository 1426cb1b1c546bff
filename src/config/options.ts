// The options of the library: what each means, its unit, and what holds without it.

/** A prefix of request paths and the upstream behind it. */
interface RouteOption {
  /** Such as `/api`, which covers `/api` and `/api/…`, never `/apixyz`. */
  readonly path: string;
  /** Such as `http://127.0.0.1:4000` or `http://files:8080/base`. */
  readonly target: string;
}

interface AmOptions {
  /** AM as this server reaches it, such as `https://am.example.com/am`. Plain http only to loopback, unless `allowHttp`. */
  readonly url: string;
  /** AM as browsers see it, when `url` is an internal address. Default: `url`. */
  readonly publicUrl?: string | undefined;
  /** `/alpha`, `alpha`, `/a/b`, or `/realms/root/realms/alpha`. Default: `/`. */
  readonly realm?: string | undefined;
  /** The SSO cookie. Default: AM is asked, again every 10 minutes. */
  readonly cookieName?: string | undefined;
  /** AM's other cookies: kept from upstreams, cleared at logout. Default: `session-jwt`, `AMAuthCookie`, `DProPCookie`. */
  readonly cookies?: readonly string[] | undefined;
  /** `ping` for AM 7 and later and Identity Cloud, `openam` for community OpenAM and Wren:AM. Default: `ping`. */
  readonly flavor?: 'ping' | 'openam' | undefined;
  /** AM's Latest Access Time Update Frequency, in seconds. Default: 60. */
  readonly updateFrequencyS?: number | undefined;
  /** How long one call of AM may take, in milliseconds. Default: 3000. */
  readonly timeoutMs?: number | undefined;
  /** AM calls in flight at most. Default: 64. */
  readonly maxConcurrency?: number | undefined;
  /** How long after AM's last confirmation a session works on while AM is away, in seconds. Default: 300. */
  readonly downGraceS?: number | undefined;
  /** Allows plain http to an AM that is not on loopback. Default: false. */
  readonly allowHttp?: boolean | undefined;
}

interface SessionOptions {
  /** Realms whose sessions are let through, without regard to case; `'*'` for any. Default: `am.realm`. */
  readonly realms?: readonly string[] | '*' | undefined;
  /** How long AM's last confirmation is good without asking again, in seconds. Default: 120. */
  readonly trustS?: number | undefined;
  /** `any`: every request but background ones is activity; `asserted`: only what the page declares. Default: `any`. */
  readonly activity?: 'any' | 'asserted' | undefined;
  /** Prefixes of paths whose requests are never activity. Default: none. */
  readonly backgroundPaths?: readonly string[] | undefined;
  /** Sessions kept in memory at most. Default: 1,000,000. */
  readonly max?: number | undefined;
}

/** All optional but `am.url`. An option that is `undefined` counts as not given. */
export interface Options {
  readonly am: AmOptions;
  readonly session?: SessionOptions | undefined;
  /** For clearing cookies at logout. Default: those of AM's `domains` that the request's host lies under. */
  readonly cookieDomains?: readonly string[] | undefined;
  /** Upstreams that need a session. Default: none. */
  readonly routes?: readonly RouteOption[] | undefined;
  /** Upstreams that need none. Default: none. */
  readonly publicRoutes?: readonly RouteOption[] | undefined;
  /** From the last byte of the request to the first of the upstream's answer, in milliseconds. Default: 30,000. */
  readonly proxyTimeoutMs?: number | undefined;
  /** Goes in front of `/session`, `/session/refresh` and `/logout`. Default: none. */
  readonly basePath?: string | undefined;
  /** Folder of the single-page app's files. Default: none. */
  readonly staticDir?: string | undefined;
  /** Origin under which browsers see the application. Default: taken from each request. */
  readonly publicUrl?: string | undefined;
  /** Where to log in. Default: `{am.publicUrl}/XUI/?realm={am.realm}`. */
  readonly loginUrl?: string | undefined;
  /** Where a logout may lead; the first is the default. Default: `/`. */
  readonly postLogoutUrls?: readonly string[] | undefined;
  /** Other origins whose form posts and sockets are accepted. Default: none. */
  readonly trustedOrigins?: readonly string[] | undefined;
  /** Proxies in front whose `X-Forwarded-*` counts: how many, or their addresses and subnets. Default: false. */
  readonly trustProxy?: false | number | readonly string[] | undefined;
  /** The whole `Content-Security-Policy`; `none` for no such header. Default: one that fits single-page apps. */
  readonly contentSecurityPolicy?: string | undefined;
  /** Shares windows and logouts between nodes. Default: none, each node for itself. */
  readonly redisUrl?: string | undefined;
  /** Address that the command listens on. Default: `127.0.0.1`. */
  readonly host?: string | undefined;
  /** Port that the command listens on; 0 for any free one. Default: 3000. */
  readonly port?: number | undefined;
  /** Address for `/metrics`. Default: `127.0.0.1`. */
  readonly adminHost?: string | undefined;
  /** Port for `/metrics`; 0 for any free one. Default: none, no metrics. */
  readonly adminPort?: number | undefined;
  /** How long requests may take to finish after SIGTERM, in seconds. Default: 10. */
  readonly shutdownTimeoutS?: number | undefined;
  /** Default: `info`. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent' | undefined;
}

/** Every option by its full name, such as `am.url` or `routes`. */
export type OptionPath =
  `am.${keyof AmOptions}` | `session.${keyof SessionOptions}` | Exclude<keyof Options, 'am' | 'session'>;
