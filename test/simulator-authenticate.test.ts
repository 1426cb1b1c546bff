// Logging in by REST: headers, callbacks, cookies, and what goes wrong.

import { afterEach, describe, expect, test } from 'vitest';
import { type AmSimulator, type AmSimulatorOptions, createAmSimulator } from '../src/simulator/index.js';
import { act, call, json, type Reply } from './support/simulator-client.js';

let am: AmSimulator;
afterEach(() => am.close());

const start = async (options?: AmSimulatorOptions) => (am = await createAmSimulator(options));
const authenticate = (headers: Record<string, string>, body?: unknown, path = '/json/realms/root/authenticate') =>
  call(am.url + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Accept-API-Version': 'resource=2.1, protocol=1.0', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const credentials = (name = 'demo', password = 'changeit') => ({
  'X-OpenAM-Username': name,
  'X-OpenAM-Password': password,
});
const tokenOf = (reply: Reply): string => json<{ tokenId: string }>(reply).tokenId;

test('name and password in headers make a session of the path’s realm', async () => {
  await start();
  const reply = await authenticate(credentials(), undefined, '/json/realms/root/realms/alpha/authenticate');
  expect(reply.status).toBe(200);
  expect(json(reply)).toEqual({ tokenId: expect.any(String), successUrl: '/am/console', realm: '/alpha' });
  expect(reply.headers['content-api-version']).toBe('resource=2.1');
  expect(json(await act(am, 'getSessionInfo', tokenOf(reply)))).toMatchObject({ username: 'demo', realm: '/alpha' });
  expect(am.journal[0]).toMatchObject({ action: 'authenticate', outcome: 'authenticated', realm: '/alpha' });
});

describe('cookies', () => {
  test('ping: host-only and HttpOnly', async () => {
    await start();
    const reply = await authenticate(credentials());
    expect(reply.headers['set-cookie']).toEqual([
      `iPlanetDirectoryPro=${tokenOf(reply)}; Path=/; HttpOnly`,
      'amlbcookie=01; Path=/',
    ]);
  });

  test('openam: as measured, and one for each domain', async () => {
    await start({
      flavor: 'openam',
      cookieDomains: ['example.org', 'example.com'],
      cookieSecure: true,
      cookieName: 'sso',
    });
    const reply = await authenticate(credentials());
    const token = tokenOf(reply);
    expect(reply.headers['set-cookie']).toEqual([
      `sso=${token}; Domain=example.org; Path=/; Secure`,
      `sso=${token}; Domain=example.com; Path=/; Secure`,
      'amlbcookie=01; Domain=example.org; Path=/; Secure',
      'amlbcookie=01; Domain=example.com; Path=/; Secure',
      'AMAuthCookie=LOGOUT; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Domain=example.org; Path=/; Secure',
      'AMAuthCookie=LOGOUT; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Domain=example.com; Path=/; Secure',
    ]);
  });
});

test.each([
  ['a wrong password', 'demo', 'wrong'],
  ['an unknown user', 'nobody', 'changeit'],
  ['a property of every object', 'constructor', 'changeit'],
])('%s is 401 with a message of its own', async (_name, user, password) => {
  await start();
  const reply = await authenticate(credentials(user, password));
  expect(reply.status).toBe(401);
  expect(json(reply)).toEqual({ code: 401, reason: 'Unauthorized', message: 'Authentication Failed' });
  expect(reply.headers['set-cookie']).toBeUndefined();
});

test.each([
  ['base64', `=?UTF-8?B?${Buffer.from('jürgen').toString('base64')}?=`],
  ['quoted-printable', '=?utf-8?q?j=C3=BCrgen?='],
  ['two words', '=?UTF-8?B?asO8?= =?UTF-8?Q?rgen?='],
])('a name that is not ASCII comes as RFC 2047 %s', async (_name, encoded) => {
  await start({ users: { jürgen: 'geheim' } });
  const reply = await authenticate(credentials(encoded, 'geheim'));
  expect(reply.status).toBe(200);
  expect(am.sessions).toMatchObject([{ username: 'jürgen' }]);
});

describe('callbacks', () => {
  interface Questions {
    readonly authId: string;
    readonly callbacks: { readonly type: string; readonly input: { value: string }[] }[];
  }
  const ask = async (): Promise<Questions> => json<Questions>(await authenticate({}));
  const filled = (questions: Questions, values: string[]): Questions => {
    for (const [i, value] of values.entries()) {
      const [input] = questions.callbacks[i]?.input ?? [];
      if (input !== undefined) input.value = value;
    }
    return questions;
  };

  test('are handed out without credentials, and log in when posted back', async () => {
    await start();
    const questions = await ask();
    expect(questions.callbacks.map(({ type }) => type)).toEqual(['NameCallback', 'PasswordCallback']);
    const reply = await authenticate({}, filled(questions, ['demo', 'changeit']));
    expect(reply.status).toBe(200);
    expect((await act(am, 'getSessionInfo', tokenOf(reply))).status).toBe(200);
  });

  test('serve once: wrong or right, the second time is 408', async () => {
    await start();
    const questions = await ask();
    expect((await authenticate({}, filled(questions, ['demo', 'wrong']))).status).toBe(401);
    const again = await authenticate({}, filled(questions, ['demo', 'changeit']));
    expect(again.status).toBe(408);
    expect(json(again)).toMatchObject({ message: 'Session has timed out' });
  });

  test('an authId that is none and callbacks of another shape are 400', async () => {
    await start();
    const { authId } = await ask();
    expect((await authenticate({}, { authId: 'nope', callbacks: [] })).status).toBe(400);
    expect((await authenticate({}, { authId, callbacks: [{ input: 'x' }, null] })).status).toBe(400);
  });
});

test('other types, methods and versions are refused', async () => {
  await start();
  expect((await authenticate({ 'Content-Type': 'text/plain' })).status).toBe(415);
  expect((await authenticate({ 'Accept-API-Version': 'resource=4.0' })).status).toBe(404);
  expect((await call(`${am.url}/json/authenticate`)).status).toBe(405);
  expect((await call(`${am.url}/json/authenticate`, { method: 'POST', body: '{' })).status).toBe(400);
});

test('a new login ends the session it came with on ping, and lets it live on openam', async () => {
  for (const [flavor, status] of [
    ['ping', 401],
    ['openam', 200],
  ] as const) {
    await start({ flavor });
    const old = am.login();
    const reply = await authenticate({ ...credentials(), Cookie: `iPlanetDirectoryPro=${old}` });
    expect(reply.status).toBe(200);
    expect((await act(am, 'getSessionInfo', old, { version: 'resource=2.0' })).status).toBe(status);
    expect((await act(am, 'getSessionInfo', tokenOf(reply), { version: 'resource=2.0' })).status).toBe(200);
    await am.close();
  }
});
