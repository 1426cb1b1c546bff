// Upstreams and clients that refuse, hang, die or vanish: the other side learns of it soon, and no socket stays behind.

import type { Socket } from 'node:net';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startHangingListener } from './support/hanging-listener.js';
import { rawRequest } from './support/http.js';
import { startRawUpstream, type RawUpstream } from './support/raw-upstream.js';
import { acceptRaw, fastClock, startSocketStack, type SocketStack } from './support/socket-stack.js';
import { eventually, mounts, pause, startStack, type Stack } from './support/stack.js';
import { bareSocket, frame, handshake, maskedFrame } from './support/websocket.js';

/** How soon the other side has to know. */
const soonMs = 1_000;

const goings: Record<string, (socket: Socket) => void> = {
  ends: (socket) => socket.end(),
  resets: (socket) => socket.resetAndDestroy(),
  vanishes: (socket) => socket.destroy(),
};

describe.each(mounts)('an upstream that takes no socket, mounted by %s', (mount) => {
  let raw: RawUpstream;
  let stack: Stack;
  let respond: (socket: Socket) => void;
  let hanging: Awaited<ReturnType<typeof startHangingListener>>;
  beforeAll(async () => {
    raw = await startRawUpstream((socket) => respond(socket));
    hanging = await startHangingListener();
    const gone = await startRawUpstream(() => undefined);
    await gone.close();
    const routes = [
      { path: '/api', target: raw.url },
      { path: '/gone', target: gone.url },
      { path: '/hanging', target: hanging?.url ?? raw.url },
    ];
    stack = await startStack({ mount, proxy: { routes, proxyTimeoutMs: 400 } });
  });
  beforeEach(() => {
    respond = () => undefined;
  });
  afterEach(async () => {
    await eventually(() => raw.sockets.every(({ closed }) => closed), soonMs);
    expect((await stack.request('/livez')).status).toBe(200);
  });
  afterAll(async () => {
    await stack.close();
    await raw.close();
    await hanging?.close();
  });

  async function expectProblem(path: string, status: number, code: string): Promise<void> {
    const answer = await rawRequest(stack.url, handshake(stack, `${path}?secret=s3cr3t`, stack.am.login()));
    expect(answer.startsWith(`HTTP/1.1 ${status} `)).toBe(true);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(JSON.parse(body)).toMatchObject({ code, status });
    expect(head).toMatch(/\r\nx-content-type-options: nosniff\r\n/);
    expect(head).toMatch(/\r\nx-request-id: /);
    expect(head).toMatch(/\r\nconnection: close/i);
    expect(body).not.toMatch(/s3cr3t|127\.0\.0\.1/);
    expect(head).not.toContain('X-Left');
  }

  const switching = 'HTTP/1.1 101 Switching Protocols\r\n';
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
  const bad: Record<string, (socket: Socket) => void> = {
    'closes without an answer': (socket) => socket.end(),
    'resets the connection': (socket) => socket.resetAndDestroy(),
    'speaks something else than HTTP': (socket) => socket.end('220 smtp.example ESMTP\r\n'),
    'dies in the middle of the head': (socket) => socket.end(`${switching}Connection: Up`),
    'switches to another protocol': (socket) =>
      socket.write(`${switching}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0`),
    'switches without saying to which': (socket) => socket.write(`${switching}X-Left: 1\r\n\r\n`),
    'switches without Connection': (socket) => socket.write(`${switching}Upgrade: websocket\r\n\r\n`),
    'switches with a header that none may be': (socket) => socket.write(`${switching}${upgrade}X-Left: a\x01b\r\n\r\n`),
    'switches with a header that we may not write': (socket) =>
      socket.write(`${switching}${upgrade}X-Left: a\x7fb\r\n\r\n`),
    'switches with a reason that none may be': (socket) =>
      socket.write(`HTTP/1.1 101 O\x01K\r\n${upgrade}X-Left: 1\r\n\r\n`),
    'refuses with a reason that none may be': (socket) =>
      socket.write('HTTP/1.1 403 N\x01o\r\nX-Left: 1\r\nContent-Length: 0\r\n\r\n'),
    'says a status below 100': (socket) => socket.write('HTTP/1.1 042 What\r\nContent-Length: 0\r\n\r\n'),
    'says two lengths': (socket) => socket.write('HTTP/1.1 403 No\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'),
    'sends 20 KB of headers': (socket) => socket.write(`${switching}${upgrade}X-Big: ${'x'.repeat(20_000)}\r\n\r\n`),
  };

  it.each(Object.keys(bad))('and %s is answered for with 502', async (what) => {
    respond = bad[what] ?? respond;
    await expectProblem('/api/ws', 502, 'upstream_unavailable');
  });

  it('and refuses connections is answered for with 502', () => expectProblem('/gone', 502, 'upstream_unavailable'));

  it.each(['says nothing', 'promises an answer'])('and %s is given up on after PROXY_TIMEOUT_MS', async (what) => {
    if (what !== 'says nothing') respond = (socket) => socket.write('HTTP/1.1 102 Processing\r\n\r\n');
    const startedAt = performance.now();
    await expectProblem('/api/ws', 504, 'upstream_timeout');
    expect(performance.now() - startedAt).toBeGreaterThan(390);
    expect(performance.now() - startedAt).toBeLessThan(1_400);
  });

  it('and takes no connection is given up on after PROXY_TIMEOUT_MS', () =>
    expectProblem('/hanging', 504, 'upstream_timeout'));

  it.each(['Connection: close', 'Connection: keep-alive'])(
    'and answers 200 as if nothing had been asked is passed on: %s',
    async (line) => {
      respond = (socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${line}\r\n\r\nok`);
      const answer = await rawRequest(stack.url, handshake(stack, '/api/ws', stack.am.login()));
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
    },
  );

  it('and takes it but resets it at once ends the client', async () => {
    respond = (socket) => {
      socket.write(`${switching}${upgrade}\r\n`);
      setTimeout(() => socket.resetAndDestroy(), 20);
    };
    const answer = await rawRequest(stack.url, handshake(stack, '/api/ws', stack.am.login()), soonMs);
    expect(answer).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\n$/);
  });

  it('in time, but does, may then be quiet for longer than PROXY_TIMEOUT_MS', async () => {
    respond = (socket) => socket.write(`${switching}${upgrade}\r\n`);
    const client = await bareSocket(stack, handshake(stack, '/api/ws', stack.am.login()));
    await pause(1_000);
    raw.sockets.at(-1)?.end(frame('at last'));
    await client.closed;
    expect(client.received().endsWith(frame('at last').toString('latin1'))).toBe(true);
  });
});

describe('a side that goes away', () => {
  let stack: SocketStack;
  beforeAll(async () => {
    stack = await startSocketStack();
  });
  beforeEach(() => {
    stack.respond = acceptRaw;
  });
  afterEach(() => eventually(allClosed));
  afterAll(() => stack.close());

  const allClosed = async () => (await stack.open()).every((count) => count === 0);

  const early = ['', maskedFrame('early').toString('latin1'), maskedFrame('x'.repeat(60_000)).toString('latin1')];

  it.each(Object.keys(goings))('before the answer: the client %s, and the upstream is told', async (how) => {
    for (const frames of early) {
      let upstream: Socket | undefined;
      stack.respond = (socket) => (upstream = socket.on('end', () => socket.end()));
      const opening = handshake(stack, '/api/ws', stack.am.login()) + frames;
      const { socket } = await bareSocket(stack, Buffer.from(opening, 'latin1'));
      await eventually(() => upstream !== undefined);
      goings[how]?.(socket);
      await eventually(allClosed, soonMs);
    }
  });

  it('with a refusal leaves nothing behind, though it has sent frames', async () => {
    const opening = handshake(stack, '/api/ws') + maskedFrame('x'.repeat(60_000)).toString('latin1').repeat(10);
    const { received, closed } = await bareSocket(stack, Buffer.from(opening, 'latin1'));
    await closed;
    expect(received()).toMatch(/^HTTP\/1\.1 401 /);
    await eventually(allClosed, 500);
  });

  it.each(Object.keys(goings))('while AM is asked: the client %s, and nothing is left', async (how) => {
    stack.respond = (socket) => socket.on('end', () => socket.end());
    const fault = stack.am.fault({ kind: 'slow', delayMs: 300, count: 1 });
    const { socket } = await bareSocket(stack, handshake(stack, '/api/ws', stack.am.login()));
    await eventually(() => fault.hits === 1);
    goings[how]?.(socket);
    await pause(300);
    await eventually(allClosed, soonMs);
  });

  // what a side of its own says at the end of the other one
  const polite = (socket: Socket) => socket.on('end', () => socket.end());

  it.each(Object.keys(goings))('in the middle of a frame: the upstream %s, and the client ends', async (how) => {
    const { client, upstream } = await stack.join();
    upstream.write(frame('half a frame').subarray(0, 5));
    await eventually(() => client.received().endsWith('hal'));
    goings[how]?.(upstream);
    await once(client.socket, 'close', { signal: AbortSignal.timeout(soonMs) });
    polite(upstream).resume();
  });

  it.each(Object.keys(goings))('in the middle of a frame: the client %s, and the upstream ends', async (how) => {
    const { client, upstream } = await stack.join();
    let received = '';
    polite(upstream).on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
    client.socket.write(maskedFrame('half a frame').subarray(0, 9));
    await eventually(() => received.length === 9);
    goings[how]?.(client.socket);
    await eventually(allClosed, soonMs);
    expect(received).toHaveLength(9);
  });

  it.each(['resets', 'vanishes'])('while the other one pours: the client %s', async (how) => {
    const { client, upstream } = await stack.join();
    client.socket.pause();
    polite(upstream).resume();
    const piece = frame('x'.repeat(60_000));
    const more = (): void => {
      while (upstream.writable && upstream.write(piece));
    };
    upstream.on('drain', more);
    more();
    await pause(300);
    goings[how]?.(client.socket);
    upstream.off('drain', more);
    await eventually(allClosed, soonMs);
  });

  it.each(['resets', 'vanishes'])('while the other one pours: the upstream %s', async (how) => {
    const { client, upstream } = await stack.join();
    const piece = maskedFrame('x'.repeat(60_000));
    const more = (): void => {
      while (client.socket.writable && client.socket.write(piece));
    };
    client.socket.on('drain', more);
    more();
    await pause(300);
    goings[how]?.(upstream);
    await once(client.socket, 'close', { signal: AbortSignal.timeout(soonMs) });
  });

  it('it is not, only for being quiet: a time-out that the team’s server has for connections is off', async () => {
    stack.server.once('connection', (socket: Socket) => socket.setTimeout(200, () => socket.destroy()));
    const { client, upstream } = await stack.join();
    await pause(600);
    polite(upstream).end(frame('at last'));
    await client.closed;
    expect(client.received().endsWith(frame('at last').toString('latin1'))).toBe(true);
  });

  it('says its last words: they arrive before the end', async () => {
    const { client, upstream } = await stack.join();
    const long = 'x'.repeat(60_000);
    upstream.write(Buffer.concat(Array.from({ length: 50 }, () => frame(long))));
    upstream.end(frame('the last word'));
    await client.closed;
    expect(client.received().endsWith(frame('the last word').toString('latin1'))).toBe(true);
    expect(client.received().length).toBeGreaterThan(50 * 60_000);
    upstream.destroy();
  });

  it('is answered once more by one that ends later', async () => {
    const { client, upstream } = await stack.join();
    // the client of Node ends with its peer, and still reads what comes before that
    client.socket.end(maskedFrame('bye', 0x88));
    upstream.on('data', () => undefined).once('end', () => setTimeout(() => upstream.end(frame('farewell')), 200));
    await client.closed;
    expect(client.received().endsWith(frame('farewell').toString('latin1'))).toBe(true);
  });
});

describe('a side that never ends, though the other one has', () => {
  let stack: SocketStack;
  beforeAll(async () => {
    // 10 s pass in half a second
    stack = await startSocketStack({ clock: fastClock(20), am: { timeoutMs: 20_000 } });
  });
  afterAll(() => stack.close());

  it('is let go of after 10 s: the upstream', async () => {
    const { client, upstream } = await stack.join();
    const startedAt = performance.now();
    client.socket.end();
    await client.closed;
    expect(performance.now() - startedAt).toBeGreaterThan(450);
    // nobody is there any more
    const speaking = setInterval(() => upstream.write('x'), 20);
    await eventually(() => upstream.destroyed, soonMs);
    clearInterval(speaking);
    expect(await stack.open()).toEqual([0, 0]);
  });

  it.each(['ends', 'resets'])('is let go of after 10 s: the client, where the upstream %s', async (how) => {
    const { client, upstream } = await stack.join();
    client.socket.allowHalfOpen = true;
    const startedAt = performance.now();
    goings[how]?.(upstream);
    await eventually(async () => (await stack.open())[0] === 0);
    expect(performance.now() - startedAt).toBeGreaterThan(450);
    client.socket.destroy();
    upstream.destroy();
  });
});
