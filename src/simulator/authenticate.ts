// POST /json/authenticate: name and password in two headers, or callbacks filled in and posted back.

import { randomBytes } from 'node:crypto';
import { type Am, type AmRequest, header } from './am.js';
import type { Answer } from './answers.js';
import { parseJson } from './rest-checks.js';
import { createToken } from './tokens.js';
import { type ApiVersion, matchVersion } from './versions.js';

const VERSIONS = ['1.2', '2.1'];
const MAX_PENDING = 1000;

/** A word of RFC 2047: how a name that is not ASCII travels in a header. */
const ENCODED_WORD = /=\?([\w-]+)\?([bq])\?([^?]*)\?=/gi;

function decodeHeader(text: string): string {
  // White space between two encoded words is none (RFC 2047 section 6.2).
  return text
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(ENCODED_WORD, (_word, charset: string, kind: string, data: string) => {
      const bytes =
        kind.toLowerCase() === 'b'
          ? Buffer.from(data, 'base64')
          : Buffer.from(
              data
                .replaceAll('_', ' ')
                .replace(/=([0-9a-f]{2})/gi, (_escape, hex: string) => String.fromCharCode(parseInt(hex, 16))),
              'latin1',
            );
      return bytes.toString(charset.toLowerCase() === 'utf-8' ? 'utf8' : 'latin1');
    });
}

/** OpenAM's directory compares names without case, and the session has the name as it was typed (measured). */
export function passwordFits({ config }: Am, username: string, password: string): boolean {
  const fold = (name: string): string => (config.flavor === 'openam' ? name.toLowerCase() : name);
  return Object.entries(config.users).some(([name, known]) => fold(name) === fold(username) && known === password);
}

/** Logs in. Ping AM destroys the session that the browser brought along; OpenAM lets it live (measured). */
export function logIn({ config, table }: Am, username: string, realm: string, previous: string | undefined): string {
  if (config.flavor === 'ping') table.logout(previous);
  return table.login(username, realm);
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const callback = (type: string, prompt: string, name: string) => ({
  type,
  output: [{ name: 'prompt', value: prompt }],
  input: [{ name, value: '' }],
});

const QUESTIONS = {
  template: '',
  stage: 'DataStore1',
  header: 'Sign in',
  infoText: ['', ''],
  callbacks: [
    callback('NameCallback', 'User Name:', 'IDToken1'),
    callback('PasswordCallback', 'Password:', 'IDToken2'),
  ],
};

/** What the user entered for one callback; undefined where the body is not what AM sent out. */
function entered(body: object, index: number): string | undefined {
  const list: unknown = 'callbacks' in body ? body.callbacks : undefined;
  const answered: unknown = Array.isArray(list) ? list[index] : undefined;
  const input: unknown =
    typeof answered === 'object' && answered !== null && 'input' in answered ? answered.input : undefined;
  const first: unknown = Array.isArray(input) ? input[0] : undefined;
  const value: unknown = typeof first === 'object' && first !== null && 'value' in first ? first.value : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** One step of a login: the request, the realm of its path, and the version that answers. */
interface Step {
  readonly request: AmRequest;
  readonly realm: string;
  readonly versioned: { readonly 'Content-API-Version': string };
}

const NO_STORE = { 'Cache-Control': 'no-cache, no-store, must-revalidate', Expires: '0', Pragma: 'no-cache' };

export function createAuthenticate(am: Am) {
  const { answers, cookies } = am;
  // Logins that wait for their callbacks; the realm is that of the path where they end (measured).
  const pending = new Set<string>();

  const refuse = ({ versioned }: Step, status: number, message: string, headers = {}): Answer =>
    answers.error(status, message, { early: true, headers: { ...versioned, ...headers } });

  function begin({ realm, versioned }: Step): Answer {
    const authId = `${base64url({ typ: 'JWT', alg: 'HS256' })}.${base64url({ otk: randomBytes(16).toString('hex'), realm })}.${randomBytes(32).toString('base64url')}`;
    pending.add(authId);
    const oldest = pending.keys().next();
    if (pending.size > MAX_PENDING && oldest.done !== true) pending.delete(oldest.value);
    const setCookie = withCookies(cookies.begin(createToken().token));
    return answers.json(200, { authId, ...QUESTIONS }, { headers: { ...versioned, ...NO_STORE, ...setCookie } });
  }

  function finish(step: Step, username: string, password: string): Answer {
    const { request, realm, versioned } = step;
    if (!passwordFits(am, username, password)) return refuse(step, 401, 'Authentication Failed');
    const tokenId = logIn(am, username, realm, request.cookieToken ?? request.headerToken);
    const headers = { ...versioned, ...NO_STORE, ...withCookies(cookies.login(am.cookieName, tokenId)) };
    return answers.json(200, { tokenId, successUrl: '/am/console', realm }, { outcome: 'authenticated', headers });
  }

  function resume(step: Step, body: object, authId: string): Answer {
    const parts = authId.split('.').length;
    if (parts !== 3) return refuse(step, 400, `Failed to parse JWT, not right number of dots, ${parts}`);
    if (!pending.has(authId)) {
      return refuse(step, 408, 'Session has timed out', withCookies(cookies.late(am.cookieName)));
    }
    const [username, password] = [entered(body, 0), entered(body, 1)];
    if (username === undefined || password === undefined) {
      return refuse(step, 400, 'Required callback not found in JSON response');
    }
    pending.delete(authId);
    return finish(step, username, password);
  }

  return function authenticate(request: AmRequest, version: ApiVersion, realm: string): Answer {
    const { method, headers } = request;
    const offered = matchVersion(version.resource, VERSIONS);
    if (offered === undefined) return answers.empty(404, { early: true });
    const step: Step = { request, realm, versioned: { 'Content-API-Version': `resource=${offered}` } };
    if (method !== 'POST') return refuse(step, 405, 'Method Not Allowed');
    const type = header(headers, 'Content-Type');
    if (type !== undefined && !/^application\/json\s*(?:;|$)/i.test(type)) {
      return refuse(step, 415, 'Unsupported Media Type');
    }
    const username = header(headers, 'X-OpenAM-Username');
    const password = header(headers, 'X-OpenAM-Password');
    if (username !== undefined && password !== undefined) {
      return finish(step, decodeHeader(username), decodeHeader(password));
    }
    const body = request.body === '' ? {} : parseJson(request.body);
    if (typeof body !== 'object' || body === null) return refuse(step, 400, 'The provided content is not valid JSON');
    const authId: unknown = 'authId' in body ? body.authId : undefined;
    return typeof authId === 'string' ? resume(step, body, authId) : begin(step);
  };
}

const withCookies = (lines: readonly string[]) => (lines.length === 0 ? {} : { 'Set-Cookie': lines });
