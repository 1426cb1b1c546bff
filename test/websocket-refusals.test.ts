// Upgrades that are refused: each with an answer that says why, on a connection that we close after it.

import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { sessionProxy, type SessionProxy } from '../src/index.js';
import { rawRequest } from './support/http.js';
import { logged, onEveryMount } from './support/mounted.js';
import { eventually, startStack, type Stack } from './support/stack.js';
import { bareSocket, frame, handshake, maskedFrame, openSocket, refusal } from './support/websocket.js';

interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Record<string, unknown>;
}

/** The one answer that came before the connection was closed. */
function problemOf(bytes: string): Problem {
  const end = bytes.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = bytes.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.replace(/^[^:]*: /, '')]),
  );
  const body = bytes.slice(end + 4);
  expect(body).toHaveLength(Number(headers['content-length']));
  return { status: Number(statusLine.split(' ')[1]), headers, body: JSON.parse(body) as Record<string, unknown> };
}

/** What is promised of every refusal, and that the connection is closed after it. */
async function expectProblem(stack: Stack, bytes: string, status: number, code: string): Promise<Problem> {
  const problem = problemOf(await rawRequest(stack.url, bytes));
  expect(problem).toMatchObject({
    status,
    body: { status, code },
    headers: {
      'content-type': 'application/problem+json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': expect.stringMatching(/^[\w-]{36}$/) as string,
      connection: 'close',
    },
  });
  expect(problem.headers).not.toHaveProperty('set-cookie');
  return problem;
}

