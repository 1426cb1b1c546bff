import type { OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { rawAnswer, startRawUpstream, type RawUpstream } from './support/raw-upstream.js';
import { eventually, startStack, type Mount, type Stack } from './support/stack.js';
import { startTeamApp } from './support/team-app.js';
import { startUpstream } from './support/upstream.js';

/** How an upstream says that it has closed a connection which it had kept open so far. */
const closings: Record<string, (socket: Socket) => void> = {
  closes: (socket) => socket.end(),
  resets: (socket) => socket.resetAndDestroy(),
};

describe.each(['use', 'wrap'] satisfies Mount[])('a pooled connection, mounted by %s', (mount) => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });

  /** Answers the first request of each connection, keeps it open, and closes it on the second. */
  async function startForgetful(
    close: (socket: Socket) => void,
    // so late that requests at once need a connection each
    answersAfterMs = 20,
  ): Promise<{ raw: RawUpstream; stack: Stack }> {
    const known = new WeakSet<Socket>();
    const raw = await startRawUpstream((socket, head) => {
      // the end of a chunked body
      if (!head.includes(' HTTP/1.1\r\n')) return;
      if (known.has(socket)) return close(socket);
      known.add(socket);
      setTimeout(() => socket.write(rawAnswer()), answersAfterMs);
    });
    stops.push(raw.close);
    const stack = await startStack({ mount, proxy: { routes: [{ path: '/api', target: raw.url }] } });
    stops.push(stack.close);
    return { raw, stack };
  }

  const times = (count: number, what: string) => Array.from({ length: count }, (_, i) => `/api/${what}${i}`);

  describe.each(Object.keys(closings))('that the upstream %s when it is used again', (how) => {
    const close = closings[how] ?? (() => undefined);

    it('costs none of many at once its answer', async () => {
      const { stack } = await startForgetful(close);
      const token = stack.am.login();
      for (let round = 0; round < 4; round++) {
        const answers = await Promise.all(times(40, `round${round}-`).map((path) => stack.as(token, path)));
        expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 200));
      }
    });

    it('costs one more try, however many others are in the pool', async () => {
      const { raw, stack } = await startForgetful(close);
      const token = stack.am.login();
      await Promise.all(times(30, 'fill').map((path) => stack.as(token, path)));
      expect(raw.sockets.length).toBe(30);
      expect((await stack.as(token, '/api/once')).status).toBe(200);
      expect(raw.received().split('GET /api/once')).toHaveLength(3);
    });

    it.each<[method: string, body: string | undefined, headers: OutgoingHttpHeaders]>([
      ['GET', undefined, {}],
      ['HEAD', undefined, {}],
      ['OPTIONS', undefined, {}],
      ['DELETE', undefined, {}],
      ['PUT', 'order one', { 'content-length': 9 }],
      ['PUT', 'order one', { 'transfer-encoding': 'chunked' }],
      ['DELETE', 'order one', { 'content-length': 9 }],
      ['DELETE', 'order one', { 'transfer-encoding': 'chunked' }],
      ['OPTIONS', 'order one', { 'content-length': 9 }],
    ])('costs none of 50 its answer: %s with the body %o (%o)', async (method, body, headers) => {
      const { raw, stack } = await startForgetful(close, 0);
      const token = stack.am.login();
      const statuses = new Map<number, number>();
      for (const path of times(50, 'x')) {
        // leaves a connection in the pool
        await stack.as(token, `${path}-first`);
        const { status } = await stack.as(token, path, { method, headers, ...(body !== undefined && { body }) });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
      expect(Object.fromEntries(statuses)).toEqual({ 200: 50 });
      expect(raw.sockets.length).toBeGreaterThan(50);
      // what has a body cannot be sent again
      if (body !== undefined) expect(raw.received().split('order one')).toHaveLength(51);
    });

    it('costs no GET its answer, though the connection has carried an upload', async () => {
      const { raw, stack } = await startForgetful(close, 0);
      const token = stack.am.login();
      for (const path of times(20, 'x')) {
        // on a new connection each time: the GET before it has used up the kept one
        expect((await stack.as(token, path, { method: 'POST', body: 'order one' })).status).toBe(200);
        expect((await stack.as(token, path)).status).toBe(200);
      }
      expect(raw.received().split('order one')).toHaveLength(21);
    });

    it.each(['POST', 'PATCH'])('never sends a %s with a body twice', async (method) => {
      const { raw, stack } = await startForgetful(close);
      const token = stack.am.login();
      await stack.as(token, '/api/first');
      const second = await stack.as(token, '/api/second', { method, body: 'order one' });
      expect(second.status).toBe(502);
      expect(second.json()).toMatchObject({ code: 'upstream_unavailable' });
      expect(raw.received().split(`${method} /api/second`)).toHaveLength(2);
      expect(raw.received().split('order one').length).toBeLessThanOrEqual(2);
    });

    it('never sends a POST without a body twice', async () => {
      const { raw, stack } = await startForgetful(close);
      const token = stack.am.login();
      await stack.as(token, '/api/first');
      expect((await stack.as(token, '/api/second', { method: 'POST' })).status).toBe(502);
      expect(raw.received().split('POST /api/second')).toHaveLength(2);
    });
  });

  it('is used again while the upstream keeps it', async () => {
    const raw = await startRawUpstream((socket) => socket.write(rawAnswer()));
    stops.push(raw.close);
    const stack = await startStack({ mount, proxy: { routes: [{ path: '/api', target: raw.url }] } });
    stops.push(stack.close);
    const token = stack.am.login();
    for (const path of times(10, 'x')) await stack.as(token, path);
    expect(raw.sockets).toHaveLength(1);
    expect(raw.received()).not.toMatch(/^connection: close/im);
  });

  it('is of no use after a restart of the upstream, which no client notices', async () => {
    const stack = await startStack({ mount });
    stops.push(stack.close);
    const first = await startUpstream();
    const other = await startStack({ mount, proxy: { routes: [{ path: '/api', target: first.url }] } });
    stops.push(other.close);
    const token = other.am.login();
    // slow enough to need a connection each
    first.answer = (_req, res) => void setTimeout(() => res.end('old'), 50);
    await Promise.all(times(60, 'x').map((path) => other.as(token, path)));
    await first.close();
    const second = await startUpstream(first.port);
    stops.push(second.close);
    const answers = await Promise.all(times(60, 'x').map((path) => other.as(token, path)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });

  it('that fails twice is answered for: nothing is tried for ever', async () => {
    const raw = await startRawUpstream((socket) => {
      if (raw.sockets.length === 1 && raw.received().split('HTTP/1.1').length === 2) socket.write(rawAnswer());
      else socket.destroy();
    });
    stops.push(raw.close);
    const stack = await startStack({ mount, proxy: { routes: [{ path: '/api', target: raw.url }] } });
    stops.push(stack.close);
    const token = stack.am.login();
    expect((await stack.as(token, '/api/x')).status).toBe(200);
    expect((await stack.as(token, '/api/x')).status).toBe(502);
    expect(raw.sockets.length).toBe(2);
  });
});

