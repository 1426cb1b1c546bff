// GET /session: what a page may know of its session, without extending it.

import { describe, expect, it } from 'vitest';
import { askedAbout, onEveryMount } from './support/mounted.js';

onEveryMount('GET /session', {}, (stack) => {
  it('tells user, realm and the seconds left', async () => {
    const token = stack().am.login();
    const answer = await stack().as(token, '/session');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toContain('application/json');
    expect(answer.headers['cache-control']).toBe('no-store');
    const { idleExpiresIn, sessionExpiresIn, ...rest } = answer.json();
    expect(rest).toEqual({ authenticated: true, username: 'demo', realm: '/' });
    expect(idleExpiresIn).toBeGreaterThan(30 * 60 - 5);
    expect(idleExpiresIn).toBeLessThanOrEqual(30 * 60 + 1);
    expect(sessionExpiresIn).toBeGreaterThan(120 * 60 - 5);
    expect(sessionExpiresIn).toBeLessThanOrEqual(120 * 60);
    expect(answer.body).not.toContain(token);
  });

  it('never extends the session, however often it is asked', async () => {
    const token = stack().am.login();
    stack().am.advance(60);
    for (let n = 0; n < 5; n++) expect((await stack().as(token, '/session')).status).toBe(200);
    const calls = askedAbout(stack(), token);
    expect(calls.map(({ action, reset }) => ({ action, reset }))).toEqual([{ action: 'getSessionInfo', reset: false }]);
    expect(stack().am.sessions.find(({ session }) => session === stack().am.hash(token))?.idleS).toBeGreaterThan(59);
  });

  it('shows less idle time left for a session that has been idle', async () => {
    const token = stack().am.login();
    stack().am.advance(10 * 60);
    const { idleExpiresIn } = (await stack().as(token, '/session')).json();
    expect(idleExpiresIn).toBeLessThan(20 * 60 + 5);
    expect(idleExpiresIn).toBeGreaterThan(20 * 60 - 5);
  });

  it('says session_missing without a cookie, with the place to log in, and clears nothing', async () => {
    const answer = await stack().request('/session');
    expect(answer.status).toBe(200);
    expect(answer.json()).toEqual({
      authenticated: false,
      reason: 'session_missing',
      loginUrl: `${stack().am.url}/XUI/?realm=/`,
    });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.setCookies).toEqual([]);
  });

  it('says session_expired and clears the cookie when AM says that the session is over', async () => {
    const answer = await stack().as('AQIC5nobodys*token', '/session');
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({ authenticated: false, reason: 'session_expired' });
    expect(answer.setCookies).toEqual([expect.stringMatching(/^iPlanetDirectoryPro=; Path=\/; .*Max-Age=0/)]);
  });

  it('says session_ended and clears the cookie after a logout here', async () => {
    const token = stack().am.login();
    await stack().as(token, '/logout', { method: 'POST' });
    const answer = await stack().as(token, '/session');
    expect(answer.json()).toMatchObject({ authenticated: false, reason: 'session_ended' });
    expect(answer.setCookies).toHaveLength(1);
  });

  it('says session_wrong_realm and leaves the cookie, which is good elsewhere', async () => {
    const answer = await stack().as(stack().am.login('demo', '/bravo'), '/session');
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({ authenticated: false, reason: 'session_wrong_realm' });
    expect(answer.setCookies).toEqual([]);
  });

  it('answers 503 with Retry-After, and clears nothing, when AM does not answer and nothing is known', async () => {
    stack().am.fault({ kind: 'status', status: 503 });
    const answer = await stack().as(stack().am.login(), '/session');
    expect(answer.status).toBe(503);
    expect(answer.json()).toMatchObject({ code: 'am_unavailable' });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(answer.setCookies).toEqual([]);
  });

  it('answers 502 when AM refuses the call', async () => {
    stack().am.fault({ kind: 'status', status: 404 });
    const answer = await stack().as(stack().am.login(), '/session');
    expect(answer.status).toBe(502);
    expect(answer.json()).toMatchObject({ code: 'am_refused' });
    expect(answer.setCookies).toEqual([]);
  });

  it('still tells of a session known alive while AM does not answer', async () => {
    const token = stack().am.login();
    await stack().as(token, '/session');
    stack().am.fault({ kind: 'reset' });
    expect((await stack().as(token, '/session')).json()).toMatchObject({ authenticated: true, username: 'demo' });
  });

  it('answers HEAD like GET, without a body', async () => {
    const answer = await stack().as(stack().am.login(), '/session', { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(answer.body).toBe('');
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(0);
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('answers 405 to %s', async (method) => {
    const answer = await stack().as(stack().am.login(), '/session', { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('GET, HEAD');
    expect(answer.json()).toMatchObject({ code: 'method_not_allowed', status: 405 });
  });

  it.each(['/Session', '/session/', '/sessions', '/session/x'])('takes %s for none of its own', async (path) => {
    const answer = await stack().as(stack().am.login(), path);
    expect(answer.status).toBe(404);
    expect(answer.body).not.toContain('authenticated');
  });

  it('carries the security headers and a request id', async () => {
    const answer = await stack().request('/session', { headers: { 'x-request-id': 'trace-1' } });
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers['content-security-policy']).toContain("default-src 'self'");
    expect(answer.headers['x-request-id']).toBe('trace-1');
    expect(answer.headers['x-powered-by']).toBeUndefined();
  });
});

describe('a session near its end', () => {
  onEveryMount(
    'GET /session of it',
    { simulator: { maxIdleMinutes: 30, maxSessionMinutes: 10 } },
    (stack) => {
      it('never promises more idle time than the session has at all', async () => {
        const { idleExpiresIn, sessionExpiresIn } = (await stack().as(stack().am.login(), '/session')).json();
        expect(sessionExpiresIn).toBeLessThanOrEqual(600);
        expect(idleExpiresIn).toBeLessThanOrEqual(600);
      });
    },
    { forms: ['wrap'] },
  );
});
