// What an upstream gets to see of a request's headers: no token, no forged identity, but ours.

import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { cookiesOfAm, stripCookies } from '../cookie.js';
import type { Forwarded, RequestLike } from '../forwarded.js';
import { rememberLast, rememberFew } from '../remember.js';
import { HOP_BY_HOP, nominatedBy } from './hop-by-hop.js';

export interface RequestHeadersOptions {
  /** AM's cookies besides the SSO cookie: `Config.am.cookies`. */
  readonly amCookies: readonly string[];
  readonly forwarded: Forwarded;
}

export interface RequestContext {
  /** `host[:port]` of the upstream. */
  readonly targetHost: string;
  /** The SSO cookie's present name and its old ones. A new set for every change: what follows from it is kept. */
  readonly cookieNames: ReadonlySet<string>;
  /** Absent on public routes: then no identity is sent. */
  readonly session?: { readonly username: string; readonly realm: string } | undefined;
  readonly requestId: string;
  /** A WebSocket handshake: `Connection` and `Upgrade` are written anew. */
  readonly isUpgrade?: boolean;
}

/** In lower case, with `-` for all that is no letter or digit. */
const DROPPED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'cookie',
  'expect',
  'forwarded',
  'host',
  // CGI programs take it for the proxy that they should use themselves (httpoxy)
  'proxy',
  'x-forwarded',
  // some servers route by these instead of the target that was checked here
  'x-original-url',
  'x-rewrite-url',
  'x-real-ip',
  'x-request-id',
]);
const DROPPED_PREFIXES = ['x-forwarded-', 'x-remote-', 'x-auth-request-', 'remote-'];
/** Spelled with `_` or the like they are nobody's framing here, but could be an upstream's. */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

/**
 * Makes the function that builds the headers for an upstream: a new object, the request keeps its own.
 * Framing stays as the client sent it, so that a chunked DELETE stays framed.
 */
export function createRequestHeaders({
  amCookies,
  forwarded,
}: RequestHeadersOptions): (req: RequestLike, context: RequestContext) => IncomingHttpHeaders {
  const namesOf = rememberLast((cookieNames: ReadonlySet<string>) => ({
    cookies: cookiesOfAm(cookieNames, amCookies),
    passes: rememberFew(createHeaderFilter(cookieNames)),
  }));

  return (req, { targetHost, cookieNames, session, requestId, isUpgrade }) => {
    const names = namesOf(cookieNames);
    const nominated = nominatedBy(req.headers.connection);
    const headers: IncomingHttpHeaders = { host: targetHost };

    for (const name in req.headers) {
      if (names.passes(name) && !nominated.has(name) && name !== 'content-length') headers[name] = req.headers[name];
    }

    const cookie = stripCookies(req.headers.cookie, names.cookies);
    if (cookie !== undefined) headers.cookie = cookie;
    headers['x-forwarded-for'] = forwarded.chain(req).join(', ');
    headers['x-forwarded-proto'] = forwarded.proto(req);
    const host = forwarded.host(req);
    if (host !== '') headers['x-forwarded-host'] = host;
    if (session !== undefined) {
      headers['x-forwarded-user'] = encodeUser(session.username);
      headers['x-forwarded-realm'] = encodeRealm(session.realm);
    }
    headers['x-request-id'] = requestId;
    if (isUpgrade === true) {
      headers.connection = 'Upgrade';
      headers.upgrade = 'websocket';
    }
    // last: see `isReencoded`
    const length = req.headers['content-length'];
    if (length !== undefined) headers['content-length'] = length;
    return headers;
  };
}

/** CGI and its heirs read `X_Forwarded_User`, some also `X.Forwarded.User`, as `X-Forwarded-User`. */
function withDashes(name: string): string {
  return /[^a-z0-9-]/.test(name) ? name.replace(/[^a-z0-9]/g, '-') : name;
}

function isDropped(name: string): boolean {
  return DROPPED.has(name) || DROPPED_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** By the name. A header that is called as the SSO cookie could carry the token: AM takes it from there too. */
function createHeaderFilter(cookieNames: ReadonlySet<string>): (name: string) => boolean {
  const tokens = new Set([...cookieNames].map((name) => withDashes(name.toLowerCase())));
  return (name) => {
    const dashed = withDashes(name);
    return !isDropped(dashed) && !tokens.has(dashed) && !(dashed !== name && FRAMING.has(dashed));
  };
}

function encodeUser(username: string): string {
  return /^[\w.@-]*$/.test(username) ? username : percentEncode(username, /[\w.@-]/);
}

function encodeRealm(realm: string): string {
  return /^[\w.@/-]*$/.test(realm) ? realm : percentEncode(realm, /[\w.@/-]/);
}

/** UTF-8, a lone surrogate as U+FFFD, every byte but the plain ones as `%XX`. */
function percentEncode(text: string, plain: RegExp): string {
  return Array.from(Buffer.from(text, 'utf8'), (byte) => {
    const char = String.fromCharCode(byte);
    return plain.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}

/** The client's `X-Request-Id` if it is one word of at most 128 letters, digits, `.`, `_` and `-`; else a new UUID. */
export function requestIdOf(req: RequestLike): string {
  const id = req.headers['x-request-id'];
  return typeof id === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(id) ? id : randomUUID();
}
