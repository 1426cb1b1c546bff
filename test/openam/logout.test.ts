// Logging out through the proxy ends the session at a real OpenAM.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { act, login, logOutAll } from '../conformance/target.js';
import { fetchHeaders } from '../support/http.js';
import { startProxied, type Proxied } from './proxied.js';
import { realOpenAm } from './real-openam.js';

const am = realOpenAm();
let proxied: Proxied;

beforeAll(async () => {
  proxied = await startProxied(am, { COOKIE_DOMAINS: 'example.org' });
});
afterAll(async () => {
  await proxied.close();
  await logOutAll(am);
});

const logout = (token: string) => proxied.as(token, '/logout', { method: 'POST', headers: fetchHeaders });
const atAm = async (token: string): Promise<number> => (await act(am, 'getSessionInfo', token)).status;

test('a logout ends the session here and at AM, and clears the cookie with and without the domain', async () => {
  const token = await login(am);
  expect((await proxied.as(token, '/api/work')).status).toBe(200);
  const answer = await logout(token);
  expect(answer.status).toBe(200);
  expect(answer.json()).toEqual({ result: 'Successfully logged out', am: 'ended' });
  const cleared = answer.setCookies.filter((line) => line.startsWith(`${am.cookieName}=`));
  expect(cleared.some((line) => /Domain=example\.org/i.test(line))).toBe(true);
  expect(cleared.some((line) => !/Domain=/i.test(line))).toBe(true);
  expect(await atAm(token)).toBe(401);
  const after = await proxied.as(token, '/api/work', { headers: fetchHeaders });
  expect([after.status, after.json()['code']]).toEqual([401, 'session_ended']);
});

test('a second logout is as good as the first', async () => {
  const token = await login(am);
  await logout(token);
  const again = await logout(token);
  expect([again.status, again.json()['am']]).toEqual([200, 'already-ended']);
});

test('a logout of a session that ended at AM before finds it ended', async () => {
  const token = await login(am);
  await proxied.as(token, '/api/work');
  await act(am, 'logout', token);
  const answer = await logout(token);
  expect([answer.status, answer.json()['am']]).toEqual([200, 'already-ended']);
});

test('a logout of a session that the proxy never met ends it at AM', async () => {
  const token = await login(am);
  expect((await logout(token)).json()).toMatchObject({ am: 'ended' });
  expect(proxied.relay.about(token).map(({ action }) => action)).toEqual(['logout']);
  expect(await atAm(token)).toBe(401);
});

test('a logout of another realm’s session ends it: it is the user’s own', async () => {
  const token = await login(am, '/alpha');
  expect((await proxied.as(token, '/api/work')).status).toBe(403);
  expect((await logout(token)).json()).toMatchObject({ am: 'ended' });
  expect(await atAm(token)).toBe(401);
});

test('a logout of a made-up token finds it ended; of a damaged one it is pending, and the cookies go', async () => {
  expect((await logout('made-up')).json()).toMatchObject({ am: 'already-ended' });
  const damaged = (await login(am)).replace('AAJTSQ', 'AAJTSR');
  const answer = await logout(damaged);
  expect([answer.status, answer.json()['am']]).toEqual([202, 'pending']);
  expect(answer.setCookies.some((line) => line.startsWith(`${am.cookieName}=`))).toBe(true);
});

test('a request in flight with the logout does not revive the session', async () => {
  const token = await login(am);
  await proxied.as(token, '/api/work');
  const [answer] = await Promise.all([
    logout(token),
    ...Array.from({ length: 20 }, () => proxied.as(token, '/api/work')),
  ]);
  expect(answer.status).toBe(200);
  expect((await proxied.as(token, '/api/work', { headers: fetchHeaders })).status).toBe(401);
  expect(await atAm(token)).toBe(401);
});

test('with the wrong flavour a logout is an honest 502: ended here, told to nobody', async () => {
  const wrong = await startProxied(am, { AM_FLAVOR: 'ping' });
  const token = await login(am);
  const answer = await wrong.as(token, '/logout', { method: 'POST', headers: fetchHeaders });
  expect([answer.status, answer.json()['code']]).toEqual([502, 'am_refused']);
  expect(answer.setCookies.some((line) => line.startsWith(`${am.cookieName}=`))).toBe(true);
  expect((await wrong.as(token, '/api/work', { headers: fetchHeaders })).status).toBe(401);
  expect(await atAm(token)).toBe(200);
  await wrong.close();
});
