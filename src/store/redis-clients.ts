// The client that a team brings: which of the four kinds it is, and how each is asked.

import { notConnected, type RedisDriver } from './redis-driver.js';
import { ioredisLink, type Ioredis, type IoredisCluster, type IoredisCommands } from './redis-ioredis.js';
import { nodeRedisLink, ownOptions, type NodeRedis, type NodeRedisCluster } from './redis-node-client.js';

/** @throws TypeError where it is none of them */
export function driverOf(client: unknown): RedisDriver {
  // ioredis has `sendCommand` too, with another meaning
  if (isIoredisCluster(client)) return ioredisDriver(client, () => oneOf(client.nodes()));
  if (isIoredis(client)) return ioredisDriver(client, () => client);
  if (isNodeRedisCluster(client)) return nodeRedisClusterDriver(client);
  if (isNodeRedis(client)) return nodeRedisDriver(client);
  throw new TypeError(
    'createRedisStore: `client` must be a client of node-redis 5 or newer (createClient, createCluster) or of ioredis (Redis, Cluster)',
  );
}

function ioredisDriver(client: IoredisCommands, source: () => Ioredis): RedisDriver {
  return {
    async send([command = '', ...args]) {
      // in `wait` the first command connects it
      if (client.status !== 'ready' && client.status !== 'wait') throw new Error(notConnected);
      return client.call(command, ...args);
    },
    makeLink: (subscription, lost) => ioredisLink(source, subscription, lost),
  };
}

function nodeRedisDriver(client: NodeRedis): RedisDriver {
  return {
    async send(args) {
      if (!client.isReady) throw new Error(notConnected);
      return client.sendCommand(args);
    },
    makeLink: (subscription, lost) => nodeRedisLink(async (gone) => duplicate(client, gone), subscription, lost),
  };
}

function nodeRedisClusterDriver(cluster: NodeRedisCluster): RedisDriver {
  return {
    send: async (args, key) => cluster.sendCommand(key, false, args),
    makeLink: (subscription, lost) =>
      nodeRedisLink(
        async (gone) => duplicate(await cluster.nodeClient(oneOf(cluster.masters)), gone),
        subscription,
        lost,
      ),
  };
}

function duplicate(client: NodeRedis, gone: AbortSignal): NodeRedis {
  return client.duplicate(ownOptions(client.options?.socket, gone));
}

/** All nodes of a cluster hear what is published at any. */
function oneOf<T>(nodes: readonly T[]): T {
  const node = nodes[Math.floor(Math.random() * nodes.length)];
  if (node === undefined) throw new Error(notConnected);
  return node;
}

function isIoredis(client: unknown): client is Ioredis {
  return hasAll(client, ['call', 'duplicate', 'subscribe', 'connect', 'disconnect']) && 'status' in client;
}

function isIoredisCluster(client: unknown): client is IoredisCluster {
  return hasAll(client, ['call', 'nodes']) && 'status' in client;
}

function isNodeRedis(client: unknown): client is NodeRedis {
  // a pool or a Sentinel client sends commands in another way
  return hasAll(client, ['sendCommand', 'duplicate', 'subscribe', 'destroy']) && 'isPubSubActive' in client;
}

function isNodeRedisCluster(client: unknown): client is NodeRedisCluster {
  return hasAll(client, ['sendCommand', 'nodeClient']) && 'masters' in client;
}

function hasAll(client: unknown, methods: readonly string[]): client is object {
  if (typeof client !== 'object' || client === null) return false;
  const found = new Map<string, unknown>(methods.map((name) => [name, Reflect.get(client, name)]));
  return [...found.values()].every((method) => typeof method === 'function');
}
