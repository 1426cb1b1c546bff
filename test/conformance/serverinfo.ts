// What AM tells about itself without a session.

import { describe, expect, test } from 'vitest';
import { json } from '../support/simulator-client.js';
import { accessDenied, ask, jsonType, login, restPath, seen, type Target } from './target.js';

export function describeServerinfo(am: () => Target): void {
  const serverinfo = (id = '*', version = 'resource=1.1', headers: Record<string, string> = {}) =>
    ask(am(), `/json/serverinfo/${id}`, { headers: { 'Accept-API-Version': version, ...headers } });

  describe('serverinfo', () => {
    test.each(['resource=1.0', 'resource=1.1', 'protocol=2.0'])('at %s names the cookie and its domains', async (v) => {
      const reply = await serverinfo('*', v);
      expect(reply.status).toBe(200);
      expect(json(reply)).toEqual({
        _id: '*',
        _rev: expect.any(String),
        domains: ['example.org'],
        protectedUserAttributes: [],
        cookieName: am().cookieName,
        secureCookie: false,
        cookieSameSite: null,
        forgotPassword: 'false',
        forgotUsername: 'false',
        kbaEnabled: 'false',
        selfRegistration: 'false',
        lang: 'en-US',
        successfulUserRegistrationDestination: 'default',
        socialImplementations: [],
        referralsEnabled: 'false',
        zeroPageLogin: { enabled: false, refererWhitelist: [], allowedWithoutReferer: true },
        realm: '/',
        xuiUserSessionValidationEnabled: true,
      });
      expect(reply.headers).toMatchObject({
        'content-type': jsonType,
        'content-api-version': 'resource=1.1',
        'cache-control': 'no-cache',
        etag: expect.stringMatching(/^"-?\d+"$/),
      });
    });

    test('in protocol 1 has no name and no revision', async () => {
      const body = json(await serverinfo('*', 'resource=1.1, protocol=1.0'));
      expect(body).toMatchObject({ cookieName: am().cookieName, domains: ['example.org'] });
      expect(body).not.toHaveProperty('_id');
      expect(body).not.toHaveProperty('_rev');
    });

    test('tells the realm of the path', async () => {
      expect(json(await ask(am(), `${restPath('/alpha')}/serverinfo/*`))).toMatchObject({ realm: '/alpha' });
    });

    test('tells the fields that are asked for', async () => {
      expect(json(await serverinfo('*?_fields=cookieName,domains,nothing'))).toEqual({
        _id: '*',
        _rev: expect.any(String),
        cookieName: am().cookieName,
        domains: ['example.org'],
      });
    });

    test('has the domains alone too', async () => {
      expect(json(await serverinfo('cookieDomains'))).toEqual({
        _id: 'cookieDomains',
        _rev: expect.any(String),
        domains: ['example.org'],
      });
    });

    test('asks no session, and bears a dead one', async () => {
      expect((await serverinfo('*', 'resource=1.1', { [am().cookieName]: 'dead' })).status).toBe(200);
    });

    test('at another version is 404, another name is 501', async () => {
      expect(seen(await serverinfo('*', 'resource=2.0'))).toMatchObject([
        404,
        { message: 'Resource &#39;*&#39; not found' },
      ]);
      expect(seen(await serverinfo('nothing'))).toMatchObject([501, { message: 'ResourceId not supported: nothing' }]);
    });

    test('takes GET alone: 401 of nobody, 501 of a user', async () => {
      expect(seen(await ask(am(), '/json/serverinfo/*', { method: 'DELETE' }))).toEqual([401, accessDenied]);
      const headers = { [am().cookieName]: await login(am()) };
      expect(seen(await ask(am(), '/json/serverinfo/*', { method: 'DELETE', headers }))).toMatchObject([
        501,
        { message: 'Operation is not supported.' },
      ]);
    });
  });

  test('isAlive.jsp is a page that says ALIVE', async () => {
    const reply = await ask(am(), '/isAlive.jsp');
    expect(reply.status).toBe(200);
    expect(reply.text).toContain('Server is ALIVE');
  });

  test('there is no health endpoint, and elsewhere there is the container’s page', async () => {
    expect((await ask(am(), '/json/health/live')).status).toBe(404);
    const nothing = await ask(am(), '/nothing');
    expect(nothing.status).toBe(404);
    expect(nothing.headers['content-type']).toMatch(/^text\/html/);
  });
}
