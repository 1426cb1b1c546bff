// Answers that needed a session are never for shared caches (RFC 9111), and pages of them never for the back button.

import { isPageLoad } from '../activity.js';
import type { RequestLike } from '../forwarded.js';
import { rememberFew } from '../remember.js';

/** Headers that shared caches obey before `Cache-Control` (RFC 9213 and vendors' own), in lower case. */
export function isSharedCacheHeader(name: string): boolean {
  return SHARED_CACHE_HEADERS.has(name) || name.endsWith('cdn-cache-control');
}

const SHARED_CACHE_HEADERS: ReadonlySet<string> = new Set([
  'edge-control',
  'surrogate-control',
  'x-accel-expires',
  'x-litespeed-cache-control',
]);

/** A list member: commas inside quoted strings do not end it. */
const DIRECTIVE = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;
const maxLength = 1_024;
const FOR_SHARED_CACHES: ReadonlySet<string> = new Set(['public', 's-maxage']);

/**
 * The `Cache-Control` of an answer that needed a session. Pages are `no-store` as well: browsers keep whole pages for
 * the back button, and Chromium (156) shows them after a logout, `Clear-Site-Data` or not, unless they are `no-store`.
 *
 * @param given all lines of whoever made the answer, joined; `''` without any
 */
export function sessionCacheControl(req: Pick<RequestLike, 'headers'>, given: string): string {
  const value = privateCacheControl(given);
  return isPageLoad(req) && !isNeverStored(directivesOf(value)) ? `${value}, no-store` : value;
}

const privateCacheControl = rememberFew((upstream) => {
  // nobody means so much; and the patterns below take their time with quotes that do not end
  if (upstream.length > maxLength) return 'private, no-cache';
  const directives = directivesOf(upstream);
  const names = directives.map(directiveName);
  if (names.every((name) => name === '') || !areQuotesClosed(upstream)) return 'private, no-cache';

  // must-understand lets a cache overlook no-store (RFC 9111 5.2.2.3).
  const isKeptOut = directives.some((directive) => directive.toLowerCase() === 'private') || isNeverStored(directives);
  if (isKeptOut && !names.some((name) => FOR_SHARED_CACHES.has(name))) return upstream;

  // `private="field"` protects that field only.
  const kept = directives.filter((_, i) => !FOR_SHARED_CACHES.has(names[i] ?? '') && names[i] !== 'private');
  return ['private', ...kept.filter((directive) => directive !== '')].join(', ');
});

function directivesOf(value: string): string[] {
  return value.match(DIRECTIVE)?.map((directive) => directive.trim()) ?? [];
}

function isNeverStored(directives: readonly string[]): boolean {
  const plain = directives.map((directive) => directive.toLowerCase());
  return plain.includes('no-store') && !plain.some((directive) => directive.startsWith('must-understand'));
}

function directiveName(directive: string): string {
  const equals = directive.indexOf('=');
  return (equals === -1 ? directive : directive.slice(0, equals)).trim().toLowerCase();
}

function areQuotesClosed(value: string): boolean {
  return !value.replace(/"(?:[^"\\]|\\.)*"/g, '').includes('"');
}
