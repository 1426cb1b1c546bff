// What passes with a handshake, and what does not: no token out, identity in, nothing back that touches the session.

import { once } from 'node:events';
import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { rawRequest } from './support/http.js';
import { onEveryMount } from './support/mounted.js';
import { eventually, pause, type Stack } from './support/stack.js';
import { accept, bareSocket, handshake, maskedFrame, refusal } from './support/websocket.js';

/** What clients send to be taken for somebody else, or for a proxy. */
const forged = {
  'X-Forwarded-For': '203.0.113.9',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'evil.example',
  'X-Forwarded-User': 'root',
  'X-Forwarded-Realm': '/root',
  X_Forwarded_User: 'root',
  Forwarded: 'for=203.0.113.9',
  'X-Real-IP': '203.0.113.9',
  'Remote-User': 'root',
  'X-Remote-User': 'root',
  'X-Auth-Request-Email': 'root@example.com',
};

/** What its own connection only is told. */
const hopByHop = {
  Connection: 'Upgrade, X-Secret, x-forwarded-user, cookie, x-request-id',
  'X-Secret': '1',
  TE: 'trailers',
  'Proxy-Authorization': 'Basic cm9vdA==',
  'Proxy-Connection': 'keep-alive',
  'Keep-Alive': 'timeout=1000',
  Expect: '100-continue',
};

async function sent(stack: Stack, path: string, token: string, headers: Record<string, string> = {}) {
  const { socket, received } = await bareSocket(stack, handshake(stack, path, token, headers));
  await eventually(() => received().includes('\r\n\r\n'));
  socket.destroy();
  return { ...stack.upstream.seen.at(-1), head: received() };
}

/** A response on the socket of an upgrade, to refuse it with. */
function answerTo(req: IncomingMessage, socket: Duplex): ServerResponse {
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  res.assignSocket(socket.on('error', () => undefined) as Socket);
  socket.on('drain', () => res.emit('drain'));
  res.once('finish', () => socket.end());
  return res;
}

function refuseWith(stack: Stack, answer: (res: ServerResponse, socket: Duplex) => void): void {
  stack.upstream.upgrade = (req, socket) => answer(answerTo(req, socket), socket);
}

onEveryMount('the handshake that an upstream sees', {}, (stack) => {
  it('names the user of the session and the peer of the socket, whatever the client claims', async () => {
    const { headers, rawHeaders } = await sent(stack(), '/api/ws', stack().am.login(), {
      ...forged,
      Host: 'app.example',
    });
    expect(headers).toMatchObject({
      host: new URL(stack().upstream.url).host,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'app.example',
      'x-forwarded-user': 'demo',
      'x-forwarded-realm': '/',
    });
    expect(JSON.stringify(rawHeaders)).not.toMatch(/root|203\.0\.113\.9|evil/);
  });

  it('names nobody on a public route', async () => {
    const { headers, rawHeaders } = await sent(stack(), '/public/ws', stack().am.login(), forged);
    expect(headers).not.toHaveProperty('x-forwarded-user');
    expect(headers).not.toHaveProperty('x-forwarded-realm');
    expect(headers).not.toHaveProperty('cookie');
    expect(JSON.stringify(rawHeaders)).not.toMatch(/root|203\.0\.113\.9|evil/);
  });

  it("has nothing of the client's connection, and what we say cannot be nominated away", async () => {
    const { headers = {} } = await sent(stack(), '/api/ws', stack().am.login(), { ...hopByHop, 'X-Request-Id': 'r-1' });
    expect(headers).toMatchObject({ connection: 'Upgrade', 'x-forwarded-user': 'demo', 'x-request-id': 'r-1' });
    for (const name of ['x-secret', 'te', 'proxy-authorization', 'proxy-connection', 'keep-alive', 'expect'])
      expect(headers).not.toHaveProperty(name);
  });

  it.each(['/api/ws', '/public/ws'])(
    'to %s has no token, in whichever header and however often it comes',
    async (path) => {
      const token = stack().am.login();
      const name = stack().am.cookieName;
      const { headers, rawHeaders, head } = await sent(stack(), path, token, {
        Cookie: `a=1; ${name}=${token}; ${name}="${token}"; b=2; amlbcookie=01; session-jwt=x; AMAuthCookie=y`,
        [name]: token,
        [name.toUpperCase()]: token,
      });
      expect(headers?.cookie).toBe('a=1; b=2');
      expect(JSON.stringify(rawHeaders)).not.toContain(token);
      expect(head).toMatch(/^HTTP\/1\.1 101 /);
      expect(stack().log.join('')).not.toContain(token);
    },
  );

  it('carries the request id of the client, or one of ours, both ways', async () => {
    const token = stack().am.login();
    const echoed = await sent(stack(), '/api/ws', token, { 'X-Request-Id': 'r-8' });
    expect(echoed.head).toMatch(/\r\nx-request-id: r-8\r\n/i);
    const made = await sent(stack(), '/api/ws', token, { 'X-Request-Id': 'no good' });
    const id = /\r\nx-request-id: ([0-9a-f-]{36})\r\n/i.exec(made.head)?.[1];
    expect(id).toBeDefined();
    expect(made.headers).toMatchObject({ 'x-request-id': id });
  });
});

onEveryMount('behind one trusted proxy, the handshake', { proxy: { trustProxy: 1 } }, (stack) => {
  it('says what that proxy says, and nothing that came before it', async () => {
    const { headers } = await sent(stack(), '/api/ws', stack().am.login(), {
      'X-Forwarded-For': '203.0.113.9, 198.51.100.7',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'app.example',
      'X-Forwarded-User': 'root',
      Origin: 'https://app.example',
    });
    expect(headers).toMatchObject({
      'x-forwarded-for': '198.51.100.7, 127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'app.example',
      'x-forwarded-user': 'demo',
    });
  });
});

