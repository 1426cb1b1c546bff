// Redis accepts connections and answers nothing, as a stopped process or a lost network does.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeWith } from './support/programs.js';
import { startRedis, type RedisServer } from './support/redis.js';
import { eventually, pause } from './support/stack.js';
import { canAsk, failureOf, joined, minute, singleServer, timeUntil, type Node } from './support/stores.js';

const byUrl = singleServer['REDIS_URL']!;

const opened: Node[] = [];
afterEach(async () => {
  for (const node of opened.splice(0)) await node.close();
});

describeWith(['redis-server'], 'a server', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());

  test('that pauses for a moment answers what was asked meanwhile, on the same connection', async () => {
    const node = await joined(byUrl, server);
    opened.push(node);
    server.pause();
    const claim = node.store.claim('pausing', 'one', minute);
    await pause(700);
    server.resume();
    expect(await claim).toBe(0);
    expect(node.heard.listening).toBe(1);
  });

  test('that hangs is given up, and is used again when it goes on', async () => {
    const node = await joined(byUrl, server);
    opened.push(node);
    server.pause();
    const { message, ms } = await failureOf(node.store.read('hanging'));
    expect(message).toMatch(/^Redis: /);
    expect(ms).toBeLessThan(6_000);
    expect((await failureOf(node.store.read('hanging'))).message).toMatch(/not connected: no answer within 2000 ms/);
    await pause(500);
    server.resume();
    expect(await timeUntil(() => canAsk(node.store))).toBeLessThan(2_000);
    expect(node.heard.listening).toBe(2);
  });

  test('that hangs is noticed by the connection that only listens', async () => {
    const node = await joined(singleServer['a client of ioredis']!, server);
    opened.push(node);
    server.pause();
    await pause(4_000);
    server.resume();
    await eventually(() => node.heard.listening === 2);
  });

  test('that hangs does not hold up the end of a node', async () => {
    for (const join of Object.values(singleServer)) {
      const node = await joined(join, server);
      server.pause();
      const pending = failureOf(node.store.read('hanging'));
      const closing = performance.now();
      await node.close();
      expect(performance.now() - closing).toBeLessThan(1_000);
      server.resume();
      await pending;
    }
  });
});
