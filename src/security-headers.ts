// helmet's headers, computed once: the same on our own answers and on proxied ones.

import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet, { type HelmetOptions } from 'helmet';
import type { Config } from './config.js';

/** Names in lower case. */
export type SecurityHeaders = ReadonlyMap<string, string>;

/**
 * What helmet sets for these options. Its headers do not depend on the request, so one run is enough; a policy made of
 * functions (nonces) belongs to the pages of the team's own app.
 *
 * @param overrides helmet options of the team, which win over ours
 */
export function computeSecurityHeaders(config: Config, overrides: HelmetOptions = {}): SecurityHeaders {
  const headers = new Map<string, string>();
  const recorder = {
    setHeader: (name: string, value: string) => headers.set(name.toLowerCase(), value),
    removeHeader: () => undefined,
  };
  /* oxlint-disable typescript/no-unsafe-type-assertion -- helmet takes request and response, and only sets headers */
  // as plain objects: to the compiler helmet's type is a union of 65,536, and a spread of two takes it 15 seconds
  const options = { ...(spaOptions(config) as object), ...(overrides as object) } as HelmetOptions;
  helmet(options)({} as IncomingMessage, recorder as unknown as ServerResponse, (error) => {
    if (error) throw error;
  });
  /* oxlint-enable typescript/no-unsafe-type-assertion */
  if (overrides.contentSecurityPolicy === undefined && config.contentSecurityPolicy !== undefined) {
    if (config.contentSecurityPolicy === 'none') headers.delete('content-security-policy');
    else headers.set('content-security-policy', config.contentSecurityPolicy);
  }
  return headers;
}

export function setHeaders(res: ServerResponse, headers: SecurityHeaders): void {
  for (const [name, value] of headers) res.setHeader(name, value);
}

/** helmet's defaults assume https everywhere, no other origin, and no popup; single-page apps with AM need a bit more. */
function spaOptions(config: Config): HelmetOptions {
  const https = config.publicUrl?.startsWith('https:') ?? false;
  const am = new URL(config.am.publicUrl).origin;
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'self'"],
        'base-uri': ["'self'"],
        'connect-src': ["'self'", am],
        'font-src': ["'self'", 'data:'],
        // browsers also hold the redirect after a posted logout against it
        'form-action': ["'self'", ...new Set([am, ...absoluteOrigins(config.postLogoutUrls)])],
        'frame-ancestors': ["'self'"],
        'img-src': ["'self'", 'data:', 'blob:'],
        'object-src': ["'none'"],
        'script-src': ["'self'"],
        'script-src-attr': ["'none'"],
        // component libraries write style elements at run time
        'style-src': ["'self'", "'unsafe-inline'"],
        // on plain http it would send every script to a port that speaks no TLS
        ...(https && { 'upgrade-insecure-requests': [] }),
      },
    },
    strictTransportSecurity: https && { maxAge: 365 * 24 * 60 * 60, includeSubDomains: false },
    // no-referrer makes browsers send Origin: null with form posts
    referrerPolicy: { policy: 'same-origin' },
    // same-origin would cut the opener of a login popup
    crossOriginOpenerPolicy: { policy: 'same-origin-allow-popups' },
  };
}

function absoluteOrigins(urls: readonly string[]): string[] {
  return urls.filter((url) => !url.startsWith('/')).map((url) => new URL(url).origin);
}
