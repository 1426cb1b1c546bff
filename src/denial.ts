// How a request without a usable session is answered: a problem for fetch, the login page for navigations.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SsoCookie } from './am/sso-cookie.js';
import { isNavigation } from './activity.js';
import type { Config } from './config.js';
import { clearingCookies, domainsFor } from './cookie.js';
import type { Forwarded } from './forwarded.js';
import { noteProblem, problemStatus, sendProblem } from './problem.js';
import type { Denied } from './session.js';

export interface Denial {
  /** Answers; a dead cookie is cleared in answers to navigations only: a late 401 to a fetch could wipe a new login. */
  deny(req: IncomingMessage, res: ServerResponse, denied: Denied): void;
  /** The session ended while the upstream owed the answer. The cookie may be that of a new login by now: it stays. */
  denyLate(req: IncomingMessage, res: ServerResponse, code: 'session_ended' | 'session_expired'): void;
  /** `Set-Cookie` lines that clear these cookies wherever the browser may have them. */
  clearing(req: IncomingMessage, names: Iterable<string>): string[];
}

export interface DenialOptions {
  readonly config: Config;
  readonly cookie: SsoCookie;
  readonly forwarded: Forwarded;
}

export function createDenial({ config, cookie, forwarded }: DenialOptions): Denial {
  function clearing(req: IncomingMessage, names: Iterable<string>): string[] {
    const host = forwarded.host(req);
    return clearingCookies({
      names,
      domains: config.cookieDomains ?? domainsFor(host, cookie.domains),
      secure: forwarded.publicOrigin(req, config.publicUrl).startsWith('https:'),
    });
  }

  /** AM sends the browser back to `goto` after the login. */
  function loginLocation(req: IncomingMessage, forceAuth: boolean): string {
    const url = new URL(config.loginUrl);
    url.searchParams.set('goto', forwarded.publicOrigin(req, config.publicUrl) + requestedUrl(req));
    if (forceAuth) url.searchParams.set('ForceAuth', 'true');
    return url.href;
  }

  function deny(req: IncomingMessage, res: ServerResponse, denied: Denied): void {
    const { code, isOver, forceAuth, retryAfterS } = denied;
    const loginUrl = problemStatus(code) === 401 || code === 'session_wrong_realm' ? config.loginUrl : undefined;
    if (problemStatus(code) === 401 && isNavigation(req)) {
      noteProblem(res, code);
      if (isOver) res.appendHeader('set-cookie', clearing(req, cookie.names));
      res.statusCode = 302;
      res.setHeader('location', loginLocation(req, forceAuth));
      res.setHeader('cache-control', 'no-store');
      res.setHeader('content-length', 0);
      res.end();
      return;
    }
    sendProblem(res, code, {
      ...(loginUrl !== undefined && { loginUrl }),
      ...(retryAfterS !== undefined && { retryAfterS }),
    });
  }

  return {
    clearing,
    deny,
    denyLate: (req, res, code) =>
      deny(req, res, { kind: 'denied', code, isOver: false, forceAuth: code === 'session_ended' }),
  };
}

/** As the browser sent it: Express cuts `url` down to what lies under the path that a handler is mounted at. */
function requestedUrl(req: IncomingMessage): string {
  return 'originalUrl' in req && typeof req.originalUrl === 'string' ? req.originalUrl : (req.url ?? '/');
}
