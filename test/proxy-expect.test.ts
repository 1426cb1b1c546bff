import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawRequest } from './support/http.js';
import { mounts, startStack, type Stack } from './support/stack.js';

// the engine asks no hook about a request with Expect: whatever is done to it has to be done before
describe.each(mounts)('a request with Expect: 100-continue, mounted by %s', (mount) => {
  let stack: Stack;
  let token: string;
  beforeAll(async () => {
    stack = await startStack({ mount });
    token = stack.am.login();
  });
  afterAll(() => stack.close());

  it('smuggles neither the SSO cookie nor an identity', async () => {
    const answer = await rawRequest(
      stack.url,
      [
        'POST /api/upload HTTP/1.1',
        'Host: app.example',
        'Expect: 100-continue',
        `Cookie: theme=dark; ${stack.am.cookieName}=${token}; amlbcookie=01`,
        `${stack.am.cookieName}: ${token}`,
        'X-Forwarded-For: 203.0.113.9',
        'X-Forwarded-User: root',
        'Content-Length: 4',
        'Connection: close',
        '',
        'body',
      ].join('\r\n'),
    );

    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n/);
    expect(answer).toContain('HTTP/1.1 200 OK\r\n');
    const seen = stack.upstream.seen.at(-1);
    expect(seen).toMatchObject({ method: 'POST', url: '/api/upload', body: 'body' });
    expect(seen?.headers).toMatchObject({ cookie: 'theme=dark', 'x-forwarded-user': 'demo' });
    expect(seen?.headers).not.toHaveProperty('expect');
    expect(seen?.headers['x-forwarded-for']).not.toContain('203.0.113.9');
    expect(JSON.stringify(seen)).not.toContain(token);
  });

  it('is refused without a session before the upstream hears of it', async () => {
    const before = stack.upstream.seen.length;
    const answer = await rawRequest(
      stack.url,
      'POST /api/upload HTTP/1.1\r\nHost: app.example\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody',
    );
    expect(answer).toContain('"code":"session_missing"');
    expect(stack.upstream.seen).toHaveLength(before);
  });
});
