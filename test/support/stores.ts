// The stores that nodes can share, each with as many nodes as a test wants.

import { createHash, randomUUID } from 'node:crypto';
import { createClient, createCluster } from '@redis/client';
import { Cluster, Redis } from 'ioredis';
import { createMemoryStores } from '../../src/store/memory.js';
import { connectRedisStore } from '../../src/store/redis-url.js';
import { createRedisStore } from '../../src/store/redis.js';
import type { AliveWord, SessionStore, StoreListener } from '../../src/store/session-store.js';
import type { RedisServer } from './redis.js';
import { eventually, pause } from './stack.js';

export const minute = 60_000;

/** What a store told one node. */
interface Heard {
  readonly ends: (readonly [id: string, confirmed: boolean, forMs: number])[];
  readonly asked: string[];
  readonly deaths: string[];
  readonly warnings: (readonly [fields: object, message: string])[];
  /** How often it began to listen. */
  listening: number;
}

export interface Node {
  readonly store: SessionStore;
  readonly heard: Heard;
  /** Closes the store, then what the team made. */
  close(): Promise<void>;
}

/** What a team would make, and close itself. */
interface Made {
  readonly store: SessionStore;
  release(): void;
}

type Join = (server: RedisServer) => Made | Promise<Made>;

export const singleServer: Readonly<Record<string, Join>> = {
  REDIS_URL: ({ url }) => ({ store: connectRedisStore(url), release: () => undefined }),
  'a client of node-redis': async ({ url }) => {
    const client = createClient({ url });
    client.on('error', () => undefined);
    await client.connect();
    return { store: createRedisStore({ client }), release: () => client.destroy() };
  },
  'a client of node-redis with RESP 2 and buffers': async ({ url }) => {
    const client = createClient({ url, RESP: 2, commandOptions: { typeMapping: { 36: Buffer } } });
    client.on('error', () => undefined);
    await client.connect();
    return { store: createRedisStore({ client }), release: () => client.destroy() };
  },
  'a client of ioredis': ({ url }) => {
    const client = new Redis(url);
    client.on('error', () => undefined);
    return { store: createRedisStore({ client }), release: () => client.disconnect() };
  },
  'a client of ioredis with RESP 2, a prefix and no queue': async ({ url }) => {
    const client = new Redis(url, { protocol: 2, keyPrefix: 'team:', enableOfflineQueue: false, lazyConnect: true });
    client.on('error', () => undefined);
    await client.connect();
    return { store: createRedisStore({ client }), release: () => client.disconnect() };
  },
};

export const clusterServer: Readonly<Record<string, Join>> = {
  'a cluster client of node-redis': async ({ url }) => {
    const client = createCluster({ rootNodes: [{ url }] });
    client.on('error', () => undefined);
    await client.connect();
    return { store: createRedisStore({ client }), release: () => client.destroy() };
  },
  'a cluster client of ioredis': ({ port }) => {
    const client = new Cluster([{ host: '127.0.0.1', port }]);
    client.on('error', () => undefined);
    return { store: createRedisStore({ client }), release: () => client.disconnect() };
  },
};

/** Resolves when the node hears all and can ask. */
export async function joined(join: Join, server: RedisServer): Promise<Node> {
  const node = listening(await join(server));
  await eventually(async () => node.heard.listening > 0 && canAsk(node.store));
  return node;
}

export async function joinedMemory(stores: ReturnType<typeof createMemoryStores>): Promise<Node> {
  const node = listening({ store: stores.join(), release: () => undefined });
  await eventually(() => node.heard.listening > 0);
  return node;
}

export function listening({ store, release }: Made): Node {
  const heard: Heard = { ends: [], asked: [], deaths: [], warnings: [], listening: 0 };
  const listener: StoreListener = {
    onEnd: (...end) => void heard.ends.push(end),
    onAskedToEnd: (id) => void heard.asked.push(id),
    onDeath: (id) => void heard.deaths.push(id),
    onListening: () => void heard.listening++,
    onWarning: (...warning) => void heard.warnings.push(warning),
  };
  store.listen(listener);
  return {
    store,
    heard,
    async close() {
      await store.close();
      release();
    },
  };
}

/** Whether it answers, and soon: clients of teams may wait for a server that is away. */
export function canAsk(store: SessionStore): Promise<boolean> {
  const answer = store.check().then(
    () => true,
    () => false,
  );
  return Promise.race([answer, pause(200).then(() => false)]);
}

/** How long until it holds, in ms. */
export async function timeUntil(holds: () => boolean | Promise<boolean>): Promise<number> {
  const start = performance.now();
  await eventually(holds, 15_000);
  return performance.now() - start;
}

/** The error, and how long it took to come, in ms. */
export async function failureOf(operation: Promise<unknown>): Promise<{ message: string; ms: number }> {
  const start = performance.now();
  const message = await operation.then(
    () => 'it worked',
    (error: unknown) => (error as Error).message,
  );
  return { message, ms: performance.now() - start };
}

/** A session of its own for each test: they share a store. */
export function newId(): string {
  return createHash('sha256').update(randomUUID()).digest('base64url');
}

export function aliveAt(confirmedAt: number, more: Partial<AliveWord> = {}): AliveWord {
  const deadlines = { idleDeadline: confirmedAt + 30 * minute, maxDeadline: confirmedAt + 120 * minute };
  return { kind: 'alive', confirmedAt, accessAt: confirmedAt - 1.5, ...deadlines, ...more };
}
