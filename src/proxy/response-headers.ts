// What of an upstream's answer reaches the browser: nothing that touches the session or loosens our own headers.

import type { Config, Route } from '../config.js';
import { setsCookie } from '../cookie.js';
import type { RequestLike } from '../forwarded.js';
import { rememberFew } from '../remember.js';
import { isSharedCacheHeader, sessionCacheControl } from './cache-control.js';
import { HOP_BY_HOP, nominatedBy } from './hop-by-hop.js';
import { rawLines } from './raw-lines.js';

export interface ResponseHeadersOptions extends Pick<Config, 'trustedOrigins'> {
  readonly route: Route;
  /** Our own headers for every answer, names in lower case. */
  readonly securityHeaders: ReadonlyMap<string, string>;
  /** AM's cookies, the SSO cookie under its old names too: no upstream may set these. */
  readonly cookieNames: () => ReadonlySet<string>;
}

/** The head of an upstream's answer; an `IncomingMessage` is one. */
export interface UpstreamHead {
  readonly rawHeaders: readonly string[];
}

/** Node frames the answer anew; the rest is ours alone to say, some of it because it would hold for the whole origin. */
const DROPPED: readonly string[] = [
  ...HOP_BY_HOP,
  'transfer-encoding',
  'alt-svc',
  'clear-site-data',
  'nel',
  'service-worker-allowed',
  'x-powered-by',
  'x-request-id',
];

/** What becomes of a header of this name. */
type Treatment = 'keep' | 'drop' | 'set-cookie' | 'location' | 'cors' | 'cache-control' | 'frame-options' | 'length';

/**
 * Makes the function that builds the headers of an answer, as the flat list that `res.writeHead` takes: lines that an
 * upstream sends twice (`Set-Cookie`, `Link`, `Vary`) stay two.
 */
export function createResponseHeaders({
  route,
  trustedOrigins,
  securityHeaders,
  cookieNames,
}: ResponseHeadersOptions): (upstream: UpstreamHead, req: RequestLike, requestId: string) => string[] {
  const isPrivate = route.access === 'session';
  const mapLocation = createLocationMapper(route.target);
  const trusted = new Set(trustedOrigins);
  const frameOptions = securityHeaders.get('x-frame-options');
  const ours = [...securityHeaders].filter(([name]) => name !== 'x-frame-options').flat();
  const dropped = new Set([...DROPPED, ...securityHeaders.keys()]);
  // Two policies both hold (CSP 3, 8.1), so an upstream's can only tighten ours.
  dropped.delete('content-security-policy');

  const treatmentOf = rememberFew((header): Treatment => {
    const name = header.toLowerCase();
    if (name === 'x-frame-options' && frameOptions !== undefined) return 'frame-options';
    if (dropped.has(name)) return 'drop';
    if (name === 'set-cookie' || name === 'location') return name;
    if (name === 'content-length') return 'length';
    if (name.startsWith('access-control-')) return 'cors';
    if (!isPrivate) return 'keep';
    if (name === 'cache-control') return name;
    return isSharedCacheHeader(name) ? 'drop' : 'keep';
  });

  return (upstream, req, requestId) => {
    const { rawHeaders } = upstream;
    const nominated = nominatedBy(rawLines(rawHeaders, 'connection').join(', '));
    const list: string[] = [];
    let cacheControl = '';
    let denyFrames = false;
    let answersCors = false;
    let length: string | undefined;

    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      const header = rawHeaders[i] ?? '';
      const value = rawHeaders[i + 1] ?? '';
      const treatment = treatmentOf(header);
      const isNominated = nominated.size > 0 && nominated.has(header.toLowerCase());
      // what denies frames counts though it does not travel
      if (treatment === 'drop' || (isNominated && treatment !== 'frame-options')) continue;
      switch (treatment) {
        case 'keep':
          list.push(header, value);
          break;
        case 'set-cookie':
          if (!setsCookie(value, cookieNames())) list.push(header, value);
          break;
        case 'location':
          list.push(header, mapLocation(value));
          break;
        case 'cors':
          answersCors = true;
          if (isTrusted(req)) list.push(header, value);
          break;
        case 'frame-options':
          denyFrames ||= isDeny(value);
          break;
        case 'length':
          length = value;
          break;
        case 'cache-control':
          cacheControl = cacheControl === '' ? value : `${cacheControl}, ${value}`;
      }
    }

    // Browsers keep what is private for whoever sits down next: with another cookie, or none, it must not do.
    if (isPrivate) list.push('cache-control', sessionCacheControl(req, cacheControl), 'vary', 'Cookie');
    // The answer differs by Origin where some origins get these headers and others do not.
    if (answersCors && trusted.size > 0) list.push('vary', 'Origin');
    if (frameOptions !== undefined) list.push('x-frame-options', denyFrames ? 'DENY' : frameOptions);
    list.push('x-request-id', requestId, ...ours);
    // last: see `isReencoded`
    if (length !== undefined) list.push('content-length', length);
    return list;
  };

  function isTrusted({ headers: { origin } }: RequestLike): boolean {
    return origin !== undefined && trusted.has(origin.toLowerCase());
  }
}

function isDeny(frameOptions: string): boolean {
  return frameOptions.split(',').some((value) => value.trim().toUpperCase() === 'DENY');
}

const ABSOLUTE = /^\s*(?:https?:)?[\\/]{2}/i;

/**
 * Maps an absolute `Location` under the target back to a path of ours; all others stay as they are. What is left never
 * begins with two slashes: a browser would go to another host.
 */
function createLocationMapper(target: string): (location: string) => string {
  const { origin, pathname } = new URL(target);
  const base = pathname.replace(/\/$/, '');

  return (location) => {
    if (!ABSOLUTE.test(location)) return location;
    const url = parseLocation(location, origin);
    if (url?.origin !== origin) return location;
    if (url.pathname !== base && !url.pathname.startsWith(`${base}/`)) return location;
    const path = url.pathname.slice(base.length).replace(/^\/+/, '');
    return `/${path}${url.search}${url.hash}`;
  };
}

function parseLocation(location: string, base: string): URL | undefined {
  // Node gives header bytes as Latin-1; browsers read them as UTF-8.
  const text = Buffer.from(location, 'latin1').toString('utf8');
  return URL.canParse(text, base) ? new URL(text, base) : undefined;
}
