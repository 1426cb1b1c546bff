// Which requests AM learns of as activity of the user, and which only ask whether the session lives.

import { expect, it } from 'vitest';
import { fetchHeaders, navigationHeaders } from './support/http.js';
import { askedAbout, onEveryMount } from './support/mounted.js';

onEveryMount('activity', { proxy: { session: { backgroundPaths: ['/api/poll', '/api/feed/'] } } }, (stack) => {
  /** The AM calls that one request of a session not met before brings about. */
  async function callsOf(path: string, headers: Record<string, string>, method = 'GET'): Promise<string[]> {
    const token = stack().am.login();
    stack().am.advance(60);
    expect((await stack().as(token, path, { headers, method })).status).toBe(200);
    return askedAbout(stack(), token).map(({ action, reset }) => `${action}${reset ? ', reset' : ''}`);
  }

  it.each([
    ['a fetch of the page', '/api/x', fetchHeaders, 'GET'],
    ['a post of the page', '/api/x', fetchHeaders, 'POST'],
    ['a page that the user goes to', '/api/x', navigationHeaders, 'GET'],
    [
      'a link on another site that the user follows',
      '/api/x',
      { ...navigationHeaders, 'sec-fetch-site': 'cross-site' },
      'GET',
    ],
    ['a client that is no browser', '/api/x', {}, 'GET'],
    ['a path that only begins like a background path', '/api/polls', fetchHeaders, 'GET'],
    ['an unknown word in X-Session-Activity', '/api/x', { 'x-session-activity': 'maybe' }, 'GET'],
  ] as const)('is %s', async (_what, path, headers, method) => {
    expect(await callsOf(path, headers, method)).toEqual(['refresh, reset']);
  });

  it.each([
    ['X-Session-Activity: background', '/api/x', { 'x-session-activity': 'background' }],
    ['the same in capitals', '/api/x', { 'x-session-activity': 'BACKGROUND' }],
    ['a background path', '/api/poll', {}],
    ['what is under it', '/api/poll/42?since=1', {}],
    ['a background path with a query', '/api/poll?since=1', {}],
    ['a background path that was written with a slash', '/api/feed/news', {}],
    ['a prefetch', '/api/x', { 'sec-purpose': 'prefetch;prerender' }],
    ['a prefetch of older browsers', '/api/x', { purpose: 'prefetch' }],
    ['an event stream', '/api/x', { accept: 'text/event-stream' }],
    ['an image on another site', '/api/x', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['a fetch by a sibling site', '/api/x', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }],
  ] as const)('is not %s', async (_what, path, headers) => {
    expect(await callsOf(path, headers)).toEqual(['getSessionInfo']);
  });

  it('of a public route is none at all: nothing is asked of AM', async () => {
    expect(await callsOf('/public/x', fetchHeaders)).toEqual([]);
  });

  it('is not taken from the SSO cookie on what is none of ours', async () => {
    const token = stack().am.login();
    await stack().as(token, '/elsewhere', { headers: navigationHeaders });
    expect(askedAbout(stack(), token)).toEqual([]);
  });

  it('ends with the idle time for a page that only polls', async () => {
    const token = stack().am.login();
    await stack().as(token, '/api/poll');
    stack().am.advance(29 * 60);
    await stack().as(token, '/api/poll');
    stack().am.advance(2 * 60);
    expect(stack().am.sessions.some(({ session }) => session === stack().am.hash(token))).toBe(false);
  });
});

onEveryMount('activity that pages have to assert', { proxy: { session: { activity: 'asserted' } } }, (stack) => {
  it.each([
    ['a fetch', {}, 'getSessionInfo'],
    ['a navigation', navigationHeaders, 'getSessionInfo'],
    ['X-Session-Activity: user', { 'x-session-activity': 'user' }, 'refresh'],
    ['X-Session-Activity: background', { 'x-session-activity': 'background' }, 'getSessionInfo'],
  ] as const)('%s', async (_what, headers, action) => {
    const token = stack().am.login();
    expect((await stack().as(token, '/api/x', { headers })).status).toBe(200);
    expect(askedAbout(stack(), token).map((call) => call.action)).toEqual([action]);
  });

  it('is also POST /session/refresh', async () => {
    const token = stack().am.login();
    stack().am.advance(60);
    const answer = await stack().as(token, '/session/refresh', { method: 'POST' });
    expect(answer.json()).toMatchObject({ refreshed: true });
  });
});
