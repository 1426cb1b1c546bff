// The body of an upstream's answer, once its head is written.

import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { endWith } from './body.js';

/** What may wait for a client that is slow to read, bytes of each answer; the kernel holds more. */
const heldBytes = 128 * 1_024;

/**
 * Passes the body on. One that has come whole with its head, as small ones do, goes in one piece: to pipe it would take a
 * tenth of the request's time.
 */
export function passBody(answer: IncomingMessage, res: ServerResponse): void {
  // somebody else reads it too, and sets it flowing
  const isShared = answer.readableFlowing !== null;
  // somebody before us, such as compression, may hold some back, which only `write` returns, or know no encodings
  if (isShared || !isNodesOwn(res)) return pipeBody(answer, res);
  // once all is parsed that came with the head; a pipe would begin no sooner
  process.nextTick(() => {
    if (res.destroyed || res.writableEnded) return;
    // nor has anybody begun to read it meanwhile
    if (answer.complete && answer.readableFlowing === null) endWith(res, answer.read());
    else gatherBody(answer, res);
  });
}

function isNodesOwn({ write, end }: ServerResponse): boolean {
  const { prototype } = http.ServerResponse;
  return write === prototype.write && end === prototype.end;
}

/**
 * As a pipe does, but all that comes within one turn of the event loop, the head too, goes in one write, and a client is
 * slow only when it leaves more than `heldBytes`: a tenth less of the time of a request for 100 KB.
 */
function gatherBody(answer: IncomingMessage, res: ServerResponse): void {
  let isHeld = false;
  const hold = (): void => {
    isHeld = true;
    // not the answer: Node 22 and 24 send what a corked one holds behind its end
    res.socket?.cork();
    setImmediate(send);
  };
  const send = (): void => {
    isHeld = false;
    sendHeld(answer, res);
  };
  hold();
  answer
    .on('data', (chunk) => {
      if (res.destroyed || res.writableEnded) return;
      if (!isHeld) hold();
      if (!res.write(chunk) && res.writableLength >= heldBytes) answer.pause();
    })
    .on('end', () => res.end());
  res.on('drain', () => answer.resume());
}

/**
 * Passes the body on piece by piece. The head goes with the first of them, in one write, which takes a tenth less of the
 * request's time (Node 20); by itself if that is not there yet (an event stream may be quiet for minutes after its head)
 * or never comes.
 */
export function pipeBody(answer: IncomingMessage, res: ServerResponse): void {
  setImmediate(sendHeld, answer, res);
  answer.pipe(res);
}

/** What waits of the answer, its head at least: one that breaks off must not look like none, and be asked for again. */
export function sendHeld(answer: IncomingMessage, res: ServerResponse): void {
  if (res.destroyed || res.writableEnded) return;
  // not `flushHeaders`, which writes the bytes of a head in UTF-8
  if (!answer.readableDidRead) http.ServerResponse.prototype.write.call(res, '', 'latin1');
  res.socket?.uncork();
}
