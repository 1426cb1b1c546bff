// What users see whose session has ended because they were idle: 401 for the page's calls, then the login, then their page.

import { expect, it } from 'vitest';
import { describeWith } from '../support/programs.js';
import { amHost, fetchIn, useSite } from '../support/site.js';

const idleS = 31 * 60;

describeWith(['chromium', 'openssl'], 'a session that was idle for too long', () => {
  const { site, page, newPage, signIn, fillIn, ssoCookie } = useSite({ proxy: { session: { trustS: 0 } } });

  it("ends in a 401 as JSON for the page's calls, which leaves the cookie alone", async () => {
    await signIn();
    expect((await fetchIn(page(), '/api/orders')).status).toBe(200);
    site().am.advance(idleS);
    for (const init of [{}, { method: 'POST' }, { headers: { accept: 'text/html' } }]) {
      const { status, body } = await fetchIn(page(), '/api/orders', init);
      expect(status).toBe(401);
      expect(JSON.parse(body)).toMatchObject({ code: 'session_expired', loginUrl: `${site().sso}/am/XUI/?realm=/` });
    }
    expect(site().upstream.seen).toHaveLength(1);
    expect(await ssoCookie()).toBeDefined();
    expect(JSON.parse((await fetchIn(page(), '/session')).body)).toMatchObject({
      authenticated: false,
      reason: 'session_expired',
    });
    // here nothing that was asked before can be late
    expect(await ssoCookie()).toBeUndefined();
  });

  it('ends in the login page at the next navigation, and from there back at the page that was wanted', async () => {
    const path = '/api/report?month=11&of=a%2Bb';
    await signIn('/api/page');
    site().am.advance(idleS);
    await page().evaluate(`{
      document.body.innerHTML = '<a href="${path}">report</a>';
      document.querySelector('a').click();
    }`);
    await page().waitForSelector('#username');
    expect(new URL(page().url()).hostname).toBe(amHost);
    expect(new URL(page().url()).searchParams.get('goto')).toBe(site().app + path);
    expect(await ssoCookie()).toBeUndefined();
    expect(site().upstream.seen.map(({ url }) => url)).toEqual(['/api/page']);
    await fillIn();
    await page().waitForURL(site().app + path);
    expect(site().upstream.seen.map(({ url }) => url)).toEqual(['/api/page', path]);
    expect((await fetchIn(page(), '/api/orders')).status).toBe(200);
  });

  it('a form that is sent too late reaches nobody', async () => {
    await signIn('/api/page');
    site().am.advance(idleS);
    await page().evaluate(`{
      document.body.innerHTML = '<form method="post" action="/api/orders"><input name="order" value="1"></form>';
      document.forms[0].submit();
    }`);
    await page().waitForURL('**/api/orders');
    expect(await page().content()).toContain('session_expired');
    expect(site().upstream.seen.map(({ method }) => method)).toEqual(['GET']);
  });

  it('a 401 that comes late does not take the cookie of the login that came between', async () => {
    await signIn();
    site().am.advance(idleS);
    let pass = (): void => undefined;
    const passed = new Promise<void>((resolve) => (pass = resolve));
    const heldBack = new Promise<void>((resolve) => {
      site().front.holdBack = async ({ url }) => {
        if (url !== '/api/late') return;
        resolve();
        await passed;
      };
    });
    const late = fetchIn(page(), '/api/late');
    await heldBack;
    const tab = await newPage();
    await signIn('/api/page', tab);
    const cookie = await ssoCookie();
    pass();
    expect((await late).status).toBe(401);
    expect(await ssoCookie()).toEqual(cookie);
    for (const each of [page(), tab]) expect((await fetchIn(each, '/api/orders')).status).toBe(200);
  });
});
