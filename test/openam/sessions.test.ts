// What reaches an API for a session of a real OpenAM, and which sessions do.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { json } from '../support/simulator-client.js';
import { pause } from '../support/stack.js';
import { act, authenticate, login, logOutAll } from '../conformance/target.js';
import { startProxied, type Proxied } from './proxied.js';
import { jurgen, realOpenAm } from './real-openam.js';

const am = realOpenAm();
let proxied: Proxied;

beforeAll(async () => {
  proxied = await startProxied(am);
});
afterAll(async () => {
  await proxied.close();
  await logOutAll(am);
});

test('the cookie’s name and its domains are asked of AM, under the name that it knows itself by', () => {
  expect(proxied.relay.calls[0]).toMatchObject({ action: '*', host: am.host, status: 200 });
});

test('a user who has logged in reaches the API, by name and without the token', async () => {
  const token = await login(am);
  const answer = await proxied.as(token, '/api/work', { headers: { cookie: `${am.cookieName}=${token}; theme=dark` } });
  expect(answer.status).toBe(200);
  const { headers } = answer.json() as { headers: Record<string, string> };
  expect(headers).toMatchObject({ 'x-forwarded-user': 'demo', 'x-forwarded-realm': '/', cookie: 'theme=dark' });
  expect(answer.body).not.toContain(token);
});

test('a burst of requests costs AM one call', async () => {
  const token = await login(am);
  const answers = await Promise.all(Array.from({ length: 50 }, () => proxied.as(token, '/api/work')));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(proxied.relay.about(token)).toHaveLength(1);
});

test('a name that is not ASCII reaches the API percent-encoded, and the page as it is', async () => {
  const name = `=?UTF-8?B?${Buffer.from(jurgen.name).toString('base64')}?=`;
  const reply = await authenticate(am, { 'X-OpenAM-Username': name, 'X-OpenAM-Password': jurgen.password });
  const { tokenId } = json<{ tokenId: string }>(reply);
  const { headers } = (await proxied.as(tokenId, '/api/work')).json() as { headers: Record<string, string> };
  expect(headers['x-forwarded-user']).toBe('j%C3%BCrgen');
  expect((await proxied.as(tokenId, '/session')).json()).toMatchObject({ username: jurgen.name });
});

test('a token that AM does not know is 401', async () => {
  const answer = await proxied.as('made-up', '/api/work');
  expect(answer.status).toBe(401);
  expect(answer.json()).toMatchObject({ code: 'session_expired' });
});

test('a session that was ended elsewhere is 401 when AM is asked again', async () => {
  const other = await startProxied(am, { AM_UPDATE_FREQUENCY_S: '2', SESSION_TRUST_S: '2' });
  const token = await login(am);
  expect((await other.as(token, '/api/work')).status).toBe(200);
  await act(am, 'logout', token);
  // within the window and trust AM is not asked
  expect((await other.as(token, '/api/work')).status).toBe(200);
  await pause(3_500);
  const answer = await other.as(token, '/api/work');
  expect(answer.status).toBe(401);
  expect(answer.json()).toMatchObject({ code: 'session_expired' });
  expect(other.relay.about(token).map(({ status }) => status)).toEqual([200, 401]);
  await other.close();
});

test('a damaged token is 503 and says nothing about AM: its cookie stays, others go on', async () => {
  const token = await login(am);
  const damaged = await proxied.as(token.replace('AAJTSQ', 'AAJTSR'), '/session');
  expect(damaged.status).toBe(503);
  expect(damaged.setCookies).toEqual([]);
  expect((await proxied.as(token, '/api/work')).status).toBe(200);
  expect((await proxied.as(token, '/readyz')).body).not.toContain('away');
});

describe('realms', () => {
  test('a session of another realm is 403, is not kept alive, and keeps its cookie', async () => {
    const token = await login(am, '/alpha');
    const answer = await proxied.as(token, '/api/work');
    expect(answer.status).toBe(403);
    expect(answer.json()).toMatchObject({ code: 'session_wrong_realm', loginUrl: expect.any(String) });
    expect(answer.setCookies).toEqual([]);
    await proxied.as(token, '/api/work');
    expect(proxied.relay.about(token)).toHaveLength(1);
    expect(proxied.log()).toContain('/alpha');
    expect((await act(am, 'getSessionInfo', token)).status).toBe(200);
  });

  test('SESSION_REALMS lets it through, whatever the realm of the calls', async () => {
    const other = await startProxied(am, { SESSION_REALMS: '/Alpha' });
    const { headers } = (await other.as(await login(am, '/alpha'), '/api/work')).json() as {
      headers: Record<string, string>;
    };
    expect(headers['x-forwarded-realm']).toBe('/alpha');
    expect((await other.as(await login(am), '/api/work')).status).toBe(403);
    await other.close();
  });

  test('AM_REALM with a realm that AM has works', async () => {
    const other = await startProxied(am, { AM_REALM: '/bravo' });
    expect((await other.as(await login(am, '/bravo'), '/api/work')).status).toBe(200);
    await other.close();
  });
});

describe('a wrong setting is a 502 that leaves the cookie alone, and a line in the log that says what to set', () => {
  test.each([
    ['AM_REALM', { AM_REALM: '/nowhere' }, /check AM_URL .*AM_REALM/],
    ['AM_FLAVOR', { AM_FLAVOR: 'ping' }, /set AM_FLAVOR \(am\.flavor\) to openam/],
    [
      'AM_PUBLIC_URL',
      { AM_PUBLIC_URL: 'http://other.example.com/openam', AM_COOKIE_NAME: am.cookieName },
      /set AM_PUBLIC_URL/,
    ],
  ])('%s', async (_name, env, line) => {
    const other = await startProxied(am, env);
    const token = await login(am);
    const answer = await other.as(token, '/api/work');
    expect(answer.status).toBe(502);
    expect(answer.json()).toMatchObject({ code: 'am_refused' });
    expect(answer.setCookies).toEqual([]);
    expect(other.log()).toMatch(line);
    expect((await act(am, 'getSessionInfo', token)).status).toBe(200);
    await other.close();
  });
});
