// An AM of flavour openam as the conformance suite needs it: the simulator or a real one.

import { call, type Call, type Reply } from '../support/simulator-client.js';

export interface Target {
  /** Where it listens. */
  readonly url: string;
  /** The name and port that it knows itself by. */
  readonly host: string;
  readonly cookieName: string;
  /** Every session's times. */
  readonly maxIdleS: number;
  readonly maxSessionS: number;
  /** AM's latest access of a live session, in seconds since 1970, found out without touching it. Rejects for any other. */
  latestAccess(token: string): Promise<number>;
  /** Lets AM's time pass: a real one takes it. */
  wait(seconds: number): Promise<void>;
}

export const accessDenied = { code: 401, reason: 'Unauthorized', message: 'Access Denied' };
export const forbidden = { code: 403, reason: 'Forbidden', message: 'Forbidden' };
export const loggedOut = { result: 'Successfully logged out' };

export const v2 = 'resource=2.0';
export const jsonType = 'application/json;charset=UTF-8';

/** One request; AM is called by its name. */
export function ask(am: Target, path: string, { headers, ...options }: Call = {}): Promise<Reply> {
  return call(am.url + path, { ...options, headers: { Host: am.host, ...headers } });
}

export interface Asked {
  /** `Accept-API-Version`; '' for none. Default 2.0. */
  readonly version?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** An action of the token, which is sent in the header that is named as the cookie. */
export function act(am: Target, action: string, token: string | undefined, asked: Asked = {}): Promise<Reply> {
  const { version = v2, path = '/json/sessions', headers = {}, body } = asked;
  return ask(am, `${path}?_action=${action}`, {
    method: 'POST',
    headers: {
      ...(token !== undefined && { [am.cookieName]: token }),
      ...(version !== '' && { 'Accept-API-Version': version }),
      'Content-Type': 'application/json',
      ...headers,
    },
    ...(body !== undefined && { body }),
  });
}

const made: string[] = [];

/** Logs in by REST; `path` is the realm's. */
export async function authenticate(
  am: Target,
  headers: Record<string, string>,
  path = '/json/realms/root',
): Promise<Reply> {
  const reply = await ask(am, `${path}/authenticate`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Accept-API-Version': 'resource=2.0, protocol=1.0', ...headers },
    body: '{}',
  });
  const token = /"tokenId":"([^"]+)"/.exec(reply.text)?.[1];
  if (token !== undefined) made.push(token);
  return reply;
}

/** Ends the sessions of all logins so far: a real OpenAM that has to end many idle ones together answers nobody else. */
export async function logOutAll(am: Target): Promise<void> {
  for (const token of made.splice(0)) await act(am, 'logout', token);
}

/** Beside `/`; `demo` can log in to all of them. */
export const realms = ['/alpha', '/bravo'] as const;

export const demo = { 'X-OpenAM-Username': 'demo', 'X-OpenAM-Password': 'changeit' };

/** A new session of `demo`. */
export async function login(am: Target, realm = '/'): Promise<string> {
  const reply = await authenticate(am, demo, restPath(realm));
  const { tokenId } = JSON.parse(reply.text) as { tokenId?: string };
  if (tokenId === undefined) throw new Error(`no login in ${realm}: ${reply.status} ${reply.text}`);
  return tokenId;
}

export const restPath = (realm: string): string =>
  `/json/realms/root${realm === '/' ? '' : `/realms/${realm.slice(1)}`}`;

/** What a test looks at: status and JSON, or the text that is none. */
export function seen({ status, text }: Reply): unknown[] {
  try {
    return [status, JSON.parse(text)];
  } catch {
    return [status, text];
  }
}
