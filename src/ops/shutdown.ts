// SIGTERM: no new requests, the ones under way may finish, then the process ends with 0.

import type { Server, ServerResponse } from 'node:http';
import net, { type Socket } from 'node:net';
import type { Clock, Timer } from '../clock.js';
import { createQueue } from '../queue.js';
import type { Logger } from './log.js';

export interface ShutdownOptions {
  readonly server: Server;
  /** For all of it. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called first: probes answer that we stop, sockets and streams are closed. */
  readonly announce: () => void;
  /** Called when no request is under way any more. */
  readonly release: () => Promise<void>;
}

/** A busy client sends its next request within this time, and is told on its answer that the connection ends. */
const graceMs = 500;
const sweepMs = 100;
/** How long connections are still taken if there is no end of them. */
const acceptMs = 1_000;

/**
 * Stops accepting, waits for the requests under way, lets go of everything; all that within `timeoutMs`.
 *
 * @returns does that; `signal` says in the log what asked for it
 */
export function createShutdown(options: ShutdownOptions): (signal?: string) => Promise<void> {
  const { server, timeoutMs, clock, log, announce, release } = options;
  let stopping: Promise<void> | undefined;
  // browsers and load balancers connect ahead; Node does not count such a connection as idle
  const unused = new Set<Socket>();
  const open = createQueue<ServerResponse>();
  server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.prependListener('request', (req, res) => {
    unused.delete(req.socket);
    const entry = open.add(res);
    res.on('close', () => open.remove(entry));
  });
  server.prependListener('upgrade', (req) => unused.delete(req.socket));

  async function stop(signal: string | undefined): Promise<void> {
    const startedAt = clock.now();
    log.info(
      { ...(signal !== undefined && { signal }), requests: open.size, timeoutS: timeoutMs / 1000 },
      'stopping: not ready any more, requests under way may finish',
    );
    let deadline: Timer | undefined;
    const late = new Promise<void>((resolve) => (deadline = clock.setTimer(resolve, timeoutMs)));
    announce();
    await acceptWaiting(server, clock, Math.min(acceptMs, timeoutMs));
    // http's own close would end idle connections at once, with requests on them that only have not been read yet
    const closed = new Promise<void>((resolve) => net.Server.prototype.close.call(server, () => resolve()));
    // not before that: clients would connect anew
    let untoldAt = clock.now();
    for (const res of open) {
      // too late to tell its client, which may send another request when it has the whole answer
      if (res.headersSent) res.once('close', () => (untoldAt = clock.now()));
      else sayLast(res);
    }
    server.prependListener('request', (req, res) => {
      for (const before of open) if (before.req.socket === req.socket && before !== res) sayNotLast(before);
      sayLast(res);
    });
    let sweep = clock.setTimer(look, Math.min(graceMs, timeoutMs));
    await Promise.race([closed, late]);
    clock.clearTimer(sweep);
    const cut = open.size;
    if (cut > 0)
      log.warn({ requests: cut }, 'requests that take longer than SHUTDOWN_TIMEOUT_S (shutdownTimeoutS) are cut');
    server.closeAllConnections();
    await Promise.race([release(), late]);
    if (deadline) clock.clearTimer(deadline);
    log.info({ tookMs: Math.round(clock.now() - startedAt), cut }, 'stopped');

    function look(): void {
      // Node reads what has arrived after its timers
      setImmediate(closeIdle);
      sweep = clock.setTimer(look, sweepMs);
    }

    function closeIdle(): void {
      // Node takes an answer for over that a slow client is still reading
      const isSending = [...open].some((res) => res.writableEnded);
      if (isSending || clock.now() - untoldAt < graceMs) return;
      server.closeIdleConnections();
      for (const socket of unused) if (socket.bytesRead === 0) socket.destroy();
    }
  }

  return (signal) => (stopping ??= stop(signal));
}

/** Takes the connections that wait in the kernel's queue, one in each turn of the loop: the others would be reset. */
async function acceptWaiting(server: Server, clock: Clock, longestMs: number): Promise<void> {
  const until = clock.now() + longestMs;
  let taken: boolean;
  const take = () => (taken = true);
  server.on('connection', take);
  do {
    taken = false;
    // the first is at the end of the turn that we are in
    await nextTurn();
    await nextTurn();
  } while (taken && clock.now() < until);
  server.off('connection', take);
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** An answer that says so beats a connection that is gone when the next request is on its way. */
function sayLast(res: ServerResponse): void {
  res.setHeader('connection', 'close');
}

/** Another request was sent behind it. */
function sayNotLast(res: ServerResponse): void {
  if (!res.headersSent) res.removeHeader('connection');
}
