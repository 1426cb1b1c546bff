// The headers of one route, towards its upstream and back: the same for requests and for upgrades.

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { SsoCookie } from '../am/sso-cookie.js';
import type { Config, Route } from '../config.js';
import { cookiesOfAm } from '../cookie.js';
import type { Forwarded } from '../forwarded.js';
import { rememberLast } from '../remember.js';
import type { SecurityHeaders } from '../security-headers.js';
import type { Admitted } from '../session.js';
import { createRequestHeaders } from './request-headers.js';
import { createResponseHeaders } from './response-headers.js';

export interface RouteHeaders {
  /** For the upstream; the request keeps its own. `admitted` is undefined on public routes: no identity is sent. */
  towards(
    req: IncomingMessage,
    requestId: string,
    admitted: Admitted | undefined,
    isUpgrade?: boolean,
  ): IncomingHttpHeaders;
  /** For the browser: a flat list of names and values. */
  back(answer: IncomingMessage, req: IncomingMessage, requestId: string): string[];
}

export interface RouteHeadersOptions {
  readonly config: Config;
  readonly route: Route;
  readonly cookie: SsoCookie;
  readonly forwarded: Forwarded;
  readonly securityHeaders: SecurityHeaders;
}

export function createRouteHeaders(options: RouteHeadersOptions): RouteHeaders {
  const { config, route, cookie, forwarded, securityHeaders } = options;
  const targetHost = new URL(route.target).host;
  const protectedCookies = rememberLast((names: ReadonlySet<string>) => cookiesOfAm(names, config.am.cookies));
  const requestHeaders = createRequestHeaders({ amCookies: config.am.cookies, forwarded });
  const responseHeaders = createResponseHeaders({
    route,
    trustedOrigins: config.trustedOrigins,
    securityHeaders,
    cookieNames: () => protectedCookies(cookie.names),
  });

  return {
    towards: (req, requestId, admitted, isUpgrade = false) =>
      requestHeaders(req, { targetHost, cookieNames: cookie.names, session: admitted?.session, requestId, isUpgrade }),
    back: responseHeaders,
  };
}
