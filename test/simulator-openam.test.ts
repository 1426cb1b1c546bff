// Flavour `openam`: every answer as measured on community OpenAM 16.0.5.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AmSimulator, createAmSimulator } from '../src/simulator/index.js';
import { act, call, json } from './support/simulator-client.js';

const ACCESS_DENIED = { code: 401, reason: 'Unauthorized', message: 'Access Denied' };
const FORBIDDEN = { code: 403, reason: 'Forbidden', message: 'Forbidden' };
const V2 = 'resource=2.0';

let am: AmSimulator;
let token: string;

beforeEach(async () => {
  am = await createAmSimulator({ flavor: 'openam' });
  token = am.login();
});
afterEach(() => am.close());

const idleS = (): number | undefined => am.sessions[0]?.idleS;

test.each([V2, '', 'protocol=2.0,resource=2.0'])(
  'getSessionInfo with version "%s" is 200 and resets the idle time',
  async (version) => {
    am.advance(10);
    const reply = await act(am, 'getSessionInfo', token, { version });
    expect(reply.status).toBe(200);
    expect(reply.headers['content-api-version']).toBe('resource=2.0');
    expect(reply.headers['warning']).toBeUndefined();
    expect(json(reply)).toEqual({
      username: 'demo',
      universalId: 'id=demo,ou=user,dc=openam,dc=example,dc=org',
      realm: '/',
      sessionHandle: expect.stringMatching(/^shandle:AQIC/),
      latestAccessTime: expect.any(String),
      maxIdleExpirationTime: expect.any(String),
      maxSessionExpirationTime: expect.any(String),
    });
    expect(idleS()).toBe(0);
    expect(am.journal.at(-1)).toMatchObject({ outcome: 'alive', reset: true });
  },
);

test.each([V2, '', 'resource=4.0', 'resource=9.9'])(
  'refresh with version "%s" is 403 and yet resets the idle time',
  async (version) => {
    am.advance(10);
    const reply = await act(am, 'refresh', token, { version });
    expect(reply.status).toBe(403);
    expect(json(reply)).toEqual(FORBIDDEN);
    expect(reply.headers['content-api-version']).toBeUndefined();
    expect(idleS()).toBe(0);
  },
);

test.each(['getSessionInfoAndResetIdleTime', 'nonsense'])('%s is 403, whatever the version', async (action) => {
  expect((await act(am, action, token)).status).toBe(403);
});

test.each([
  ['resource=1.0', 501, 'Action getSessionInfo not implemented for this resource'],
  ['resource=2.1', 404, 'Resource &#39;&#39; not found'],
  ['resource=3.1', 404, 'Resource &#39;&#39; not found'],
  ['resource=4.0', 404, 'Resource &#39;&#39; not found'],
])('getSessionInfo at %s is %i', async (version, status, message) => {
  const reply = await act(am, 'getSessionInfo', token, { version });
  expect(reply.status).toBe(status);
  expect(json(reply)).toMatchObject({ code: status, message });
});

test('logout at 3.1 is 404 and the session lives on', async () => {
  expect((await act(am, 'logout', token, { version: 'resource=3.1, protocol=1.0' })).status).toBe(404);
  expect(am.sessions).toHaveLength(1);
});

test.each(['resource=1.2', V2])('logout at %s ends the session and sets no cookie', async (version) => {
  const reply = await act(am, 'logout', token, { version });
  expect(reply.status).toBe(200);
  expect(json(reply)).toEqual({ result: 'Successfully logged out' });
  expect(reply.headers['set-cookie']).toBeUndefined();
  const again = await act(am, 'logout', token, { version });
  expect(again.status).toBe(401);
  expect(json(again)).toEqual(ACCESS_DENIED);
});

describe('validate', () => {
  test('exists at 1.x alone', async () => {
    expect(json(await act(am, 'validate', token, { version: 'resource=1.2' }))).toEqual({
      valid: true,
      uid: 'demo',
      realm: '/',
    });
    expect((await act(am, 'validate', token, { version: V2 })).status).toBe(501);
    expect((await act(am, 'validate', token, { version: '' })).status).toBe(501);
    expect((await act(am, 'validate', undefined)).status).toBe(404);
  });

  test('says valid: false with a 200 for a dead token, and 400 without one', async () => {
    am.killSessions();
    const dead = await act(am, 'validate', token, { version: 'resource=1.0' });
    expect([dead.status, json(dead)]).toEqual([200, { valid: false }]);
    const none = await act(am, 'validate', undefined, { version: 'resource=1.0' });
    expect(none.status).toBe(400);
    expect(json(none)).toMatchObject({ message: 'iPlanetDirectoryCookie not set on request' });
  });

  test('resets the idle time', async () => {
    am.advance(20);
    await act(am, 'validate', token, { version: 'resource=1.2' });
    expect(idleS()).toBe(0);
  });
});

test('a 401 says nothing about the rest of the request', async () => {
  for (const [action, version] of [
    ['refresh', V2],
    ['getSessionInfo', 'resource=9.0'],
    ['nonsense', V2],
    ['logout', 'resource=3.1'],
  ] as const) {
    const reply = await act(am, action, 'dead', { version });
    expect([reply.status, json(reply)]).toEqual([401, ACCESS_DENIED]);
  }
});

const askAbout = (bad: string, action = 'getSessionInfo', version = V2) => act(am, action, bad, { version });

