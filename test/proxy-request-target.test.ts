import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawRequest } from './support/http.js';
import { mounts, startStack, type Stack } from './support/stack.js';

describe.each(mounts)('the request target, mounted by %s', (mount) => {
  let stack: Stack;
  let token: string;
  beforeAll(async () => {
    stack = await startStack({ mount });
    token = stack.am.login();
  });
  afterAll(() => stack.close());

  /** The answer to the target, sent byte for byte, and what the upstream saw of it. */
  async function send(target: string, method = 'GET'): Promise<{ answer: string; seen: string[] }> {
    const before = stack.upstream.seen.length;
    const answer = await rawRequest(
      stack.url,
      Buffer.from(
        `${method} ${target} HTTP/1.1\r\nHost: app.example\r\nCookie: ${stack.am.cookieName}=${token}\r\nConnection: close\r\n\r\n`,
        'latin1',
      ),
    );
    return { answer, seen: stack.upstream.seen.slice(before).map(({ url }) => url) };
  }

  it.each([
    '/api',
    '/api/',
    '/api/x?next=/../%2f',
    '/api?x',
    '/api/a%20b;v=1/c',
    '/api//x',
    '/api/caf%C3%A9',
    '/public/x',
  ])('reaches the upstream as it was sent: %s', async (target) => {
    const { answer, seen } = await send(target);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(seen).toEqual([target]);
  });

  it.each(['/apixyz', '/API/x', '/x/../api/y', '/api%2fx', '/publicity', '/%61pi/x', '/;/api/x'])(
    'is not below the prefix, so the upstream hears nothing: %s',
    async (target) => {
      const { answer, seen } = await send(target);
      expect(answer).toMatch(/^HTTP\/1\.1 404 /);
      expect(seen).toEqual([]);
    },
  );

  it.each([
    '//api/x',
    '//evil.example/api',
    'http://evil.example/api/x',
    '/api/../admin',
    '/api/%2e%2e/admin',
    '/api/.%2E/admin',
    '/api/..;x=1/admin',
    '/api/%252e%252e/admin',
    '/api/%2e/x',
    '/api/..%2fadmin',
    '/api/..%5cadmin',
    '/api/..\\admin',
    '/api/x%00',
    '/api/%zz',
    '/public/../api/x',
    '/public/%2e%2e/api/x',
  ])('is refused: %s', async (target) => {
    const { answer, seen } = await send(target);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"bad_request_target"');
    expect(answer).toContain('content-type: application/problem+json');
    expect(answer).toContain('cache-control: no-store');
    expect(answer).not.toMatch(/evil|admin/);
    expect(seen).toEqual([]);
  });

  it('is refused: OPTIONS *', async () => {
    const { answer, seen } = await send('*', 'OPTIONS');
    expect(answer).toContain('"code":"bad_request_target"');
    expect(seen).toEqual([]);
  });

  it.each(['/api/x?a=\x01', '/api/\x7f', '/api/x?\t', '/api/x?a=\xe9'])(
    'with odd bytes is either refused or passed on, never an error of ours: %j',
    async (target) => {
      const { answer } = await send(target);
      expect(answer).toMatch(/^HTTP\/1\.1 (200|400) /);
    },
  );

  it('of CONNECT opens no tunnel', async () => {
    const { answer, seen } = await send('evil.example:443', 'CONNECT');
    expect(answer).not.toMatch(/^HTTP\/1\.1 2/);
    expect(seen).toEqual([]);
  });
});
