// A response object for an upgrade request: Node gives only the socket, and what refuses a request wants more.

import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Clock } from './clock.js';
import { endGently } from './linger.js';

/**
 * The connection ends after the answer. Undefined if an earlier answer on it has not ended: two at once would mix.
 */
export function answerOnSocket(req: IncomingMessage, clock: Clock): ServerResponse | undefined {
  const { socket } = req;
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  try {
    res.assignSocket(socket);
  } catch {
    return undefined;
  }
  res.once('finish', () => {
    res.detachSocket(socket);
    endGently(socket, clock);
  });
  return res;
}
