// Signing in at AM by hand, and coming back to the page that was asked for, in a real browser.

import { expect, it } from 'vitest';
import { describeWith } from '../support/programs.js';
import { amHost, fetchIn, useSite } from '../support/site.js';

describeWith(['chromium', 'openssl'], 'signing in', () => {
  const { site, page, newPage, signIn, fillIn, ssoCookie } = useSite();

  it('whoever asks for a page without a session is shown the login, and then that page, query and all', async () => {
    const path = '/api/orders?year=2026&sort=a%26b%20c';
    await page().goto(site().app + path);
    expect(new URL(page().url()).host).toBe(new URL(site().sso).host);
    expect(await page().title()).toBe('Sign in');
    expect(site().upstream.seen).toEqual([]);
    await fillIn();
    await page().waitForURL(site().app + path);
    expect(site().upstream.seen.map(({ url }) => url)).toEqual([path]);
    expect(site().upstream.seen[0]?.headers).toMatchObject({ 'x-forwarded-user': 'demo', 'x-forwarded-realm': '/' });
  });

  it('the cookie is HttpOnly and Secure, for the whole domain', async () => {
    await signIn();
    expect(await ssoCookie()).toMatchObject({ domain: '.example.test', path: '/', httpOnly: true, secure: true });
    expect(await page().evaluate('document.cookie')).not.toContain(site().am.cookieName);
  });

  it('the page works with the API: reads, writes and uploads', async () => {
    await signIn();
    const answer = await fetchIn(page(), '/api/orders?page=2');
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ method: 'GET', url: '/api/orders?page=2' });
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const { status, body } = await fetchIn(page(), '/api/orders', { method, body: 'ä text' });
      expect(status).toBe(200);
      expect(JSON.parse(body)).toMatchObject({ method, body: 'ä text' });
    }
    const size = await page().evaluate(
      `fetch('/api/files', { method: 'POST', body: new Blob([new Uint8Array(1e6)]) }).then((answer) => answer.text())`,
    );
    expect(String(size)).toContain('"content-length":"1000000"');
  });

  it('a single-page app that gets a 401 knows where to send its user, and how he comes back', async () => {
    await page().goto(`${site().app}/`);
    const { status, body } = await fetchIn(page(), '/api/orders');
    expect(status).toBe(401);
    const problem = JSON.parse(body) as Record<string, unknown>;
    expect(problem).toMatchObject({ code: 'session_missing' });
    await page().evaluate(`{
      const login = new URL(${JSON.stringify(problem['loginUrl'])});
      login.searchParams.set('goto', ${JSON.stringify(`${site().app}/deep/link?tab=2#part`)});
      location.assign(login);
    }`);
    await page().waitForSelector('#username');
    await fillIn();
    await page().waitForURL(`${site().app}/deep/link?tab=2#part`);
    expect(await page().title()).toBe('the app');
    expect(JSON.parse((await fetchIn(page(), '/session')).body)).toMatchObject({ authenticated: true });
  });

  it('a wrong password opens nothing', async () => {
    await page().goto(`${site().app}/api/page`);
    await fillIn(page(), 'demo', 'wrong');
    await page().waitForSelector('#error');
    expect(await ssoCookie()).toBeUndefined();
    expect(
      await page()
        .goto(`${site().app}/api/page`)
        .then(() => page().url()),
    ).toContain(amHost);
    expect(site().upstream.seen).toEqual([]);
  });

  it('who is signed in at AM already is not asked again, nor in another tab', async () => {
    await page().goto(`${site().sso}/am/XUI/`);
    await fillIn();
    await page().waitForURL('**/am/XUI/?realm=*');
    const tab = await newPage();
    await tab.goto(`${site().app}/api/page`);
    expect(tab.url()).toBe(`${site().app}/api/page`);
    expect(site().front.asked.filter(({ host, method }) => host === amHost && method === 'POST')).toHaveLength(1);
  });
});
