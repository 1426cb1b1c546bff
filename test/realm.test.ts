// Realms: AM answers for a token of any realm at the path of any realm; who is let in is decided here.

import { expect, it } from 'vitest';
import { askedAbout, logged, onEveryMount } from './support/mounted.js';

onEveryMount('one realm', { proxy: { am: { realm: '/alpha' } } }, (stack) => {
  it('is asked at its own path and lets its sessions in', async () => {
    const token = stack().am.login('demo', '/alpha');
    expect((await stack().as(token, '/api/x')).status).toBe(200);
    expect(stack().upstream.seen.at(-1)?.headers['x-forwarded-realm']).toBe('/alpha');
    expect(askedAbout(stack(), token)).toMatchObject([{ path: '/am/json/realms/root/realms/alpha/sessions' }]);
  });

  it('keeps live sessions of other realms out with 403, cookie untouched, and says the realm once in the log', async () => {
    for (const realm of ['/', '/bravo', '/bravo']) {
      const answer = await stack().as(stack().am.login('demo', realm), '/api/x');
      expect(answer.status).toBe(403);
      expect(answer.json()['code']).toBe('session_wrong_realm');
      expect(answer.setCookies).toEqual([]);
    }
    expect(await logged(stack(), 'not in SESSION_REALMS', 2)).toBe(2);
  });

  it('does not tell AM of the activity of a session of another realm after the first answer', async () => {
    const token = stack().am.login('demo', '/bravo');
    stack().am.advance(60);
    for (let n = 0; n < 4; n++) expect((await stack().as(token, '/api/x')).status).toBe(403);
    expect((await stack().as(token, '/session/refresh', { method: 'POST' })).status).toBe(403);
    expect(askedAbout(stack(), token)).toHaveLength(1);
  });

  it('ends a session of another realm at logout all the same: it is the own one of the user', async () => {
    const token = stack().am.login('demo', '/bravo');
    expect((await stack().as(token, '/api/x')).status).toBe(403);
    const answer = await stack().as(token, '/logout', { method: 'POST' });
    expect(answer.json()).toMatchObject({ am: 'ended' });
    expect(askedAbout(stack(), token, 'logout')).toMatchObject([{ outcome: 'ended' }]);
    expect((await stack().as(token, '/api/x')).json()['code']).toBe('session_ended');
  });
});

onEveryMount(
  'several realms, written in any case',
  { proxy: { session: { realms: ['/ALPHA', 'bravo'] } } },
  (stack) => {
    it.each([
      ['/alpha', 200],
      ['/bravo', 200],
      ['/', 403],
    ] as const)('answer for a session of %s: %i', async (realm, status) => {
      expect((await stack().as(stack().am.login('demo', realm), '/api/x')).status).toBe(status);
    });
  },
);

onEveryMount('any realm', { proxy: { session: { realms: '*' } } }, (stack) => {
  it.each(['/', '/alpha', '/bravo'])('lets sessions of %s in and names it to the API', async (realm) => {
    expect((await stack().as(stack().am.login('demo', realm), '/api/x')).status).toBe(200);
    expect(stack().upstream.seen.at(-1)?.headers['x-forwarded-realm']).toBe(realm);
  });
});

onEveryMount(
  'a route of the team',
  {},
  (stack) => {
    it('keeps sessions of other realms out as well', async () => {
      const answer = await stack().as(stack().am.login('demo', '/alpha'), '/own/report');
      expect(answer.status).toBe(403);
      expect(answer.json()['code']).toBe('session_wrong_realm');
    });
  },
  { forms: ['use', 'wrap'] },
);
