// AM is away or ill: users whose sessions are known alive go on, nobody else is let in, and no cookie is lost.

import { describe, expect, it } from 'vitest';
import { fetchHeaders, navigationHeaders } from './support/http.js';
import { askedAbout, logged, onEveryMount } from './support/mounted.js';
import { act } from './support/simulator-client.js';
import { eventually, pause, type Stack } from './support/stack.js';

const known = async (stack: Stack): Promise<string> => {
  const token = stack.am.login();
  expect((await stack.as(token, '/session')).status).toBe(200);
  return token;
};

onEveryMount('an illness of AM', { proxy: { am: { timeoutMs: 400 } } }, (stack) => {
  it.each([
    ['500', { kind: 'status', status: 500 }],
    ['503 with Retry-After', { kind: 'status', status: 503, headers: { 'Retry-After': '7' } }],
    ['408', { kind: 'status', status: 408 }],
    ['429', { kind: 'status', status: 429 }],
    ['no answer', { kind: 'hang' }],
    ['an answer that drips', { kind: 'drip', intervalMs: 200 }],
    ['a reset', { kind: 'reset' }],
    ['half an answer', { kind: 'truncated' }],
    ['the 401 page of a gateway', { kind: 'html', status: 401 }],
    ['a 401 without a code', { kind: 'status', status: 401, body: { error: 'unauthorized' } }],
    ['a page with 200', { kind: 'html' }],
    ['an empty 200', { kind: 'empty' }],
    ['garbage', { kind: 'garbage' }],
    ['200 with other JSON', { kind: 'status', status: 200, body: { ok: true } }],
    ['10 MB', { kind: 'huge', megabytes: 10 }],
    ['a redirect to a login page', { kind: 'redirect' }],
  ] as const)('lets known users go on and turns unknown ones away with 503: %s', async (_what, fault) => {
    const [user, stranger] = [await known(stack()), stack().am.login()];
    for (const token of [user, stranger]) stack().am.fault({ ...fault, token });
    const startedAt = Date.now();
    for (const headers of [fetchHeaders, navigationHeaders]) {
      expect((await stack().as(user, '/api/x', { headers })).status).toBe(200);
      const answer = await stack().as(stranger, '/api/x', { headers });
      expect(answer.status).toBe(503);
      expect(answer.json()).toMatchObject({ code: 'am_unavailable' });
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expect(answer.setCookies).toEqual([]);
    }
    expect(Date.now() - startedAt).toBeLessThan(1_500);
  });

  it('passes on how long AM asks to be left alone', async () => {
    stack().am.fault({ kind: 'status', status: 503, headers: { 'Retry-After': '7' } });
    const answer = await stack().as(stack().am.login(), '/api/x');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(7);
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(8);
  });

  it('has AM asked once about a token, however many requests come', async () => {
    const token = stack().am.login();
    stack().am.fault({ kind: 'status', status: 500, token });
    const answers = await Promise.all(Array.from({ length: 40 }, () => stack().as(token, '/api/x')));
    expect(answers.every(({ status }) => status === 503)).toBe(true);
    expect(askedAbout(stack(), token)).toHaveLength(1);
  });

  it('turns known users away by 502 neither, when AM refuses', async () => {
    const user = await known(stack());
    stack().am.fault({ kind: 'status', status: 404 });
    expect((await stack().as(user, '/api/x')).status).toBe(200);
    const answer = await stack().as(stack().am.login(), '/api/x');
    expect(answer.status).toBe(502);
    expect(answer.json()).toMatchObject({ code: 'am_refused' });
    expect(await logged(stack(), 'AM refuses this call')).toBe(1);
  });

  it('does not reach public routes, the probes and what is none of ours', async () => {
    stack().am.fault({ kind: 'hang' });
    expect((await stack().request('/public/x')).status).toBe(200);
    expect((await stack().request('/livez')).status).toBe(200);
    expect((await stack().request('/elsewhere')).status).toBe(404);
  });
});

onEveryMount(
  'AM gone for a while',
  { simulator: { updateFrequencyS: 1 }, proxy: { am: { updateFrequencyS: 1 } } },
  (stack) => {
    it('lets known users go on, and tells AM of what they did once it is back', async () => {
      const user = stack().am.login();
      await stack().as(user, '/api/x');
      await stack().am.stop();
      for (let n = 0; n < 3; n++) {
        await pause(200);
        expect((await stack().as(user, '/api/x')).status).toBe(200);
      }
      const workedAt = stack().am.now();
      const stranger = await stack().as('AQIC5unknown*', '/api/x', { headers: navigationHeaders });
      expect(stranger.status).toBe(503);
      expect(stranger.setCookies).toEqual([]);
      await stack().am.start();
      await eventually(() => askedAbout(stack(), user).some(({ reset, at }) => reset && at >= workedAt), 4_000);
    });
  },
  { atOnce: true },
);

describe('the limits of going on', () => {
  onEveryMount(
    'the grace',
    { proxy: { session: { trustS: 1 }, am: { downGraceS: 2, timeoutMs: 300 } } },
    (stack) => {
      it('ends: after it a known session gets 503, keeps its cookie, and works again when AM is back', async () => {
        const user = stack().am.login();
        await stack().as(user, '/session');
        stack().am.fault({ kind: 'status', status: 500, token: user });
        await pause(1_200);
        expect((await stack().as(user, '/api/x')).status).toBe(200);
        await pause(1_100);
        const answer = await stack().as(user, '/api/x', { headers: navigationHeaders });
        expect(answer.status).toBe(503);
        expect(answer.setCookies).toEqual([]);
        stack().am.clearFaults();
        await eventually(async () => (await stack().as(user, '/api/x')).status === 200, 4_000);
      });

      it('is no trust: a session that AM ended is out as soon as AM is asked again', async () => {
        const user = stack().am.login();
        await stack().as(user, '/api/x');
        await act(stack().am, 'logout', user, { version: 'resource=3.1' });
        await pause(1_100);
        const answer = await stack().as(user, '/api/x');
        expect(answer.status).toBe(401);
        expect(answer.json()).toMatchObject({ code: 'session_expired' });
      });
    },
    { forms: ['wrap', 'command'], atOnce: true },
  );

  onEveryMount(
    'the maximum time of a session',
    { simulator: { maxSessionMinutes: 2 / 60 }, proxy: { am: { timeoutMs: 300 } } },
    (stack) => {
      it('is kept although AM is away', async () => {
        const user = stack().am.login();
        await stack().as(user, '/session');
        stack().am.fault({ kind: 'reset' });
        expect((await stack().as(user, '/api/x')).status).toBe(200);
        await pause(2_000);
        expect((await stack().as(user, '/api/x')).status).toBe(503);
      });
    },
    { forms: ['wrap'] },
  );
});
