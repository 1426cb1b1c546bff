// The store in Redis (7 or newer, or Valkey): one key an operation, so that Redis Cluster works; plain publish/subscribe.

import { driverOf } from './redis-clients.js';
import { describeFailure, notConnected, type RedisDriver } from './redis-driver.js';
import { keepLink } from './redis-link.js';
import { warningsOf } from './redis-info.js';
import { claimScript, confirmScript, diedScript, endScript, readScript, settleScript } from './redis-scripts.js';
import {
  aliveText,
  askMessage,
  deathMessage,
  deliver,
  endMessage,
  endedText,
  lifetime,
  readingOf,
} from './redis-words.js';
import type { SessionStore, StoreListener } from './session-store.js';

export interface RedisStoreOptions {
  /** The team's own, of node-redis (single or cluster) or ioredis (Redis or Cluster). It connects and closes it. */
  readonly client: object;
}

const prefix = 'am-session-proxy:';
const channel = `${prefix}endings`;
const windowKey = (id: string) => `${prefix}window:${id}`;
const sessionKey = (id: string) => `${prefix}session:${id}`;
const probeKey = `${prefix}probe`;
const probeForMs = 1000;

/** @throws TypeError where the client is of another kind */
export function createRedisStore({ client }: RedisStoreOptions): SessionStore {
  return storeOver(driverOf(client));
}

export function storeOver(driver: RedisDriver): SessionStore {
  let closed = false;
  let stopListening: (() => void) | undefined;
  /** Why our own connection does not work: the client that commands go by only says that it is not connected. */
  let linkFailure: string | undefined = 'no answer yet';

  async function send(args: readonly string[], key?: string): Promise<unknown> {
    if (closed) throw new Error('Redis: the store is closed');
    try {
      return await driver.send(args, key);
    } catch (error) {
      // oxlint-disable-next-line preserve-caught-error -- what clients throw carries passwords: see there
      throw new Error(`Redis: ${explained(describeFailure(error))}`);
    }
  }

  function explained(failure: string): string {
    return failure === notConnected && linkFailure !== undefined ? `${failure}: ${linkFailure}` : failure;
  }

  const run = (script: string, key: string, ...args: string[]) => send(['EVAL', script, '1', key, ...args], key);

  const tell = (message: string) => send(['PUBLISH', channel, message]);

  /** Both are tried, as the one may work where the other does not; what counts is whether it is kept. */
  async function keepAndTell(kept: Promise<unknown>, message: string): Promise<void> {
    const [outcome] = await Promise.allSettled([kept, tell(message)]);
    if (outcome.status === 'rejected') throw outcome.reason;
  }

  return {
    claim: async (id, owner, forMs) => Number(await run(claimScript, windowKey(id), owner, lifetime(forMs))),
    async settle(id, owner, forMs) {
      await run(settleScript, windowKey(id), owner, forMs > 0 ? lifetime(forMs) : '0');
    },
    read: async (id) => readingOf(await run(readScript, sessionKey(id))),
    async confirm(id, word, forMs) {
      await run(confirmScript, sessionKey(id), aliveText(word), lifetime(forMs));
    },
    end: (id, confirmed, forMs) =>
      keepAndTell(
        run(endScript, sessionKey(id), endedText(confirmed), lifetime(forMs)),
        endMessage(id, confirmed, forMs),
      ),
    async askToEnd(id) {
      await tell(askMessage(id));
    },
    died: (id) => keepAndTell(run(diedScript, sessionKey(id)), deathMessage(id)),
    async check() {
      await send(['SET', probeKey, '1', 'PX', String(probeForMs)], probeKey);
    },
    listen(listener) {
      stopListening = listenTo(driver, listener, (failure) => (linkFailure = failure));
    },
    async close() {
      closed = true;
      stopListening?.();
    },
  };
}

function listenTo(
  driver: RedisDriver,
  listener: StoreListener,
  report: (failure: string | undefined) => void,
): () => void {
  /** Said once, until it works or fails in another way. */
  let complaint: string | undefined;
  let closed = false;
  const letGo = keepLink({
    makeLink: (lost) =>
      driver.makeLink(
        {
          channel,
          onMessage: (message) => closed || deliver(message, listener),
          onInfo: (info) => {
            for (const [fields, message] of warningsOf(info)) listener.onWarning(fields, message);
          },
        },
        lost,
      ),
    onOpen() {
      complaint = undefined;
      report(undefined);
      listener.onListening();
    },
    onLost(error) {
      const failure = describeFailure(error);
      report(failure);
      // a server that is away comes back; one that refuses us does not by itself
      if (!/^(NOPERM|NOAUTH|WRONGPASS|ERR AUTH)\b/.test(failure) || failure === complaint) return;
      complaint = failure;
      listener.onWarning({ error: failure }, 'Redis refuses this user: logouts at other nodes are heard of late');
    },
  });
  return () => {
    closed = true;
    letGo();
  };
}