onEveryMount('an upgrade', { proxy: { trustedOrigins: ['https://partner.example'] } }, (stack) => {
  const asked = (path: string, token?: string, headers = {}) => handshake(stack(), path, token, headers);

  it.each([{}, { Accept: 'text/html' }, { 'Sec-Fetch-Mode': 'websocket', 'Sec-Fetch-Site': 'same-origin' }])(
    'without a session is 401, with %j',
    async (headers) => {
      const origin = { Origin: stack().url, ...headers };
      const { body } = await expectProblem(stack(), asked('/api/ws', undefined, origin), 401, 'session_missing');
      expect(body['loginUrl']).toContain('/XUI/');
    },
  );

  it('that the upstream refuses with an answer that has no end shows its head at once, and ends with its client', async () => {
    const { upstream, am } = stack();
    let hasEnded = false;
    upstream.upgrade = (_req, socket) => {
      socket.once('end', () => (hasEnded = true)).resume();
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Type: text/event-stream\r\n\r\n');
    };
    const client = await bareSocket(stack(), asked('/api/ws', am.login()));
    await eventually(() => client.received().startsWith('HTTP/1.1 403 Forbidden\r\n'));
    expect(hasEnded).toBe(false);
    client.socket.end();
    await eventually(() => hasEnded);
  });

  it('that the upstream refuses with an answer that breaks off shows it as far as it came, and the log tells', async () => {
    stack().upstream.upgrade = (_req, socket) =>
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 900000\r\n\r\nno');
    const { received, closed } = await bareSocket(stack(), handshake(stack(), '/api/ws', stack().am.login()));
    await closed;
    expect(received()).toMatch(/^HTTP\/1\.1 403 [^]*\r\nno$/);
    await logged(stack(), 'the upstream broke off an answer');
  });

  it('is 401 with a token that AM does not know', async () => {
    await expectProblem(stack(), asked('/api/ws', 'AQIC5wM2LY4Sfcx'), 401, 'session_expired');
  });

  it('is 401 after the logout', async () => {
    const token = stack().am.login();
    expect((await stack().as(token, '/logout', { method: 'POST' })).status).toBe(200);
    await expectProblem(stack(), asked('/api/ws', token), 401, 'session_ended');
  });

  it('is 403 with a session of a realm that is not served', async () => {
    const token = stack().am.login('demo', '/alpha');
    const { body } = await expectProblem(stack(), asked('/api/ws', token), 403, 'session_wrong_realm');
    expect(body['loginUrl']).toContain('/XUI/');
  });

  it.each([
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { Origin: 'https://partner.example.evil.example' },
    { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' },
    { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'same-site' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-origin' },
    { 'Sec-Fetch-Site': 'none' },
  ])('of a live session is 403 from another site: %j', async (headers) => {
    const seen = stack().upstream.seen.length;
    await expectProblem(stack(), asked('/api/ws', stack().am.login(), headers), 403, 'cross_site_request');
    expect(stack().upstream.seen).toHaveLength(seen);
  });

  it('from another site is told to nobody but the log', () => logged(stack(), 'a cross-site request was refused'));

  it.each([
    {},
    { Origin: 'https://partner.example' },
    { Origin: 'https://partner.example', 'Sec-Fetch-Site': 'cross-site' },
  ])('passes with %j', async (headers) => {
    (await openSocket(stack(), '/api/ws', stack().am.login(), headers)).close();
  });

  it('passes from its own origin', async () => {
    const origin = new URL(stack().url).origin;
    for (const headers of [{ Origin: origin }, { Origin: origin, 'Sec-Fetch-Site': 'same-origin' }])
      (await openSocket(stack(), '/api/ws', stack().am.login(), headers)).close();
  });

  it.each(['//api/ws', 'http://evil.example/api/ws', '/api/../x', '/api/%2e%2e/x', '/api/a%2fb', '/api/%zz'])(
    'is 400 to %s',
    async (path) => {
      await expectProblem(stack(), asked(path, stack().am.login()), 400, 'bad_request_target');
    },
  );

  it.each(['h2c', 'websocket, h2c', 'TLS/1.0', 'x-websocket'])('to %s is 400', async (protocol) => {
    await expectProblem(stack(), asked('/api/ws', stack().am.login(), { Upgrade: protocol }), 400, 'bad_request');
  });

  it('is 400 with another method than GET', async () => {
    await expectProblem(stack(), asked('/api/ws', stack().am.login()).replace('GET', 'POST'), 400, 'bad_request');
  });

  it.each([{ 'Content-Length': '5' }, { 'Transfer-Encoding': 'chunked' }])(
    'is 400 with a body: %j',
    async (headers) => {
      await expectProblem(stack(), `${asked('/api/ws', stack().am.login(), headers)}hello`, 400, 'bad_request');
    },
  );

  it.each(['/session', '/session/refresh', '/logout', '/livez', '/readyz'])(
    'to %s, a route of ours, is 404',
    async (path) => {
      await expectProblem(stack(), asked(path, stack().am.login()), 404, 'not_found');
    },
  );

  it('with more than 900 headers is 431', async () => {
    const many = Object.fromEntries(Array.from({ length: 950 }, (_, i) => [`a${i}`, '1']));
    await expectProblem(stack(), asked('/api/ws', stack().am.login(), many), 431, 'headers_too_large');
  });

  it.each(['Upgrade: websocket', 'Connection: Upgrade'])('without %s is a request like any other', async (line) => {
    const bytes = asked('/api/plain', stack().am.login()).replace(`${line}\r\n`, '');
    expect(await rawRequest(stack().url, bytes, 500)).toMatch(/^HTTP\/1\.1 200 /);
    expect(stack().upstream.seen.at(-1)?.headers).not.toHaveProperty('upgrade');
  });

  it('that is refused may have sent frames: its answer arrives all the same, and at once', async () => {
    const early = maskedFrame('x'.repeat(60_000)).toString('latin1').repeat(5);
    const startedAt = performance.now();
    const answer = await rawRequest(stack().url, Buffer.from(asked('/api/ws') + early, 'latin1'));
    expect(problemOf(answer)).toMatchObject({ status: 401, body: { code: 'session_missing' } });
    expect(performance.now() - startedAt).toBeLessThan(900);
  });

  it('behind a request whose answer is still open ends the connection: nothing is mixed into that answer', async () => {
    const token = stack().am.login();
    let finish = (): void => undefined;
    let isClosed = false;
    stack().upstream.answer = (_req, res) => {
      res.once('close', () => (isClosed = true));
      res.write('the first half, ');
      finish = () => res.end('the second half');
    };
    const request = `GET /api/slow HTTP/1.1\r\nHost: a\r\nCookie: ${stack().am.cookieName}=${token}\r\n\r\n`;
    const seen = stack().upstream.seen.length;
    const { socket, received, closed } = await bareSocket(stack(), request);
    await eventually(() => received().includes('the first half'));
    socket.write(asked('/api/ws', token));
    await closed;
    expect(received()).not.toMatch(/HTTP\/1\.1 101|the second half/);
    expect(received().match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(stack().upstream.seen).toHaveLength(seen + 1);
    await eventually(() => isClosed);
    finish();
    expect((await stack().request('/livez')).status).toBe(200);
  });
});

onEveryMount(
  'an upgrade that the server itself refuses',
  {},
  (stack) => {
    const asked = (path: string) => handshake(stack(), path, stack().am.login());

    it('is 404 to a path that is nobody’s', async () => {
      await expectProblem(stack(), asked('/other'), 404, 'not_found');
    });

    it.each(['/api/ws', '/other'])('is 400 to %s with two Host headers, or none', async (path) => {
      for (const host of ['Host: a\r\nHost: b\r\n', ''])
        await expectProblem(stack(), asked(path).replace(/Host: .*?\r\n/, host), 400, 'bad_request');
    });
  },
  { forms: ['command'] },
);

onEveryMount('while AM does not answer, an upgrade', {}, (stack) => {
  it('of a session that nobody here knows is 503', async () => {
    const token = stack().am.login();
    stack().am.fault({ kind: 'status', status: 500 });
    const { headers } = await expectProblem(stack(), handshake(stack(), '/api/ws', token), 503, 'am_unavailable');
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  });

  it('that AM refuses to judge is 502', async () => {
    const token = stack().am.login();
    stack().am.fault({ kind: 'status', status: 403 });
    await expectProblem(stack(), handshake(stack(), '/api/ws', token), 502, 'am_refused');
  });
});

describe('a path that is not ours, in a server of the team', () => {
  let stack: Stack;
  let bff: SessionProxy;
  let server: http.Server;
  let handled: boolean[];
  let own: WebSocketServer;
  beforeAll(async () => {
    stack = await startStack();
    bff = sessionProxy({
      am: { url: stack.am.url },
      routes: [{ path: '/api', target: stack.upstream.url }],
      logLevel: 'error',
    });
    own = new WebSocketServer({ noServer: true });
    own.on('connection', (socket) => socket.send('the team'));
  });
  afterAll(async () => {
    await bff.close();
    await stack.close();
  });
  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  async function start(onUpgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => void): Promise<string> {
    handled = [];
    server = http.createServer((_req: IncomingMessage, res: ServerResponse) => res.end());
    server.on('upgrade', onUpgrade);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it('is left alone: no listener is added and nothing written', async () => {
    const url = await start((req, socket, head) => {
      const listeners = () => socket.eventNames().map((name) => [name, socket.listenerCount(name)]);
      const before = listeners();
      handled.push(bff.upgrade(req, socket, head));
      expect(listeners()).toEqual(before);
      socket.end('HTTP/1.1 299 Untouched\r\n\r\n');
    });
    for (const path of ['/other', '/apixyz', '/', '/socket.io/?EIO=4'])
      expect(await rawRequest(url, handshake({ ...stack, url }, path))).toBe('HTTP/1.1 299 Untouched\r\n\r\n');
    expect(handled).toEqual([false, false, false, false]);
  });

  it.each(['before', 'after'])('is taken by a WebSocket server %s it, and ours by us', async (order) => {
    const ours = (req: IncomingMessage, socket: Duplex, head: Buffer) =>
      void handled.push(bff.upgrade(req, socket, head));
    const theirs = (req: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (req.url === '/own') own.handleUpgrade(req, socket, head, (accepted) => own.emit('connection', accepted, req));
    };
    const url = await start(order === 'before' ? theirs : ours);
    server.on('upgrade', order === 'before' ? ours : theirs);
    const place = { url, am: stack.am };
    const opening = await bareSocket(place, handshake(place, '/own'));
    await eventually(() => opening.received().endsWith(frame('the team').toString('latin1')));
    opening.socket.destroy();
    const socket = await openSocket(place, '/api/ws', stack.am.login());
    socket.send('hello');
    expect(String((await once(socket, 'message'))[0])).toBe('hello');
    socket.terminate();
    expect(await refusal(place, '/api/ws')).toMatchObject({ status: 401 });
    expect(handled).toEqual([false, true, true]);
  });
});
