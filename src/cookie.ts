// Cookies: the token out of the Cookie header, AM's cookies away from upstreams, and the lines that clear them.

import { isIP } from 'node:net';

/** AM's load-balancer cookie: tells which AM server holds the session. */
const STICKY_COOKIE = 'amlbcookie';

/** AM's cookies: the SSO cookie under these names, the load balancer's, and the others. */
export function cookiesOfAm(ssoNames: Iterable<string>, others: readonly string[]): Set<string> {
  return new Set([...ssoNames, STICKY_COOKIE, ...others]);
}

/** Characters; Node's limit for all headers together is 16 KB. */
const MAX_TOKEN_LENGTH = 8192;
/** Visible ASCII but `"`, `,`, `;` and `\` (RFC 6265 4.1.1): AM's c66 alphabet, and `+ / = @ #` where c66 is off. */
const TOKEN = /^[!#-+\--:<-[\]-~]+$/;

/** Whether a cookie value can be a token of AM. `LOGOUT` is what AM itself writes to end a cookie. */
export function isUsableToken(value: string): boolean {
  return value.length <= MAX_TOKEN_LENGTH && value !== 'LOGOUT' && TOKEN.test(value);
}

/**
 * The distinct usable tokens among the cookies of this name, in the order of the header.
 * Raw: AM wants its token back byte for byte, so nothing is percent-decoded; only surrounding quotes go, as in AM.
 */
export function readCookieValues(header: string | undefined, name: string): string[] {
  const tokens = rawValues(header, name).map(unquote).filter(isUsableToken);
  return tokens.length > 1 ? [...new Set(tokens)] : tokens;
}

/** The value of `amlbcookie` if it is fit to be passed on, else undefined. */
export function readStickyCookie(header: string | undefined): string | undefined {
  return rawValues(header, STICKY_COOKIE).find((value) => /^[A-Za-z0-9._-]{1,64}$/.test(value));
}

function rawValues(header: string | undefined, name: string): string[] {
  const values: string[] = [];
  if (header === undefined) return values;
  let end = 0;
  // from one pair where the name stands to the next: of the others, which may be many, nothing is copied
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, end)) {
    const start = header.lastIndexOf(';', at) + 1;
    end = endOfPair(header, at);
    const pair = header.slice(start, end);
    const equals = pair.indexOf('=');
    if (equals !== -1 && pair.slice(0, equals).trim() === name) values.push(pair.slice(equals + 1).trim());
  }
  return values;
}

function endOfPair(header: string, from: number): number {
  const end = header.indexOf(';', from);
  return end === -1 ? header.length : end;
}

function unquote(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

/**
 * The Cookie header without the cookies of these names, the others byte for byte; undefined if none is left.
 * Splits at every `;`, as browsers and RFC 6265 do, and drops whatever a lenient parser would take for one of them.
 */
export function stripCookies(header: string | undefined, names: ReadonlySet<string>): string | undefined {
  if (header === undefined) return undefined;
  let kept: string | undefined;
  let isWhole = true;
  for (let start = 0, end = 0; end < header.length; start = end + 1) {
    end = endOfPair(header, start);
    const pair = header.slice(start, end);
    if (carriesName(pair, names) || pair.trim() === '') isWhole = false;
    else kept = kept === undefined ? pair : `${kept};${pair}`;
  }
  if (kept === undefined) return undefined;
  return isWhole ? header : kept.replace(/^[ \t]+/, '');
}

/** RFC 2109 parsers also split at commas; a pair with one of the names behind a comma goes as a whole. */
function carriesName(pair: string, names: ReadonlySet<string>): boolean {
  return pair.includes(',') ? pair.split(',').some((part) => names.has(nameOf(part))) : names.has(nameOf(pair));
}

/**
 * The name that the most lenient reader would see: `NAME=x`, `=NAME=x` (nameless: sent back as `NAME=x`) and `NAME`
 * alone are all NAME, and anything that some language calls white space is trimmed.
 */
function nameOf(pair: string): string {
  let start = 0;
  while (start < pair.length && (isBlank(pair.charCodeAt(start)) || pair[start] === '=')) start++;
  const equals = pair.indexOf('=', start);
  let end = equals === -1 ? pair.length : equals;
  while (end > start && isBlank(pair.charCodeAt(end - 1))) end--;
  return pair.slice(start, end);
}

function isBlank(code: number): boolean {
  return code <= 0x20 || (code >= 0x7f && code <= 0xa0);
}

/**
 * Whether a `Set-Cookie` line sets or clears a cookie of one of these names as browsers read it (RFC 6265bis 5.6),
 * the nameless `=NAME=value` too. Browsers disagree on control characters: a line with one counts as if it did.
 */
export function setsCookie(line: string, names: ReadonlySet<string>): boolean {
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) return true;
  const end = line.indexOf(';');
  return names.has(nameOf(end === -1 ? line : line.slice(0, end)));
}

