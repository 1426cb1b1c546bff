// The body of an upstream's answer.

import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Passes the body on. One that has come whole with its head, as small ones do, goes in one piece: to pipe it would take a
 * tenth of the request's time.
 */
export function passBody(answer: IncomingMessage, res: ServerResponse): void {
  // somebody else reads it too, and sets it flowing
  if (answer.readableFlowing !== null) return void answer.pipe(res);
  // once all is parsed that came with the head; a pipe would begin no sooner
  process.nextTick(() => {
    if (res.destroyed || res.writableEnded) return;
    if (answer.complete && answer.readableFlowing === null) res.end(answer.read() ?? undefined);
    else answer.pipe(res);
  });
}
