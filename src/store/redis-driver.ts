// What the Redis store needs of a client, whoever wrote it.

import type { Link } from './redis-link.js';

export interface RedisDriver {
  /**
   * Sends one command, to the node that has the key. Rejects at once where there is no connection: nothing is sent later.
   *
   * @param key undefined: any node will do
   */
  send(args: readonly string[], key?: string): Promise<unknown>;
  /** A connection that listens and does not come back by itself; its `open` resolves when it listens. */
  makeLink(subscription: Subscription, lost: (error: unknown) => void): Link;
}

/** What a driver's error says where there is no connection. */
export const notConnected = 'not connected';

export interface Subscription {
  readonly channel: string;
  onMessage(message: string): void;
  /** The server's own words on itself, before it is listened to; not where the user may not ask. */
  onInfo(info: string): void;
}

/**
 * What went wrong, in words without secrets: a server that does not know a command repeats its arguments, with the
 * password, and ioredis keeps them beside the message.
 */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure';
  const { message, name } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return message.replace(/,? with args beginning with.*/s, '') || (code ?? name);
}
