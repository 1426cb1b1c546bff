// How requests without a usable session are answered: problems for fetch, the login page for navigations.

import { expect, it } from 'vitest';
import { fetchHeaders, navigationHeaders, type Answer } from './support/http.js';
import { onEveryMount } from './support/mounted.js';
import type { Stack } from './support/stack.js';

const deadToken = 'AQIC5dead*token';
const clearing = /^iPlanetDirectoryPro=; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly$/;

function expectProblem(answer: Answer, status: number, code: string): void {
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(answer.headers['x-content-type-options']).toBe('nosniff');
  expect(answer.json()).toMatchObject({ type: 'about:blank', status, code });
  expect(answer.setCookies).toEqual([]);
}

async function loggedOutToken(stack: Stack): Promise<string> {
  const token = stack.am.login();
  await stack.as(token, '/logout', { method: 'POST' });
  return token;
}

onEveryMount('a request without a usable session', {}, (stack) => {
  const loginUrl = () => `${stack().am.url}/XUI/?realm=/`;
  const gotoOf = (answer: Answer) => new URL(answer.headers.location ?? '').searchParams;

  it('gets 401 session_missing with the place to log in when it has no cookie', async () => {
    const answer = await stack().request('/api/orders', { headers: fetchHeaders });
    expectProblem(answer, 401, 'session_missing');
    expect(answer.json()['loginUrl']).toBe(loginUrl());
  });

  it('gets 401 session_expired for a token that AM does not know', async () => {
    const answer = await stack().as(deadToken, '/api/orders', { headers: fetchHeaders });
    expectProblem(answer, 401, 'session_expired');
    expect(answer.json()['loginUrl']).toBe(loginUrl());
  });

  it('gets 401 session_ended after a logout here', async () => {
    const answer = await stack().as(await loggedOutToken(stack()), '/api/orders', { headers: fetchHeaders });
    expectProblem(answer, 401, 'session_ended');
    expect(answer.json()['loginUrl']).toBe(loginUrl());
  });

  it('gets 403 session_wrong_realm with the place to log in, also as a navigation', async () => {
    const token = stack().am.login('demo', '/alpha');
    for (const headers of [fetchHeaders, navigationHeaders]) {
      const answer = await stack().as(token, '/api/orders', { headers });
      expectProblem(answer, 403, 'session_wrong_realm');
      expect(answer.json()['loginUrl']).toBe(loginUrl());
    }
  });

  it('gets 503 am_unavailable with Retry-After and no place to log in while AM does not answer', async () => {
    stack().am.fault({ kind: 'status', status: 500 });
    for (const headers of [fetchHeaders, navigationHeaders]) {
      const answer = await stack().as(stack().am.login(), '/api/orders', { headers });
      expectProblem(answer, 503, 'am_unavailable');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expect(answer.json()).not.toHaveProperty('loginUrl');
    }
  });

  it('gets 502 am_refused where AM refuses the call', async () => {
    stack().am.fault({ kind: 'status', status: 403 });
    expectProblem(
      await stack().as(stack().am.login(), '/api/orders', { headers: navigationHeaders }),
      502,
      'am_refused',
    );
  });

  it('never reaches the API', async () => {
    const before = stack().upstream.seen.length;
    await stack().as(deadToken, '/api/orders', { method: 'POST', body: 'x', headers: fetchHeaders });
    expect(stack().upstream.seen).toHaveLength(before);
  });

  it('is sent to the login page when the user goes to a page, and AM is told where to come back to', async () => {
    const answer = await stack().request('/api/report?month=11&q=a%26b', { headers: navigationHeaders });
    expect(answer.status).toBe(302);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers.location?.startsWith(`${stack().am.url}/XUI/?realm=`)).toBe(true);
    expect(gotoOf(answer).get('goto')).toBe(`${stack().url}/api/report?month=11&q=a%26b`);
    expect(gotoOf(answer).get('realm')).toBe('/');
    expect(gotoOf(answer).has('ForceAuth')).toBe(false);
    expect(answer.setCookies).toEqual([]);
  });

  it('is sent there too without fetch metadata when it accepts HTML', async () => {
    const answer = await stack().request('/api/report', { headers: { accept: 'text/html,*/*' } });
    expect(answer.status).toBe(302);
  });

  it.each([
    ['a fetch that accepts HTML', { ...fetchHeaders, accept: 'text/html' }, 'GET'],
    ['a form that is posted', navigationHeaders, 'POST'],
    ['an image', { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image', accept: 'image/*' }, 'GET'],
    ['a client that says nothing', {}, 'GET'],
  ] as const)('is not sent there as %s', async (_what, headers, method) => {
    const answer = await stack().request('/api/report', { method, headers: { ...headers } });
    expectProblem(answer, 401, 'session_missing');
  });

  it('loses the cookie of a dead session in the redirect of a navigation, not in the answer to a fetch', async () => {
    const page = await stack().as(deadToken, '/api/report', { headers: navigationHeaders });
    expect(page.status).toBe(302);
    expect(page.setCookies).toEqual([expect.stringMatching(clearing)]);
    const fetched = await stack().as(deadToken, '/api/report', { headers: fetchHeaders });
    expect(fetched.setCookies).toEqual([]);
  });

  it('has to log in once more by ForceAuth while AM has not confirmed the logout', async () => {
    const token = stack().am.login();
    await stack().as(token, '/session');
    stack().am.fault({ kind: 'status', status: 503, token });
    expect((await stack().as(token, '/logout', { method: 'POST' })).status).toBe(202);
    const answer = await stack().as(token, '/api/report', { headers: navigationHeaders });
    expect(answer.status).toBe(302);
    expect(gotoOf(answer).get('ForceAuth')).toBe('true');
    expect(answer.setCookies).toEqual([expect.stringMatching(clearing)]);
  });

  it('need not once AM has confirmed it', async () => {
    const answer = await stack().as(await loggedOutToken(stack()), '/api/report', { headers: navigationHeaders });
    expect(gotoOf(answer).has('ForceAuth')).toBe(false);
  });
});

onEveryMount(
  'the login page of a team, behind a load balancer',
  { proxy: { loginUrl: 'https://login.example.com/start?theme=dark', publicUrl: 'https://app.example.com' } },
  (stack) => {
    it('is where navigations go, with the public address to come back to', async () => {
      const answer = await stack().request('/api/report', { headers: navigationHeaders });
      expect(answer.headers.location).toBe(
        'https://login.example.com/start?theme=dark&goto=https%3A%2F%2Fapp.example.com%2Fapi%2Freport',
      );
    });

    it('is what the body of a 401 names', async () => {
      const answer = await stack().request('/api/report');
      expect(answer.json()['loginUrl']).toBe('https://login.example.com/start?theme=dark');
    });

    it('clears cookies with Secure, so that browsers take it over https', async () => {
      const answer = await stack().as(deadToken, '/session');
      expect(answer.setCookies).toEqual([expect.stringContaining('; Secure; SameSite=None')]);
    });
  },
  { forms: ['wrap', 'command'] },
);