export interface ClearingOptions {
  readonly names: Iterable<string>;
  /** Besides host-only: see `domainsFor`. */
  readonly domains: readonly string[];
  /** Whether browsers reach us by https. */
  readonly secure: boolean;
}

/**
 * `Set-Cookie` lines that clear each name, host-only and for each domain: a cookie is only replaced by one of the same
 * domain and path. By https they are `SameSite=None; Secure`, so that they also work inside another site's frame.
 */
export function clearingCookies({ names, domains, secure }: ClearingOptions): string[] {
  const scopes = ['', ...domains.map((domain) => `; Domain=${domain}`)];
  const crossSite = secure ? '; Secure; SameSite=None' : '';
  return [...names].flatMap((name) => {
    const isHostOnly = name.startsWith('__Host-');
    const security = isHostOnly || name.startsWith('__Secure-') ? crossSite || '; Secure' : crossSite;
    const line = `${name}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly${security}`;
    return isHostOnly ? [line] : scopes.map((scope) => line + scope);
  });
}

/** The domains that the request's host lies under, without a leading dot: browsers refuse the others. */
export function domainsFor(host: string, domains: readonly string[]): string[] {
  const name = host.toLowerCase().replace(/:\d*$/, '');
  if (name.startsWith('[') || isIP(name) !== 0) return [];
  const candidates = new Set(domains.map((domain) => domain.toLowerCase().replace(/^\./, '')));
  return [...candidates].filter(
    (domain) => /^[a-z0-9.-]+$/.test(domain) && (name === domain || name.endsWith(`.${domain}`)),
  );
}

/** Those of AM's own `Set-Cookie` lines that clear a cookie of one of these names, and nothing else. */
export function clearingFromAm(setCookies: readonly string[], names: ReadonlySet<string>): string[] {
  return setCookies.filter((line) => /^[\x20-\x7e]+$/.test(line) && clears(line, names));
}

function clears(line: string, names: ReadonlySet<string>): boolean {
  const [pair = '', ...attributes] = line.split(';');
  const equals = pair.indexOf('=');
  if (equals === -1 || !names.has(pair.slice(0, equals).trim())) return false;
  const value = unquote(pair.slice(equals + 1).trim());
  return (value === '' || value === 'LOGOUT') && isExpired(attributes);
}

const FIRST_OF_1971_MS = 365 * 24 * 60 * 60 * 1000;

/** As in RFC 6265bis 5.7: the last of each attribute counts, and Max-Age before Expires. */
function isExpired(attributes: readonly string[]): boolean {
  let maxAge: number | undefined;
  let expires: number | undefined;
  for (const attribute of attributes) {
    const [, name, value = ''] = /^\s*([\w-]+)\s*=(.*)$/.exec(attribute) ?? [];
    if (name?.toLowerCase() === 'max-age' && /^\s*-?\d+\s*$/.test(value)) maxAge = Number(value);
    if (name?.toLowerCase() === 'expires') expires = Date.parse(value);
  }
  return maxAge === undefined ? expires !== undefined && expires < FIRST_OF_1971_MS : maxAge <= 0;
}
