// What the log says of upstreams that give no answer: the begin, the end, and in between a line a minute.

import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { sessionProxy } from '../src/index.js';
import { createUpstreamReport } from '../src/proxy/failures.js';
import { rawRequest, request } from './support/http.js';
import { recordingLogger } from './support/log.js';
import { logLines, type LogLine } from './support/log-lines.js';
import { rawAnswer, startRawUpstream, type RawUpstream } from './support/raw-upstream.js';
import { startServer } from './support/server.js';
import { eventually, mounts, startStack, type Stack } from './support/stack.js';
import { startUpstream } from './support/upstream.js';
import { createVirtualClock } from './support/virtual-clock.js';
import { bareSocket, handshake } from './support/websocket.js';

/** Lines about upstreams that an operator sees: those of debug are for developers. */
function linesOf(log: readonly string[]): LogLine[] {
  return logLines(log).filter(({ level, message }) => level !== 'debug' && message.includes('upstream'));
}

describe('one upstream over hours', () => {
  const route = { path: '/api', target: 'http://127.0.0.1:4000/base', access: 'session' } as const;
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

  function setUp() {
    const log: string[] = [];
    const clock = createVirtualClock(0);
    const upstream = createUpstreamReport({ route, clock, log: recordingLogger(log) });
    let sent = 0;
    /** A request that fails; `answered` meanwhile. */
    const fail = (timedOut = false, answersBefore = upstream.answers) =>
      upstream.failed({ error: refused, timedOut, requestId: `r${++sent}`, method: 'GET', answersBefore });
    return { log, clock, upstream, fail, lines: () => linesOf(log) };
  }

  test('that answers is no news', () => {
    const { upstream, lines } = setUp();
    for (let i = 0; i < 100; i++) upstream.answered();
    expect(lines()).toEqual([]);
    expect(upstream.answers).toBe(100);
  });

  test('the first failure names code, route, target, cause, method, request and what to look at', () => {
    const { fail, lines } = setUp();
    expect(fail()).toBe('upstream_unavailable');
    expect(lines()).toEqual([
      {
        level: 'warn',
        message: 'no answer from the upstream: requests to this route fail until it answers',
        code: 'upstream_unavailable',
        route: '/api',
        target: 'http://127.0.0.1:4000/base',
        cause: 'ECONNREFUSED',
        method: 'GET',
        requestId: 'r1',
        hint: 'nothing listens there: is it running?',
        failed: 1,
      },
    ]);
  });

  test('an outage is one line a minute, with the count since, and its end one line with all of it', async () => {
    const { fail, clock, upstream, lines } = setUp();
    for (let s = 0; s < 150; s++) {
      fail();
      await clock.advance(1_000);
    }
    upstream.answered();
    upstream.answered();
    expect(lines()).toMatchObject([
      { failed: 1, requestId: 'r1' },
      { failed: 60, forS: 60, requestId: 'r61' },
      { failed: 60, forS: 120, requestId: 'r121' },
      { level: 'warn', message: 'the upstream answers again', route: '/api', failed: 150, forS: 150 },
    ]);
  });

  test('single requests without an answer among others with one are one line a minute and kind', async () => {
    const { fail, clock, upstream, lines } = setUp();
    for (let s = 0; s < 150; s++) {
      const before = upstream.answers;
      upstream.answered();
      expect(fail(true, before)).toBe('upstream_timeout');
      if (s % 2 === 0) fail(false, before);
      await clock.advance(1_000);
    }
    const single = { message: 'no answer from the upstream to a request, while it answers others' };
    expect(lines()).toMatchObject([
      { ...single, code: 'upstream_timeout', cause: 'timeout', failed: 1 },
      { ...single, code: 'upstream_unavailable', failed: 1 },
      { ...single, code: 'upstream_timeout', failed: 60 },
      { ...single, code: 'upstream_unavailable', failed: 30 },
      { ...single, code: 'upstream_timeout', failed: 60 },
      { ...single, code: 'upstream_unavailable', failed: 30 },
    ]);
  });

  test('one that is not there, comes and goes is a pair of lines each time, with the requests of that time', async () => {
    const { fail, clock, upstream, lines } = setUp();
    for (const requests of [2, 1]) {
      for (let n = 0; n < requests; n++) fail();
      await clock.advance(5_000);
      upstream.answered();
      await clock.advance(5_000);
    }
    const back = { message: 'the upstream answers again', forS: 5 };
    expect(lines()).toMatchObject([{ failed: 1 }, { ...back, failed: 2 }, { failed: 1 }, { ...back, failed: 1 }]);
  });

  test('but ten pairs in ten minutes at most, then one with the count', async () => {
    const { fail, clock, upstream, lines } = setUp();
    for (let s = 0; s < 610; s += 10) {
      fail();
      upstream.answered();
      await clock.advance(10_000);
    }
    expect(lines()).toHaveLength(22);
    expect(lines()[20]).toMatchObject({ failed: 1, unsaid: 50 });
  });

  test('and what lasts a minute is said beyond that', async () => {
    const { fail, clock, upstream, lines } = setUp();
    for (let i = 0; i < 15; i++) {
      fail();
      upstream.answered();
    }
    for (let s = 0; s <= 60; s++) {
      fail();
      await clock.advance(1_000);
    }
    expect(lines().slice(20)).toMatchObject([{ failed: 61, forS: 60, unsaid: 5 }]);
  });

  test('one that is too slow now and then is one pair of lines a minute', async () => {
    const { fail, clock, upstream, lines } = setUp();
    for (let s = 0; s < 120; s += 10) {
      fail(true);
      await clock.advance(5_000);
      upstream.answered();
      await clock.advance(5_000);
    }
    expect(lines()).toMatchObject([
      { failed: 1 },
      { message: 'the upstream answers again', failed: 1, forS: 5 },
      { failed: 1, unsaid: 5 },
      { message: 'the upstream answers again', failed: 1, forS: 5 },
    ]);
  });

  test('one that is too slow, and then not there at all, is one outage', () => {
    const { fail, upstream, lines } = setUp();
    fail(true);
    for (let n = 0; n < 3; n++) fail();
    upstream.answered();
    expect(lines()).toMatchObject([{ cause: 'timeout' }, { message: 'the upstream answers again', failed: 4 }]);
  });

  test('each failure is there for whoever asks for debug', () => {
    const { fail, log } = setUp();
    for (let i = 0; i < 10; i++) fail();
    expect(log.filter((line) => line.includes('no answer from the upstream'))).toHaveLength(10);
  });

  test('when we close, it is we who end its requests', () => {
    const { fail, upstream, log } = setUp();
    upstream.close();
    expect(fail()).toBe('upstream_unavailable');
    expect(log).toEqual([]);
  });
});

