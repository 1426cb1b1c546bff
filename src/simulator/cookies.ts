// AM's cookies: read from a request, set at login, cleared at logout.

import type { Flavor } from './sessions.js';

export interface CookieOptions {
  readonly flavor: Flavor;
  /** Empty: host-only cookies, as AM sets them without configured domains. */
  readonly cookieDomains: readonly string[];
  readonly cookieSecure: boolean;
}

const LOAD_BALANCER = 'amlbcookie';
const GONE = 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:10 GMT';

/**
 * The first cookie of that name, its quotes removed; undefined if there is none or it is empty. AM asks no second one.
 * OpenAM compares names of cookies without case (measured).
 */
export function readCookie(header: string | undefined, name: string, flavor: Flavor): string | undefined {
  const fold = (text: string): string => (flavor === 'openam' ? text.toLowerCase() : text);
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at === -1 || fold(pair.slice(0, at).trim()) !== fold(name)) continue;
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
    (cookieDomains.length === 0 ? [''] : cookieDomains.map((domain) => `; Domain=${domain}`)).map((domain) =>
      flavor === 'openam' ? `${start}${domain}; Path=/${end}` : `${start}; Path=/${domain}${end}`,
    );

  return {
    /** The cookie that holds a login until it is done. */
    begin: (authToken: string): string[] =>
      flavor === 'openam'
        ? [...perDomain(`AMAuthCookie=${authToken}`, secure), ...perDomain(`${LOAD_BALANCER}=01`, secure)]
        : [],
    /** What a login leaves that came too late. */
    late: (cookieName: string): string[] =>
      flavor === 'openam'
        ? [...perDomain(`${cookieName}=; ${GONE}`, secure), ...perDomain(`${LOAD_BALANCER}=LOGOUT; ${GONE}`, secure)]
        : [],
    /** OpenAM also ends the cookie that held the login itself. */
    login: (cookieName: string, token: string): string[] => [
      ...perDomain(`${cookieName}=${token}`, secure + httpOnly),
      ...perDomain(`${LOAD_BALANCER}=01`, secure),
      ...(flavor === 'openam' ? perDomain(`AMAuthCookie=LOGOUT; ${GONE}`, secure) : []),
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
