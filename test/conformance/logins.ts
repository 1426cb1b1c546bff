// POST /json/authenticate: versions, cookies, callbacks, and what goes wrong.

import { describe, expect, test } from 'vitest';
import { json, type Reply } from '../support/simulator-client.js';
import { act, ask, authenticate, demo, jsonType, login, restPath, seen, type Target } from './target.js';

interface Questions {
  readonly authId: string;
  readonly callbacks: { readonly type: string; readonly input: { value: string }[] }[];
}

const gone = 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Domain=example.org; Path=/';

export function describeLogins(am: () => Target): void {
  const post = (body: unknown, path = restPath('/'), headers: Record<string, string> = {}): Promise<Reply> =>
    ask(am(), `${path}/authenticate`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const questions = async (path?: string): Promise<Questions> => json<Questions>(await post({}, path));
  const filled = (asked: Questions, ...values: string[]): Questions => {
    for (const [i, value] of values.entries()) {
      const [input] = asked.callbacks[i]?.input ?? [];
      if (input !== undefined) input.value = value;
    }
    return asked;
  };

  describe('a login with name and password in headers', () => {
    test.each([
      ['resource=1.0', 'resource=1.2'],
      ['resource=1.2', 'resource=1.2'],
      ['resource=2.0, protocol=1.0', 'resource=2.1'],
      ['resource=2.1', 'resource=2.1'],
      ['protocol=1.0', 'resource=2.1'],
    ])('at %s answers as %s, with its cookies', async (version, offered) => {
      const reply = await authenticate(am(), { ...demo, 'Accept-API-Version': version });
      expect(reply.status).toBe(200);
      const { tokenId } = json<{ tokenId: string }>(reply);
      expect(tokenId).toMatch(/^AQIC5wM2LY4Sfc[\w.-]+\*AAJTSQACMDEAAlNL[\w.-]+\*$/);
      expect(json(reply)).toEqual({ tokenId, successUrl: expect.stringMatching(/^\/\w+\/console$/), realm: '/' });
      expect(reply.headers).toMatchObject({
        'content-type': jsonType,
        'content-api-version': offered,
        'cache-control': 'no-cache, no-store, must-revalidate',
        expires: '0',
        pragma: 'no-cache',
        'set-cookie': [
          `${am().cookieName}=${tokenId}; Domain=example.org; Path=/`,
          'amlbcookie=01; Domain=example.org; Path=/',
          `AMAuthCookie=LOGOUT; ${gone}`,
        ],
      });
    });

    test.each(['resource=2.2', 'resource=4.0'])('at %s is 404 without a body', async (version) => {
      const reply = await authenticate(am(), { ...demo, 'Accept-API-Version': version });
      expect([reply.status, reply.text]).toEqual([404, '']);
    });

    test('is one to the realm of the path, or of the parameter', async () => {
      expect(json(await authenticate(am(), demo, restPath('/alpha')))).toMatchObject({ realm: '/alpha' });
      const byParameter = await ask(am(), '/json/authenticate?realm=/alpha', { method: 'POST', headers: demo });
      expect(json(byParameter)).toMatchObject({ realm: '/alpha' });
      expect((await authenticate(am(), demo, restPath('/nope'))).status).toBe(404);
    });

    test('takes the name in any case, and the session keeps the case', async () => {
      const reply = await authenticate(am(), { ...demo, 'X-OpenAM-Username': 'Demo' });
      const { tokenId } = json<{ tokenId: string }>(reply);
      expect(json(await act(am(), 'getSessionInfo', tokenId))).toMatchObject({ username: 'Demo' });
    });

    test.each([
      ['base64', `=?UTF-8?B?${Buffer.from('jürgen').toString('base64')}?=`],
      ['quoted-printable', '=?utf-8?q?j=C3=BCrgen?='],
      ['two words', '=?UTF-8?B?asO8?= =?UTF-8?Q?rgen?='],
    ])('takes a name that is not ASCII as RFC 2047 %s', async (_title, name) => {
      const headers = { 'X-OpenAM-Username': name, 'X-OpenAM-Password': 'geheim-geheim' };
      const { tokenId } = json<{ tokenId: string }>(await authenticate(am(), headers));
      expect(json(await act(am(), 'getSessionInfo', tokenId))).toMatchObject({
        username: 'jürgen',
        universalId: 'id=jürgen,ou=user,dc=openam,dc=example,dc=org',
      });
    });

    test('takes no bare UTF-8', async () => {
      const name = Buffer.from('jürgen').toString('latin1');
      const reply = await authenticate(am(), { 'X-OpenAM-Username': name, 'X-OpenAM-Password': 'geheim-geheim' });
      expect(reply.status).toBe(401);
    });

    test('lets the session live that came along', async () => {
      const old = await login(am());
      const reply = await authenticate(am(), { ...demo, Cookie: `${am().cookieName}=${old}` });
      expect(json<{ tokenId: string }>(reply).tokenId).not.toBe(old);
      expect((await act(am(), 'getSessionInfo', old)).status).toBe(200);
    });

    test.each([
      ['a wrong password', 'demo', 'wrong'],
      ['an unknown user', 'nobody', 'changeit'],
      ['a property of every object', 'constructor', 'changeit'],
    ])('%s is 401 with a message of its own', async (_title, user, password) => {
      const reply = await authenticate(am(), { 'X-OpenAM-Username': user, 'X-OpenAM-Password': password });
      expect(seen(reply)).toEqual([401, { code: 401, reason: 'Unauthorized', message: 'Authentication Failed' }]);
      expect(reply.headers['set-cookie']).toBeUndefined();
      expect(reply.headers['cache-control']).toBeUndefined();
    });
  });

  describe('a login with callbacks', () => {
    test('is asked for where there are no credentials, and done when they are posted back', async () => {
      const first = await post({});
      expect(json(first)).toMatchObject({
        authId: expect.stringMatching(/^eyJ[^.]+\.[^.]+\.[^.]+$/),
        template: '',
        stage: 'DataStore1',
        callbacks: [
          {
            type: 'NameCallback',
            output: [{ name: 'prompt', value: 'User Name:' }],
            input: [{ name: 'IDToken1', value: '' }],
          },
          {
            type: 'PasswordCallback',
            output: [{ name: 'prompt', value: 'Password:' }],
            input: [{ name: 'IDToken2', value: '' }],
          },
        ],
      });
      expect(first.headers['set-cookie']).toEqual([
        expect.stringMatching(/^AMAuthCookie=AQIC[^;]+; Domain=example\.org; Path=\/$/),
        'amlbcookie=01; Domain=example.org; Path=/',
      ]);
      const second = await post(filled(json<Questions>(first), 'demo', 'changeit'));
      expect(second.status).toBe(200);
      expect((await act(am(), 'getSessionInfo', json<{ tokenId: string }>(second).tokenId)).status).toBe(200);
    });

    test('serves once: wrong or right, the second time is 408 and clears cookies', async () => {
      for (const [password, status] of [
        ['changeit', 200],
        ['wrong', 401],
      ] as const) {
        const asked = filled(await questions(), 'demo', password);
        expect((await post(asked)).status).toBe(status);
        const again = await post(filled(asked, 'demo', 'changeit'));
        expect(seen(again)).toEqual([408, { code: 408, reason: 'Request Time-out', message: 'Session has timed out' }]);
        expect(again.headers['set-cookie']).toEqual([`${am().cookieName}=; ${gone}`, `amlbcookie=LOGOUT; ${gone}`]);
      }
    });

    test('that begins in one realm and is sent to another ends in the other', async () => {
      const reply = await post(filled(await questions(restPath('/alpha')), 'demo', 'changeit'));
      expect(json(reply)).toMatchObject({ realm: '/' });
    });

    test('an authId that is none and callbacks of another shape are 400', async () => {
      expect(seen(await post({ authId: 'nope', callbacks: [] }))).toMatchObject([
        400,
        { message: 'Failed to parse JWT, not right number of dots, 1' },
      ]);
      const { authId } = await questions();
      expect(seen(await post({ authId, callbacks: [{ input: 'x' }, null] }))).toMatchObject([
        400,
        { message: 'Required callback not found in JSON response' },
      ]);
    });
  });

  test('other types and methods and broken JSON are refused', async () => {
    expect((await post('x', restPath('/'), { 'Content-Type': 'text/plain' })).status).toBe(415);
    expect((await ask(am(), '/json/authenticate')).status).toBe(405);
    expect((await post('{')).status).toBe(400);
  });
}
