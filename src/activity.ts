// Did the user cause this request, or does the page talk to itself?

import type { Config } from './config.js';
import type { RequestLike } from './forwarded.js';
import { isUnder } from './target.js';

/** True: user activity, which extends the session; false: background, which does not. */
export type ActivityCheck = (req: RequestLike, isUpgrade?: boolean) => boolean;

export function createActivityCheck({
  activity,
  backgroundPaths,
}: Pick<Config['session'], 'activity' | 'backgroundPaths'>): ActivityCheck {
  if (activity === 'asserted') return (req, isUpgrade = false) => !isUpgrade && assertion(req) === 'user';
  const prefixes = backgroundPaths.map((path) => (path.endsWith('/') ? path.slice(0, -1) : path));

  return (req, isUpgrade = false) =>
    !isUpgrade &&
    assertion(req) !== 'background' &&
    !asksForEventStream(req) &&
    !isPrefetch(req) &&
    !isForeignSubresource(req) &&
    !prefixes.some((prefix) => isUnder(req.url ?? '', prefix));
}

/**
 * A page that the browser goes to: a GET with `Sec-Fetch-Mode: navigate`, or, where there is no fetch metadata (plain
 * http, old browsers), one that accepts HTML. A prefetch of a page is one too: ask `isPrefetch` where it matters.
 */
export function isNavigation(req: RequestLike): boolean {
  const { method, headers } = req;
  // a WebSocket is no page, whatever its client accepts
  if (method !== 'GET' || headers.upgrade?.toLowerCase() === 'websocket') return false;
  const mode = headers['sec-fetch-mode'];
  if (mode !== undefined) return mode === 'navigate';
  if (headers['sec-fetch-site'] !== undefined || headers['sec-fetch-dest'] !== undefined) return false;
  return accepts(req, 'text/html');
}

/** The browser shows what comes back, of a posted form too. */
export function isPageLoad(req: Pick<RequestLike, 'headers'>): boolean {
  const mode = req.headers['sec-fetch-mode'];
  return mode === undefined ? accepts(req, 'text/html') : mode === 'navigate';
}

/** A page or resource that the browser loads ahead of the user: `Sec-Purpose`, or the older `Purpose` and `X-Moz`. */
export function isPrefetch({ headers }: RequestLike): boolean {
  return isSpeculative(headers['sec-purpose']) || isSpeculative(headers['purpose']) || isSpeculative(headers['x-moz']);
}

function isSpeculative(value: string | string[] | undefined): boolean {
  return value !== undefined && /prefetch|prerender/i.test(String(value));
}

function assertion(req: RequestLike): string | undefined {
  const value = req.headers['x-session-activity'];
  return typeof value === 'string' ? value.toLowerCase() : undefined;
}

/** Browsers reconnect an EventSource by themselves. */
export function asksForEventStream(req: RequestLike): boolean {
  return accepts(req, 'text/event-stream');
}

/** Other sites' pages must not keep a session alive by embedding something of ours; a link that was followed may. */
function isForeignSubresource({ headers }: RequestLike): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== 'cross-site' && site !== 'same-site') return false;
  return headers['sec-fetch-mode'] !== 'navigate' || FRAMES.has(headers['sec-fetch-dest']);
}

/** Navigations too, but of a part of somebody else's page. */
const FRAMES: ReadonlySet<string | string[] | undefined> = new Set(['iframe', 'frame', 'embed', 'object']);

function accepts({ headers: { accept } }: Pick<RequestLike, 'headers'>, type: string): boolean {
  return accept !== undefined && accept.toLowerCase().includes(type);
}
