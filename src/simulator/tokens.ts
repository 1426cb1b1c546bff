// Tokens of AM's shape: an encrypted head, and a tail that says which server holds the session.

import { createHash, randomBytes } from 'node:crypto';

// AM's "c66" encoding: base64 that needs no quoting in a cookie.
const toC66 = (bytes: Buffer): string =>
  bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '.');
const fromC66 = (text: string): Buffer =>
  Buffer.from(text.replaceAll('-', '+').replaceAll('_', '/').replaceAll('.', '='), 'base64');

const SERVER_ID = '01';
const SHAPE = /^[^*]*\*([^*]+)\*$/;
// A client-side session: behind the star stands a JWT.
const CLIENT_SIDE = /\*eyJ[^.]*\.[^.]*\.[^.]*$/;
const C66 = /^(?:[\w-]{4})*(?:[\w-]{2}\.\.|[\w-]{3}\.)?$/;

const random = (byteCount: number): Buffer => randomBytes(byteCount);

// The tail is a list of names and values as Java's DataOutput.writeUTF writes them: two bytes of length, then the text.
function encodeTail(fields: readonly string[]): string {
  return toC66(
    Buffer.concat(
      fields.flatMap((field) => [Buffer.from([field.length >> 8, field.length & 0xff]), Buffer.from(field)]),
    ),
  );
}

function decodeTail(tail: string): Map<string, string> | undefined {
  if (!C66.test(tail)) return undefined;
  const bytes = fromC66(tail);
  const fields: string[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 2 > bytes.length) return undefined;
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) return undefined;
    fields.push(bytes.toString('latin1', at + 2, end));
    at = end;
  }
  if (fields.length % 2 === 1) return undefined;
  const pairs = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) pairs.set(fields[i] ?? '', fields[i + 1] ?? '');
  return pairs;
}

/** A new token, and the handle that AM shows in its place: the same tail behind another head. */
export function createToken(): { token: string; handle: string } {
  const storageKey = String(random(8).readBigInt64BE());
  const tail = encodeTail(['SI', SERVER_ID, 'SK', storageKey, 'S1', '']);
  const withHead = (): string => `AQIC5wM2LY4Sfc${toC66(random(25)).slice(0, 33)}.*${tail}*`;
  return { token: withHead(), handle: `shandle:${withHead()}` };
}

/**
 * Whether AM would choke on this token: it has AM's shape, but its tail does not decode or names a server that does
 * not exist, or it is a client-side one that AM did not sign. OpenAM 16.0.5 answers 500 to those, and 401 to any other
 * token that it does not know (measured).
 */
export function isDamaged(token: string): boolean {
  if (CLIENT_SIDE.test(token)) return true;
  const tail = SHAPE.exec(token)?.[1];
  if (tail === undefined) return false;
  const fields = decodeTail(tail);
  return fields === undefined || (fields.get('SI') ?? SERVER_ID) !== SERVER_ID;
}

/** Sixteen hex digits of the token's SHA-256: how the journal and the list of sessions name a session. */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex').slice(0, 16);
