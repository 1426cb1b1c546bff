// POST /json/authenticate: name and password in two headers, or callbacks filled in and posted back.

import { randomBytes } from 'node:crypto';
import { type Am, type AmRequest, header } from './am.js';
import type { Answer } from './answers.js';
import { parseJson } from './rest-checks.js';
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

export function passwordFits({ config }: Am, username: string, password: string): boolean {
  return Object.hasOwn(config.users, username) && config.users[username] === password;
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

export function createAuthenticate(am: Am) {
  const { answers } = am;
  // Logins that wait for their callbacks: authId -> realm.
  const pending = new Map<string, string>();

  const versioned = { 'Content-API-Version': 'resource=2.1' };
  const noStore = { 'Cache-Control': 'no-cache, no-store, must-revalidate', Expires: '0', Pragma: 'no-cache' };

  function begin(realm: string): Answer {
    const authId = `${base64url({ typ: 'JWT', alg: 'HS256' })}.${base64url({ otk: randomBytes(16).toString('hex'), realm })}.${randomBytes(32).toString('base64url')}`;
    pending.set(authId, realm);
    const oldest = pending.keys().next();
    if (pending.size > MAX_PENDING && oldest.done !== true) pending.delete(oldest.value);
    return answers.json(200, { authId, ...QUESTIONS }, { headers: { ...versioned, ...noStore } });
  }

  function finish(request: AmRequest, realm: string, username: string, password: string): Answer {
    if (!passwordFits(am, username, password)) {
      return answers.error(401, 'Authentication Failed', { headers: versioned });
    }
    const tokenId = logIn(am, username, realm, request.cookieToken ?? request.headerToken);
    const headers = { ...versioned, ...noStore, 'Set-Cookie': am.cookies.login(am.cookieName, tokenId) };
    return answers.json(200, { tokenId, successUrl: '/am/console', realm }, { outcome: 'authenticated', headers });
  }

  function resume(request: AmRequest, body: object, authId: string): Answer {
    const parts = authId.split('.').length;
    if (parts !== 3) {
      return answers.error(400, `Failed to parse JWT, not right number of dots, ${parts}`, { headers: versioned });
    }
    const realm = pending.get(authId);
    if (realm === undefined) return answers.error(408, 'Session has timed out', { headers: versioned });
    pending.delete(authId);
    return finish(request, realm, entered(body, 0) ?? '', entered(body, 1) ?? '');
  }

  return function authenticate(request: AmRequest, version: ApiVersion, realm: string): Answer {
    const { method, headers } = request;
    if (matchVersion(version.resource, VERSIONS) === undefined) return answers.empty(404);
    if (method !== 'POST') return answers.error(405, 'Method Not Allowed', { headers: versioned });
    const type = header(headers, 'Content-Type');
    if (type !== undefined && !/^application\/json\s*(?:;|$)/i.test(type)) {
      return answers.error(415, 'Unsupported Media Type', { headers: versioned });
    }
    const username = header(headers, 'X-OpenAM-Username');
    const password = header(headers, 'X-OpenAM-Password');
    if (username !== undefined && password !== undefined) {
      return finish(request, realm, decodeHeader(username), decodeHeader(password));
    }
    const body = request.body === '' ? {} : parseJson(request.body);
    if (typeof body !== 'object' || body === null) {
      return answers.error(400, 'The provided content is not valid JSON', { headers: versioned });
    }
    const authId: unknown = 'authId' in body ? body.authId : undefined;
    return typeof authId === 'string' ? resume(request, body, authId) : begin(realm);
  };
}
