// A logout in one tab ends at once what is open in another, and lets nobody in with a copy of the cookie.

import { beforeEach, expect, it } from 'vitest';
import { connectionsOf, openConnections, serveConnections } from '../support/connections.js';
import { fetchHeaders } from '../support/http.js';
import { describeWith } from '../support/programs.js';
import { fetchIn, useSite } from '../support/site.js';

const submit = `{
  document.body.innerHTML = '<form method="post" action="/logout"></form>';
  document.forms[0].submit();
}`;
const follow = `{
  document.body.innerHTML = '<a href="/logout">sign out</a>';
  document.querySelector('a').click();
}`;

describeWith(['chromium', 'openssl'], 'a logout in another tab', () => {
  const { site, page, newPage, signIn, ssoCookie } = useSite();
  let token: string;

  beforeEach(async () => {
    serveConnections(site());
    await signIn();
    token = (await ssoCookie())?.value ?? '';
    await openConnections(page());
    await expect
      .poll(() => connectionsOf(page()), { timeout: 10_000 })
      .toMatchObject({ poll: 200, closed: 0, stream: 1 });
  });

  const untilAllEnded = () =>
    expect.poll(() => connectionsOf(page()), { timeout: 10_000 }).toMatchObject({ poll: 401, closed: 4401, stream: 2 });

  it.each([
    ['a form', submit],
    ['a link', follow],
    ['a call', `void fetch('/logout', { method: 'POST' })`],
  ])('closes the socket with 4401, ends the event stream and answers 401, by %s', async (_way, signOut) => {
    const tab = await newPage();
    await tab.goto(`${site().app}/start`);
    await tab.evaluate(signOut);
    await untilAllEnded();
    await expect.poll(ssoCookie).toBeUndefined();
    const { status, body } = await fetchIn(page(), '/api/orders');
    expect(status).toBe(401);
    expect(JSON.parse(body)).toMatchObject({ code: 'session_missing' });
    expect(site().am.sessions).toEqual([]);
  });

  it('does so before AM has answered, and also where AM never does', async () => {
    site().am.fault({ kind: 'hang', action: 'logout' });
    const tab = await newPage();
    await tab.goto(`${site().app}/start`);
    let isAnswered = false;
    const answer = fetchIn(tab, '/logout', { method: 'POST' }).finally(() => (isAnswered = true));
    await expect.poll(async () => (await connectionsOf(page())).closed, { timeout: 10_000 }).toBe(4401);
    expect(isAnswered).toBe(false);
    expect((await answer).status).toBe(202);
    await untilAllEnded();
  });

  it('answers a call that is under way', async () => {
    const long = fetchIn(page(), '/api/long');
    await expect
      .poll(() => site().upstream.seen.some(({ url }) => url === '/api/long'), { timeout: 10_000 })
      .toBe(true);
    const tab = await newPage();
    await tab.goto(`${site().app}/start`);
    await tab.evaluate(submit);
    const { status, body } = await long;
    expect(status).toBe(401);
    expect(JSON.parse(body)).toMatchObject({ code: 'session_ended' });
  });

  it('leads to the login at the next navigation, and a new login works in both tabs', async () => {
    const tab = await newPage();
    await tab.goto(`${site().app}/start`);
    await tab.evaluate(submit);
    await untilAllEnded();
    await page().goto(`${site().app}/api/page`);
    expect(await page().title()).toBe('Sign in');
    await signIn('/start', tab);
    await page().goto(`${site().app}/api/page`);
    expect(page().url()).toBe(`${site().app}/api/page`);
  });

  it('lets nobody in with a copy of the cookie, nor where AM was not told', async () => {
    const copy = { headers: { ...fetchHeaders, cookie: `${site().am.cookieName}=${token}` } };
    expect((await site().request('/api/orders', copy)).status).toBe(200);
    site().am.fault({ kind: 'status', status: 503, action: 'logout' });
    expect((await fetchIn(page(), '/logout', { method: 'POST' })).status).toBe(202);
    expect(site().am.sessions).toHaveLength(1);
    const { status, body } = await site().request('/api/orders', copy);
    expect([status, body]).toEqual([401, expect.stringContaining('"session_ended"')]);
  });
});
