// Two nodes as users run them, one real Redis: what the one does, the other knows.

import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createClient } from '@redis/client';
import { createRedisStore } from '../src/index.js';
import { request } from './support/http.js';
import { askedAbout } from './support/mounted.js';
import { describeWith } from './support/programs.js';
import { startRedis, type RedisServer } from './support/redis.js';
import { startServing, stop } from './support/serving.js';
import { eventually, pause, startStack, type Stack } from './support/stack.js';
import { closing, openSocket } from './support/websocket.js';

type Node = Awaited<ReturnType<typeof startServing>>;

const windowMs = 3_000;

describeWith(['redis-server'], 'two nodes and a Redis', () => {
  let stack: Stack;
  let redis: RedisServer;
  let first: Node;
  let second: Node;

  const serve = () => startServing(stack, { REDIS_URL: redis.url, SESSION_TRUST_S: '6', ADMIN_PORT: '0' });
  const as = (node: Node, token: string, path = '/api/x', headers = {}) =>
    request(node.url, path, { headers: { ...node.cookie(token), ...headers } });
  const said = (node: Node, text: string) => node.command.stdout().split(text).length - 1;

  beforeAll(async () => {
    redis = await startRedis();
    stack = await startStack();
    [first, second] = await Promise.all([serve(), serve()]);
  });
  afterEach(() => stack.am.clearFaults());
  afterAll(async () => {
    await Promise.all([stop(first.command), stop(second.command)]);
    await stack.close();
    await redis.close();
  });

  async function bothKnow(text: string): Promise<void> {
    for (const { url } of [first, second])
      await eventually(async () => (await request(url, '/readyz')).body.includes(text), 15_000);
  }

  /** A session that both have met, its window open. */
  async function known(): Promise<string> {
    const token = stack.am.login();
    await pause(windowMs);
    expect((await as(first, token)).status).toBe(200);
    expect((await as(second, token)).status).toBe(200);
    return token;
  }

  it('send one refresh a window, and AM obeys each', async () => {
    const token = await known();
    const startedAt = Date.now();
    while (Date.now() - startedAt < 4 * windowMs) {
      for (const node of [first, second]) expect((await as(node, token)).status).toBe(200);
      await pause(50);
    }
    const refreshes = askedAbout(stack, token, 'refresh');
    expect(refreshes.length).toBeGreaterThanOrEqual(3);
    expect(refreshes.length).toBeLessThanOrEqual(6);
    expect(refreshes.every(({ outcome }) => outcome === 'obeyed')).toBe(true);
    expect(askedAbout(stack, token, 'getSessionInfo').length).toBeLessThanOrEqual(1);
  });

  it('answer 401 within a second of a logout at the other one, and close its sockets', async () => {
    const token = await known();
    stack.upstream.upgrade = undefined;
    const socket = await openSocket({ ...stack, url: second.url }, '/api/ws', token);
    const closed = closing(socket);
    const logout = await request(first.url, '/logout', { method: 'POST', headers: first.cookie(token) });
    expect(JSON.parse(logout.body)).toMatchObject({ am: 'ended' });
    await eventually(async () => (await as(second, token)).status === 401, 1_000);
    expect(JSON.parse((await as(second, token)).body)).toMatchObject({ code: 'session_ended' });
    expect(await closed).toEqual({ code: 4401, reason: 'session_ended' });
  });

  it('know of a logout that AM has not heard of after a restart of the node', async () => {
    const token = await known();
    stack.am.fault({ kind: 'status', action: 'logout', status: 503 });
    const logout = await request(first.url, '/logout', { method: 'POST', headers: first.cookie(token) });
    expect(logout.status).toBe(202);
    await stop(second.command);
    second = await serve();
    expect(JSON.parse((await as(second, token)).body)).toMatchObject({ code: 'session_ended' });
  });

  it('lose no request and no time while Redis hangs, is killed, and starts again empty', async () => {
    const token = await known();
    const times: number[] = [];
    async function work(ms: number): Promise<void> {
      const until = Date.now() + ms;
      while (Date.now() < until) {
        for (const node of [first, second]) {
          const startedAt = performance.now();
          expect((await as(node, token)).status).toBe(200);
          times.push(performance.now() - startedAt);
        }
        await pause(20);
      }
    }
    redis.pause();
    await work(2 * windowMs);
    redis.resume();
    await bothKnow('"redis":"up"');
    await redis.kill();
    await work(windowMs);
    await redis.start();
    await work(windowMs);
    await bothKnow('"redis":"up"');
    for (const node of [first, second]) {
      // each change once: when it hung, and when it was killed
      expect(said(node, '"redis":"away"')).toBeGreaterThanOrEqual(2);
      expect(said(node, '"redis":"away"')).toBeLessThanOrEqual(4);
      expect(said(node, '"redis":"up","awayS"')).toBeLessThanOrEqual(said(node, '"redis":"away"'));
    }
    times.sort((a, b) => a - b);
    console.info(
      `requests while Redis was away: ${times.length}, p50 ${times[times.length >> 1]?.toFixed(1)} ms, p99 ${times[Math.floor(times.length * 0.99)]?.toFixed(1)} ms, longest ${times.at(-1)?.toFixed(1)} ms`,
    );
    // the machine may be busy: no request waited for a hanging Redis
    expect(times[Math.floor(times.length * 0.99)]).toBeLessThan(500);
    // and the cluster is one again
    const other = await known();
    await request(first.url, '/logout', { method: 'POST', headers: first.cookie(other) });
    await eventually(async () => (await as(second, other)).status === 401, 1_000);
  }, 60_000);

  it('tell each other of a logout that was made while Redis was gone, when it is back', async () => {
    const token = await known();
    stack.am.fault({ kind: 'status', action: 'logout', status: 503 });
    await redis.kill();
    await bothKnow('"redis":"away"');
    expect((await request(first.url, '/logout', { method: 'POST', headers: first.cookie(token) })).status).toBe(202);
    expect((await as(second, token)).status).toBe(200);
    await redis.start();
    await eventually(async () => (await as(second, token)).status === 401, 10_000);
  }, 30_000);

  it('write anew what a Redis lost that was away for a moment only', async () => {
    const token = await known();
    stack.am.fault({ kind: 'status', action: 'logout', status: 503 });
    expect((await request(first.url, '/logout', { method: 'POST', headers: first.cookie(token) })).status).toBe(202);
    await redis.kill();
    await redis.start();
    await eventually(async () => JSON.stringify(await redis.ask(['KEYS', '*:session:*'])) !== '[[]]', 10_000);
    await stop(second.command);
    second = await serve();
    expect(JSON.parse((await as(second, token)).body)).toMatchObject({ code: 'session_ended' });
  }, 30_000);

  it('keep no token in Redis, and nothing without an end', async () => {
    const token = await known();
    const [keys] = (await redis.ask(['KEYS', '*'])) as [string[]];
    expect(keys.length).toBeGreaterThan(0);
    const values = await redis.ask(...keys.map((key) => ['GET', key]));
    const lives = await redis.ask(...keys.map((key) => ['PTTL', key]));
    expect(JSON.stringify([keys, values])).not.toContain(token);
    // a key may have gone meanwhile, which is -2: the probe's lives for a second
    expect(lives.map(Number)).not.toContain(-1);
  });

  it('share with a team’s own app that hands in its client', async () => {
    const client = createClient({ url: redis.url, disableOfflineQueue: true });
    client.on('error', () => undefined);
    await client.connect();
    const app = await startStack({ proxy: { am: { url: stack.am.url }, store: createRedisStore({ client }) } });
    const token = await known();
    expect((await app.as(token, '/api/x')).status).toBe(200);
    await request(first.url, '/logout', { method: 'POST', headers: first.cookie(token) });
    await eventually(async () => (await app.as(token, '/api/x')).status === 401, 1_000);
    await app.close();
    // it is the team's still
    expect(await client.ping()).toBe('PONG');
    client.destroy();
  });
});
