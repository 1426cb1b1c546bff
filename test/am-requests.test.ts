// What AM gets from us, byte for byte.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAmClient, type AmClient } from '../src/am/client.js';
import { createHttpTransport } from '../src/am/transport.js';
import { systemClock } from '../src/clock.js';
import { parseConfig } from '../src/config.js';
import { credentialOf } from '../src/token.js';
import { startClient, type TestClient } from './support/am-client.js';
import { aliveAnswer, httpAnswer, startRawServer, type RawServer } from './support/raw-server.js';

let am: RawServer;
let client: TestClient | undefined;

beforeEach(async () => {
  am = await startRawServer(({ socket }) => socket.write(aliveAnswer));
});

afterEach(async () => {
  client?.close();
  await am.close();
});

const token = 'AQIC5w-token.*AAJTSQ*';
const credential = credentialOf(token, undefined);

function headOf(index = 0): string {
  return am.requests[index]?.head ?? '';
}

type Call = 'refresh' | 'peek' | 'logout';

describe.each([
  ['ping', 'refresh', 'sessions?_action=refresh', 'resource=4.0'],
  ['ping', 'peek', 'sessions?_action=getSessionInfo', 'resource=4.0'],
  ['ping', 'logout', 'sessions/?_action=logout', 'resource=3.1, protocol=1.0'],
  ['openam', 'refresh', 'sessions?_action=getSessionInfo', 'resource=2.0'],
  ['openam', 'peek', 'sessions?_action=getSessionInfo', 'resource=2.0'],
  ['openam', 'logout', 'sessions/?_action=logout', 'resource=2.0, protocol=1.0'],
] as const satisfies readonly (readonly ['ping' | 'openam', Call, string, string])[])(
  'flavour %s, %s',
  (flavor, call, target, version) => {
    test(`is POST ${target} at ${version}, with these headers and no others`, async () => {
      client = startClient(am.url, { flavor });
      await client[call](credential);
      expect(headOf().split('\r\n')).toEqual([
        `POST /am/json/realms/root/${target} HTTP/1.1`,
        `host: 127.0.0.1:${am.port}`,
        'content-type: application/json',
        'x-requested-with: XMLHttpRequest',
        `iPlanetDirectoryPro: ${token}`,
        `accept-api-version: ${version}`,
        'content-length: 0',
        'Connection: keep-alive',
      ]);
    });
  },
);

test.each([
  ['/', '/json/realms/root/sessions'],
  ['/alpha', '/json/realms/root/realms/alpha/sessions'],
  ['alpha', '/json/realms/root/realms/alpha/sessions'],
  ['/a/b', '/json/realms/root/realms/a/realms/b/sessions'],
  ['/realms/root/realms/alpha', '/json/realms/root/realms/alpha/sessions'],
  ['/two words', '/json/realms/root/realms/two%20words/sessions'],
  ['/Zürich', '/json/realms/root/realms/Z%C3%BCrich/sessions'],
  ['/a&b=c', '/json/realms/root/realms/a%26b%3Dc/sessions'],
  ['/a+b@c:d', '/json/realms/root/realms/a%2Bb%40c%3Ad/sessions'],
])('the realm %s is asked at %s', async (realm, path) => {
  client = startClient(am.url, { realm });
  await client.refresh(credential);
  await client.logout(credential);
  expect(am.requests.map(({ startLine }) => startLine)).toEqual([
    `POST /am${path}?_action=refresh HTTP/1.1`,
    `POST /am${path}/?_action=logout HTTP/1.1`,
  ]);
});

test('the token travels once, in the header named as the cookie', async () => {
  client = startClient(am.url, { cookieName: '__Host-sso.id' });
  await client.refresh(credential);
  expect(am.requests[0]?.headers.filter(([, value]) => value.includes(token))).toEqual([['__Host-sso.id', token]]);
  expect(headOf().split(token)).toHaveLength(2);
});

