// How long an upstream may take from the last byte of the request to the first of its answer.

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Clock } from '../clock.js';

/**
 * Calls `onTimeout` once if the upstream has taken all that the client sent, or takes nothing more (not even the
 * connection), and says nothing for `timeoutMs`. A client that is slow to send does not count against the upstream.
 *
 * @returns ends the watch: the answer has begun, or there will be none
 */
export function watchUpstream(
  clock: Clock,
  timeoutMs: number,
  req: IncomingMessage,
  outgoing: ClientRequest,
  onTimeout: () => void,
): () => void {
  const isConnecting = () => outgoing.socket?.connecting === true;
  let lastPassedOn = clock.now();
  const passedOn = () => {
    if (!isConnecting()) lastPassedOn = clock.now();
  };
  let timer = clock.setTimer(check, timeoutMs);

  function check(): void {
    const upstreamOwes = req.complete || outgoing.writableNeedDrain || isConnecting();
    const left = upstreamOwes ? lastPassedOn + timeoutMs - clock.now() : timeoutMs;
    if (left <= 0) onTimeout();
    else timer = clock.setTimer(check, left);
  }

  if (!req.complete) req.on('data', passedOn).once('end', passedOn);
  return () => {
    clock.clearTimer(timer);
    req.off('data', passedOn).off('end', passedOn);
  };
}
