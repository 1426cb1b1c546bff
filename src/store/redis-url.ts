// The store at REDIS_URL: with a client of its own, and one connection for commands and for messages.

import { notConnected, type RedisDriver } from './redis-driver.js';
import { nodeRedisLink, ownOptions, type NodeRedis } from './redis-node-client.js';
import { storeOver } from './redis.js';
import type { SessionStore } from './session-store.js';

const connectTimeoutMs = 2000;

/**
 * Connects in the background once it is listened to; until then, and while Redis is away, operations reject at once.
 *
 * @param url `redis://` or `rediss://`, with user, password and database where needed
 */
export function connectRedisStore(url: string): SessionStore {
  const options = optionsOf(new URL(url));
  let link: ReturnType<typeof nodeRedisLink> | undefined;

  const driver: RedisDriver = {
    async send(args) {
      const client = link?.client;
      if (!client?.isReady) throw new Error(notConnected);
      return client.sendCommand(args);
    },
    makeLink(subscription, lost) {
      link = nodeRedisLink((gone) => makeClient(options, gone), subscription, lost);
      return link;
    },
  };
  return storeOver(driver);
}

interface UrlOptions {
  readonly socket: object;
  readonly [option: string]: unknown;
}

async function makeClient({ socket, ...options }: UrlOptions, gone: AbortSignal): Promise<NodeRedis> {
  // loaded where Redis is used, and only there
  const { createClient } = await import('@redis/client');
  return createClient({ ...options, ...ownOptions(socket, gone) });
}

function optionsOf(url: URL): UrlOptions {
  const tls = url.protocol === 'rediss:';
  const socket = {
    // an IPv6 address has brackets in a URL, and nowhere else
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    ...(url.port && { port: Number(url.port) }),
    ...(tls && { tls }),
    connectTimeout: connectTimeoutMs,
  };
  return {
    socket,
    ...(url.username && { username: decodeURIComponent(url.username) }),
    ...(url.password && { password: decodeURIComponent(url.password) }),
    database: Number(url.pathname.slice(1)),
    name: 'am-session-proxy',
    disableOfflineQueue: true,
    // of Redis Enterprise; elsewhere a round trip at each connect
    maintNotifications: 'disabled',
    // whoever calls has a deadline, and a timer for each command costs
    commandOptions: { timeout: 0 },
  };
}
