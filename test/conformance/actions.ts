// POST /json/sessions?_action=…: which version has which action, and what it answers.

import { describe, expect, test } from 'vitest';
import { json } from '../support/simulator-client.js';
import { accessDenied, act, forbidden, jsonType, login, seen, type Target, v2 } from './target.js';

const error = (code: number, reason: string, message: string) => [code, { code, reason, message }];
const notFound = error(404, 'Not Found', 'Resource &#39;&#39; not found');
const notImplemented = (action: string) =>
  error(501, 'Not Implemented', `Action ${action} not implemented for this resource`);

export function describeActions(am: () => Target): void {
  describe('getSessionInfo', () => {
    test.each([v2, 'resource=2', '', 'protocol=1.0', 'resource=2.0, protocol=1.0', 'protocol=2.1,resource=2.0'])(
      'with version "%s" tells all about the session',
      async (version) => {
        const reply = await act(am(), 'getSessionInfo', await login(am()), { version });
        expect(reply.status).toBe(200);
        expect(json(reply)).toEqual({
          username: 'demo',
          universalId: 'id=demo,ou=user,dc=openam,dc=example,dc=org',
          realm: '/',
          sessionHandle: expect.stringMatching(/^shandle:AQIC[\w.*-]+\*$/),
          latestAccessTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          maxIdleExpirationTime: expect.stringMatching(/Z$/),
          maxSessionExpirationTime: expect.stringMatching(/Z$/),
        });
        expect(Object.keys(json<object>(reply))).toEqual([
          'username',
          'universalId',
          'realm',
          'sessionHandle',
          'latestAccessTime',
          'maxIdleExpirationTime',
          'maxSessionExpirationTime',
        ]);
        expect(reply.headers).toMatchObject({
          'content-type': jsonType,
          'content-api-version': 'resource=2.0',
          'cache-control': 'no-cache',
          'x-frame-options': 'SAMEORIGIN',
          date: expect.any(String),
        });
        expect(reply.headers['warning']).toBeUndefined();
        expect(reply.headers['set-cookie']).toBeUndefined();
      },
    );

    test('may be spelled in any case, and take parameters that mean nothing', async () => {
      const token = await login(am());
      expect((await act(am(), 'GETSESSIONINFO', token)).status).toBe(200);
      expect((await act(am(), 'getSessionInfo&_fields=username&x=1', token)).text).toContain('"realm"');
      expect((await act(am(), 'getSessionInfo&_prettyPrint=true', token)).text).toMatch(/^\{\n {2}"username"/);
    });

    test.each([
      ['resource=1.0', notImplemented('getSessionInfo'), 'resource=1.2'],
      ['resource=1.2', notImplemented('getSessionInfo'), 'resource=1.2'],
      ['resource=1.3', notFound, undefined],
      ['resource=2.1', notFound, undefined],
      ['resource=3.1', notFound, undefined],
      ['resource=4.0', notFound, undefined],
    ])('at %s is an error', async (version, answer, offered) => {
      const reply = await act(am(), 'getSessionInfo', await login(am()), { version });
      expect(seen(reply)).toEqual(answer);
      expect(reply.headers['content-api-version']).toBe(offered);
    });

    test('names the action in its error as it was sent', async () => {
      const reply = await act(am(), 'GETSESSIONINFO', await login(am()), { version: 'resource=1.2' });
      expect(seen(reply)).toEqual(notImplemented('GETSESSIONINFO'));
    });
  });

  describe('refresh of one’s own session', () => {
    test.each([v2, '', 'resource=1.2', 'resource=4.0', 'resource=9.9'])('at "%s" is 403', async (version) => {
      const reply = await act(am(), 'refresh', await login(am()), { version });
      expect(seen(reply)).toEqual([403, forbidden]);
      expect(reply.headers['content-type']).toBe(jsonType);
      expect(reply.headers['content-api-version']).toBeUndefined();
    });
  });

  test.each(['getSessionInfoAndResetIdleTime', 'logoutByUser', 'nonsense', ''])(
    'the action "%s" is 403, whatever the version',
    async (action) => {
      const token = await login(am());
      for (const version of [v2, 'resource=4.0']) {
        expect(seen(await act(am(), action, token, { version }))).toEqual([403, forbidden]);
      }
    },
  );

  describe('validate', () => {
    test.each(['resource=1.0', 'resource=1.2'])('at %s says who it is', async (version) => {
      const reply = await act(am(), 'validate', await login(am()), { version });
      expect(seen(reply)).toEqual([200, { valid: true, uid: 'demo', realm: '/' }]);
      expect(reply.headers['content-api-version']).toBe('resource=1.2');
    });

    test('is not there at 2.0, nor without a version, nor later', async () => {
      const token = await login(am());
      for (const version of [v2, '']) {
        expect(seen(await act(am(), 'validate', token, { version }))).toEqual(notImplemented('validate'));
      }
      expect(seen(await act(am(), 'validate', token, { version: 'resource=4.0' }))).toEqual(notFound);
    });

    test('says valid: false with a 200 for a dead token', async () => {
      const reply = await act(am(), 'validate', 'dead', { version: 'resource=1.0' });
      expect(seen(reply)).toEqual([200, { valid: false }]);
    });

    test('without a token is 400, or 404 at a version that does not exist', async () => {
      const reply = await act(am(), 'validate', undefined, { version: 'resource=1.2' });
      expect(seen(reply)).toEqual(error(400, 'Bad Request', 'iPlanetDirectoryCookie not set on request'));
      expect((await act(am(), 'validate', undefined, { version: 'resource=4.0' })).status).toBe(404);
    });
  });

  test.each([
    ['refresh', v2],
    ['getSessionInfo', 'resource=9.0'],
    ['nonsense', v2],
    ['logout', 'resource=3.1, protocol=1.0'],
  ])('a dead token’s 401 says nothing about the rest: %s at %s', async (action, version) => {
    for (const token of ['dead', undefined]) {
      const reply = await act(am(), action, token, { version });
      expect(seen(reply)).toEqual([401, accessDenied]);
      expect(reply.headers['content-type']).toBe(jsonType);
      expect(reply.headers['content-api-version']).toBeUndefined();
    }
  });
}