test('characters that AM puts into tokens arrive unchanged', async () => {
  client = startClient(am.url);
  const odd = 'AQIC/5w+M2==@AAJTSQ#%2A*eyJ0eXAiOiJKV1QifQ.*';
  await client.peek(credentialOf(odd, undefined));
  expect(am.requests[0]?.headers).toContainEqual(['iPlanetDirectoryPro', odd]);
});

test('amlbcookie is passed on, as the only cookie', async () => {
  client = startClient(am.url);
  await client.refresh(credentialOf(token, '01.node-2'));
  await client.refresh(credential);
  expect(am.requests.map(({ headers }) => headers.filter(([name]) => name.toLowerCase() === 'cookie'))).toEqual([
    [['cookie', 'amlbcookie=01.node-2']],
    [],
  ]);
});

test('Host is that of the public URL, without the default port', async () => {
  client = startClient(am.url, { publicUrl: 'https://sso.example.com:443/am' });
  await client.refresh(credential);
  await client.serverInfo();
  expect(am.requests.map(({ headers }) => headers[0])).toEqual([
    ['host', 'sso.example.com'],
    ['host', 'sso.example.com'],
  ]);
});

test('a port of the public URL stays in Host, and its path counts for nothing', async () => {
  client = startClient(am.url, { publicUrl: 'https://sso.example.com:8443/other' });
  await client.refresh(credential);
  expect(headOf()).toMatch(/^POST \/am\/json\/.*\r\nhost: sso\.example\.com:8443\r\n/);
});

test('server information is asked for with a literal * and without a token', async () => {
  client = startClient(am.url, { realm: '/alpha' });
  await client.serverInfo();
  expect(headOf().split('\r\n')).toEqual([
    'GET /am/json/serverinfo/* HTTP/1.1',
    `host: 127.0.0.1:${am.port}`,
    'content-type: application/json',
    'x-requested-with: XMLHttpRequest',
    'accept-api-version: resource=1.1',
    'Connection: keep-alive',
  ]);
});

test('an AM that lies at the root of its host, or deeper, is asked there', async () => {
  client = startClient(am.url.replace('/am', '/'));
  await client.serverInfo();
  client.close();
  client = startClient(am.url.replace('/am', '/sso/am/'));
  await client.serverInfo();
  expect(am.requests.map(({ startLine }) => startLine)).toEqual([
    'GET /json/serverinfo/* HTTP/1.1',
    'GET /sso/am/json/serverinfo/* HTTP/1.1',
  ]);
});

test('nothing that AM sets comes back in the next request', async () => {
  await am.close();
  const cookies = { 'Set-Cookie': 'route=abc; Path=/', ETag: '"1"' };
  am = await startRawServer(({ socket }) => socket.write(httpAnswer(200, '{}', cookies)));
  client = startClient(am.url);
  await client.refresh(credential);
  await client.refresh(credential);
  expect(am.requests[1]?.headers).toEqual(am.requests[0]?.headers);
});

describe('the name of the cookie', () => {
  function namedBy(cookieName: () => string | undefined): AmClient {
    const config = parseConfig({ am: { url: am.url } });
    const { send } = createHttpTransport(am.url);
    return createAmClient({ am: config.am, cookieName, transport: send, clock: systemClock });
  }

  test('is looked up for every call', async () => {
    let name = 'before';
    const named = namedBy(() => name);
    await named.refresh(credential);
    name = 'after';
    await named.refresh(credential);
    expect(am.requests.map(({ headers }) => headers.find(([, value]) => value === token)?.[0])).toEqual([
      'before',
      'after',
    ]);
  });

  test('is needed: without it the answer is unknown and AM is not called', async () => {
    const named = namedBy(() => undefined);
    for (const call of ['refresh', 'peek', 'logout'] as const)
      expect(await named[call](credential)).toMatchObject({ kind: 'unknown', cause: 'connect' });
    expect(am.requests).toHaveLength(0);
  });
});
