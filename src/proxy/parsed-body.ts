// The body of a request that was read before us, by a body parser for instance: its bytes, or the same values.

import type { IncomingMessage } from 'node:http';
import { mediaTypeOf } from './media-type.js';

/** What middleware leaves on a request whose body it has read. */
export type ParsedRequest = Pick<IncomingMessage, 'headers' | 'readableEnded'> & {
  /** By convention the bytes, kept by a parser's `verify` hook. */
  readonly rawBody?: unknown;
  readonly body?: unknown;
};

/**
 * A body that somebody has read; undefined if it cannot be told. What was kept as bytes is taken as it is. What was
 * parsed is written again as browsers write it, and has to be as long as the client said: the upstream then gets the
 * values that the parser found, seldom in another spelling (`1e2` as `100`; of a key that came twice, the last).
 */
export function recoverBody(req: ParsedRequest): Buffer | undefined {
  const { 'content-type': type = '', 'content-length': length, ...headers } = req.headers;
  // half of a body is none, and of a compressed one parsers keep what they unpacked
  if (!req.readableEnded || headers['content-encoding'] !== undefined) return undefined;
  const isChunked = headers['transfer-encoding'] !== undefined;
  for (const kept of [req.rawBody, req.body]) {
    const bytes = Buffer.isBuffer(kept) ? kept : isChunked ? undefined : writtenAgain(kept, type);
    if (bytes !== undefined && (isChunked || bytes.length === Number(length))) return bytes;
  }
  return undefined;
}

function writtenAgain(kept: unknown, type: string): Buffer | undefined {
  if (/charset/i.test(type) && !/charset="?utf-8"?\s*(;|$)/i.test(type)) return undefined;
  const text = typeof kept === 'string' ? kept : textOf(kept, type);
  // the replacement character stands for bytes that were no UTF-8, and are lost
  return text === undefined || text.includes('\uFFFD') ? undefined : Buffer.from(text);
}

function textOf(kept: unknown, type: string): string | undefined {
  if (typeof kept !== 'object' || kept === null) return undefined;
  const mediaType = mediaTypeOf(type);
  if (mediaType === 'application/x-www-form-urlencoded') return formText(kept);
  return /[/+]json$/.test(mediaType) ? jsonText(kept) : undefined;
}

function jsonText(value: object): string | undefined {
  try {
    return isExact(value) ? JSON.stringify(value) : undefined;
  } catch {
    // nested too deeply
    return undefined;
  }
}

/** Whether each part of it was written in no other way of the same length that some upstream reads differently. */
function isExact(value: unknown): boolean {
  if (typeof value === 'number') return isExactNumber(value);
  if (Array.isArray(value)) return value.every(isExact);
  if (typeof value !== 'object' || value === null) return true;
  return isPlain(value) && Object.entries(value).every(([key, inner]) => !isIndex(key) && isExact(inner));
}

/** Of longer numbers the last digits are lost: `9007199254740993` is read as `9007199254740992`. */
function isExactNumber(value: number): boolean {
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return false;
  return Number.isInteger(value) || Number(value.toPrecision(15)) === value;
}

/** A parser's own work; a date or a decimal that somebody made of a string may be written differently. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** JavaScript moves such keys to the front. */
function isIndex(key: string): boolean {
  return /^\d+$/.test(key);
}

/** Only flat ones: lists and brackets have many spellings. */
function formText(value: object): string | undefined {
  const fields: [string, string][] = [];
  for (const [key, inner] of Object.entries(value)) {
    // where a percent sign is left, escapes may have stayed undecoded
    if (typeof inner !== 'string' || isIndex(key) || `${key}${inner}`.includes('%')) return undefined;
    fields.push([key, inner]);
  }
  return new URLSearchParams(fields).toString();
}
