// What AM's answers mean: alive, dead, refused or unknown. The one place where that is decided.

/** One HTTP answer of AM, and when (monotonic ms) its request was sent and its body was complete. */
export interface AmReply {
  readonly status: number;
  /** AM's own clock: the only one that its absolute times can be read with. */
  readonly date: string | undefined;
  readonly retryAfter: string | undefined;
  readonly setCookies: readonly string[];
  readonly body: string;
  readonly sentAt: number;
  readonly repliedAt: number;
}

/** Why there was no answer that could be used. `connect`: the connection itself failed. */
export type UnknownCause = 'connect' | 'timeout' | 'reset' | 'bad-answer' | 'busy' | 'aborted';

export interface Alive {
  readonly kind: 'alive';
  readonly username: string;
  readonly realm: string;
  /** Whole seconds since the session's latest access as AM counts it; undefined where AM did not say. */
  readonly idleS: number | undefined;
  /** Longest idle time in seconds; undefined where AM did not say. */
  readonly maxIdleS: number | undefined;
  /** Monotonic ms of our clock, not earlier than AM's own idle deadline; `Infinity` where AM did not say. */
  readonly idleDeadline: number;
  /** Monotonic ms of our clock, not later than AM's own; `Infinity` where AM did not say. */
  readonly maxDeadline: number;
  readonly sentAt: number;
  readonly repliedAt: number;
}

interface Dead {
  readonly kind: 'dead';
}

export interface Refused {
  readonly kind: 'refused';
  readonly status: number;
}

export interface Unknown {
  readonly kind: 'unknown';
  readonly cause: UnknownCause;
  /** For the log: an error code or the HTTP status. */
  readonly detail: string;
  /** Seconds that AM asked us to stay away. */
  readonly retryAfterS: number | undefined;
}

export type SessionAnswer = Alive | Dead | Refused | Unknown;

/** `setCookies`: AM's own, for the answer to the browser. */
export type LogoutAnswer =
  { readonly kind: 'ended'; readonly setCookies: readonly string[] } | Dead | Refused | Unknown;

export interface ServerInfo {
  readonly kind: 'server-info';
  readonly cookieName: string;
  readonly domains: readonly string[];
}

const dead: Dead = Object.freeze({ kind: 'dead' });

/** Reads the answer to `refresh` and `getSessionInfo`. */
export function readSessionAnswer(reply: AmReply): SessionAnswer {
  const body = parseObject(reply.body);
  const failure = readFailure(reply, body);
  if (failure) return failure;
  const username = text(body?.['uid']) ?? text(body?.['username']);
  const realm = text(body?.['realm']);
  if (!body || username === undefined || realm === undefined) return badAnswer(reply);
  const times = 'maxtime' in body || 'idletime' in body ? relativeTimes(body, reply) : absoluteTimes(body, reply);
  return { kind: 'alive', username, realm, ...times, sentAt: reply.sentAt, repliedAt: reply.repliedAt };
}

/** Reads the answer to `logout`. */
export function readLogoutAnswer(reply: AmReply): LogoutAnswer {
  const body = parseObject(reply.body);
  const failure = readFailure(reply, body);
  if (failure) return failure;
  if (text(body?.['result']) === undefined) return badAnswer(reply);
  return { kind: 'ended', setCookies: reply.setCookies };
}

/** Reads `serverinfo/*`. A cookie name that is no RFC 6265 token is a bad answer: it becomes a header's name. */
export function readServerInfo(reply: AmReply): ServerInfo | Refused | Unknown {
  const body = parseObject(reply.body);
  const failure = readFailure(reply, body);
  if (failure) return failure.kind === 'dead' ? badAnswer(reply) : failure;
  const cookieName = text(body?.['cookieName']);
  if (cookieName === undefined || !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/.test(cookieName)) return badAnswer(reply);
  const listed: unknown = body?.['domains'];
  // host-only installations answer [], [""] or [null]
  const domains = Array.isArray(listed) ? listed.map(text).filter((domain) => domain !== undefined) : [];
  return { kind: 'server-info', cookieName, domains };
}

export function unknown(cause: UnknownCause, detail: string, retryAfterS?: number): Unknown {
  return { kind: 'unknown', cause, detail, retryAfterS };
}

function readFailure(reply: AmReply, body: Record<string, unknown> | undefined): Dead | Refused | Unknown | undefined {
  const { status } = reply;
  if (status === 200) return body?.['valid'] === false ? dead : undefined;
  // a gateway's 401 is HTML or has no such code, and says nothing of the session
  if (status === 401) return body?.['code'] === 401 ? dead : badAnswer(reply);
  if (status === 501) return { kind: 'refused', status };
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) return { kind: 'refused', status };
  return badAnswer(reply);
}

function badAnswer(reply: AmReply): Unknown {
  return unknown('bad-answer', `HTTP ${reply.status}`, retryAfterSeconds(reply));
}

/** `Retry-After` (RFC 9110, 10.2.3): seconds, or a date on AM's clock. */
function retryAfterSeconds(reply: AmReply): number | undefined {
  const value = reply.retryAfter?.trim();
  if (!value) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const seconds = (Date.parse(value) - Date.parse(reply.date ?? '')) / 1000;
  return seconds >= 0 ? seconds : undefined;
}

type Times = Pick<Alive, 'idleS' | 'maxIdleS' | 'idleDeadline' | 'maxDeadline'>;

/** `refresh`: `idletime` and `maxtime` in seconds, `maxidletime` in minutes. */
function relativeTimes(body: Record<string, unknown>, reply: AmReply): Times {
  const idleS = amount(body['idletime']);
  const maxIdleMin = amount(body['maxidletime']);
  const leftS = amount(body['maxtime']);
  const maxIdleS = maxIdleMin === undefined ? undefined : maxIdleMin * 60;
  return {
    idleS,
    maxIdleS,
    idleDeadline: maxIdleS === undefined ? Infinity : reply.repliedAt + (maxIdleS - (idleS ?? 0)) * 1000,
    maxDeadline: leftS === undefined ? Infinity : reply.sentAt + leftS * 1000,
  };
}

/** The `Date` header has whole seconds: AM's clock may be this much further. */
const dateGranularityMs = 1000;

/** `getSessionInfo`: absolute UTC times in whole seconds, on the clock that the `Date` header shows. */
function absoluteTimes(body: Record<string, unknown>, reply: AmReply): Times {
  const amNow = Date.parse(reply.date ?? '');
  const accessed = instant(body['latestAccessTime']);
  const idleEnd = instant(body['maxIdleExpirationTime']);
  const maxLeft = instant(body['maxSessionExpirationTime']) - amNow;
  const idleS = (amNow - accessed) / 1000;
  return {
    idleS: Number.isNaN(idleS) ? undefined : Math.max(0, Math.round(idleS)),
    maxIdleS: amount((idleEnd - accessed) / 1000),
    idleDeadline: Number.isNaN(idleEnd - amNow) ? Infinity : reply.repliedAt + idleEnd - amNow,
    maxDeadline: Number.isNaN(maxLeft) ? Infinity : reply.sentAt + maxLeft - dateGranularityMs,
  };
}

function instant(value: unknown): number {
  return typeof value === 'string' ? Date.parse(value) : NaN;
}

function amount(value: unknown): number | undefined {
  // JSON's 1e999 is Infinity
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function parseObject(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
