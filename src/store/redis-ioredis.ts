// ioredis, as far as the store knows it.

import type { Subscription } from './redis-driver.js';
import type { Link } from './redis-link.js';

/** A client of one server, or of a cluster. */
export interface IoredisCommands {
  readonly status: string;
  call(command: string, ...args: string[]): Promise<unknown>;
}

export interface Ioredis extends IoredisCommands {
  duplicate(overrides: object): Ioredis;
  connect(): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  ping(): Promise<unknown>;
  disconnect(): void;
  on(event: string, listener: (first: unknown, second: unknown) => void): unknown;
}

export interface IoredisCluster extends IoredisCommands {
  nodes(): readonly Ioredis[];
}

/** Options of a connection that is ours: it is opened again by us, and hangs on nothing when it is let go. */
const ownOptions = {
  lazyConnect: true,
  retryStrategy: null,
  autoResubscribe: false,
  disconnectTimeout: 100,
};

/** @param source which client to make it like; asked at each try, as nodes of a cluster come and go */
export function ioredisLink(
  source: () => Ioredis,
  { channel, onMessage, onInfo }: Subscription,
  lost: (error: unknown) => void,
): Link {
  let client: Ioredis | undefined;

  return {
    async open() {
      const made = source().duplicate(ownOptions);
      client = made;
      // says more than the rejection: that only knows that the connection was closed
      made.on('error', lost);
      made.on('end', () => lost(new Error('the connection was closed')));
      made.on('message', (from, message) => from === channel && onMessage(String(message)));
      await made.connect();
      await made.call('INFO').then(
        (info) => onInfo(String(info)),
        () => undefined,
      );
      await made.subscribe(channel);
    },
    ping: async () => client?.ping(),
    close() {
      client?.disconnect();
    },
  };
}
