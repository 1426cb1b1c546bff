// Parsers for what is a URL: AM, upstreams, origins, places to send the browser to, Redis.

import { isDecodable } from '../percent-encoding.js';
import { isIPv4 } from 'node:net';

import { Refused } from './parsers.js';
import type { Parser } from './parsers.js';

/** Whether a URL's host is this very machine: 127.0.0.0/8, ::1 or localhost. */
export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'));
}

/** An http(s) URL with an optional path and nothing else; comes back without a slash at the end. */
export const baseUrl: Parser<string> = {
  accepts: 'a URL such as https://am.example.com/am, without user name, query and fragment',
  parse(value) {
    const url = webUrl(value);
    if (/[?#]/.test(String(value))) throw new Refused('has a query or a fragment');
    return (url.origin + url.pathname).replace(/\/+$/, '');
  },
};

/** A serialized origin (RFC 6454 6.2), in the form in which browsers send it. */
export const origin: Parser<string> = {
  accepts: 'an origin such as https://app.example.com, without a path',
  parse(value) {
    // Sandboxed frames, local files and pages of anybody send it: trusting it would trust them all.
    if (value === 'null') throw new Refused('is the origin of every sandboxed page, whoever made it');
    const url = webUrl(value);
    if (url.pathname !== '/' || /[?#]/.test(String(value))) throw new Refused('is more than an origin');
    return url.origin;
  },
};

export const loginUrl: Parser<string> = {
  accepts: 'a URL such as https://am.example.com/am/XUI/?realm=/alpha',
  parse: (value) => webUrl(value).href,
};

/** Kept as written, because `?goto=` must equal it to the letter. */
export const postLogoutUrl: Parser<string> = {
  accepts: 'absolute URLs, or paths that begin with exactly one /',
  parse(value) {
    if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) throw new Refused();
    // Browsers read `//host` and `/\host` as another site.
    if (!/^\/(?![/\\])[^\\]*$/.test(value)) webUrl(value);
    return value;
  },
};

export const redisUrl: Parser<string> = {
  accepts: 'a URL such as redis://127.0.0.1:6379 or rediss://user:password@redis.example.com:6380/0',
  parse(value) {
    const url = urlOf(value, /^rediss?:\/\//i);
    if (url.hostname === '') throw new Refused('names no host');
    if (!/^(\/\d*)?$/.test(url.pathname)) throw new Refused('has a path that is not the number of a database');
    if (url.search !== '' || url.hash !== '') throw new Refused('has a query or a fragment');
    if (!isDecodable(url.username) || !isDecodable(url.password)) throw new Refused('has a bad percent-escape');
    return url.href;
  },
};

function webUrl(value: unknown): URL {
  const url = urlOf(value, /^https?:\/\/[^/]/i);
  if (!/^(?:[\w.-]+|\[.*\])$/.test(url.hostname)) throw new Refused('names no host');
  if (url.username !== '' || url.password !== '') throw new Refused('has a user name or a password in it');
  return url;
}

// `new URL` alone is too kind: it drops tabs and newlines, reads `\` as `/`, and adds missing slashes.
function urlOf(value: unknown, start: RegExp): URL {
  if (typeof value !== 'string' || !start.test(value) || /[\s\p{Cc}\p{Cf}\\]/u.test(value) || !URL.canParse(value)) {
    throw new Refused();
  }
  return new URL(value);
}
