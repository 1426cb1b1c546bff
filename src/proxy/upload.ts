// An upload that is answered before its end (413, 401): both sides get to hear it.

import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createAttachment } from '../attachment.js';
import type { Clock } from '../clock.js';
import { endGently } from '../linger.js';
import { hasBody } from './body.js';

type Writing = Pick<Socket, '_write' | '_writev'>;
type WriteDone = (error?: NodeJS.ErrnoException | null) => void;

/** Of each connection that has carried a body: whether the request that is on it now has one. */
const patience = createAttachment<Socket, { isOn: boolean }>('patience');

/**
 * Lets a write of a body to a connection that the upstream has closed fail only after all that had arrived on it was
 * read. Node closes the socket with the first write that fails, and with it goes an answer that still waits there to be
 * read. Call it for each request as soon as it has its connection: what was made for a body stays on the socket and is
 * only turned off, since to take properties away would make each later use of the socket slow, a tenth of a request's time.
 */
export function readBeforeFailing(request: Pick<IncomingMessage, 'headers'>, outgoing: ClientRequest): void {
  const { socket } = outgoing;
  if (!socket) return;
  const isOn = hasBody(request);
  const known = patience.get(socket);
  if (known) known.isOn = isOn;
  else if (isOn) makePatient(socket);
}

function makePatient(socket: Socket): void {
  const { _write: write, _writev: writeAll } = socket;
  const state = { isOn: true };
  const held = (done: WriteDone): WriteDone => (state.isOn ? afterReading(socket, done) : done);
  const patiently: Writing = {
    _write: (chunk, encoding, done) => write.call(socket, chunk, encoding, held(done)),
    _writev: (chunks, done) => writeAll?.call(socket, chunks, held(done)),
  };
  Object.assign(socket, patiently);
  patience.set(socket, state);
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

/** What still comes after an early answer goes nowhere, so that the client's connection can serve its next request. */
export function drainUpload(req: IncomingMessage, outgoing: ClientRequest): void {
  if (outgoing.writableFinished) return;
  req.unpipe(outgoing).resume();
  outgoing.destroy();
}

/**
 * For a client that wants the connection closed after the answer: closed while its upload still comes, an early answer
 * (401, 413) would be lost (RFC 9112, 9.6). nginx asks for this with every request, unless told otherwise.
 */
export function lingerAfterAnswer(req: IncomingMessage, res: ServerResponse, clock: Clock): void {
  if (!hasBody(req) || res.shouldKeepAlive) return;
  const { socket } = req;
  const closeAtOnce = socket.destroySoon.bind(socket);
  // which Node calls when the answer is sent
  socket.destroySoon = () => (req.complete ? closeAtOnce() : endGently(socket, clock));
}
