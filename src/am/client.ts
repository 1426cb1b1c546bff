// The four requests that AM gets from us, each built from scratch: no header of the browser passes.

import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import {
  readLogoutAnswer,
  readServerInfo,
  readSessionAnswer,
  unknown,
  type AmReply,
  type LogoutAnswer,
  type Refused,
  type ServerInfo,
  type SessionAnswer,
  type Unknown,
} from './answers.js';
import { flavors, type AmAction, type Flavor } from './flavor.js';
import { AmTransportError, type AmRequest, type AmTransport } from './transport.js';

/** What a call needs to speak for a session. */
export interface Credential {
  /** SHA-256 of the token, base64url: the session's name everywhere but towards AM. */
  readonly id: string;
  readonly token: string;
  /** The browser's `amlbcookie`, for the load balancer in front of AM. */
  readonly sticky: string | undefined;
}

export interface AmClient {
  readonly flavor: Flavor;
  /** Resets the session's idle time, if AM's Latest Access Time Update Frequency has passed. Never rejects. */
  refresh(credential: Credential, signal?: AbortSignal): Promise<SessionAnswer>;
  /** Asks whether the session lives. Never rejects. */
  peek(credential: Credential, signal?: AbortSignal): Promise<SessionAnswer>;
  /** Ends the session. Never rejects. */
  logout(credential: Credential, signal?: AbortSignal): Promise<LogoutAnswer>;
  /** The SSO cookie's name and domains. Never rejects. */
  serverInfo(): Promise<ServerInfo | Refused | Unknown>;
}

export interface AmClientDependencies {
  readonly am: Config['am'];
  /** The SSO cookie's name: it is also the name of the header that carries the token. */
  readonly cookieName: () => string | undefined;
  readonly transport: AmTransport;
  readonly clock: Clock;
}

export function createAmClient({ am, cookieName, transport, clock }: AmClientDependencies): AmClient {
  const flavor = flavors[am.flavor];
  const commonHeaders = {
    host: new URL(am.publicUrl).host,
    'content-type': 'application/json',
    // AM's CSRF filter asks for it; harmless elsewhere
    'x-requested-with': 'XMLHttpRequest',
  };
  const sessions = `${am.url}/json${realmPath(am.realm)}/sessions`;
  const refreshUrl = `${sessions}?_action=${flavor.refresh.action}`;
  const peekUrl = `${sessions}?_action=${flavor.peek.action}`;
  const logoutUrl = `${sessions}/?_action=${flavor.logout.action}`;
  const serverInfoUrl = `${am.url}/json/serverinfo/*`;

  /** One exchange within `am.timeoutMs`, body included. */
  async function exchange(request: AmRequest, outer: AbortSignal | undefined): Promise<AmReply | Unknown> {
    const controller = new AbortController();
    const abort = () => controller.abort();
    let timedOut = false;
    const timer = clock.setTimer(() => {
      timedOut = true;
      abort();
    }, am.timeoutMs);
    if (outer?.aborted) abort();
    outer?.addEventListener('abort', abort, { once: true });
    const sentAt = clock.now();
    try {
      const { status, headers, body } = await transport(request, controller.signal);
      return {
        status,
        body,
        date: headers.date,
        retryAfter: headers['retry-after'],
        setCookies: headers['set-cookie'] ?? [],
        sentAt,
        repliedAt: clock.now(),
      };
    } catch (error) {
      if (outer?.aborted) return unknown('aborted', 'aborted');
      return describeFailure(error, timedOut);
    } finally {
      clock.clearTimer(timer);
      outer?.removeEventListener('abort', abort);
    }
  }

  function sessionRequest(url: string, { version }: AmAction, { token, sticky }: Credential): AmRequest | Unknown {
    const name = cookieName();
    if (name === undefined) return unknown('connect', 'cookie name not known yet');
    return {
      method: 'POST',
      url,
      headers: {
        ...commonHeaders,
        [name]: token,
        'accept-api-version': version,
        'content-length': '0',
        ...(sticky !== undefined && { cookie: `amlbcookie=${sticky}` }),
      },
    };
  }

  async function ask<T>(
    request: AmRequest | Unknown,
    signal: AbortSignal | undefined,
    read: (reply: AmReply) => T,
  ): Promise<T | Unknown> {
    if ('kind' in request) return request;
    const reply = await exchange(request, signal);
    return 'kind' in reply ? reply : read(reply);
  }

  return {
    flavor,
    refresh: (credential, signal) =>
      ask(sessionRequest(refreshUrl, flavor.refresh, credential), signal, readSessionAnswer),
    peek: (credential, signal) => ask(sessionRequest(peekUrl, flavor.peek, credential), signal, readSessionAnswer),
    logout: (credential, signal) => ask(sessionRequest(logoutUrl, flavor.logout, credential), signal, readLogoutAnswer),
    serverInfo: () =>
      ask(
        { method: 'GET', url: serverInfoUrl, headers: { ...commonHeaders, 'accept-api-version': 'resource=1.1' } },
        undefined,
        readServerInfo,
      ),
  };
}

/** `connect` says that AM is not there at all; after that, it may be the token that AM cannot answer. */
function describeFailure(error: unknown, timedOut: boolean): Unknown {
  const { connected, garbled } = error instanceof AmTransportError ? error : { connected: false, garbled: false };
  const detail = error instanceof Error ? error.message : 'error';
  if (timedOut) return unknown(connected ? 'timeout' : 'connect', 'timeout');
  if (!connected) return unknown('connect', detail);
  return unknown(garbled ? 'bad-answer' : 'reset', detail);
}

/** `/alpha/beta` as the REST path `/realms/root/realms/alpha/realms/beta`. */
function realmPath(realm: string): string {
  return realm
    .split('/')
    .filter((name) => name !== '')
    .reduce((path, name) => `${path}/realms/${encodeURIComponent(name)}`, '/realms/root');
}