onEveryMount('the answer of an upstream to a handshake', {}, (stack) => {
  const cookiesOf = (name: string) => [
    `${name}=stolen; Path=/`,
    `=${name}=tossed`,
    'a=1',
    `${name}=; Max-Age=0`,
    'b=2',
  ];

  it('that takes it cannot set the SSO cookie, nor loosen our headers', async () => {
    const lines = cookiesOf(stack().am.cookieName).map((cookie) => `Set-Cookie: ${cookie}`);
    stack().upstream.upgrade = (req, socket) =>
      accept(req, socket, [
        ...lines,
        'Clear-Site-Data: "cookies"',
        'X-Powered-By: PHP/5',
        'X-Content-Type-Options: sniff',
        'Access-Control-Allow-Origin: *',
        'Proxy-Authenticate: Basic',
        'X-Theirs: kept',
      ]);
    const headers = { cookie: `${stack().am.cookieName}=${stack().am.login()}` };
    const socket = new WebSocket(`${stack().url.replace('http', 'ws')}/api/ws`, { headers });
    const [answer] = (await once(socket, 'upgrade')) as [IncomingMessage];
    socket.once('open', () => socket.terminate());
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(answer.headers).toMatchObject({
      connection: 'Upgrade',
      upgrade: 'websocket',
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-cache',
      'x-theirs': 'kept',
    });
    for (const name of ['clear-site-data', 'x-powered-by', 'access-control-allow-origin', 'proxy-authenticate'])
      expect(answer.headers).not.toHaveProperty(name);
  });

  it('that refuses it cannot either, and keeps its cookies, its type and its body', async () => {
    const name = stack().am.cookieName;
    refuseWith(stack(), (res) => {
      res.writeHead(403, {
        'Set-Cookie': cookiesOf(name),
        'Clear-Site-Data': '"cookies"',
        'Content-Type': 'text/plain',
      });
      res.end('no');
    });
    const answer = await refusal(stack(), '/api/ws', stack().am.login());
    expect(answer).toMatchObject({ status: 403, body: 'no', headers: { 'content-type': 'text/plain' } });
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(answer.headers).not.toHaveProperty('clear-site-data');
    expect(answer.headers).toMatchObject({ 'x-content-type-options': 'nosniff', connection: 'close' });
  });

  it.each([401, 403, 404, 426, 503])('is passed on if it refuses with %d, its length said or not', async (status) => {
    const lengths: Record<string, string>[] = [{ 'Content-Length': '11' }, {}];
    for (const length of lengths) {
      refuseWith(stack(), (res) => {
        res.writeHead(status, 'As I Said', { ...length, 'Sec-WebSocket-Version': '13', 'WWW-Authenticate': 'Bearer' });
        res.write('not ');
        res.end('like so');
      });
      const answer = await refusal(stack(), '/api/ws', stack().am.login());
      expect(answer).toMatchObject({ status, body: 'not like so', code: undefined });
      expect(answer.headers).toMatchObject({ 'sec-websocket-version': '13', 'www-authenticate': 'Bearer' });
    }
  });

  it.each([204, 302, 304])('is passed on if it refuses with %d, without a body', async (status) => {
    refuseWith(stack(), (res) => res.writeHead(status, { Location: `${stack().upstream.url}/api/new` }).end());
    const answer = await refusal(stack(), '/api/ws', stack().am.login());
    expect(answer).toMatchObject({ status, body: '', headers: { location: '/api/new' } });
  });

  it('is passed on to a client that has sent frames already, and the connection ends at once', async () => {
    refuseWith(stack(), (res) => res.writeHead(503).end('not now'));
    const early = maskedFrame('x'.repeat(60_000)).toString('latin1');
    for (const times of [1, 20]) {
      const opening = handshake(stack(), '/api/ws', stack().am.login()) + early.repeat(times);
      const startedAt = performance.now();
      const answer = await rawRequest(stack().url, Buffer.from(opening, 'latin1'));
      expect(answer).toMatch(/^HTTP\/1\.1 503 [^]*not now/);
      expect(performance.now() - startedAt).toBeLessThan(900);
    }
  });

  it('may be as long as it likes: whoever does not read it holds the upstream', async () => {
    const size = 60_000_000;
    let written = 0;
    refuseWith(stack(), (res) => {
      res.writeHead(403, { 'Content-Length': size });
      const piece = Buffer.alloc(60_000, 'x');
      const more = (): void => {
        while (written < size) {
          written += piece.length;
          if (!res.write(piece)) return void res.once('drain', more);
        }
        res.end();
      };
      more();
    });
    const { socket, closed } = await bareSocket(stack(), handshake(stack(), '/api/ws', stack().am.login()));
    socket.pause();
    await pause(700);
    expect(written).toBeLessThan(40_000_000);
    socket.resume();
    await closed;
    expect(socket.bytesRead).toBeGreaterThan(size);
    expect(socket.bytesRead).toBeLessThan(size + 10_000);
  });

  it('that dies in the middle is not passed off as whole', async () => {
    refuseWith(stack(), (res, socket) => {
      res.writeHead(503, { 'Content-Length': 1000 });
      res.write('the beginning');
      setTimeout(() => socket.destroy(), 50);
    });
    const startedAt = performance.now();
    const answer = await rawRequest(stack().url, handshake(stack(), '/api/ws', stack().am.login()));
    expect(answer).toMatch(/^HTTP\/1\.1 503 [^]*content-length: 1000[^]*the beginning$/i);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
