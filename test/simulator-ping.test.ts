// Flavour `ping`: the answers of AM 7 and later, as documented.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AmSimulator, createAmSimulator } from '../src/simulator/index.js';
import { act, call, json } from './support/simulator-client.js';

const ACCESS_DENIED = { code: 401, reason: 'Unauthorized', message: 'Access Denied' };

let am: AmSimulator;
let token: string;

beforeEach(async () => {
  am = await createAmSimulator({ cookieDomains: ['example.com'] });
  token = am.login('demo', '/alpha');
});
afterEach(() => am.close());

test('a token looks like one of AM and fits in a cookie unquoted', () => {
  expect(token).toMatch(/^AQIC5wM2LY4Sfc[\w.-]+\*AAJTSQACMDEAAlNL[\w.-]+\*$/);
  expect(token.length).toBeGreaterThan(95);
  expect(token.length).toBeLessThan(120);
  expect(am.login()).not.toBe(token);
});

test('refresh answers uid, realm and the times in their mixed units', async () => {
  am.advance(61);
  const reply = await act(am, 'refresh', token, { path: '/json/realms/root/realms/alpha/sessions' });
  expect(reply.status).toBe(200);
  expect(reply.headers['content-type']).toBe('application/json;charset=UTF-8');
  expect(reply.headers['content-api-version']).toBe('resource=4.0');
  const { maxtime, ...rest } = json<Record<string, unknown>>(reply);
  expect(rest).toEqual({ uid: 'demo', realm: '/alpha', idletime: 0, maxidletime: 30, maxsessiontime: 120 });
  expect(maxtime).toBeGreaterThanOrEqual(120 * 60 - 62);
  expect(maxtime).toBeLessThanOrEqual(120 * 60 - 61);
});

