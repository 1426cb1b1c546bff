// POST /logout: the session ends here and at AM, and the cookies go, whatever state AM is in.

import { expect, it } from 'vitest';
import { fetchHeaders, navigationHeaders, type Answer } from './support/http.js';
import { askedAbout, logged, onEveryMount } from './support/mounted.js';
import { eventually, type Stack } from './support/stack.js';

const post = { method: 'POST' };
const cleared = ['iPlanetDirectoryPro', 'amlbcookie', 'session-jwt', 'AMAuthCookie', 'DProPCookie'];

/** What every answer to a logout has, whatever its outcome. */
function expectCleared(answer: Answer): void {
  for (const name of cleared) {
    const lines = answer.setCookies.filter((line) => line.startsWith(`${name}=;`));
    expect(lines).toEqual([`${name}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly`]);
  }
  expect(answer.headers['clear-site-data']).toBe('"cache"');
  expect(answer.headers['cache-control']).toBe('no-store');
}

const known = async (stack: Stack): Promise<string> => {
  const token = stack.am.login();
  expect((await stack.as(token, '/session')).json()).toMatchObject({ authenticated: true });
  return token;
};

onEveryMount('POST /logout', { proxy: { am: { timeoutMs: 400 } } }, (stack) => {
  it('ends the session at AM: 200, ended', async () => {
    const token = await known(stack());
    const answer = await stack().as(token, '/logout', post);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toContain('application/json');
    expect(answer.json()).toEqual({ result: 'Successfully logged out', am: 'ended' });
    expectCleared(answer);
    expect(askedAbout(stack(), token, 'logout')).toMatchObject([{ version: 'resource=3.1, protocol=1.0' }]);
    expect(stack().am.sessions.some(({ session }) => session === stack().am.hash(token))).toBe(false);
  });

  it('passes on the lines by which AM itself clears these cookies', async () => {
    const answer = await stack().as(stack().am.login(), '/logout', post);
    expect(answer.setCookies).toContain(
      'iPlanetDirectoryPro=""; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly',
    );
    expect(answer.setCookies).toContain('amlbcookie=LOGOUT; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Path=/');
  });

  it('ends a session that was never seen here before', async () => {
    const token = stack().am.login();
    expect((await stack().as(token, '/logout', post)).json()).toMatchObject({ am: 'ended' });
    expect(askedAbout(stack(), token).map(({ action }) => action)).toEqual(['logout']);
    expect((await stack().as(token, '/api/x')).json()).toMatchObject({ code: 'session_ended' });
  });

  it('is as good twice as once: the second time AM is not asked', async () => {
    const token = await known(stack());
    await stack().as(token, '/logout', post);
    const again = await stack().as(token, '/logout', post);
    expect(again.status).toBe(200);
    expect(again.json()).toEqual({ result: 'Successfully logged out', am: 'already-ended' });
    expectCleared(again);
    expect(askedAbout(stack(), token, 'logout')).toHaveLength(1);
  });

  it('asks AM once where ten tabs log out at the same moment', async () => {
    const token = await known(stack());
    stack().am.fault({ kind: 'slow', delayMs: 100, action: 'logout', token });
    const answers = await Promise.all(Array.from({ length: 10 }, () => stack().as(token, '/logout', post)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(askedAbout(stack(), token, 'logout')).toHaveLength(1);
  });

  it('is already-ended for a session that AM says is dead', async () => {
    const answer = await stack().as('AQIC5dead*', '/logout', post);
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({ am: 'already-ended' });
    expectCleared(answer);
  });

  it('is no-session without a cookie, and clears all the same', async () => {
    const answer = await stack().request('/logout', post);
    expect(answer.status).toBe(200);
    expect(answer.json()).toEqual({ result: 'Successfully logged out', am: 'no-session' });
    expectCleared(answer);
  });

  it.each([
    ['500', { kind: 'status', status: 500 }],
    ['429', { kind: 'status', status: 429 }],
    ['no answer', { kind: 'hang' }],
    ['a reset', { kind: 'reset' }],
    ['a page', { kind: 'html' }],
    ['the 401 of a gateway', { kind: 'html', status: 401 }],
    ['an empty 200', { kind: 'empty' }],
    ['garbage', { kind: 'garbage' }],
    ['a redirect', { kind: 'redirect' }],
  ] as const)('is 202, pending, and dead here at once, when AM answers with %s', async (_what, fault) => {
    const token = await known(stack());
    stack().am.fault({ ...fault, action: 'logout', token });
    const answer = await stack().as(token, '/logout', post);
    expect(answer.status).toBe(202);
    expect(answer.json()).toEqual({ result: 'Successfully logged out', am: 'pending' });
    expectCleared(answer);
    const after = await stack().as(token, '/api/x');
    expect(after.status).toBe(401);
    expect(after.json()).toMatchObject({ code: 'session_ended' });
  });

  it('is dead here while the call to AM still hangs', async () => {
    const token = await known(stack());
    stack().am.fault({ kind: 'slow', delayMs: 300, action: 'logout', token });
    const logout = stack().as(token, '/logout', post);
    await eventually(() => askedAbout(stack(), token, 'logout').length === 1);
    expect((await stack().as(token, '/api/x')).json()).toMatchObject({ code: 'session_ended' });
    expect((await logout).json()).toMatchObject({ am: 'ended' });
  });

  it('is not undone by an answer of AM to a call that began before it', async () => {
    for (const isKnown of [true, false]) {
      const token = stack().am.login();
      stack().am.advance(60);
      if (isKnown) await stack().as(token, '/session');
      stack().am.fault({ kind: 'slow', delayMs: 250, action: 'refresh', token });
      const request = stack().as(token, '/session/refresh', post);
      await eventually(() => askedAbout(stack(), token, 'refresh').length === 1);
      expect((await stack().as(token, '/logout', post)).json()).toMatchObject({ am: 'ended' });
      expect((await request).json()).toMatchObject({ code: 'session_ended' });
      expect((await stack().as(token, '/api/x')).json()).toMatchObject({ code: 'session_ended' });
    }
  });

  it.each([400, 403, 404, 409, 501])('is 502 when AM refuses with %i, not told again by itself', async (status) => {
    const token = await known(stack());
    stack().am.fault({ kind: 'status', status, action: 'logout', token });
    const answer = await stack().as(token, '/logout', post);
    expect(answer.status).toBe(502);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json()).toMatchObject({ code: 'am_refused' });
    expectCleared(answer);
    expect((await stack().as(token, '/api/x')).json()).toMatchObject({ code: 'session_ended' });
    expect(await logged(stack(), `"status":${status}`)).toBe(1);
    // the next logout asks again
    stack().am.clearFaults();
    expect((await stack().as(token, '/logout', post)).json()).toMatchObject({ am: 'ended' });
    expect(askedAbout(stack(), token, 'logout')).toHaveLength(2);
  });

  it('leads navigations on with 303, also while it is pending', async () => {
    const token = await known(stack());
    stack().am.fault({ kind: 'status', status: 503, action: 'logout', token });
    for (const sent of [token, stack().am.login()]) {
      const headers = { ...navigationHeaders, 'sec-fetch-site': 'same-origin' };
      const answer = await stack().as(sent, '/logout', { method: 'POST', headers });
      expect(answer.status).toBe(303);
      expect(answer.headers.location).toBe('/');
      expectCleared(answer);
    }
  });

  it('does not lead a fetch away, whatever it accepts', async () => {
    const headers = { ...fetchHeaders, accept: 'text/html' };
    expect((await stack().as(stack().am.login(), '/logout', { method: 'POST', headers })).status).toBe(200);
  });
});

onEveryMount(
  'a logout that AM did not hear',
  {},
  (stack) => {
    it('is told again by itself, and then counts as confirmed', async () => {
      const token = await known(stack());
      stack().am.fault({ kind: 'status', status: 503, action: 'logout', token, count: 2 });
      expect((await stack().as(token, '/logout', post)).status).toBe(202);
      await eventually(() => askedAbout(stack(), token, 'logout').some(({ outcome }) => outcome === 'ended'), 4_000);
      expect(askedAbout(stack(), token, 'logout').map(({ status }) => status)).toEqual([503, 503, 200]);
      expect((await stack().as(token, '/logout', post)).json()).toMatchObject({ am: 'already-ended' });
    });

    it('is told at the next logout where that comes first', async () => {
      const token = await known(stack());
      stack().am.fault({ kind: 'status', status: 503, action: 'logout', token, count: 1 });
      expect((await stack().as(token, '/logout', post)).status).toBe(202);
      expect((await stack().as(token, '/logout', post)).json()).toMatchObject({ am: 'ended' });
    });
  },
  { atOnce: true },
);
