// Checked values in, the Config that everything runs on out: derived defaults filled in, deeply frozen.

import type { Config, Route } from './types.js';
import type { Values } from './settings.js';

/** Defaults that depend on other settings. */
export function derivedDefaults(am: { url: string; publicUrl: string; realm: string }): {
  AM_PUBLIC_URL: string;
  SESSION_REALMS: readonly string[];
  LOGIN_URL: string;
} {
  return {
    AM_PUBLIC_URL: am.url,
    SESSION_REALMS: [am.realm.toLowerCase()],
    // A slash may stand in a query (RFC 3986 3.4), and AM's own documentation writes `?realm=/alpha`.
    LOGIN_URL: `${am.publicUrl}/XUI/?realm=${encodeURIComponent(am.realm).replaceAll('%2F', '/')}`,
  };
}

export function assemble(values: Values): Config {
  const am = { url: values.AM_URL, publicUrl: values.AM_PUBLIC_URL ?? values.AM_URL, realm: values.AM_REALM };
  const derived = derivedDefaults(am);
  return deepFreeze({
    am: {
      ...am,
      cookieName: values.AM_COOKIE_NAME,
      cookies: values.AM_COOKIES,
      flavor: values.AM_FLAVOR,
      updateFrequencyS: values.AM_UPDATE_FREQUENCY_S,
      timeoutMs: values.AM_TIMEOUT_MS,
      maxConcurrency: values.AM_MAX_CONCURRENCY,
      downGraceS: values.AM_DOWN_GRACE_S,
    },
    session: {
      realms: values.SESSION_REALMS ?? derived.SESSION_REALMS,
      trustS: values.SESSION_TRUST_S,
      activity: values.SESSION_ACTIVITY,
      backgroundPaths: values.BACKGROUND_PATHS,
      max: values.SESSIONS_MAX,
    },
    routes: allRoutes(values),
    proxyTimeoutMs: values.PROXY_TIMEOUT_MS,
    basePath: values.BASE_PATH ?? '',
    staticDir: values.STATIC_DIR,
    publicUrl: values.PUBLIC_URL,
    loginUrl: values.LOGIN_URL ?? derived.LOGIN_URL,
    postLogoutUrls: values.POST_LOGOUT_URLS,
    cookieDomains: values.COOKIE_DOMAINS,
    trustedOrigins: values.TRUSTED_ORIGINS,
    trustProxy: values.TRUST_PROXY,
    contentSecurityPolicy: values.CONTENT_SECURITY_POLICY,
    redisUrl: values.REDIS_URL,
    host: values.HOST,
    port: values.PORT,
    adminHost: values.ADMIN_HOST,
    adminPort: values.ADMIN_PORT,
    shutdownTimeoutS: values.SHUTDOWN_TIMEOUT_S,
    logLevel: values.LOG_LEVEL,
  });
}

/** The first that covers a path is the one with the longest prefix. */
function allRoutes({ PROXY_ROUTES, PUBLIC_ROUTES }: Values): readonly Route[] {
  const routes: Route[] = [
    ...PROXY_ROUTES.map((route) => ({ ...route, access: 'session' as const })),
    ...PUBLIC_ROUTES.map((route) => ({ ...route, access: 'public' as const })),
  ];
  return routes.toSorted((a, b) => b.path.length - a.path.length);
}

function deepFreeze<T extends object>(value: T): T {
  const parts: unknown[] = Object.values(value);
  for (const part of parts) {
    if (typeof part === 'object' && part !== null) deepFreeze(part);
  }
  return Object.freeze(value);
}
