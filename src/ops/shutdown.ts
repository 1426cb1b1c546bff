// SIGTERM: no new requests, the ones under way may finish, then the process ends with 0.

import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../clock.js';

export interface ShutdownOptions {
  readonly server: Server;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Called first: probes answer that we stop. */
  readonly announce: () => void;
  /** Called when no request is under way any more. */
  readonly release: () => Promise<void>;
}

const sweepMs = 100;

/** Stops accepting, waits for the requests under way up to `timeoutMs`, then lets go of everything. */
export function createShutdown({ server, timeoutMs, clock, announce, release }: ShutdownOptions): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  // browsers and load balancers connect ahead; Node does not count such a connection as idle
  const unused = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.prependListener('request', (req) => unused.delete(req.socket));

  async function stop(): Promise<void> {
    announce();
    // what still comes on an open connection is the last there
    server.prependListener('request', (_req, res) => res.setHeader('connection', 'close'));
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const deadline = clock.setTimer(() => server.closeAllConnections(), timeoutMs);
    let sweep = clock.setTimer(closeIdle, 0);
    await closed;
    clock.clearTimer(sweep);
    clock.clearTimer(deadline);
    await release();

    // one by one, as their requests end: their answers may have promised to keep the connection
    function closeIdle(): void {
      server.closeIdleConnections();
      for (const socket of unused) socket.destroy();
      sweep = clock.setTimer(closeIdle, sweepMs);
    }
  }

  return () => (stopping ??= stop());
}
