// Whether a request has a body at all, whether it is still there to be passed on, and how one is sent that is.

import type { IncomingMessage, OutgoingMessage } from 'node:http';

/** Bytes: what is larger is not copied into a string. */
const textMax = 16 * 1_024;

/** Whether a body follows the head (RFC 9112, 6.3). */
export function hasBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/**
 * Whether the headers do not say any more what the body is framed by: sent on with them, its bytes could be the next
 * request to the upstream.
 */
export function isFramingChanged({ headers, rawHeaders }: IncomingMessage): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (isFraming(name) && headers[name.toLowerCase()] !== rawHeaders[i + 1]) return true;
  }
  return false;
}

function isFraming(name: string): boolean {
  // nearly all names differ in length
  return (name.length === 14 || name.length === 17) && /^(?:content-length|transfer-encoding)$/i.test(name);
}

/**
 * Whether somebody before us, such as a body parser, has read the body: an upstream would wait for it in vain. Or has it
 * read as text, whose bytes are others, and of another length.
 */
export function isBodyTaken(req: IncomingMessage): boolean {
  return (req.readableDidRead || req.readableEncoding !== null) && hasBody(req);
}

/** Whether all of the body waits to be read, as a small one does that came with its head. */
export function isBodyHere({ complete, headers, readableLength }: IncomingMessage): boolean {
  // Node says complete only after this turn
  return complete || Number(headers['content-length']) === readableLength;
}

/**
 * Whether Node must not know the length of the body before it writes the head. It would take the bytes of this header for
 * UTF-8 then, and write only the low byte of each character: `\xC4\x8A`, part of a name, becomes the end of the line, and
 * what follows a header, or a request, of the client's own making. For the same reason `Content-Length` is always last.
 */
export function isReencoded({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers['content-disposition'] !== undefined;
}

/** Whether everybody frames the body alike: `chunked` is the only transfer coding that all know (RFC 9112, 6.1). */
export function isPlainlyFramed({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const coding = headers['transfer-encoding'];
  return coding === undefined || coding.trim().toLowerCase() === 'chunked';
}

/**
 * Ends a message with its body, as read from another. A small one goes as text, each byte a character: Node writes it
 * together with the head, where bytes would be a second piece, which takes a twentieth of a proxied request's time.
 */
export function endWith(message: OutgoingMessage, body: unknown): void {
  if (Buffer.isBuffer(body) && body.length <= textMax) message.end(body.toString('latin1'), 'latin1');
  else message.end(body ?? undefined);
}
