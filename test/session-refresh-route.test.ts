// POST /session/refresh: "I am still here", said by the page.

import { describe, expect, it } from 'vitest';
import { fetchHeaders, navigationHeaders } from './support/http.js';
import { askedAbout, onEveryMount } from './support/mounted.js';
import { eventually, pause } from './support/stack.js';

const post = { method: 'POST' };

onEveryMount('POST /session/refresh', {}, (stack) => {
  it('waits for AM and says that it obeyed', async () => {
    const token = stack().am.login();
    stack().am.advance(60);
    const answer = await stack().as(token, '/session/refresh', post);
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.json()).toMatchObject({ authenticated: true, username: 'demo', realm: '/', refreshed: true });
    expect(answer.json()['idleExpiresIn']).toBeGreaterThan(30 * 60 - 5);
    expect(askedAbout(stack(), token)).toMatchObject([{ action: 'refresh', outcome: 'obeyed' }]);
  });

  it('is activity even if the headers say otherwise', async () => {
    const token = stack().am.login();
    stack().am.advance(60);
    const headers = { 'x-session-activity': 'background', 'sec-purpose': 'prefetch', accept: 'text/event-stream' };
    const answer = await stack().as(token, '/session/refresh', { ...post, headers });
    expect(answer.json()).toMatchObject({ refreshed: true });
  });

  it('answers 401 with the place to log in without a session, and clears nothing', async () => {
    for (const [cookie, code] of [
      ['other=1', 'session_missing'],
      ['iPlanetDirectoryPro=AQICdead*', 'session_expired'],
    ]) {
      const answer = await stack().request('/session/refresh', { ...post, headers: { cookie, ...fetchHeaders } });
      expect(answer.status).toBe(401);
      expect(answer.json()).toMatchObject({ code, loginUrl: `${stack().am.url}/XUI/?realm=/` });
      expect(answer.setCookies).toEqual([]);
    }
  });

  it('is no navigation: a form that posts here gets a problem, not a redirect', async () => {
    const answer = await stack().request('/session/refresh', { ...post, headers: navigationHeaders });
    expect(answer.status).toBe(401);
    expect(answer.headers['content-type']).toContain('application/problem+json');
  });

  it('answers 403 to a session of another realm', async () => {
    const answer = await stack().as(stack().am.login('demo', '/alpha'), '/session/refresh', post);
    expect(answer.status).toBe(403);
    expect(answer.json()).toMatchObject({ code: 'session_wrong_realm' });
  });

  it('answers 503 for an unknown session while AM does not answer', async () => {
    stack().am.fault({ kind: 'empty' });
    const answer = await stack().as(stack().am.login(), '/session/refresh', post);
    expect(answer.status).toBe(503);
    expect(answer.json()).toMatchObject({ code: 'am_unavailable' });
  });

  it('says false for a known session while AM does not answer', async () => {
    const token = stack().am.login();
    await stack().as(token, '/session');
    stack().am.fault({ kind: 'status', status: 500, token });
    stack().am.advance(60);
    const answer = await stack().as(token, '/session/refresh', post);
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({ authenticated: true, refreshed: false });
  });

  it('answers 405 to anything but POST', async () => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      const answer = await stack().as(stack().am.login(), '/session/refresh', { method });
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toBe('POST');
    }
  });

  it('refuses a post from another site', async () => {
    const token = stack().am.login();
    const answer = await stack().as(token, '/session/refresh', {
      ...post,
      headers: { 'sec-fetch-site': 'cross-site' },
    });
    expect(answer.status).toBe(403);
    expect(answer.json()).toMatchObject({ code: 'cross_site_request' });
    expect(askedAbout(stack(), token)).toEqual([]);
  });
});

onEveryMount(
  'a refresh that AM ignores or would ignore',
  {},
  (stack) => {
    it('says false inside the window, and AM is told when the window ends', async () => {
      const token = stack().am.login();
      stack().am.advance(60);
      await stack().as(token, '/session/refresh', post);
      await pause(1_050);
      const answer = await stack().as(token, '/session/refresh', post);
      expect(answer.status).toBe(200);
      expect(answer.json()).toMatchObject({ authenticated: true, refreshed: false });
      expect(askedAbout(stack(), token)).toHaveLength(1);
      await eventually(() => askedAbout(stack(), token).length === 2, 3_000);
      await eventually(() => askedAbout(stack(), token).every(({ outcome }) => outcome === 'obeyed'));
    });

    it('says false where AM ignored it because of a login a moment before, and AM is told all the same', async () => {
      const token = stack().am.login();
      stack().am.advance(1);
      const answer = await stack().as(token, '/session/refresh', post);
      expect(answer.json()).toMatchObject({ authenticated: true, refreshed: false });
      await eventually(() => askedAbout(stack(), token).some(({ outcome }) => outcome === 'obeyed'), 4_000);
      expect(askedAbout(stack(), token)).toMatchObject([{ outcome: 'ignored' }, { outcome: 'obeyed' }]);
    });
  },
  { atOnce: true },
);

describe('a known session', () => {
  onEveryMount(
    'POST /session/refresh of it',
    { simulator: { updateFrequencyS: 1 }, proxy: { am: { updateFrequencyS: 1 } } },
    (stack) => {
      it('waits for the answer of AM where the API is let through on trust', async () => {
        const token = stack().am.login();
        await stack().as(token, '/session');
        await pause(2_050);
        stack().am.fault({ kind: 'slow', delayMs: 400, action: 'refresh', token });
        const startedAt = Date.now();
        const answer = await stack().as(token, '/session/refresh', post);
        expect(Date.now() - startedAt).toBeGreaterThan(380);
        expect(answer.json()).toMatchObject({ refreshed: true });
      });
    },
    { forms: ['wrap'] },
  );
});
