// What the whole product runs on: the checked configuration.

/** One prefix in front of an upstream. */
export interface Route {
  /** Begins with `/`, does not end with one (but for `/` itself), compared by whole segments. */
  readonly path: string;
  /** Origin of the upstream, with an optional path that goes in front of the request's path. No trailing slash. */
  readonly target: string;
  /** Whether a live session is needed (`PROXY_ROUTES`) or not (`PUBLIC_ROUTES`). */
  readonly access: 'session' | 'public';
}

/** What the whole product runs on: complete, checked, frozen. */
export interface Config {
  readonly am: {
    /** Without a trailing slash: `https://am.example.com/am`. */
    readonly url: string;
    /** AM as browsers see it, without a trailing slash. */
    readonly publicUrl: string;
    /** Canonical: `/` or `/alpha/beta`. */
    readonly realm: string;
    /** Undefined: asked from AM. */
    readonly cookieName: string | undefined;
    /** AM's other cookies: kept from upstreams, cleared at logout. */
    readonly cookies: readonly string[];
    readonly flavor: 'ping' | 'openam';
    readonly updateFrequencyS: number;
    readonly timeoutMs: number;
    readonly maxConcurrency: number;
    readonly downGraceS: number;
  };
  readonly session: {
    /** Canonical realms in lower case; `*` for any. */
    readonly realms: readonly string[] | '*';
    readonly trustS: number;
    readonly activity: 'any' | 'asserted';
    readonly backgroundPaths: readonly string[];
    readonly max: number;
  };
  /** Longest path first. */
  readonly routes: readonly Route[];
  readonly proxyTimeoutMs: number;
  /** `''`, or like `/bff`. */
  readonly basePath: string;
  /** Absolute path of a folder. */
  readonly staticDir: string | undefined;
  /** An origin, `https://app.example.com`; undefined: taken from each request. */
  readonly publicUrl: string | undefined;
  /** Absolute; `goto` and `ForceAuth` are added where they are needed. */
  readonly loginUrl: string;
  /** At least one; the first is the default. */
  readonly postLogoutUrls: readonly string[];
  /** Undefined: the `domains` that AM names. */
  readonly cookieDomains: readonly string[] | undefined;
  /** Serialized origins, lower case. */
  readonly trustedOrigins: readonly string[];
  /** `false`, the number of proxies, or their addresses and subnets. */
  readonly trustProxy: false | number | readonly string[];
  /** The whole header value; `undefined`: the one that fits SPAs; `'none'`: no such header. */
  readonly contentSecurityPolicy: string | undefined;
  readonly redisUrl: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly adminHost: string;
  readonly adminPort: number | undefined;
  readonly shutdownTimeoutS: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}
