// Unsafe requests from other sites are refused before anything is done with the session.

import { describe, expect, it } from 'vitest';
import { askedAbout, logged, onEveryMount } from './support/mounted.js';

const post = 'POST';

onEveryMount('a request from another site', { proxy: { trustedOrigins: ['https://partner.example.com'] } }, (stack) => {
  const origin = () => stack().url;
  const refused: readonly Record<string, string>[] = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:1' },
    { 'sec-fetch-site': 'bogus' },
  ];

  it.each(refused)('is 403 cross_site_request on a proxied prefix and on our routes: %o', async (headers) => {
    const token = stack().am.login();
    const seen = stack().upstream.seen.length;
    for (const path of ['/api/x', '/session/refresh', '/logout']) {
      const answer = await stack().as(token, path, { method: post, headers });
      expect(answer.status).toBe(403);
      expect(answer.headers['content-type']).toContain('application/problem+json');
      expect(answer.json()['code']).toBe('cross_site_request');
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.setCookies).toEqual([]);
    }
    expect(askedAbout(stack(), token)).toEqual([]);
    expect(stack().upstream.seen).toHaveLength(seen);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'])('is refused with %s', async (method) => {
    const answer = await stack().as(stack().am.login(), '/api/x', {
      method,
      headers: { origin: 'https://evil.example' },
    });
    expect(answer.status).toBe(403);
  });

  it.each(['GET', 'HEAD', 'OPTIONS'])('passes with %s, which changes nothing', async (method) => {
    const answer = await stack().as(stack().am.login(), '/api/x', {
      method,
      headers: { origin: 'https://evil.example' },
    });
    expect(answer.status).toBe(200);
  });

  it('names in the log the host that was compared, once', async () => {
    for (let n = 0; n < 2; n++)
      await stack().request('/api/x', { method: post, headers: { origin: 'https://evil.example' } });
    expect(await logged(stack(), 'a cross-site request was refused')).toBe(1);
    expect(stack().log.join('')).toContain(new URL(origin()).host);
  });

  it.each([
    ['our own page', () => ({ 'sec-fetch-site': 'same-origin', origin: origin() })],
    ['the user himself', () => ({ 'sec-fetch-site': 'none' })],
    ['our own page in an old browser', () => ({ origin: origin() })],
    ['no browser', () => ({})],
    ['a trusted origin', () => ({ 'sec-fetch-site': 'cross-site', origin: 'https://partner.example.com' })],
  ])('is not one from %s', async (_what, headers) => {
    const answer = await stack().as(stack().am.login(), '/api/x', { method: post, headers: headers() });
    expect(answer.status).toBe(200);
  });

  it('passes on public routes, which have no session to misuse', async () => {
    const answer = await stack().request('/public/hook', { method: post, headers: { origin: 'https://evil.example' } });
    expect(answer.status).toBe(200);
  });
});

onEveryMount('behind a proxy that is trusted', { proxy: { trustProxy: 1 } }, (stack) => {
  it('the host that the proxy reports is compared', async () => {
    const send = (origin: string) =>
      stack().as(stack().am.login(), '/api/x', {
        method: post,
        headers: { origin, 'x-forwarded-host': 'app.example.com', 'x-forwarded-for': '192.0.2.1' },
      });
    expect((await send('https://app.example.com')).status).toBe(200);
    expect((await send('https://evil.example')).status).toBe(403);
  });
});

describe('with a public URL', () => {
  onEveryMount('its origin counts', { proxy: { publicUrl: 'https://app.example.com' } }, (stack) => {
    it.each([
      ['https://app.example.com', 200],
      ['http://app.example.com', 403],
      ['https://app.example.com.evil.example', 403],
    ] as const)('%s: %i', async (origin, status) => {
      const answer = await stack().as(stack().am.login(), '/api/x', { method: post, headers: { origin } });
      expect(answer.status).toBe(status);
    });
  });
});