describe('damaged tokens', () => {
  test.each(['getSessionInfo', 'refresh', 'logout'])(
    '%s: a tail that does not decode is 500 without body or type',
    async (action) => {
      for (const bad of [
        token.replace('AAJTSQ', 'AAJTSR'),
        `${token.slice(0, -5)}*`,
        'AQICxx*AAJTSQAC*',
        'AQICxx*AAJ!!*',
      ]) {
        const reply = await askAbout(bad, action);
        expect([reply.status, reply.text]).toEqual([500, '']);
        expect(reply.headers['content-type']).toBeUndefined();
      }
      expect(am.sessions).toHaveLength(1);
    },
  );

  test('a tail that names another server is 500', async () => {
    expect((await askAbout(token.replace('ACMDEAA', 'ACMDIAA'))).status).toBe(500);
  });

  test('validate cannot stomach them either', async () => {
    expect((await askAbout(token.replace('AAJTSQ', 'AAJTSR'), 'validate', 'resource=1.2')).status).toBe(500);
  });

  test('another head, another’s tail, or no end are just unknown: 401', async () => {
    const [head, tail] = token.split('*');
    const [, othersTail] = am.login().split('*');
    for (const bad of [
      `AQIC5wM3${head?.slice(8)}*${tail}*`,
      `${head}*${othersTail}*`,
      token.slice(0, -1),
      `${head}*`,
    ]) {
      expect((await askAbout(bad)).status).toBe(401);
    }
  });
});

const askWith = (cookie: string, header?: string) =>
  call(`${am.url}/json/sessions?_action=getSessionInfo`, {
    method: 'POST',
    headers: { Cookie: cookie, ...(header === undefined ? {} : { iPlanetDirectoryPro: header }) },
  });

const cookie = (value: string): string => `iPlanetDirectoryPro=${value}`;

describe('two tokens in one request', () => {
  test('a live cookie beside a dead header is 403, a dead cookie beside a live header 401', async () => {
    expect((await askWith(cookie(token), 'dead')).status).toBe(403);
    expect((await askWith(cookie('dead'), token)).status).toBe(401);
    expect((await askWith(cookie(token), token)).status).toBe(200);
  });

  test('of two cookies the first one counts', async () => {
    expect((await askWith(`${cookie('dead')}; ${cookie(token)}`)).status).toBe(401);
    expect((await askWith(`${cookie(token)}; ${cookie('dead')}`)).status).toBe(200);
  });

  test('quotes around a cookie are taken off, around a header they are not', async () => {
    expect((await askWith(cookie(`"${token}"`))).status).toBe(200);
    expect((await act(am, 'getSessionInfo', `"${token}"`, { version: V2 })).status).toBe(401);
  });

  test('a tokenId in the query is the target, and another’s is forbidden', async () => {
    const other = am.login();
    const url = `${am.url}/json/sessions?_action=getSessionInfo&tokenId=`;
    const headers = { iPlanetDirectoryPro: token };
    expect((await call(url + other, { method: 'POST', headers })).status).toBe(403);
    expect((await call(url + token, { method: 'POST', headers })).status).toBe(200);
  });
});

const post = (headers: Record<string, string>, body?: string, query = '?_action=getSessionInfo') =>
  call(`${am.url}/json/sessions${query}`, {
    method: 'POST',
    headers: { iPlanetDirectoryPro: token, ...headers },
    ...(body === undefined ? {} : { body }),
  });

describe('requests that are malformed', () => {
  test.each([
    ['no type, no body', {}, undefined, 200],
    ['a form', { 'Content-Type': 'application/x-www-form-urlencoded' }, 'a=b', 400],
    ['a body that is no JSON', { 'Content-Type': 'application/json' }, 'a=b', 400],
    ['If-Match', { 'If-Match': '*' }, undefined, 412],
    ['If-None-Match', { 'If-None-Match': '*' }, undefined, 412],
    ['If-Modified-Since', { 'If-Modified-Since': 'Sun, 22 Nov 2026 09:17:56 GMT' }, undefined, 409],
    ['protocol=9.0', { 'Accept-API-Version': 'resource=2.0, protocol=9.0' }, undefined, 400],
    ['Origin of another site', { Origin: 'http://evil.example' }, undefined, 200],
  ] as const)('%s', async (_name, headers, body, status) => {
    expect((await post(headers, body)).status).toBe(status);
  });

  test('no action is 400, also with a GET that names one', async () => {
    expect((await post({ 'Content-Type': 'application/json' }, '{}', '')).status).toBe(400);
    const get = await call(`${am.url}/json/sessions?_action=getSessionInfo`, {
      headers: { iPlanetDirectoryPro: token },
    });
    expect(get.status).toBe(400);
    expect(json(get)).toMatchObject({ message: 'Unrecognized request parameter &#39;_action&#39;' });
  });

  test('400, 500 and 501 end the connection, other errors do not', async () => {
    const keepAlive = { Connection: 'keep-alive' };
    expect((await act(am, 'validate', token, { version: V2, headers: keepAlive })).headers.connection).toBe('close');
    expect((await act(am, 'refresh', token, { version: V2, headers: keepAlive })).headers.connection).toBe(
      'keep-alive',
    );
  });

  test('a Host that AM does not know is 400', async () => {
    const picky = await createAmSimulator({ flavor: 'openam', hostNames: ['am.example.com'] });
    try {
      const ask = (Host: string) => call(`${picky.url}/json/serverinfo/*`, { headers: { Host } });
      expect((await ask('am.example.com:8080')).status).toBe(200);
      expect((await ask('other.example.com')).status).toBe(400);
    } finally {
      await picky.close();
    }
  });
});

test('serverinfo with the token along resets the idle time', async () => {
  am.advance(30);
  await call(`${am.url}/json/serverinfo/*`, { headers: { iPlanetDirectoryPro: token } });
  expect(idleS()).toBe(0);
});

test('there is no health endpoint', async () => {
  expect((await call(`${am.url}/json/health/live`)).status).toBe(404);
});
