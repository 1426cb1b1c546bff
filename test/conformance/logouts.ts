// Logging out: at once, once, without cookies, and of the caller’s own sessions only.

import { describe, expect, test } from 'vitest';
import { accessDenied, act, ask, loggedOut, login, realms, seen, type Target, v2 } from './target.js';

export function describeLogouts(am: () => Target): void {
  describe('logout', () => {
    test.each([v2, 'resource=1.2', 'resource=2.0, protocol=1.0'])('at %s ends the session', async (version) => {
      const token = await login(am());
      const reply = await act(am(), 'logout', token, { version });
      expect(seen(reply)).toEqual([200, loggedOut]);
      expect(reply.headers['set-cookie']).toBeUndefined();
      expect(seen(await act(am(), 'getSessionInfo', token))).toEqual([401, accessDenied]);
    });

    test('a second time is 401', async () => {
      const token = await login(am());
      await act(am(), 'logout', token);
      expect(seen(await act(am(), 'logout', token))).toEqual([401, accessDenied]);
    });

    test('takes the token from the cookie too, and even then sets none', async () => {
      const token = await login(am());
      const headers = { Cookie: `${am().cookieName}=${token}`, 'Accept-API-Version': v2 };
      const reply = await ask(am(), '/json/sessions?_action=logout', { method: 'POST', headers });
      expect(seen(reply)).toEqual([200, loggedOut]);
      expect(reply.headers['set-cookie']).toBeUndefined();
      expect((await act(am(), 'getSessionInfo', token)).status).toBe(401);
    });

    test('at 3.1 is 404, and the session lives on', async () => {
      const token = await login(am());
      expect((await act(am(), 'logout', token, { version: 'resource=3.1, protocol=1.0' })).status).toBe(404);
      expect((await act(am(), 'getSessionInfo', token)).status).toBe(200);
    });

    test('ends one session of the user, not the others', async () => {
      const [one, other] = [await login(am()), await login(am())];
      await act(am(), 'logout', one);
      expect((await act(am(), 'getSessionInfo', other)).status).toBe(200);
    });

    test('of another session by tokenId: anybody’s who is alive himself, also of another realm', async () => {
      const [caller, own, foreign] = [await login(am()), await login(am()), await login(am(), realms[0])];
      expect(seen(await act(am(), `logout&tokenId=${own}`, caller))).toEqual([200, loggedOut]);
      expect((await act(am(), 'getSessionInfo', own)).status).toBe(401);
      expect(seen(await act(am(), `logout&tokenId=${own}`, caller))).toEqual([200, { result: 'Token has expired' }]);
      expect(seen(await act(am(), `logout&tokenId=${foreign}`, caller))).toEqual([200, loggedOut]);
      expect((await act(am(), 'getSessionInfo', foreign)).status).toBe(401);
      expect((await act(am(), 'getSessionInfo', caller)).status).toBe(200);
    });
  });
}
