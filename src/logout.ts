// /logout: the session ends here at once, AM is told, the cookies go, whatever state AM is in.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SsoCookie } from './am/sso-cookie.js';
import { isNavigation, isPageLoad, isPrefetch } from './activity.js';
import type { Config } from './config.js';
import { clearingFromAm, cookiesOfAm } from './cookie.js';
import type { Denial } from './denial.js';
import type { Logout } from './keeper/endings.js';
import type { LogoutOutcome } from './keeper/events.js';
import type { Keeper } from './keeper/keeper.js';
import { logoutPage } from './logout-page.js';
import { sendProblem } from './problem.js';
import type { SessionJudge } from './session.js';

export interface LogoutOptions {
  readonly config: Config;
  readonly cookie: SsoCookie;
  readonly keeper: Keeper;
  readonly judge: SessionJudge;
  readonly denial: Denial;
}

/** Worst first: what a logout of several sessions reports. */
const worstFirst: readonly LogoutOutcome[] = ['refused', 'unqueueable', 'pending', 'ended', 'already-ended'];

export function createLogout({ config, cookie, keeper, judge, denial }: LogoutOptions) {
  const [defaultTarget = '/'] = config.postLogoutUrls;

  /** Only what is listed, letter by letter: anything else would be an open redirect. */
  function target(req: IncomingMessage): string {
    const goto = gotoOf(req);
    return goto !== null && config.postLogoutUrls.includes(goto) ? goto : defaultTarget;
  }

  function clear(req: IncomingMessage, res: ServerResponse, ends: readonly Logout[]): void {
    const names = cookiesOfAm(cookie.names, config.am.cookies);
    const fromAm = ends.flatMap(({ setCookies }) => clearingFromAm(setCookies, names));
    res.appendHeader('set-cookie', [...denial.clearing(req, names), ...new Set(fromAm)]);
    res.setHeader('clear-site-data', '"cache"');
    res.setHeader('cache-control', 'no-store');
  }

  async function end(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const credentials = judge.credentials(req);
    // AM has never answered: not even the cookie's name is known
    if (!credentials) return sendProblem(res, 'am_unavailable', { retryAfterS: 1 });

    const client = judge.client(req);
    const ends = await Promise.all(credentials.map((credential) => keeper.end(credential, client)));
    const outcome = worstFirst.find((each) => ends.some((ended) => ended.outcome === each));
    clear(req, res, ends);
    if (outcome === 'refused') return sendProblem(res, 'am_refused');
    if (outcome === 'unqueueable') return sendProblem(res, 'am_unavailable', { retryAfterS: 1 });
    if (isPageLoad(req)) {
      res.statusCode = 303;
      res.setHeader('location', target(req));
      res.setHeader('content-length', 0);
      res.end();
      return;
    }
    const body = JSON.stringify({ result: 'Successfully logged out', am: outcome ?? 'no-session' });
    res.statusCode = outcome === 'pending' ? 202 : 200;
    res.setHeader('content-type', 'application/json; charset=utf-8');
    res.end(body);
  }

  /** The whole route; the origin of a POST was checked before. */
  return async function logout(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method === 'POST') return end(req, res);
    const wanted = isNavigation(req) && !isPrefetch(req);
    if (wanted && req.headers['sec-fetch-site'] === 'same-origin' && req.headers['sec-fetch-mode'] === 'navigate')
      return end(req, res);
    // a link in a mail or an image in the app's own content must not end anything
    if (!wanted) return sendProblem(res, 'method_not_allowed', { allow: 'POST' });
    const goto = target(req);
    res.statusCode = 200;
    res.setHeader('content-type', 'text/html; charset=utf-8');
    res.setHeader('cache-control', 'no-store');
    res.end(logoutPage(`${config.basePath}/logout`, goto === defaultTarget ? undefined : goto));
  };
}

function gotoOf(req: IncomingMessage): string | null {
  const url = req.url ?? '';
  const query = url.indexOf('?');
  return query === -1 ? null : new URLSearchParams(url.slice(query + 1)).get('goto');
}