describe.each(mounts)('an upstream with real sockets, mounted by %s', (mount) => {
  let stack: Stack;
  let raw: RawUpstream;
  let port: number;
  let socketPort: number;
  let cookie: string;
  let respond: (socket: Socket) => void;
  beforeAll(async () => {
    raw = await startRawUpstream((socket) => respond(socket));
    [port, socketPort] = [await freePort(), await freePort()];
    stack = await startStack({
      mount,
      proxy: {
        proxyTimeoutMs: 400,
        routes: [
          ...['/api', '/reset', '/ended', '/stream'].map((path) => ({ path, target: raw.url })),
          { path: '/down', target: `http://127.0.0.1:${port}/base` },
          { path: '/sockets', target: `http://127.0.0.1:${socketPort}` },
        ],
      },
    });
  });
  beforeEach(() => {
    respond = (socket) => socket.write(rawAnswer());
    cookie = `${stack.am.cookieName}=${stack.am.login()}`;
  });
  afterEach(() => {
    stack.log.length = 0;
  });
  afterAll(async () => {
    await stack.close();
    await raw.close();
  });

  const get = (path: string, id = 'none', headers: http.OutgoingHttpHeaders = {}) =>
    request(stack.url, path, { headers: { cookie, 'x-request-id': id, ...headers } });
  const lines = (): LogLine[] => linesOf(stack.log);

  it('that is not there is one line, whatever is asked, and one when it is', async () => {
    const statuses = [(await get('/down/x?secret=s3cr3t', 'the-first')).status];
    statuses.push(...(await Promise.all(Array.from({ length: 20 }, () => get('/down/y')))).map(({ status }) => status));
    await rawRequest(stack.url, handshake(stack, '/down/ws?secret=s3cr3t', cookie.split('=')[1]));
    expect(new Set(statuses)).toEqual(new Set([502]));
    await eventually(() => lines().length > 0);
    const upstream = await startUpstream(port);
    for (let i = 0; i < 3; i++) expect((await get('/down/x')).status).toBe(200);
    await upstream.close();
    await eventually(() => lines().length === 2);
    expect(lines()).toMatchObject([
      {
        level: 'warn',
        code: 'upstream_unavailable',
        route: '/down',
        target: `http://127.0.0.1:${port}/base`,
        cause: 'ECONNREFUSED',
        requestId: 'the-first',
      },
      { level: 'warn', message: 'the upstream answers again', route: '/down', failed: 22 },
    ]);
    expect(stack.log.join('')).not.toContain('s3cr3t');
  });

  it('that is not there for a WebSocket is there again with the next that it takes', async () => {
    const open = handshake(stack, '/sockets/ws?secret=s3cr3t', cookie.split('=')[1]);
    expect(await rawRequest(stack.url, open)).toContain('502');
    const upstream = await startUpstream(socketPort);
    const client = await bareSocket(stack, open);
    await eventually(() => client.received().includes('101'));
    await eventually(() => lines().length === 2);
    expect(lines()).toMatchObject([
      { code: 'upstream_unavailable', route: '/sockets', cause: 'ECONNREFUSED', method: 'GET' },
      { message: 'the upstream answers again', route: '/sockets', failed: 1 },
    ]);
    client.socket.destroy();
    await upstream.close();
  });

  it('that is slow for one request among others is one line, and no outage', async () => {
    respond = () => undefined;
    const slow = get('/api/slow', 'slow');
    await eventually(() => raw.received().includes('/api/slow'));
    respond = (socket) => socket.write(rawAnswer());
    expect((await get('/api/quick')).status).toBe(200);
    expect((await slow).status).toBe(504);
    expect((await get('/api/quick')).status).toBe(200);
    await eventually(() => lines().length === 1);
    expect(lines()).toMatchObject([
      {
        code: 'upstream_timeout',
        cause: 'timeout',
        requestId: 'slow',
        hint: expect.stringContaining('PROXY_TIMEOUT_MS (proxyTimeoutMs)') as string,
      },
    ]);
  });

  it.each([
    ['by a reset', '/reset', (socket: Socket) => socket.resetAndDestroy(), {}],
    // as the system does for a process that is killed
    ['by the end of the connection', '/ended', (socket: Socket) => socket.end(), {}],
    [
      'by the end of a connection of its own',
      '/stream',
      (socket: Socket) => socket.end(),
      { accept: 'text/event-stream' },
    ],
  ])('that breaks off an answer %s is one line', async (_how, path, breakOff, headers) => {
    respond = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello');
      setTimeout(() => breakOff(socket), 50);
    };
    for (let i = 0; i < 3; i++) await expect(get(path, 'cut', headers)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await eventually(() => lines().length === 1);
    expect(lines()).toMatchObject([{ level: 'warn', message: expect.stringContaining('broke off') as string }]);
  });

  it.each([
    ['before the answer', () => undefined],
    ['in the middle of the answer', (socket: Socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\nhello')],
  ])('is not blamed for a client that hangs up %s', async (when, answer) => {
    respond = answer;
    const connections = raw.sockets.length;
    for (let i = 0; i < 3; i++) {
      const seen = raw.received().length;
      const client = http.get(`${stack.url}/api/x`, { headers: { cookie }, agent: false });
      client.on('error', () => undefined);
      let begun = false;
      client.on('response', (res) => {
        begun = true;
        res.on('error', () => undefined).resume();
      });
      await eventually(() => raw.received().length > seen && (begun || when === 'before the answer'));
      client.destroy();
    }
    await eventually(() => raw.sockets.slice(connections).every((socket) => socket.destroyed));
    respond = (socket) => socket.write(rawAnswer());
    expect((await get('/api/x')).status).toBe(200);
    expect(lines()).toEqual([]);
  });
});

it('that owes an answer when we close is not blamed', async () => {
  const raw = await startRawUpstream(() => undefined);
  const log: string[] = [];
  const bff = sessionProxy({
    am: { url: 'http://127.0.0.1:9/am', cookieName: 'sso' },
    publicRoutes: [{ path: '/public', target: raw.url }],
    logger: recordingLogger(log),
  });
  const server = await startServer(bff.wrap((_req, res) => res.end()));
  const answer = request(server.url, '/public/x').catch((error: Error) => error);
  await eventually(() => raw.received().includes('/public/x'));
  await bff.close();
  await answer;
  expect(linesOf(log)).toEqual([]);
  server.close();
  await raw.close();
});

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