it('an idle connection is let go after 4 s, before a Node upstream would close it, but a quiet answer is not cut then', async () => {
  const raw = await startRawUpstream((socket, head) => {
    if (head.includes('/api/slow')) setTimeout(() => socket.write(rawAnswer('late')), 4_600);
    else socket.write(rawAnswer());
  });
  const stack = await startStack({ proxy: { routes: [{ path: '/api', target: raw.url }] } });
  const token = stack.am.login();
  const since = Date.now();
  await stack.as(token, '/api/x');
  const [idle] = raw.sockets;
  const slow = stack.as(token, '/api/slow');
  // the slow one took the pooled connection: make another
  await stack.as(token, '/api/y');
  const free = raw.sockets.find((socket) => socket !== idle);
  let freedAfter = 0;
  free?.once('close', () => (freedAfter = Date.now() - since));
  expect(await slow).toMatchObject({ status: 200, body: 'late' });
  await eventually(() => freedAfter > 0);
  expect(freedAfter).toBeGreaterThan(3_500);
  expect(freedAfter).toBeLessThan(5_000);
  await stack.close();
  await raw.close();
});

describe('a pooled connection that has carried an upload, and is reset just before it is used again', () => {
  it.each(['GET', 'HEAD', 'OPTIONS', 'DELETE'])('costs no %s its answer', async (method) => {
    const stack = await startStack();
    onTestFinished(() => stack.close());
    let kept: Socket | undefined;
    stack.upstream.answer = (req, res) => {
      kept = req.socket;
      res.end('taken');
    };
    const team = await startTeamApp(stack, (app) =>
      app.use((req, _res, next) => {
        if (req.method === method) {
          kept?.resetAndDestroy();
          // the reset has arrived when the proxy writes, and nobody has read it
          for (const since = performance.now(); performance.now() - since < 15;);
        }
        next();
      }),
    );
    onTestFinished(() => team.close());
    for (let i = 0; i < 5; i++) {
      expect((await team.asUser('/api/x', { method: 'POST', body: 'order one' })).status).toBe(200);
      expect((await team.asUser('/api/x', { method })).status).toBe(200);
    }
    expect(team.log.join('')).not.toContain('no answer from the upstream');
  });
});
