// The command's server with a listener of the test's own, and connections that are written to byte by byte.

import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { systemClock } from '../../src/clock.js';
import { createServer, type ServerTimes } from '../../src/ops/server.js';

export interface TestServer {
  readonly url: string;
  connect(): Promise<Connection>;
  close(): void;
}

interface Connection {
  readonly socket: Socket;
  /** All that came back so far. */
  readonly received: () => string;
  /** Resolves with all that came back, once the server has closed the connection. */
  ended(withinMs?: number): Promise<string>;
}

export async function startServer(listener: RequestListener, times: Partial<ServerTimes> = {}): Promise<TestServer> {
  const securityHeaders = new Map([['x-content-type-options', 'nosniff']]);
  const server = createServer({ listener, upgrade: () => false, securityHeaders, clock: systemClock, times });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async connect() {
      // half-open: a client that does not close by itself
      const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      let received = '';
      socket.on('data', (chunk) => (received += chunk.toString('latin1')));
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      return {
        socket,
        received: () => received,
        async ended(withinMs = 3_000) {
          if (!socket.readableEnded && !socket.closed)
            await Promise.race([
              once(socket, 'end', { signal: AbortSignal.timeout(withinMs) }),
              new Promise((resolve) => socket.once('close', resolve)),
            ]);
          return received;
        },
      };
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
