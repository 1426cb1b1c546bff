import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { rawAnswer, startRawUpstream, type RawUpstream } from './support/raw-upstream.js';
import { eventually, startStack, type Mount, type Stack } from './support/stack.js';
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
  async function startForgetful(close: (socket: Socket) => void): Promise<{ raw: RawUpstream; stack: Stack }> {
    const known = new WeakSet<Socket>();
    const raw = await startRawUpstream((socket) => {
      if (known.has(socket)) return close(socket);
      known.add(socket);
      // so late that requests at once need a connection each
      setTimeout(() => socket.write(rawAnswer()), 20);
    });
    stops.push(raw.close);
    const stack = await startStack({ mount, proxy: { routes: [{ path: '/api', target: raw.url }] } });
    stops.push(stack.close);
    return { raw, stack };
  }

  const times = (count: number, what: string) => Array.from({ length: count }, (_, i) => `/api/${what}${i}`);

  describe.each(Object.keys(closings))('that the upstream %s when it is used again', (how) => {
    const close = closings[how] ?? (() => undefined);

    it.each(['GET', 'HEAD', 'OPTIONS', 'DELETE'])('costs no %s its answer', async (method) => {
      const { raw, stack } = await startForgetful(close);
      const token = stack.am.login();
      for (const path of times(5, 'x')) expect((await stack.as(token, path, { method })).status).toBe(200);
      expect(raw.sockets.length).toBeGreaterThan(1);
    });

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

    it.each(['POST', 'PUT', 'PATCH'])('never sends a %s with a body twice', async (method) => {
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
