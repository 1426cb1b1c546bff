// The end of a connection, such that the other side gets to read what was sent last.

import type { Duplex } from 'node:stream';
import type { Clock } from './clock.js';

const lingerMs = 1_000;

interface Closable {
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/** Closes it in a second, whether or not it has ended by then. */
export function closeSoon(socket: Closable, clock: Clock): void {
  const timer = clock.setTimer(() => socket.destroy(), lingerMs);
  socket.once('close', () => clock.clearTimer(timer));
}

/**
 * Sends `last` and the end, takes in what still comes, and a second later lets go: closed at once, with something unread,
 * the kernel would take back what the other side has not read either.
 */
export function endGently(socket: Duplex, clock: Clock, last?: string | Buffer): void {
  closeSoon(socket, clock);
  // one that has ended before would fail, and lose what is still on its way
  if (!socket.writableEnded) socket.end(last);
  socket.resume();
}