test('getSessionInfo answers ISO times in whole seconds; properties at 4.0, the handle at 2.0', async () => {
  const info = json<Record<string, string>>(await act(am, 'getSessionInfo', token));
  expect(info).toMatchObject({ username: 'demo', realm: '/alpha', properties: { AMCtxId: expect.any(String) } });
  expect(info['universalId']).toBe('id=demo,ou=user,o=alpha,ou=services,ou=am-config');
  for (const name of ['latestAccessTime', 'maxIdleExpirationTime', 'maxSessionExpirationTime']) {
    expect(info[name]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  }
  const at = (name: string): number => Date.parse(info[name] ?? '');
  expect(at('maxIdleExpirationTime') - at('latestAccessTime')).toBe(30 * 60_000);

  const old = json<Record<string, string>>(await act(am, 'getSessionInfo', token, { version: 'resource=2.0' }));
  expect(old['sessionHandle']).toMatch(/^shandle:AQIC/);
  expect(old).not.toHaveProperty('properties');
  expect(old['sessionHandle']).not.toContain(token);
});

test('validate answers the session of a live token and 401 for a dead one', async () => {
  const alive = await act(am, 'validate', token);
  expect(json(alive)).toEqual({ valid: true, sessionUid: expect.any(String), uid: 'demo', realm: '/alpha' });
  am.killSessions();
  const dead = await act(am, 'validate', token);
  expect(dead.status).toBe(401);
  expect(json(dead)).toEqual(ACCESS_DENIED);
});

test('logout at 3.1 ends the session at once and clears both cookies as AM 7 does', async () => {
  const reply = await act(am, 'logout', token, { version: 'resource=3.1, protocol=1.0', path: '/json/sessions/' });
  expect(reply.status).toBe(200);
  expect(json(reply)).toEqual({ result: 'Successfully logged out' });
  expect(reply.headers['content-api-version']).toBe('resource=3.2');
  expect(reply.headers['set-cookie']).toEqual([
    'iPlanetDirectoryPro=""; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Domain=example.com; HttpOnly',
    'amlbcookie=LOGOUT; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Path=/; Domain=example.com',
  ]);
  const again = await act(am, 'logout', token, { version: 'resource=3.1' });
  expect(again.status).toBe(401);
  expect(json(again)).toEqual(ACCESS_DENIED);
  expect(again.headers['set-cookie']).toBeUndefined();
});

test('the headers of an answer are those captured from an AM 7, repeated lines and all', async () => {
  const { rawHeaders } = await act(am, 'logout', token, { version: 'resource=3.1' });
  const lines = (name: string): string[] => rawHeaders.filter((_value, i) => i % 2 === 1 && rawHeaders[i - 1] === name);
  expect(lines('Cache-Control')).toEqual(['private', 'no-cache, no-store, must-revalidate']);
  expect(lines('X-Content-Type-Options')).toEqual(['nosniff', 'nosniff']);
  expect(lines('X-Frame-Options')).toEqual(['SAMEORIGIN']);
  expect(lines('Expires')).toEqual(['0']);
  expect(lines('Pragma')).toEqual(['no-cache']);
});

describe('versions', () => {
  test.each(['refresh', 'getSessionInfo', 'logout', 'validate'])(
    '%s at an unknown one is 404 and empty',
    async (action) => {
      const reply = await act(am, action, token, { version: 'resource=9.0' });
      expect(reply.status).toBe(404);
      expect(reply.text).toBe('');
      expect(reply.headers['content-api-version']).toBeUndefined();
      expect(reply.headers['content-type']).toBeUndefined();
      expect(am.sessions).toHaveLength(1);
    },
  );

  test('a minor is answered by the next higher one of the same major', async () => {
    expect((await act(am, 'refresh', token, { version: 'protocol=1.0,resource=3.1' })).status).toBe(200);
    expect((await act(am, 'refresh', token, { version: 'resource=3.3' })).status).toBe(404);
  });

  test('an action that the version does not carry is 501', async () => {
    const reply = await act(am, 'refresh', token, { version: 'resource=1.0' });
    expect(reply.status).toBe(501);
    expect(json(reply)).toMatchObject({ code: 501, message: 'Action refresh not implemented for this resource' });
  });

  test('without a version the newest answers, with a warning', async () => {
    const reply = await act(am, 'getSessionInfo', token, { version: '' });
    expect(reply.status).toBe(200);
    expect(reply.headers['content-api-version']).toBe('resource=5.1');
    expect(reply.headers['warning']).toMatch(/^100 /);
  });

  test('a malformed version is 400 text without a type', async () => {
    const reply = await act(am, 'refresh', token, { version: 'resource=x' });
    expect(reply.status).toBe(400);
    expect(reply.text).toBe('Version string is in an invalid format: resource=x');
    expect(reply.headers['content-type']).toBeUndefined();
  });
});

const cookiePost = (headers: Record<string, string>) =>
  call(`${am.url}/json/sessions?_action=refresh`, { method: 'POST', headers });

describe('CSRF filter', () => {
  test('the token in a cookie alone is 403', async () => {
    const reply = await cookiePost({ Cookie: `iPlanetDirectoryPro=${token}` });
    expect(reply.status).toBe(403);
    expect(json(reply)).toMatchObject({ code: 403 });
  });

  test.each([{ 'X-Requested-With': 'x' }, { 'Accept-API-Version': 'resource=4.0' }])(
    '%o lets it pass',
    async (header) => {
      expect((await cookiePost({ Cookie: `iPlanetDirectoryPro=${token}`, ...header })).status).toBe(200);
    },
  );

  test('the token in the header needs nothing else', async () => {
    expect((await cookiePost({ iPlanetDirectoryPro: token })).status).toBe(200);
  });
});

test.each([
  ['no token', undefined],
  ['garbage', 'garbage'],
  ['LOGOUT', 'LOGOUT'],
  ['a damaged tail', 'AQIC5wM2LY4Sfcxyz.*AAJTSQAC*'],
  ['8,000 characters', 'x'.repeat(8000)],
])('%s is 401 and says so in JSON', async (_name, bad) => {
  for (const action of ['refresh', 'getSessionInfo', 'logout']) {
    const reply = await act(am, action, bad);
    expect(reply.status).toBe(401);
    expect(json(reply)).toEqual(ACCESS_DENIED);
  }
});

test('70,000 characters of token are the container’s 400 in HTML', async () => {
  const reply = await act(am, 'refresh', 'x'.repeat(70_000));
  expect(reply.status).toBe(400);
  expect(reply.headers['content-type']).toMatch(/^text\/html/);
});

test('the token in the body is refused for another’s session, and validate tells about it', async () => {
  const other = am.login('demo', '/bravo');
  const postAbout = (action: string, tokenId: string) =>
    call(`${am.url}/json/sessions?_action=${action}`, {
      method: 'POST',
      headers: { iPlanetDirectoryPro: token, 'Content-Type': 'application/json', 'Accept-API-Version': 'resource=4.0' },
      body: JSON.stringify({ tokenId }),
    });
  expect((await postAbout('logout', other)).status).toBe(403);
  expect(am.sessions).toHaveLength(2);
  expect((await postAbout('refresh', token)).status).toBe(200);
  expect(json(await postAbout('validate', other))).toMatchObject({ valid: true, realm: '/bravo' });
  expect(json(await postAbout('validate', 'dead'))).toEqual({ valid: false });
});

test('health answers 200 with nothing in it', async () => {
  for (const name of ['live', 'ready']) {
    const reply = await call(`${am.url}/json/health/${name}`);
    expect([reply.status, reply.text]).toEqual([200, '']);
  }
});

test('_prettyPrint changes white space only', async () => {
  const plain = await call(`${am.url}/json/serverinfo/*`);
  const pretty = await call(`${am.url}/json/serverinfo/*?_prettyPrint=true`);
  expect(pretty.text).toContain('\n');
  expect(json(pretty)).toEqual(json(plain));
});
