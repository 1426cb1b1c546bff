// An upload in the face of an upstream that answers before its end (413, 401).

import type { ClientRequest, IncomingMessage } from 'node:http';

/**
 * Holds each piece of the body until what has arrived from the upstream was read. An upstream may answer and hang up in
 * the middle of an upload: a write to the closed connection fails, and takes the answer with it that waits to be read.
 * Call it before the body is piped.
 */
export function readBeforeWriting(req: IncomingMessage, { socket }: ClientRequest): void {
  req.on('data', () => {
    socket?.cork();
    setImmediate(() => socket?.uncork());
  });
}
