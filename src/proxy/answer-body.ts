// The body of an upstream's answer, once its head is written.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendHead } from './answer-head.js';

/**
 * Passes the body on. One that has come whole with its head, as small ones do, goes in one piece: to pipe it would take a
 * tenth of the request's time.
 */
export function passBody(answer: IncomingMessage, res: ServerResponse): void {
  // somebody else reads it too, and sets it flowing
  if (answer.readableFlowing !== null) return pipeBody(answer, res);
  // once all is parsed that came with the head; a pipe would begin no sooner
  process.nextTick(() => {
    if (res.destroyed || res.writableEnded) return;
    if (answer.complete && answer.readableFlowing === null) res.end(answer.read() ?? undefined);
    else pipeBody(answer, res);
  });
}

/**
 * The same, piece by piece. The head goes with the first of them, in one write, which takes a tenth less of the request's
 * time (Node 20); by itself if that is not there yet (an event stream may be quiet for minutes after its head) or never
 * comes.
 */
export function pipeBody(answer: IncomingMessage, res: ServerResponse): void {
  const send = () => sendHead(answer, res);
  // by TLS the end of the connection may come in the same turn
  answer.on('error', send);
  setImmediate(send);
  answer.pipe(res);
}
