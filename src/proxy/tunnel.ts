// Two sockets that speak WebSocket through us, until one of them ends, or we end both.

import type { Socket } from 'node:net';
import type { Clock, Timer } from '../clock.js';
import { endGently } from '../linger.js';
import type { CloseReason } from './streams.js';
import { closeFrame, createFrameTracker, maskedCloseFrame, type FrameTracker } from './websocket-frames.js';

/** 4401 as in the 401 that the page would get; 1001: the server is going away (RFC 6455, 7.4). */
const closeCodes: Readonly<Record<CloseReason, number>> = {
  session_ended: 4401,
  session_expired: 4401,
  stopping: 1001,
};

/** Routers forget connections that are quiet for some minutes; a browser that vanished says nothing at all. */
const keepAliveMs = 60_000;
/** How long one side may live on when the other has ended: for what is still on its way. */
const halfOpenMs = 10_000;

/**
 * Passes on both ways what comes, as fast as the slower side takes it.
 *
 * @returns ends both: with a close frame where one fits between two frames, else in the middle of one
 */
export function joinSockets(client: Socket, upstream: Socket, clock: Clock): (reason: CloseReason) => void {
  const toClient = createFrameTracker();
  const toUpstream = createFrameTracker();
  let timer: Timer | undefined;

  function connect(one: Socket, other: Socket, tracker: FrameTracker): void {
    one.setTimeout(0).setNoDelay(true).setKeepAlive(true, keepAliveMs);
    one.on('data', tracker.push);
    one.pipe(other);
    one.once('end', startTimer).once('close', () => endWithout(one, other));
  }

  /** Neither is of use without the other. */
  function endWithout(gone: Socket, other: Socket): void {
    if (other.closed) return stopTimer();
    startTimer();
    // before the pipe does so itself, which would leave it paused: its end would never be read
    other.unpipe(gone).resume();
    other.end();
  }

  function startTimer(): void {
    timer ??= clock.setTimer(() => {
      client.destroy();
      upstream.destroy();
    }, halfOpenMs);
  }

  function stopTimer(): void {
    if (timer) clock.clearTimer(timer);
  }

  connect(client, upstream, toUpstream);
  connect(upstream, client, toClient);

  return (reason) => {
    const code = closeCodes[reason];
    upstream.unpipe(client);
    client.unpipe(upstream);
    endGently(client, clock, toClient.isBetweenFrames ? closeFrame(code, reason) : undefined);
    endGently(upstream, clock, toUpstream.isBetweenFrames ? maskedCloseFrame(code, reason) : undefined);
  };
}
