// Answers that needed a session are never for shared caches (RFC 9111).

/** Headers that shared caches obey before `Cache-Control` (RFC 9213 and vendors' own), in lower case. */
export function isSharedCacheHeader(name: string): boolean {
  return SHARED_CACHE_HEADERS.has(name) || name.endsWith('cdn-cache-control');
}

const SHARED_CACHE_HEADERS: ReadonlySet<string> = new Set(['edge-control', 'surrogate-control', 'x-accel-expires']);

/** A list member: commas inside quoted strings do not end it. */
const DIRECTIVE = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;
const FOR_SHARED_CACHES: ReadonlySet<string> = new Set(['public', 's-maxage']);

/** Takes all `Cache-Control` lines of the upstream, joined; returns the value that keeps shared caches away. */
export function privateCacheControl(upstream: string): string {
  const directives = upstream.match(DIRECTIVE)?.map((directive) => directive.trim()) ?? [];
  const names = directives.map(directiveName);
  if (names.every((name) => name === '') || !areQuotesClosed(upstream)) return 'private, no-cache';

  // must-understand lets a cache overlook no-store (RFC 9111 5.2.2.3).
  const isKeptOut = directives.some((directive) => directive.toLowerCase() === 'private') || isNeverStored(names);
  if (isKeptOut && !names.some((name) => FOR_SHARED_CACHES.has(name))) return upstream;

  // `private="field"` protects that field only.
  const kept = directives.filter((_, i) => !FOR_SHARED_CACHES.has(names[i] ?? '') && names[i] !== 'private');
  return ['private', ...kept.filter((directive) => directive !== '')].join(', ');
}

function isNeverStored(names: readonly string[]): boolean {
  return names.includes('no-store') && !names.includes('must-understand');
}

function directiveName(directive: string): string {
  const equals = directive.indexOf('=');
  return (equals === -1 ? directive : directive.slice(0, equals)).trim().toLowerCase();
}

function areQuotesClosed(value: string): boolean {
  return !value.replace(/"(?:[^"\\]|\\.)*"/g, '').includes('"');
}
