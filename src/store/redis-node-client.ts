// node-redis (`redis`, `@redis/client`), as far as the store knows it.

import type { Subscription } from './redis-driver.js';
import type { Link } from './redis-link.js';

/** A client of one server. */
export interface NodeRedis {
  readonly isReady: boolean;
  readonly options?: { readonly socket?: object } | undefined;
  sendCommand(args: readonly string[]): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  duplicate(overrides: object): NodeRedis;
  connect(): Promise<unknown>;
  destroy(): void;
  on(event: string, listener: (argument: unknown) => void): unknown;
}

export interface NodeRedisCluster {
  readonly masters: readonly object[];
  sendCommand(key: string | undefined, isReadonly: boolean, args: readonly string[]): Promise<unknown>;
  nodeClient(node: object): NodeRedis | Promise<NodeRedis>;
}

/**
 * Options of a connection that is ours: it is opened again by us, and shares no cache.
 *
 * @param gone ends its socket; destroying the client would leave one that is still connecting, which keeps the process
 */
export function ownOptions(socket: object | undefined, gone: AbortSignal): object {
  const ownSocket = { ...socket, reconnectStrategy: false, signal: gone };
  return { socket: ownSocket, clientSideCache: undefined, emitInvalidate: false };
}

/** @param make a client with `ownOptions`, not connected */
export function nodeRedisLink(
  make: (gone: AbortSignal) => Promise<NodeRedis>,
  { channel, onMessage, onInfo }: Subscription,
  lost: (error: unknown) => void,
): Link & { readonly client: NodeRedis | undefined } {
  let client: NodeRedis | undefined;
  const gone = new AbortController();

  return {
    get client() {
      return client;
    },
    async open() {
      const made = await make(gone.signal);
      if (gone.signal.aborted) return destroy(made);
      client = made;
      made.on('error', lost);
      await made.connect();
      await made.sendCommand(['INFO']).then(
        (info) => onInfo(String(info)),
        () => undefined,
      );
      await made.subscribe(channel, onMessage);
    },
    ping: async () => client?.sendCommand(['PING']),
    close() {
      if (client) destroy(client);
      gone.abort();
    },
  };
}

function destroy(client: NodeRedis): void {
  try {
    client.destroy();
  } catch {
    // version 5 throws where there is nothing to destroy
  }
}
