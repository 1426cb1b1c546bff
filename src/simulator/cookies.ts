// AM's cookies: read from a request, set at login, cleared at logout.

import type { Flavor } from './sessions.js';

export interface CookieOptions {
  readonly flavor: Flavor;
  /** Empty: host-only cookies, as AM sets them without configured domains. */
  readonly cookieDomains: readonly string[];
  readonly cookieSecure: boolean;
}

const LOAD_BALANCER = 'amlbcookie';

/** The first cookie of that name, its quotes removed; undefined if there is none or it is empty. AM asks no second one. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at === -1 || pair.slice(0, at).trim() !== name) continue;
    const value = pair
      .slice(at + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1');
    return value === '' ? undefined : value;
  }
  return undefined;
}

export type Cookies = ReturnType<typeof createCookies>;

export function createCookies({ flavor, cookieDomains, cookieSecure }: CookieOptions) {
  const secure = cookieSecure ? '; Secure' : '';
  const httpOnly = flavor === 'ping' ? '; HttpOnly' : '';
  const perDomain = (start: string, end: string): string[] =>
    (cookieDomains.length === 0 ? [''] : cookieDomains.map((domain) => `; Domain=${domain}`)).map(
      (domain) => `${start}; Path=/${domain}${end}`,
    );

  return {
    /** OpenAM also ends the cookie that held the login itself. */
    login: (cookieName: string, token: string): string[] => [
      ...perDomain(`${cookieName}=${token}`, secure + httpOnly),
      ...perDomain(`${LOAD_BALANCER}=01`, secure),
      ...(flavor === 'openam'
        ? perDomain('AMAuthCookie=LOGOUT; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:10 GMT', secure)
        : []),
    ],
    /** Two literal quotes as the value, as captured from an AM 7. OpenAM clears nothing (measured). */
    logout: (cookieName: string): string[] =>
      flavor === 'openam'
        ? []
        : [
            ...perDomain(`${cookieName}=""; Expires=Thu, 01 Jan 1970 00:00:00 GMT`, `${secure}; HttpOnly`),
            ...perDomain(`${LOAD_BALANCER}=LOGOUT; Expires=Thu, 01 Jan 1970 00:00:10 GMT`, secure),
          ],
  };
}
