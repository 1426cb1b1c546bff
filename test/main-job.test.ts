// The main job: a user who works is not logged out, AM is asked rarely, the API never sees the token, and logout is one.

import { describe, expect, it } from 'vitest';
import { request } from './support/http.js';
import { askedAbout, onEveryMount } from './support/mounted.js';
import { eventually, pause, type Stack } from './support/stack.js';

const frequencyS = 1;
const windowMs = (frequencyS + 1) * 1000;
const quickly = { updateFrequencyS: frequencyS };

/** As the login page does it; resolves with the token of AM's `Set-Cookie`. */
async function login({ am }: Stack): Promise<string> {
  const { setCookies } = await request(am.url, '/am/json/realms/root/authenticate', {
    method: 'POST',
    headers: {
      'x-openam-username': 'demo',
      'x-openam-password': 'changeit',
      'content-type': 'application/json',
      'accept-api-version': 'resource=2.1, protocol=1.0',
    },
  });
  const [, token] = /^iPlanetDirectoryPro=([^;]+)/.exec(setCookies.find((line) => line.startsWith('iPl')) ?? '') ?? [];
  if (token === undefined) throw new Error('no token came');
  return token;
}

onEveryMount('the main job', { simulator: quickly, proxy: { am: quickly } }, (stack) => {
  it('passes a request of a live session to the API, with the identity and without the token', async () => {
    const token = await login(stack());
    const answer = await stack().as(token, '/api/orders?page=2', { headers: { 'x-own': 'kept' } });
    expect(answer.status).toBe(200);
    const seen = stack().upstream.seen.at(-1);
    expect(seen?.url).toBe('/api/orders?page=2');
    expect(seen?.headers).toMatchObject({ 'x-forwarded-user': 'demo', 'x-forwarded-realm': '/', 'x-own': 'kept' });
    expect(seen?.headers.cookie).toBeUndefined();
    expect(JSON.stringify(seen)).not.toContain(token);
  });

  it('refuses a request without a session and does not bother the API', async () => {
    const before = stack().upstream.seen.length;
    const answer = await stack().request('/api/orders');
    expect(answer.status).toBe(401);
    expect(answer.json()).toMatchObject({ code: 'session_missing' });
    expect(stack().upstream.seen).toHaveLength(before);
  });

  it('asks AM once where fifty requests come at the same moment', async () => {
    const token = await login(stack());
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => stack().as(token, `/api/burst/${n}`)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(askedAbout(stack(), token)).toHaveLength(1);
  });

  it('ends the session at AM and here when the user logs out', async () => {
    const token = await login(stack());
    await stack().as(token, '/api/orders');
    const answer = await stack().as(token, '/logout', { method: 'POST' });
    expect(answer.status).toBe(200);
    expect(answer.json()).toEqual({ result: 'Successfully logged out', am: 'ended' });
    expect(askedAbout(stack(), token, 'logout')).toMatchObject([{ outcome: 'ended' }]);
    const after = await stack().as(token, '/api/orders');
    expect(after.status).toBe(401);
    expect(after.json()).toMatchObject({ code: 'session_ended' });
  });

  it('lets a user who logs in again work again', async () => {
    const first = await login(stack());
    await stack().as(first, '/logout', { method: 'POST' });
    expect((await stack().as(await login(stack()), '/api/orders')).status).toBe(200);
  });
});

onEveryMount(
  'a user at work',
  { simulator: quickly, proxy: { am: quickly } },
  (stack) => {
    it('tells AM of a busy user once per window, and each time is obeyed but for the one right after the login', async () => {
      const token = await login(stack());
      const startedAt = Date.now();
      while (Date.now() - startedAt < 3_900) {
        expect((await stack().as(token, '/api/work')).status).toBe(200);
        await pause(40);
      }
      const calls = askedAbout(stack(), token);
      expect(calls.every(({ action, concurrent }) => action === 'refresh' && concurrent === 0)).toBe(true);
      expect(calls.length).toBeGreaterThanOrEqual(2);
      expect(calls.length).toBeLessThanOrEqual(Math.ceil(3_900 / windowMs) + 1);
      expect(calls.slice(1).map(({ outcome }) => outcome)).toEqual(calls.slice(1).map(() => 'obeyed'));
    });

    it('tells AM of the last activity of a window when the window ends', async () => {
      const token = await login(stack());
      await stack().as(token, '/api/first');
      await pause(500);
      await stack().as(token, '/api/last');
      const workedAt = stack().am.now();
      expect(askedAbout(stack(), token)).toHaveLength(1);
      await eventually(
        () => askedAbout(stack(), token).some(({ reset, at }) => reset && at >= workedAt),
        windowMs + 500,
      );
    });
  },
  { atOnce: true },
);

describe('community OpenAM', () => {
  onEveryMount(
    'the main job there',
    { simulator: { flavor: 'openam' }, proxy: { am: { flavor: 'openam' } } },
    (stack) => {
      it('lets a live session through, tells AM by getSessionInfo, and ends it at logout', async () => {
        const token = stack().am.login();
        expect((await stack().as(token, '/api/orders')).status).toBe(200);
        expect(askedAbout(stack(), token)).toMatchObject([{ action: 'getSessionInfo', reset: true }]);
        expect((await stack().as(token, '/logout', { method: 'POST' })).json()).toMatchObject({ am: 'ended' });
        expect((await stack().as(token, '/api/orders')).status).toBe(401);
      });
    },
    { forms: ['wrap', 'command'] },
  );
});
