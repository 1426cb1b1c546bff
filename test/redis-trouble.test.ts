// A Redis that answers, but does not keep what it is told, or not for long: read-only, full, evicting, too old.

import { afterEach, expect, test } from 'vitest';
import { warningsOf } from '../src/store/redis-info.js';
import { describeWith } from './support/programs.js';
import { startRedis, startRedisCluster, type RedisServer } from './support/redis.js';
import { eventually } from './support/stack.js';
import { clusterServer, joined, listening, minute, singleServer, type Node } from './support/stores.js';

const servers: RedisServer[] = [];
const opened: Node[] = [];
afterEach(async () => {
  for (const node of opened.splice(0)) await node.close();
  for (const server of servers.splice(0)) await server.close();
});

async function serverWith(...extra: readonly string[]): Promise<RedisServer> {
  const server = await startRedis(...extra);
  servers.push(server);
  return server;
}

async function nodeAt(server: RedisServer): Promise<Node> {
  const node = listening(await singleServer['REDIS_URL']!(server));
  opened.push(node);
  await eventually(() => node.heard.listening === 1);
  return node;
}

/** Nothing can be kept, and yet the nodes hear of a logout. */
async function expectTold(node: Node, reason: RegExp): Promise<void> {
  const { store, heard } = node;
  await expect(store.check()).rejects.toThrow(reason);
  await expect(store.claim('b', 'one', minute)).rejects.toThrow(reason);
  await expect(store.end('a', true, minute)).rejects.toThrow(reason);
  await eventually(() => heard.ends.length === 1);
  expect(heard.ends).toEqual([['a', true, minute]]);
}

describeWith(['redis-server'], 'Redis', () => {
  test('as a read-only replica tells of logouts, keeps none, and is read', async () => {
    const server = await serverWith();
    const node = await nodeAt(server);
    await node.store.end('before', true, minute);
    await eventually(() => node.heard.ends.splice(0).length === 1);
    await server.ask(['REPLICAOF', '127.0.0.1', '1']);
    await expectTold(node, /^Redis: .*(READONLY|read only replica)/);
    await expect(node.store.died('a')).rejects.toThrow(/^Redis: /);
    expect((await node.store.read('before')).word).toMatchObject({ kind: 'ended' });
    await server.ask(['REPLICAOF', 'NO', 'ONE']);
    await node.store.check();
  });

  test('without memory tells of logouts, keeps none, and works again when it has some', async () => {
    const server = await serverWith('--maxmemory', '100kb', '--maxmemory-policy', 'noeviction');
    const node = await nodeAt(server);
    await expectTold(node, /^Redis: OOM/);
    await server.ask(['CONFIG', 'SET', 'maxmemory', '0']);
    await node.store.end('a', true, minute);
    await node.store.check();
    expect(node.heard.warnings).toEqual([]);
  });

  test('that cannot save, and so takes no writes, is noticed', async () => {
    const server = await serverWith('--save', '1', '1', '--enable-protected-configs', 'yes');
    const node = await nodeAt(server);
    // no file system takes such a name, not even from root
    await server.ask(['CONFIG', 'SET', 'dbfilename', 'x'.repeat(300)], ['SET', 'x', '1']);
    await eventually(() =>
      node.store.check().then(
        () => false,
        (error: unknown) => (error as Error).message.startsWith('Redis: MISCONF'),
      ),
    );
  });

  test.each(['allkeys-lru', 'volatile-ttl'])(
    'that evicts keys (%s) is told to the operator at each connect',
    async (policy) => {
      const server = await serverWith('--maxmemory-policy', policy);
      const node = await nodeAt(server);
      expect(node.heard.warnings).toEqual([[{ maxmemoryPolicy: policy }, expect.stringContaining('evict') as string]]);
      await server.ask(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
      await eventually(() => node.heard.listening === 2);
      expect(node.heard.warnings).toHaveLength(2);
    },
  );

  test.each([
    ['a server', singleServer, startRedis],
    ['a cluster', clusterServer, startRedisCluster],
  ] as const)('that evicts keys is told to the operator by each client: %s', async (_, kinds, start) => {
    const server = await start('--maxmemory-policy', 'allkeys-lfu');
    servers.push(server);
    for (const [kind, join] of Object.entries(kinds)) {
      const node = await joined(join, server);
      opened.push(node);
      expect(node.heard.warnings, kind).toHaveLength(1);
    }
  });
});

test.each([
  ['6.2.14', 1],
  ['5.0.3', 1],
  ['7.0.0', 0],
  ['7.2.4', 0],
  ['10.0.0', 0],
])('version %s makes %i warnings', (version, count) => {
  const info = `# Server\r\nredis_version:${version}\r\nredis_mode:standalone\r\n# Memory\r\nmaxmemory_policy:noeviction\r\n`;
  expect(warningsOf(info)).toHaveLength(count);
});

test('a server that says nothing of itself makes no warnings', () => {
  expect(warningsOf('')).toEqual([]);
});
