// What the store leaves in Redis, what it costs there, and what it makes of what others put there.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeWith } from './support/programs.js';
import { startRedis, startRedisCluster, type RedisServer } from './support/redis.js';
import { eventually } from './support/stack.js';
import { aliveAt, clusterServer, joined, minute, newId, singleServer, type Node } from './support/stores.js';

function inRedis(server: () => RedisServer, join: () => Promise<Node>): void {
  test('there are no keys but the documented ones, and all of them expire', async () => {
    const node = await join();
    const id = newId();
    await node.store.claim(id, 'one', minute);
    await node.store.confirm(id, aliveAt(1), minute);
    await node.store.check();
    await node.close();
    const [keys] = await server().ask(['KEYS', '*']);
    const names = (keys as string[]).map((key) => key.replace(/^team:/, ''));
    expect(names).toContain(`am-session-proxy:window:${id}`);
    expect(names).toContain(`am-session-proxy:session:${id}`);
    expect(names.filter((key) => !/^am-session-proxy:((window|session):[\w-]{43}|probe)$/.test(key))).toEqual([]);
    const ages = await server().ask(...(keys as string[]).map((key) => ['PTTL', key]));
    // a key may have gone meanwhile, which is -2
    expect(ages.filter((age) => age === -1)).toEqual([]);
  });

  test('an operation is one command; a logout or a death is two, and a logout of a token that nobody has met one', async () => {
    const node = await join();
    const id = newId();
    const count = async () => {
      const [stats] = await server().ask(['INFO', 'commandstats']);
      // what scripts call is counted under its own name
      const calls = [...String(stats).matchAll(/^cmdstat_(eval|evalsha|publish|script\|load):calls=(\d+)/gm)];
      return calls.reduce((sum, [, , number]) => sum + Number(number), 0);
    };
    const before = await count();
    await node.store.claim(id, 'one', minute);
    await node.store.settle(id, 'one', minute);
    await node.store.read(id);
    await node.store.confirm(id, aliveAt(1), minute);
    expect((await count()) - before).toBe(4);
    await node.store.end(id, true, minute);
    await node.store.died(id);
    expect((await count()) - before).toBe(8);
    await node.store.askToEnd(id);
    expect((await count()) - before).toBe(9);
    await node.close();
  });

  test('nothing of it is left connected when it is closed', async () => {
    const connected = async () => {
      const [list] = await server().ask(['CLIENT', 'LIST']);
      return String(list).trim().split('\n').length;
    };
    const before = await connected();
    const node = await join();
    expect(await connected()).toBeGreaterThan(before);
    await node.close();
    await eventually(async () => (await connected()) === before);
  });

  test('what others publish there is not heard unless it is well-formed', async () => {
    const node = await join();
    const id = newId();
    const messages = ['', 'ended', `ended 1 ${id}`, `ended 2 5 ${id}`, `ended 1 -5 ${id}`, `ended 1 0 ${id}`];
    const more = [
      `ended 1 1e9 ${id}`,
      `ended 1 5 ${id} `,
      `ended 1 5 ../${id}`,
      `dead`,
      `dead ${id} x`,
      `left`,
      `left ../${id}`,
      `unleft ${id}`,
      '{}',
      'x'.repeat(1e6),
    ];
    const publish = [...messages, ...more, `dead ${id}`].map((message) => [
      'PUBLISH',
      'am-session-proxy:endings',
      message,
    ]);
    await server().ask(...publish);
    await eventually(() => node.heard.deaths.includes(id));
    expect(node.heard).toMatchObject({ ends: [], asked: [], deaths: [id] });
    await node.close();
  });

  test('a key of somebody else where a word should be is as good as none', async () => {
    const node = await join();
    const id = newId();
    for (const prefix of ['', 'team:']) {
      await server().ask(['SET', `${prefix}am-session-proxy:session:${id}`, 'alive 1 2 three 4']);
    }
    expect((await node.store.read(id)).word).toBeUndefined();
    await node.store.confirm(id, aliveAt(1), minute);
    expect((await node.store.read(id)).word).toMatchObject({ kind: 'alive' });
    await node.close();
    await server().ask(['DEL', `am-session-proxy:session:${id}`]);
    await server().ask(['DEL', `team:am-session-proxy:session:${id}`]);
  });
}

describeWith(['redis-server'], 'in Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());

  describe.each(Object.entries(singleServer))('by %s', (_, join) => {
    inRedis(
      () => server,
      () => joined(join, server),
    );
  });
});

describeWith(['redis-server'], 'in Redis Cluster', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisCluster();
  });
  afterAll(() => server.close());

  describe.each(Object.entries(clusterServer))('by %s', (_, join) => {
    inRedis(
      () => server,
      () => joined(join, server),
    );
  });
});
