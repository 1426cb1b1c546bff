import helmet from 'helmet';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from './support/http.js';
import { mounts, startStack, type Stack } from './support/stack.js';
import { startTeamApp, type TeamApp } from './support/team-app.js';

/** All values of a header, line by line. */
function valuesOf(answer: Answer, name: string): string[] {
  return answer.rawHeaders.filter((_, i) => i % 2 === 1 && answer.rawHeaders[i - 1]?.toLowerCase() === name);
}

describe.each(mounts)('what comes back of an upstream, mounted by %s', (mount) => {
  let stack: Stack;
  let token: string;
  beforeAll(async () => {
    stack = await startStack({ mount, proxy: { trustedOrigins: ['https://forms.example'] } });
    token = stack.am.login();
  });
  afterAll(() => stack.close());
  afterEach(() => {
    stack.upstream.answer = undefined;
  });

  function answerWith(headers: Record<string, string | string[]>): void {
    stack.upstream.answer = (_req, res) => {
      for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
      res.end('ok');
    };
  }

  it('cannot set or clear the SSO cookie', async () => {
    const name = stack.am.cookieName;
    answerWith({ 'Set-Cookie': [`${name}=stolen; Path=/`, `=${name}=tossed`, 'a=1', `${name}=; Max-Age=0`, 'b=2'] });
    expect((await stack.as(token, '/api/x')).setCookies).toEqual(['a=1', 'b=2']);
  });

  it('cannot replace our headers, and adds to the policy only', async () => {
    answerWith({
      'Content-Security-Policy': "default-src 'none'",
      'X-Content-Type-Options': 'sniff',
      'Referrer-Policy': 'unsafe-url',
      'X-Frame-Options': 'DENY',
      'X-Request-Id': 'theirs',
      'X-Powered-By': 'PHP/5',
      'Clear-Site-Data': '"cookies"',
      'Access-Control-Allow-Origin': '*',
    });
    const answer = await stack.as(token, '/api/x', { headers: { 'x-request-id': 'r-7' } });
    expect(answer.status).toBe(200);
    const policies = valuesOf(answer, 'content-security-policy');
    expect(policies).toHaveLength(2);
    expect(policies).toContain("default-src 'none'");
    expect(valuesOf(answer, 'x-content-type-options')).toEqual(['nosniff']);
    expect(valuesOf(answer, 'referrer-policy')).toEqual(['same-origin']);
    expect(valuesOf(answer, 'x-frame-options')).toEqual(['DENY']);
    expect(valuesOf(answer, 'x-request-id')).toEqual(['r-7']);
    for (const name of ['x-powered-by', 'clear-site-data', 'access-control-allow-origin'])
      expect(answer.headers).not.toHaveProperty(name);
  });

  it('speaks to trusted origins about CORS', async () => {
    answerWith({ 'Access-Control-Allow-Origin': 'https://forms.example' });
    const answer = await stack.as(token, '/api/x', { headers: { origin: 'https://forms.example' } });
    expect(answer.headers['access-control-allow-origin']).toBe('https://forms.example');
    expect(answer.headers.vary).toContain('Origin');
  });

  it('keeps lines that come twice', async () => {
    answerWith({ Link: ['</a>; rel=preload', '</b>; rel=preload'], 'WWW-Authenticate': ['Basic', 'Bearer'] });
    const answer = await stack.as(token, '/api/x');
    expect(valuesOf(answer, 'link')).toEqual(['</a>; rel=preload', '</b>; rel=preload']);
    expect(valuesOf(answer, 'www-authenticate')).toEqual(['Basic', 'Bearer']);
  });

  it('is never for shared caches on a session route, and as the upstream says on a public one', async () => {
    expect((await stack.as(token, '/api/x')).headers['cache-control']).toBe('private, no-cache');
    answerWith({ 'Cache-Control': 'public, max-age=60, s-maxage=600' });
    expect((await stack.as(token, '/api/x')).headers['cache-control']).toBe('private, max-age=60');
    expect((await stack.request('/public/x')).headers['cache-control']).toBe('public, max-age=60, s-maxage=600');
    answerWith({ 'Cache-Control': 'no-store' });
    expect((await stack.as(token, '/api/x')).headers['cache-control']).toBe('no-store');
  });

  it('redirects below our origin, not to the host inside', async () => {
    answerWith({ Location: `${stack.upstream.url}/api/new?id=1` });
    expect((await stack.as(token, '/api/x')).headers.location).toBe('/api/new?id=1');
    answerWith({ Location: 'https://elsewhere.example/' });
    expect((await stack.as(token, '/api/x')).headers.location).toBe('https://elsewhere.example/');
  });

  it('carries the request id of the client, or one of ours, both ways', async () => {
    const echoed = await stack.as(token, '/api/x', { headers: { 'x-request-id': 'r-8' } });
    expect(echoed.headers['x-request-id']).toBe('r-8');
    expect(stack.upstream.seen.at(-1)?.headers['x-request-id']).toBe('r-8');
    const made = await stack.as(token, '/api/x', { headers: { 'x-request-id': 'no good' } });
    expect(made.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(stack.upstream.seen.at(-1)?.headers['x-request-id']).toBe(made.headers['x-request-id']);
  });
});

describe('behind middleware of the team', () => {
  let stack: Stack;
  let team: TeamApp;
  beforeAll(async () => {
    stack = await startStack();
    team = await startTeamApp(stack, (app) => {
      app.use(helmet());
      app.use((_req, res, next) => {
        res.cookie('consent', 'yes').cookie('theme', 'dark');
        res.setHeader('X-Team', 'blue').setHeader('Server-Timing', 'app');
        next();
      });
    });
  });
  afterAll(async () => {
    await team.close();
    await stack.close();
  });

  it('its cookies stay beside those of the upstream, its headers stay, and ours come once', async () => {
    stack.upstream.answer = (_req, res) => {
      res
        .setHeader('Set-Cookie', ['a=1', `${stack.am.cookieName}=x`])
        .setHeader('Server-Timing', 'api')
        .end('ok');
    };
    const answer = await team.asUser('/api/x');
    expect(answer.body).toBe('ok');
    expect(answer.setCookies.toSorted()).toEqual(['a=1', 'consent=yes; Path=/', 'theme=dark; Path=/']);
    expect(answer.headers['x-team']).toBe('blue');
    expect(valuesOf(answer, 'server-timing')).toEqual(['api']);
    expect(valuesOf(answer, 'x-frame-options')).toEqual(['SAMEORIGIN']);
    expect(valuesOf(answer, 'content-security-policy')).toHaveLength(1);
    expect(valuesOf(answer, 'referrer-policy')).toEqual(['same-origin']);
  });

  it('an answer that cannot be passed on leaves nothing of the upstream in ours', async () => {
    stack.upstream.answer = (_req, res) => {
      res.socket?.end('HTTP/1.1 200 O\x01K\r\nSet-Cookie: a=1\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n');
    };
    const answer = await team.asUser('/api/x');
    expect(answer.status).toBe(502);
    expect(answer.json()).toMatchObject({ code: 'upstream_unavailable' });
    expect(answer.headers).not.toHaveProperty('content-encoding');
    expect(answer.setCookies).not.toContain('a=1');
  });
});
