import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mounts, startStack, type Mount, type Stack } from './support/stack.js';

/** What clients send to be taken for somebody else, or for a proxy. */
const forged = {
  'X-Forwarded-For': '203.0.113.9',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'evil.example',
  'X-Forwarded-Port': 'port-666',
  'X-Forwarded-User': 'root',
  'X-Forwarded-Realm': '/root',
  X_Forwarded_User: 'root',
  Forwarded: 'for=203.0.113.9',
  'X-Real-IP': '203.0.113.9',
  'Remote-User': 'root',
  Remote_User: 'root',
  'X-Remote-User': 'root',
  'X-Auth-Request-Email': 'root@example.com',
};

const hopByHop = {
  Connection: 'keep-alive, X-Secret, x-forwarded-user, cookie, x-request-id',
  'X-Secret': '1',
  TE: 'trailers',
  'Proxy-Authorization': 'Basic cm9vdA==',
  'Proxy-Connection': 'keep-alive',
  'Keep-Alive': 'timeout=1000',
};

describe.each(mounts)('the headers that an upstream sees, mounted by %s', (mount) => {
  let stack: Stack;
  let token: string;
  beforeAll(async () => {
    stack = await startStack({ mount });
    token = stack.am.login();
  });
  afterAll(() => stack.close());

  it('name the user of the session and the peer of the socket, whatever the client claims', async () => {
    await stack.as(token, '/api/x', { headers: { ...forged, Host: 'app.example' } });
    const seen = stack.upstream.seen.at(-1);
    expect(seen?.headers).toMatchObject({
      host: new URL(stack.upstream.url).host,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'app.example',
      'x-forwarded-user': 'demo',
      'x-forwarded-realm': '/',
    });
    expect(JSON.stringify(seen?.rawHeaders)).not.toMatch(/root|203\.0\.113\.9|evil|port-666/);
  });

  it('name nobody on a public route', async () => {
    await stack.as(token, '/public/x', { headers: forged });
    const seen = stack.upstream.seen.at(-1);
    expect(seen?.headers).not.toHaveProperty('x-forwarded-user');
    expect(seen?.headers).not.toHaveProperty('cookie');
    expect(JSON.stringify(seen?.rawHeaders)).not.toMatch(/root|203\.0\.113\.9|evil|port-666/);
  });

  it("have none of the client's connection, and what we say cannot be nominated away", async () => {
    await stack.as(token, '/api/x', { headers: { ...hopByHop, 'X-Request-Id': 'r-1', Accept: 'text/plain' } });
    const { headers = {} } = stack.upstream.seen.at(-1) ?? {};
    expect(headers).toMatchObject({ 'x-forwarded-user': 'demo', 'x-request-id': 'r-1', accept: 'text/plain' });
    for (const name of ['x-secret', 'te', 'proxy-authorization', 'proxy-connection', 'keep-alive'])
      expect(headers).not.toHaveProperty(name);
    expect(headers.connection).toBe('keep-alive');
  });

  it('have no token, in whichever header and however often it comes', async () => {
    const name = stack.am.cookieName;
    await stack.as(token, '/api/x', {
      headers: {
        cookie: `a=1; ${name}=${token}; ${name}="${token}"; b=2; amlbcookie=01; session-jwt=x; AMAuthCookie=y`,
        [name]: token,
        [name.toUpperCase()]: token,
      },
    });
    const seen = stack.upstream.seen.at(-1);
    expect(seen?.headers.cookie).toBe('a=1; b=2');
    expect(JSON.stringify(seen)).not.toContain(token);
  });
});

describe.each(['use', 'command'] satisfies Mount[])('behind one trusted proxy, mounted by %s', (mount) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ mount, proxy: { trustProxy: 1 } });
  });
  afterAll(() => stack.close());

  it('the upstream learns what that proxy says, and nothing that came before it', async () => {
    await stack.as(stack.am.login(), '/api/x', {
      headers: {
        'X-Forwarded-For': '203.0.113.9, 198.51.100.7',
        'X-Forwarded-Proto': 'https',
        'X-Forwarded-Host': 'app.example',
        'X-Forwarded-User': 'root',
      },
    });
    const { headers = {} } = stack.upstream.seen.at(-1) ?? {};
    expect(headers).toMatchObject({
      'x-forwarded-for': '198.51.100.7, 127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'app.example',
      'x-forwarded-user': 'demo',
    });
  });
});
