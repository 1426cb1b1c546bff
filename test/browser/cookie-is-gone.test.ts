// After a logout the browser has none of AM's cookies left, whatever their attributes: its jar and its next request tell.

import type { BrowserContext } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { describeWith } from '../support/programs.js';
import { appHost, fetchIn, useSite } from '../support/site.js';

type Cookie = Parameters<BrowserContext['addCookies']>[0][number];

const hostOnly = { domain: appHost, path: '/' };
const ofDomain = { domain: '.example.test', path: '/' };
const ofHostAndBelow = { domain: `.${appHost}`, path: '/' };

const variants: Record<string, readonly Partial<Cookie>[]> = {
  'host-only': [hostOnly],
  'of the domain': [ofDomain],
  'host-only and of the domain at once': [hostOnly, ofDomain],
  'of three scopes at once': [hostOnly, ofDomain, ofHostAndBelow],
  'for scripts too': [{ ...ofDomain, httpOnly: false }],
  'without Secure': [{ ...ofDomain, secure: false }],
  'SameSite=Lax': [{ ...ofDomain, sameSite: 'Lax' }],
  'SameSite=Strict': [{ ...ofDomain, sameSite: 'Strict' }],
  'SameSite=None': [{ ...ofDomain, sameSite: 'None' }],
  'kept for a year': [{ ...ofDomain, expires: Math.floor(Date.now() / 1000) + 31_536_000 }],
  'of different kinds in two scopes': [
    { ...hostOnly, sameSite: 'Strict' },
    { ...ofDomain, sameSite: 'None', httpOnly: false },
  ],
};

// run in pages, as text: this side has no types of a browser
const callLogout = `void fetch('/logout', { method: 'POST' })`;
const submitLogout = `{
  document.body.innerHTML = '<form method="post" action="/logout"></form>';
  document.forms[0].submit();
}`;

const sites: readonly { cookieName: string; tls: boolean }[] = [
  { cookieName: 'iPlanetDirectoryPro', tls: true },
  { cookieName: 'iPlanetDirectoryPro', tls: false },
  { cookieName: '__Secure-sso', tls: true },
  { cookieName: '__Host-sso', tls: true },
];

describeWith(['chromium', 'openssl'], 'after a logout', () => {
  describe.each(sites)('with a cookie named $cookieName (TLS: $tls)', ({ cookieName, tls }) => {
    const { site, page, context, ssoCookie } = useSite({
      tls,
      simulator: { cookieName, cookieDomains: ['example.test', appHost] },
    });
    const isPrefixed = cookieName.startsWith('__');
    const usual = { secure: tls, httpOnly: true };
    /** The cookie header that the browser sent with its last call of the API; a page's icon may be fetched after it. */
    const sentToApi = () => site().front.asked.findLast(({ url }) => url === '/api/orders')?.headers.cookie;
    const cookieNames = async () => (await context().cookies()).map(({ name }) => name).toSorted();

    /** One session; its token in each of these cookies. */
    async function signInWith(kinds: readonly Partial<Cookie>[]): Promise<void> {
      const value = site().am.login();
      for (const kind of kinds) {
        await context().addCookies([{ ...usual, ...kind, name: cookieName, value }]);
        for (const [name, other] of [
          ['amlbcookie', '01'],
          ['session-jwt', 'x'],
        ] as const)
          await context().addCookies([{ ...usual, ...kind, name, value: other }]);
      }
      await context().addCookies([{ ...usual, ...ofDomain, name: 'theme', value: 'dark' }]);
      await page().goto(`${site().app}/start`);
      expect((await fetchIn(page(), '/api/orders')).status).toBe(200);
      expect(sentToApi()?.split(`${cookieName}=`)).toHaveLength(kinds.length + 1);
    }

    async function expectGone(): Promise<void> {
      await expect.poll(cookieNames, { timeout: 10_000 }).toEqual(['theme']);
      expect((await fetchIn(page(), '/api/orders')).status).toBe(401);
      expect(sentToApi()).toBe('theme=dark');
      expect(site().am.sessions).toEqual([]);
    }

    /** What a browser takes: with these names, and over this connection. */
    const possible = Object.entries(variants).filter(([, kinds]) =>
      kinds.every(
        ({ secure, sameSite, domain }) =>
          !(isPrefixed && secure === false) &&
          !(cookieName.startsWith('__Host-') && domain !== appHost) &&
          !(!tls && sameSite === 'None'),
      ),
    );

    it.each(possible)('none is left that was %s', async (variant, kinds) => {
      await signInWith(kinds);
      if (Object.keys(variants).indexOf(variant) % 2 === 0) await page().evaluate(callLogout);
      else {
        await page().evaluate(submitLogout);
        await page().waitForURL(`${site().app}/`);
      }
      await expectGone();
    });

    if (!isPrefixed)
      it('a copy under a path of its own, which no answer clears, lets nobody in', async () => {
        await signInWith([ofDomain, { ...ofDomain, path: '/api' }]);
        expect((await fetchIn(page(), '/logout', { method: 'POST' })).status).toBe(200);
        const { status, body } = await fetchIn(page(), '/api/orders');
        expect([status, body]).toEqual([401, expect.stringContaining('"session_ended"')]);
        expect((await ssoCookie())?.path).toBe('/api');
      });
  });
});
