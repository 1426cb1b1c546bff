// An upload in the face of an upstream that answers before its end (413, 401) and hangs up.

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { hasBody } from './body.js';

type Writing = Pick<Socket, '_write' | '_writev'>;
type WriteDone = (error?: NodeJS.ErrnoException | null) => void;

/**
 * Lets a write to a connection that the upstream has closed fail only after all that had arrived on it was read. Node
 * closes the socket with the first write that fails, and with it goes an answer that still waits there to be read.
 * Call it as soon as the request has its connection.
 */
function readBeforeFailing(req: IncomingMessage, outgoing: ClientRequest): void {
  const { socket } = outgoing;
  if (!socket || !hasBody(req)) return;
  const { _write: write, _writev: writeAll } = socket;
  const patiently: Writing = {
    _write: (chunk, encoding, done) => write.call(socket, chunk, encoding, afterReading(socket, done)),
    _writev: (chunks, done) => writeAll?.call(socket, chunks, afterReading(socket, done)),
  };
  Object.assign(socket, patiently);
  // comes before the connection goes back to the pool
  outgoing.once('close', () => Object.assign(socket, { _write: write, _writev: writeAll }));
}

function afterReading(socket: Socket, done: WriteDone): WriteDone {
  return (error) => {
    const isClosed = error?.code === 'EPIPE' || error?.code === 'ECONNRESET';
    // the kernel hands out what it has, then the end. Before others hear of the end: they take it for that of an answer
    // without a length
    if (isClosed && !socket.readableEnded) socket.prependOnceListener('end', () => done(error));
    else done(error);
  };
}

export { readBeforeFailing as readBeforeWriting };
