import { describe, expect, it } from 'vitest';
import { createActivityCheck, isNavigation, isPrefetch } from '../src/activity.js';
import type { RequestLike } from '../src/forwarded.js';

function request(headers: Record<string, string> = {}, url = '/api/x', method = 'GET'): RequestLike {
  return { method, url, headers, socket: {} };
}

describe('with activity from any request', () => {
  const isActivity = createActivityCheck({ activity: 'any', backgroundPaths: ['/api/poll', '/health/'] });

  it('a plain request is activity, whatever its method', () => {
    expect(isActivity(request())).toBe(true);
    expect(isActivity(request({}, '/api/x', 'POST'))).toBe(true);
    expect(isActivity(request({ accept: 'application/json', 'sec-fetch-site': 'same-origin' }))).toBe(true);
    expect(isActivity(request({ 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }))).toBe(true);
  });

  it.each(['background', 'Background'])('X-Session-Activity: %s says that it is background', (value) => {
    expect(isActivity(request({ 'x-session-activity': value }))).toBe(false);
  });

  it('other values of X-Session-Activity change nothing', () => {
    expect(isActivity(request({ 'x-session-activity': 'user' }))).toBe(true);
    expect(isActivity(request({ 'x-session-activity': 'nonsense' }))).toBe(true);
  });

  it.each(['/api/poll', '/api/poll/', '/api/poll/7', '/api/poll?since=1', '/health', '/health/x'])(
    '%s is a background path',
    (url) => {
      expect(isActivity(request({}, url))).toBe(false);
      expect(isActivity(request({ 'x-session-activity': 'user' }, url))).toBe(false);
    },
  );

  it.each(['/api/polls', '/api/pol', '/api', '/healthy', '/API/poll', '/x/api/poll', '/api?/api/poll'])(
    '%s is not',
    (url) => {
      expect(isActivity(request({}, url))).toBe(true);
    },
  );

  it.each([
    ['sec-purpose', 'prefetch'],
    ['sec-purpose', 'prefetch;prerender'],
    ['purpose', 'prefetch'],
    ['x-moz', 'prefetch'],
  ])('%s: %s is background, as a navigation too', (name, value) => {
    expect(isActivity(request({ [name]: value }))).toBe(false);
    expect(isActivity(request({ [name]: value, 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' }))).toBe(false);
  });

  it('an upgrade and an event stream are background: browsers reconnect by themselves', () => {
    expect(isActivity(request(), true)).toBe(false);
    expect(isActivity(request({ accept: 'text/event-stream' }))).toBe(false);
    expect(isActivity(request({ accept: 'Text/Event-Stream, */*' }))).toBe(false);
  });

  it.each(['iframe', 'frame', 'embed', 'object'])(
    'a navigation of an %s in another site’s page is background',
    (dest) => {
      const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': dest };
      expect(isActivity(request(headers))).toBe(false);
    },
  );

  it.each(['cross-site', 'same-site'])('a %s subresource is background, a navigation is activity', (site) => {
    expect(isActivity(request({ 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' }))).toBe(false);
    expect(isActivity(request({ 'sec-fetch-site': site, accept: 'text/html' }))).toBe(false);
    expect(isActivity(request({ 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate' }))).toBe(true);
    expect(isActivity(request({ 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate' }, '/api/x', 'POST'))).toBe(true);
  });

  it('every path can be background', () => {
    const none = createActivityCheck({ activity: 'any', backgroundPaths: ['/'] });
    expect(none(request({}, '/'))).toBe(false);
    expect(none(request({}, '/api?x'))).toBe(false);
  });
});

describe('with asserted activity', () => {
  const isActivity = createActivityCheck({ activity: 'asserted', backgroundPaths: [] });

  it('only X-Session-Activity: user is activity', () => {
    expect(isActivity(request({ 'x-session-activity': 'user' }))).toBe(true);
    expect(isActivity(request({ 'x-session-activity': 'background' }))).toBe(false);
    expect(isActivity(request({ 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' }))).toBe(false);
    expect(isActivity(request())).toBe(false);
    expect(isActivity(request(), true)).toBe(false);
  });
});

describe('a navigation', () => {
  it('is a GET that says so', () => {
    expect(isNavigation(request({ 'sec-fetch-mode': 'navigate' }))).toBe(true);
    expect(isNavigation(request({ 'sec-fetch-mode': 'navigate', 'sec-purpose': 'prefetch' }))).toBe(true);
    expect(isNavigation(request({ 'sec-fetch-mode': 'navigate' }, '/', 'POST'))).toBe(false);
    expect(isNavigation(request({ 'sec-fetch-mode': 'navigate' }, '/', 'HEAD'))).toBe(false);
  });

  it('is a GET for HTML where there is no fetch metadata', () => {
    expect(isNavigation(request({ accept: 'text/html,application/xhtml+xml' }))).toBe(true);
    expect(isNavigation(request({ accept: 'application/xml, TEXT/HTML;q=0.9' }))).toBe(true);
    expect(isNavigation(request({ accept: 'text/html' }, '/', 'POST'))).toBe(false);
    expect(isNavigation(request({ accept: '*/*' }))).toBe(false);
    expect(isNavigation(request())).toBe(false);
  });

  it('is not a fetch for HTML', () => {
    expect(isNavigation(request({ accept: 'text/html', 'sec-fetch-mode': 'cors' }))).toBe(false);
    expect(isNavigation(request({ accept: 'text/html', 'sec-fetch-site': 'same-origin' }))).toBe(false);
    expect(isNavigation(request({ accept: 'text/html', 'sec-fetch-dest': 'empty' }))).toBe(false);
  });
});

describe('a prefetch', () => {
  it('is told by any of the headers that browsers use', () => {
    expect(isPrefetch(request({ 'sec-purpose': 'prefetch;anonymous-client-ip' }))).toBe(true);
    expect(isPrefetch(request({ 'sec-purpose': 'Prerender' }))).toBe(true);
    expect(isPrefetch(request({ purpose: 'prefetch' }))).toBe(true);
    expect(isPrefetch(request({ 'x-moz': 'prefetch' }))).toBe(true);
    expect(isPrefetch(request({ purpose: 'preview' }))).toBe(false);
    expect(isPrefetch(request())).toBe(false);
  });
});
