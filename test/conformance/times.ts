// Time: what counts as a use of the session, and when it ends for want of one.

import { describe, expect, test } from 'vitest';
import { json, type Reply } from '../support/simulator-client.js';
import { accessDenied, act, ask, authenticate, demo, login, seen, type Target } from './target.js';

interface Times {
  readonly latestAccessTime: string;
  readonly maxIdleExpirationTime: string;
  readonly maxSessionExpirationTime: string;
}

const secondsOf = (iso: string): number => Date.parse(iso) / 1000;

/** Long enough that a use of the session shows in whole seconds. */
const noticeableS = 3;

export function describeTimes(am: () => Target, concurrently: boolean): void {
  describe('the times of a new session', () => {
    test('count from its last use and from a second before its login', async () => {
      const asked = await authenticate(am(), demo);
      const loginAt = Date.parse(asked.headers.date ?? '') / 1000;
      const reply = await act(am(), 'getSessionInfo', json<{ tokenId: string }>(asked).tokenId);
      const now = Date.parse(reply.headers.date ?? '') / 1000;
      const times = json<Times>(reply);
      expect(now - secondsOf(times.latestAccessTime)).toBeOneOf([0, 1]);
      expect(secondsOf(times.maxIdleExpirationTime)).toBe(secondsOf(times.latestAccessTime) + am().maxIdleS);
      expect(loginAt + am().maxSessionS - secondsOf(times.maxSessionExpirationTime)).toBeOneOf([0, 1, 2]);
    });
  });

  describe('what resets the idle time', { concurrent: concurrently, timeout: 60_000 }, () => {
    const inHeader = (token: string, headers: Record<string, string> = {}) => ({
      [am().cookieName]: token,
      ...headers,
    });
    const inCookie = (token: string) => ({ Cookie: `${am().cookieName}=${token}` });
    const uses: readonly (readonly [string, (token: string) => Promise<Reply>, number])[] = [
      ['getSessionInfo', (token) => act(am(), 'getSessionInfo', token), 200],
      ['a refresh that is refused', (token) => act(am(), 'refresh', token), 403],
      ['validate', (token) => act(am(), 'validate', token, { version: 'resource=1.2' }), 200],
      ['validate that asks for none', (t) => act(am(), 'validate&refresh=false', t, { version: 'resource=1.2' }), 200],
      ['an action that does not exist', (token) => act(am(), 'nonsense', token), 403],
      [
        'a version that does not exist',
        (token) => act(am(), 'getSessionInfo', token, { version: 'resource=4.0' }),
        404,
      ],
      ['a version that is none', (token) => act(am(), 'getSessionInfo', token, { version: 'resource=x' }), 400],
      ['a logout at the wrong version', (token) => act(am(), 'logout', token, { version: 'resource=3.1' }), 404],
      ['a type that is refused', (t) => act(am(), 'getSessionInfo', t, { headers: { 'Content-Type': 'a/b' } }), 400],
      [
        'a realm that does not exist',
        (token) => act(am(), 'getSessionInfo', token, { path: '/json/realms/no/sessions' }),
        404,
      ],
      ['a path that leads nowhere', (token) => ask(am(), '/json/nothing', { headers: inHeader(token) }), 404],
      [
        'another host',
        (token) => ask(am(), '/json/serverinfo/*', { headers: inHeader(token, { Host: 'a.example' }) }),
        400,
      ],
      ['serverinfo', (token) => ask(am(), '/json/serverinfo/*', { headers: inHeader(token) }), 200],
      ['serverinfo with the cookie', (token) => ask(am(), '/json/serverinfo/*', { headers: inCookie(token) }), 200],
      ['another login', (token) => authenticate(am(), { ...demo, ...inCookie(token) }), 200],
      ['a login that fails', (t) => authenticate(am(), { ...demo, 'X-OpenAM-Password': 'x', ...inCookie(t) }), 401],
      [
        'the cookie of a dead header',
        (token) => act(am(), 'getSessionInfo', 'dead', { headers: inCookie(token) }),
        403,
      ],
      [
        'a look by its own user with another session',
        async (token) => act(am(), `getSessionInfo&tokenId=${token}`, await login(am())),
        200,
      ],
    ];

    test.each(uses)('%s', async (_title, use, status) => {
      const token = await login(am());
      const before = await am().latestAccess(token);
      await am().wait(noticeableS);
      expect((await use(token)).status).toBe(status);
      expect(await am().latestAccess(token)).toBeGreaterThanOrEqual(before + noticeableS - 1);
    });

    test.each<(typeof uses)[number]>([
      ['nothing at all', () => ask(am(), '/isAlive.jsp'), 200],
      ['isAlive.jsp', (token) => ask(am(), '/isAlive.jsp', { headers: inCookie(token) }), 200],
      [
        'the header of a dead cookie',
        (token) => act(am(), 'getSessionInfo', token, { headers: inCookie('dead') }),
        401,
      ],
    ])('not %s', async (_title, use, status) => {
      const token = await login(am());
      const before = await am().latestAccess(token);
      await am().wait(noticeableS);
      expect((await use(token)).status).toBe(status);
      expect(await am().latestAccess(token)).toBe(before);
    });
  });

  describe('the idle time', { concurrent: concurrently, timeout: 180_000 }, () => {
    test('ends a session that nobody uses', async () => {
      const token = await login(am());
      await am().wait(am().maxIdleS + 3);
      expect(seen(await act(am(), 'getSessionInfo', token))).toEqual([401, accessDenied]);
      const validated = await act(am(), 'validate', token, { version: 'resource=1.2' });
      expect(seen(validated)).toEqual([200, { valid: false }]);
      expect(seen(await act(am(), 'logout', token))).toEqual([401, accessDenied]);
    });

    test('does not begin anew with a use within half a minute of the login, whatever is answered', async () => {
      const token = await login(am());
      const before = await am().latestAccess(token);
      await am().wait(25);
      const { latestAccessTime } = json<Times>(await act(am(), 'getSessionInfo', token));
      expect(secondsOf(latestAccessTime)).toBeGreaterThanOrEqual(before + 24);
      await am().wait(am().maxIdleS - 22);
      expect(seen(await act(am(), 'getSessionInfo', token))).toEqual([401, accessDenied]);
    });

    test('begins anew with the first use after a minute, however soon after the one before', async () => {
      const token = await login(am());
      for (const seconds of [35, 27, 37]) {
        await am().wait(seconds);
        expect((await act(am(), 'getSessionInfo', token)).status).toBe(200);
      }
    });

    test('begins anew with a look just before its end', async () => {
      const token = await login(am());
      for (const seconds of [am().maxIdleS - 2, 12]) {
        await am().wait(seconds);
        expect((await act(am(), 'getSessionInfo', token)).status).toBe(200);
      }
    });

    test('begins anew with a refresh that is answered 403', async () => {
      const token = await login(am());
      await am().wait(am().maxIdleS - 20);
      expect((await act(am(), 'refresh', token)).status).toBe(403);
      await am().wait(am().maxIdleS - 20);
      expect((await act(am(), 'getSessionInfo', token)).status).toBe(200);
    });
  });
}
