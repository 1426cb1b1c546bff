// serverinfo and isAlive.jsp: what AM tells without a session.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AmSimulator, createAmSimulator } from '../src/simulator/index.js';
import { act, call, json } from './support/simulator-client.js';

let am: AmSimulator;
beforeEach(async () => {
  am = await createAmSimulator({ cookieName: 'f2c1a9e07b', cookieDomains: ['example.org'] });
});
afterEach(() => am.close());

const serverinfo = (suffix = '*', version = 'resource=1.1', method = 'GET') =>
  call(`${am.url}/json/serverinfo/${suffix}`, { method, headers: { 'Accept-API-Version': version } });

test.each(['resource=1.0', 'resource=1.1'])('at %s it names the cookie and its domains', async (version) => {
  const reply = await serverinfo('*', version);
  expect(reply.status).toBe(200);
  expect(reply.headers['content-api-version']).toBe('resource=1.1');
  expect(json(reply)).toMatchObject({
    cookieName: 'f2c1a9e07b',
    domains: ['example.org'],
    secureCookie: false,
    realm: '/',
  });
});

test('_fields picks', async () => {
  expect(json(await serverinfo('*?_fields=cookieName,domains,nothing'))).toEqual({
    _id: '*',
    _rev: expect.any(String),
    cookieName: 'f2c1a9e07b',
    domains: ['example.org'],
  });
});

test('cookieDomains has the domains alone', async () => {
  const body = json(await serverinfo('cookieDomains'));
  expect(body).toMatchObject({ _id: 'cookieDomains', domains: ['example.org'] });
  expect(body).not.toHaveProperty('cookieName');
});

test('other versions and ids are 404, other methods are refused', async () => {
  expect((await serverinfo('*', 'resource=2.0')).status).toBe(404);
  expect((await serverinfo('nothing')).status).toBe(404);
  expect((await serverinfo('*', 'resource=1.1', 'DELETE')).status).toBe(405);
});

test('a renamed cookie is told at once, and its old name is no token any more', async () => {
  const token = am.login();
  am.renameCookie('fresh');
  expect(am.cookieName).toBe('fresh');
  expect(json(await serverinfo('*?_fields=cookieName'))).toMatchObject({ cookieName: 'fresh' });
  expect((await act(am, 'refresh', undefined, { headers: { f2c1a9e07b: token } })).status).toBe(401);
  expect((await act(am, 'refresh', token)).status).toBe(200);
  expect(() => am.renameCookie('a b')).toThrow(TypeError);
});

test('isAlive.jsp is a page that says ALIVE', async () => {
  const reply = await call(`${am.url}/isAlive.jsp`);
  expect(reply.status).toBe(200);
  expect(reply.text).toContain('Server is ALIVE');
});
