// GET /logout: ends the session only as a navigation that the browser proves to come from this site.

import { expect, it } from 'vitest';
import { navigationHeaders } from './support/http.js';
import { askedAbout, onEveryMount } from './support/mounted.js';

const fromHere = { ...navigationHeaders, 'sec-fetch-site': 'same-origin' };

onEveryMount(
  'GET /logout',
  {
    proxy: {
      postLogoutUrls: ['/bye', 'https://www.example.com/out?x=1', '/a"b<c'],
      contentSecurityPolicy: undefined,
    },
  },
  (stack) => {
    it('ends the session when a link of our own page is followed', async () => {
      const token = stack().am.login();
      const answer = await stack().as(token, '/logout', { headers: fromHere });
      expect(answer.status).toBe(303);
      expect(answer.headers.location).toBe('/bye');
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.setCookies.some((line) => line.startsWith('iPlanetDirectoryPro=;'))).toBe(true);
      expect(askedAbout(stack(), token, 'logout')).toMatchObject([{ outcome: 'ended' }]);
    });

    it.each([
      ['the address that is typed', navigationHeaders],
      ['a link on another site', { ...navigationHeaders, 'sec-fetch-site': 'cross-site' }],
      ['a link on a sibling site', { ...navigationHeaders, 'sec-fetch-site': 'same-site' }],
      ['a browser without fetch metadata', { accept: 'text/html' }],
    ])('shows a page with one button for %s, and ends nothing', async (_what, headers) => {
      const token = stack().am.login();
      const answer = await stack().as(token, '/logout', { headers });
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.headers['content-security-policy']).toContain("frame-ancestors 'self'");
      expect(answer.body.match(/<button/g)).toHaveLength(1);
      expect(answer.body).toContain('<form method="post" action="/logout">');
      expect(answer.body).not.toContain('<script');
      expect(answer.setCookies).toEqual([]);
      expect(askedAbout(stack(), token)).toEqual([]);
    });

    it.each([
      [
        'an image in our own page',
        { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
      ],
      ['an image where there is no fetch metadata', { accept: 'image/avif,image/webp,*/*' }],
      ['a fetch of our own page', { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }],
      ['a prefetch of a link', { ...fromHere, 'sec-purpose': 'prefetch' }],
      ['a prerender of a link', { ...fromHere, 'sec-purpose': 'prefetch;prerender' }],
      ['a prefetch of older browsers', { ...fromHere, purpose: 'prefetch' }],
      ['a client that says nothing', {}],
    ])('is 405 and ends nothing for %s', async (_what, headers) => {
      const token = stack().am.login();
      const answer = await stack().as(token, '/logout', { headers });
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toBe('POST');
      expect(answer.json()).toMatchObject({ code: 'method_not_allowed' });
      expect(answer.setCookies).toEqual([]);
      expect(askedAbout(stack(), token)).toEqual([]);
    });

    it.each(['HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('is 405 with %s', async (method) => {
      const token = stack().am.login();
      const answer = await stack().as(token, '/logout', { method, headers: fromHere });
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toBe('POST');
      expect(askedAbout(stack(), token)).toEqual([]);
    });

    it.each([
      ['one that is listed', 'https://www.example.com/out?x=1', 'https://www.example.com/out?x=1'],
      ['none', undefined, '/bye'],
      ['one that is not listed', 'https://evil.example/', '/bye'],
      ['one that only begins like a listed one', 'https://www.example.com/out?x=1&y=2', '/bye'],
      ['a listed one in other letters', 'HTTPS://www.example.com/out?x=1', '/bye'],
      ['another site without a scheme', '//evil.example', '/bye'],
      ['a script', 'javascript:alert(1)', '/bye'],
    ])('leads to %s', async (_what, goto, location) => {
      const query = goto === undefined ? '' : `?goto=${encodeURIComponent(goto)}`;
      for (const method of ['GET', 'POST']) {
        const answer = await stack().as(stack().am.login(), `/logout${query}`, { method, headers: fromHere });
        expect(answer.status).toBe(303);
        expect(answer.headers.location).toBe(location);
      }
    });

    it('hands a listed goto on to the button, and no other, so that nothing can be injected', async () => {
      const page = async (goto: string) =>
        (await stack().request(`/logout?goto=${encodeURIComponent(goto)}`, { headers: navigationHeaders })).body;
      expect(await page('https://www.example.com/out?x=1')).toContain(
        'action="/logout?goto=https%3A%2F%2Fwww.example.com%2Fout%3Fx%3D1"',
      );
      expect(await page('/a"b<c')).toContain('action="/logout?goto=%2Fa%22b%3Cc"');
      expect(await page('"><script>alert(1)</script>')).toContain('action="/logout"');
    });

    it('lets the form lead to where a logout may lead: browsers hold redirects of forms against form-action', async () => {
      const answer = await stack().request('/logout', { headers: navigationHeaders });
      expect(answer.headers['content-security-policy']).toMatch(/form-action 'self' [^;]*https:\/\/www\.example\.com/);
    });
  },
);
