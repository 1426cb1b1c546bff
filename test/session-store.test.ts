// What nodes may rely on, whichever store they share.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMemoryStores } from '../src/store/memory.js';
import { describeWith } from './support/programs.js';
import { startRedis, startRedisCluster, type RedisServer } from './support/redis.js';
import { eventually, pause } from './support/stack.js';
import {
  aliveAt,
  clusterServer,
  joined,
  joinedMemory,
  minute,
  newId,
  singleServer,
  type Node,
} from './support/stores.js';

const second = 1000;

function contract(join: () => Promise<Node>): void {
  let nodes: [Node, Node];
  beforeAll(async () => {
    nodes = [await join(), await join()];
  });
  afterAll(async () => {
    for (const node of nodes) await node.close();
  });

  test('one claim holds a window, and the others learn for how long', async () => {
    const [{ store: one }, { store: other }] = nodes;
    const id = newId();
    expect(await one.claim(id, 'one', 5 * second)).toBe(0);
    const left = await other.claim(id, 'other', 5 * second);
    expect(left).toBeGreaterThan(4 * second);
    expect(left).toBeLessThanOrEqual(5 * second);
  });

  test('of many claims at the same moment one is granted', async () => {
    const id = newId();
    const claims = Array.from({ length: 50 }, (_, turn) => nodes[turn % 2 ? 1 : 0].store.claim(id, `${turn}`, minute));
    const answers = await Promise.all(claims);
    expect(answers.filter((left) => left === 0)).toHaveLength(1);
    expect(Math.min(...answers.filter((left) => left > 0))).toBeGreaterThan(59 * second);
  });

  test('an owner may claim anew what is its own', async () => {
    const [{ store: one }, { store: other }] = nodes;
    const id = newId();
    await one.claim(id, 'one', second);
    expect(await one.claim(id, 'one', minute)).toBe(0);
    expect(await other.claim(id, 'other', minute)).toBeGreaterThan(59 * second);
  });

  test('the owner settles how long its claim still holds', async () => {
    const [{ store: one }, { store: other }] = nodes;
    const id = newId();
    await one.claim(id, 'one', second);
    await one.settle(id, 'one', 30.5 * second);
    const left = await other.claim(id, 'other', second);
    expect(left).toBeGreaterThan(29 * second);
    expect(left).toBeLessThanOrEqual(30.5 * second);
  });

  test.each([0, -3])('a claim that is settled to %i ms is over', async (forMs) => {
    const [{ store: one }, { store: other }] = nodes;
    const id = newId();
    await one.claim(id, 'one', minute);
    await one.settle(id, 'one', forMs);
    expect(await other.claim(id, 'other', minute)).toBe(0);
  });

  test('nobody settles the claim of another, and settling makes no claim', async () => {
    const [{ store: one }, { store: other }] = nodes;
    const id = newId();
    await other.settle(id, 'other', minute);
    expect(await one.claim(id, 'one', 10 * second)).toBe(0);
    await other.settle(id, 'other', 0);
    await other.settle(id, 'other', minute);
    const left = await other.claim(id, 'other', minute);
    expect(left).toBeGreaterThan(9 * second);
    expect(left).toBeLessThanOrEqual(10 * second);
  });

  test('a claim whose owner never comes back is over in time', async () => {
    const [{ store: one }, { store: other }] = nodes;
    const id = newId();
    await one.claim(id, 'one', 40.2);
    await pause(60);
    expect(await other.claim(id, 'other', minute)).toBe(0);
    await one.settle(id, 'one', 0);
    expect(await one.claim(id, 'one', minute)).toBeGreaterThan(59 * second);
  });

  test('nothing is known of a session that nobody spoke of', async () => {
    const reading = await nodes[0].store.read(newId());
    expect(reading).toEqual({ now: expect.any(Number) as number, word: undefined });
  });

  test('all nodes read the same time, which goes on in milliseconds', async () => {
    const [{ store: one }, { store: other }] = nodes;
    const first = await one.read(newId());
    await pause(50);
    const next = await other.read(newId());
    expect(next.now - first.now).toBeGreaterThan(45);
    expect(next.now - first.now).toBeLessThan(2 * second);
  });

  test('a word of AM is read by the others as it was written', async () => {
    const [{ store: one }, { store: other }] = nodes;
    const id = newId();
    const { now } = await one.read(id);
    const word = aliveAt(now);
    await one.confirm(id, word, minute);
    expect((await other.read(id)).word).toEqual(word);
    const later = aliveAt(now + 2.25);
    await other.confirm(id, later, minute);
    expect((await one.read(id)).word).toEqual(later);
  });

  test('what AM did not say comes back as not said', async () => {
    const [{ store: one }, { store: other }] = nodes;
    const id = newId();
    const word = aliveAt(1.5, { accessAt: -Infinity, idleDeadline: Infinity, maxDeadline: Infinity });
    await one.confirm(id, word, minute);
    expect((await other.read(id)).word).toEqual(word);
  });

  test('a word of AM is forgotten in time', async () => {
    const { store } = nodes[0];
    const id = newId();
    await store.confirm(id, aliveAt(1), 40);
    await pause(60);
    expect((await store.read(id)).word).toBeUndefined();
  });

  test('every node hears of a logout, and may read of it later', async () => {
    const id = newId();
    await nodes[0].store.end(id, false, 90 * minute);
    for (const { store, heard } of nodes) {
      await eventually(() => heard.ends.some(([ended]) => ended === id));
      expect(heard.ends.filter(([ended]) => ended === id)).toEqual([[id, false, 90 * minute]]);
      const { word } = await store.read(id);
      expect(word).toEqual({ kind: 'ended', confirmed: false, leftMs: expect.any(Number) as number });
      expect(word?.kind === 'ended' && word.leftMs).toBeGreaterThan(89 * minute);
    }
  });

  test('a word of AM never takes the place of a logout', async () => {
    const [{ store: one }, { store: other }] = nodes;
    const id = newId();
    await one.confirm(id, aliveAt(1), minute);
    await one.end(id, true, minute);
    await other.confirm(id, aliveAt(2), 10 * minute);
    expect((await one.read(id)).word).toMatchObject({ kind: 'ended', confirmed: true });
  });

  test('a logout is forgotten in time, and then the session may live again', async () => {
    const [{ store: one }, { store: other }] = nodes;
    const id = newId();
    await one.end(id, true, 40);
    await pause(60);
    expect((await other.read(id)).word).toBeUndefined();
    await other.confirm(id, aliveAt(1), minute);
    expect((await one.read(id)).word).toMatchObject({ kind: 'alive' });
  });

  test.each([
    ['AM confirms a logout, which may shorten it', [false, 60], [true, 10], { confirmed: true, left: 10 }],
    [
      'a confirmed one stays confirmed, and the longer time counts',
      [true, 10],
      [false, 60],
      { confirmed: true, left: 60 },
    ],
    ['a confirmed one stays confirmed, and is not shortened', [true, 60], [false, 10], { confirmed: true, left: 60 }],
    ['confirmed twice, the longer time counts', [true, 60], [true, 10], { confirmed: true, left: 60 }],
    ['not confirmed twice, the longer time counts', [false, 60], [false, 10], { confirmed: false, left: 60 }],
  ] as const)('of two logouts: %s', async (_, first, then, expected) => {
    const [{ store: one }, { store: other }] = nodes;
    const id = newId();
    await one.end(id, first[0], first[1] * minute);
    await other.end(id, then[0], then[1] * minute);
    const { word } = await one.read(id);
    if (word?.kind !== 'ended') throw new Error('it is not ended');
    expect(word.confirmed).toBe(expected.confirmed);
    expect(word.leftMs / minute).toBeCloseTo(expected.left, 0);
  });

  test('every node hears of the logout of a token that nobody has met, and nothing of it is kept', async () => {
    const [{ store: one }, { store: other }] = nodes;
    const id = newId();
    await one.askToEnd(id);
    for (const { heard } of nodes) await eventually(() => heard.asked.includes(id));
    expect((await other.read(id)).word).toBeUndefined();
  });

  test('every node hears that a session died, and the word of AM is gone', async () => {
    const [{ store: one }, { store: other }] = nodes;
    const id = newId();
    await one.confirm(id, aliveAt(1), minute);
    await one.died(id);
    for (const { heard } of nodes) await eventually(() => heard.deaths.includes(id));
    expect((await other.read(id)).word).toBeUndefined();
  });

  test('a session that died after its logout is still logged out', async () => {
    const [{ store: one }, { store: other }] = nodes;
    const id = newId();
    await one.end(id, true, minute);
    await other.died(id);
    await eventually(() => nodes[0].heard.deaths.includes(id));
    expect((await one.read(id)).word).toMatchObject({ kind: 'ended', confirmed: true });
  });

  test('times beyond all measure are as good as for ever', async () => {
    const { store } = nodes[0];
    const id = newId();
    await store.end(id, false, Infinity);
    await eventually(() => nodes[1].heard.ends.some(([ended]) => ended === id));
    expect((await store.read(id)).word).toMatchObject({ kind: 'ended' });
    const [, , forMs] = nodes[1].heard.ends.find(([ended]) => ended === id) ?? [];
    expect(forMs).toBeGreaterThan(1000 * 365 * 24 * 60 * minute);
  });

  test('sessions and windows do not touch each other', async () => {
    const { store } = nodes[0];
    const id = newId();
    await store.claim(id, 'one', minute);
    await store.end(id, true, minute);
    await store.settle(id, 'one', 0);
    expect((await store.read(id)).word).toMatchObject({ kind: 'ended' });
    expect((await store.read(newId())).word).toBeUndefined();
  });

  test('it can be checked', async () => {
    await expect(nodes[0].store.check()).resolves.toBeUndefined();
  });

  test('a closed store answers nothing and hears nothing, and the others go on', async () => {
    const leaving = await join();
    const id = newId();
    await leaving.store.close();
    await expect(leaving.store.read(id)).rejects.toThrow('the store is closed');
    await nodes[0].store.end(id, true, minute);
    await eventually(() => nodes[1].heard.ends.some(([ended]) => ended === id));
    expect(leaving.heard.ends).toEqual([]);
    await leaving.close();
  });
}

describe('in memory', () => {
  const stores = createMemoryStores();
  contract(() => joinedMemory(stores));
});

describeWith(['redis-server'], 'in Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());

  describe.each(Object.entries(singleServer))('by %s', (_, join) => {
    contract(() => joined(join, server));
  });
});

describeWith(['redis-server'], 'in Redis Cluster', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisCluster();
  });
  afterAll(() => server.close());

  describe.each(Object.entries(clusterServer))('by %s', (_, join) => {
    contract(() => joined(join, server));
  });
});
