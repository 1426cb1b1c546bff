// Where a request wants to go: is its target safe to hand on, and which route serves it?

import { isDecodable } from './percent-encoding.js';
import type { Route } from './config.js';

/**
 * Whether the target starts with exactly one `/`. False for `//host/x` and for the absolute form (RFC 9112 3.2.2),
 * which a proxy could take for another origin than the one that was checked.
 */
export function hasOneLeadingSlash(url: string): boolean {
  return url.charCodeAt(0) === SLASH && url.charCodeAt(1) !== SLASH;
}

const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;
const HASH = 0x23;

/** Plain characters and no dot segment: nearly every URL. Deterministic, hence linear. */
const ORDINARY = /^(?:\/(?!\.\.?(?:[/?]|$))[\w\-.~!$&'()*+,=:@]*)+(?:\?|$)/;
/** Backslash, control characters, space, and what Node would refuse to send on (above U+00FF). */
const FORBIDDEN = /[^\x21-\x7e\x80-\xff]|\\/;
/**
 * An escaped `/`, `\` or control character, or a segment that is `.` or `..` before its parameters, or before a `?` or `#` that came
 * out by decoding or that some servers end the path at.
 */
const TRAVERSAL = /%(?:2f|5c|[01][0-9a-f]|7f)|(?:^|\/)\.\.?(?=[;?#/]|$)/i;
/** Encoded more often than this: nobody does it in good faith, and it bounds the work. */
const MAX_DECODING_STEPS = 8;

/**
 * Whether every upstream sees the path (the target up to its query) under the prefix that was checked here, however
 * often it decodes and whether or not it cuts path parameters.
 */
export function isSafePath(url: string): boolean {
  return ORDINARY.test(url) || isSafeUnusualPath(url);
}

function isSafeUnusualPath(url: string): boolean {
  const raw = rawPath(url);
  if (FORBIDDEN.test(raw)) return false;
  let path = escapeHighBytes(raw);
  if (!isDecodable(path)) return false;
  for (let step = 0; step <= MAX_DECODING_STEPS; step++) {
    if (TRAVERSAL.test(path)) return false;
    const decoded = decodeAscii(path);
    if (decoded === path) return true;
    path = decoded;
  }
  return false;
}

function rawPath(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/** Node gives bytes above 0x7F as Latin-1 characters; escaped they are judged like escapes. */
function escapeHighBytes(path: string): string {
  return path.replace(/[\x80-\xff]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
}

/** One lenient step: everything that matters here is ASCII, so other escapes and broken ones stay as they are. */
function decodeAscii(path: string): string {
  return path.replace(/%[0-7][0-9a-f]/gi, (escape) => String.fromCharCode(Number.parseInt(escape.slice(1), 16)));
}

/** The target up to its query; a `#`, which no client sends in good faith, ends it too. */
export function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}

interface Candidate {
  readonly route: Route;
  /** The path without a trailing slash, so `''` for `/`. */
  readonly prefix: string;
  /** Session routes below a public one, in canonical form, longest first. */
  readonly guarded: readonly { readonly route: Route; readonly prefix: string }[];
}

/**
 * Finds the route of a URL: the longest prefix wins, by whole segments, on the raw path, with regard to case.
 *
 * A path that an upstream could read as one below a longer prefix that needs a session (because it decodes, cuts
 * `;parameters`, folds case or merges slashes) is never served by a public route: it gets the session route.
 */
export function createRouter(routes: readonly Route[]): (url: string) => Route | undefined {
  const candidates = routes
    .map((route): Candidate => ({ route, prefix: prefixOf(route.path), guarded: guardedBelow(route, routes) }))
    .toSorted((a, b) => b.prefix.length - a.prefix.length);

  return (url) => {
    for (const { route, prefix, guarded } of candidates) {
      if (!isUnder(url, prefix)) continue;
      if (guarded.length === 0) return route;
      const path = canonicalPath(rawPath(url));
      return guarded.find((session) => isUnder(path, session.prefix))?.route ?? route;
    }
    return undefined;
  };
}

function guardedBelow(route: Route, routes: readonly Route[]): Candidate['guarded'] {
  if (route.access !== 'public') return [];
  const prefix = canonicalPath(prefixOf(route.path));
  return routes
    .filter((other) => other.access === 'session')
    .map((other) => ({ route: other, prefix: canonicalPath(prefixOf(other.path)) }))
    .filter((other) => other.prefix.length > prefix.length && isUnder(other.prefix, prefix))
    .toSorted((a, b) => b.prefix.length - a.prefix.length);
}

function prefixOf(path: string): string {
  return path === '/' ? '' : path;
}

/** Whether the URL is the prefix or lies under it, by whole segments. Also what `BACKGROUND_PATHS` go by. */
export function isUnder(url: string, prefix: string): boolean {
  if (!url.startsWith(prefix)) return false;
  if (url.length === prefix.length) return true;
  const next = url.charCodeAt(prefix.length);
  return next === SLASH || next === QUESTION_MARK || next === HASH;
}

/** The path as the most lenient upstream would read it; only ever compared, never sent. */
function canonicalPath(raw: string): string {
  let path = escapeHighBytes(raw);
  for (let step = 0; step <= MAX_DECODING_STEPS; step++) {
    const decoded = decodeAscii(path.replace(/[;?#][^/]*/g, ''));
    if (decoded === path) break;
    path = decoded;
  }
  const folded = isDecodable(path) ? decodeURIComponent(path) : path;
  // to upper case first: a few letters have two lower-case forms
  return folded
    .normalize('NFKC')
    .toUpperCase()
    .toLowerCase()
    .replace(/\/{2,}/g, '/');
}
