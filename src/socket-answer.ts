// A response object for an upgrade request: Node gives only the socket, and what refuses a request wants more.

import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Clock } from './clock.js';
import { endGently } from './linger.js';

/**
 * The connection ends after the answer. Undefined if an earlier answer on it has not ended: two at once would mix, so it is
 * closed.
 */
export function answerOnSocket(req: IncomingMessage, clock: Clock): ServerResponse | undefined {
  const { socket } = req;
  // Node took its own away: without one an error of the socket would end the process
  socket.on('error', () => socket.destroy());
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  try {
    res.assignSocket(socket);
  } catch {
    socket.destroy();
    return undefined;
  }
  res.once('finish', () => {
    res.detachSocket(socket);
    endGently(socket, clock);
  });
  return res;
}
