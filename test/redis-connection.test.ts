// Redis goes away and comes back: whoever asks meanwhile is told so at once, and afterwards all is as before.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeWith } from './support/programs.js';
import { startRedis, startRedisCluster, type RedisServer } from './support/redis.js';
import { eventually, pause } from './support/stack.js';
import {
  canAsk,
  clusterServer,
  failureOf,
  joined,
  listening,
  minute,
  newId,
  singleServer,
  timeUntil,
  type Node,
} from './support/stores.js';

const byUrl = singleServer['REDIS_URL']!;

const opened: Node[] = [];
afterEach(async () => {
  for (const node of opened.splice(0)) await node.close();
});

/** A node by each kind of client, to be checked all at the same time: the server goes away for all of them. */
async function everyKind(kinds: typeof singleServer, server: RedisServer) {
  const nodes = new Map<string, Node>();
  for (const [kind, join] of Object.entries(kinds)) {
    const node = await joined(join, server);
    opened.push(node);
    nodes.set(kind, node);
  }
  return async (check: (node: Node) => Promise<void>) => {
    const checks = [...nodes].map(([kind, node]) =>
      check(node).catch((cause: unknown) => {
        throw new Error(`by ${kind}: ${(cause as Error).message}`, { cause });
      }),
    );
    await Promise.all(checks);
  };
}

async function expectHeard({ store, heard }: Node): Promise<void> {
  const id = newId();
  await eventually(() => canAsk(store));
  await store.end(id, true, minute);
  await eventually(() => heard.ends.some(([ended]) => ended === id));
}

function hearing(kinds: typeof singleServer, server: () => RedisServer): void {
  test('that cuts connections is listened to again, and what it says from then on is heard', async () => {
    const each = await everyKind(kinds, server());
    await server().ask(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    await each(async (node) => {
      expect(await timeUntil(() => node.heard.listening === 2)).toBeLessThan(2_000);
      await expectHeard(node);
    });
  });

  test('that crashed fails what is asked of it, and is used again when it is back', async () => {
    const each = await everyKind(kinds, server());
    await server().kill();
    await each((node) => eventually(async () => !(await canAsk(node.store))));
    await pause(300);
    await server().start();
    await each(async (node) => {
      await eventually(() => node.heard.listening === 2, 15_000);
      await expectHeard(node);
    });
  });
}

describeWith(['redis-server'], 'a server', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());

  hearing(singleServer, () => server);

  test('that is away fails operations at once, by every client', async () => {
    const each = await everyKind(singleServer, server);
    await server.kill();
    await each((node) => eventually(async () => !(await canAsk(node.store))));
    await each(async ({ store }) => {
      const operations = [
        store.claim('a', 'one', minute),
        store.settle('a', 'one', minute),
        store.read('a'),
        store.end('a', true, minute),
        store.died('a'),
        store.check(),
      ];
      for (const failure of await Promise.all(operations.map(failureOf))) {
        expect(failure.message).toMatch(/^Redis: /);
        expect(failure.ms).toBeLessThan(500);
      }
    });
    await server.start();
  });

  test('that is back is used again within two seconds', async () => {
    const node = await joined(byUrl, server);
    opened.push(node);
    await server.stop();
    await eventually(async () => !(await canAsk(node.store)));
    await pause(1_000);
    await server.start();
    expect(await timeUntil(() => canAsk(node.store))).toBeLessThan(2_000);
  });

  test('that comes up after the node is used from then on, and the reason why it was not is told', async () => {
    await server.stop();
    const node = listening(await byUrl(server));
    opened.push(node);
    await eventually(async () => (await failureOf(node.store.check())).message.includes('ECONNREFUSED'));
    await server.start();
    expect(await timeUntil(() => node.heard.listening === 1)).toBeLessThan(2_000);
    await node.store.check();
  });
});

describeWith(['redis-server'], 'a cluster', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisCluster();
  });
  afterAll(() => server.close());

  hearing(clusterServer, () => server);
});
