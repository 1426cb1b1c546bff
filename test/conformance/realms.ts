// Realms: every spelling of a path, and sessions that are answered for in all of them.

import { describe, expect, test } from 'vitest';
import { json } from '../support/simulator-client.js';
import { act, ask, loggedOut, login, realms, restPath, seen, type Target } from './target.js';

export function describeRealms(am: () => Target): void {
  const [alpha, bravo] = realms;
  const known = [
    '/json/sessions',
    '/json/sessions/',
    '/json/realms/root/sessions',
    '/json/alpha/sessions',
    '/json/realms/alpha/sessions',
    '/json/realms/root/realms/alpha/sessions',
    '/json/realms/root/realms/Alpha/sessions/',
  ];

  describe('realms', () => {
    test('a session is answered for at every realm’s path; only its own realm tells', async () => {
      const token = await login(am(), bravo);
      for (const path of known) {
        const reply = await act(am(), 'getSessionInfo', token, { path });
        expect([path, reply.status]).toEqual([path, 200]);
        expect(json(reply)).toMatchObject({
          realm: bravo,
          universalId: 'id=demo,ou=user,o=bravo,ou=services,dc=openam,dc=example,dc=org',
        });
      }
    });

    test('a session is logged out at the path of another realm', async () => {
      const token = await login(am(), alpha);
      expect(seen(await act(am(), 'logout', token, { path: `${restPath(bravo)}/sessions` }))).toEqual([200, loggedOut]);
      expect((await act(am(), 'getSessionInfo', token)).status).toBe(401);
    });

    test('a realm is written as AM has it, however the path spells it', async () => {
      const token = await login(am(), '/ALPHA');
      expect(json(await act(am(), 'getSessionInfo', token))).toMatchObject({ realm: alpha });
    });

    test.each([
      ['realms/root/realms/nope/sessions', 404, 'Realm &quot;/nope&quot; not found'],
      ['realms/root/realms/alpha/realms/bravo/sessions', 404, 'Realm &quot;/alpha/bravo&quot; not found'],
      ['realms/nope/sessions', 404, 'Realm &quot;nope&quot; not found'],
      ['realms/sessions', 404, 'Realm &quot;sessions&quot; not found'],
      ['nope/sessions', 404, 'Resource &#39;nope/sessions&#39; not found'],
      ['nothing', 404, 'Resource &#39;nothing&#39; not found'],
      ['sessions?realm=/nope', 400, 'Invalid realm, /nope'],
      ['/sessions', 400, expect.stringMatching(/^Resource path &#39;.*\/json\/\/sessions&#39; contains empty path/)],
    ])('%s is %i, with a live session and a dead one', async (path, status, message: unknown) => {
      for (const token of [await login(am()), 'dead']) {
        const reply = await ask(am(), `/json/${path}${path.includes('?') ? '&' : '?'}_action=getSessionInfo`, {
          method: 'POST',
          headers: { [am().cookieName]: token, 'Content-Type': 'application/json' },
        });
        expect(seen(reply)).toMatchObject([status, { code: status, message }]);
        expect(reply.headers['content-api-version']).toBeUndefined();
      }
    });

    test('the parameter takes the slash or not, and counts for nothing beside /realms', async () => {
      const token = await login(am());
      for (const realm of ['/alpha', 'alpha', '/', '']) {
        expect((await act(am(), `getSessionInfo&realm=${realm}`, token)).status).toBe(200);
      }
      const beside = await act(am(), 'getSessionInfo&realm=/nope', token, { path: '/json/realms/root/sessions' });
      expect(beside.status).toBe(200);
    });

    test('a single session of the collection is nobody’s business: 403, or 401', async () => {
      expect((await act(am(), 'getSessionInfo', await login(am()), { path: '/json/sessions/x' })).status).toBe(403);
      expect((await act(am(), 'getSessionInfo', 'dead', { path: '/json/sessions/x' })).status).toBe(401);
    });
  });
}
