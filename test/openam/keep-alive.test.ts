// How long a session lives at a real OpenAM: as long as its user works, and no longer.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { act, login, logOutAll } from '../conformance/target.js';
import { fetchHeaders, navigationHeaders } from '../support/http.js';
import { pause } from '../support/stack.js';
import { frequencyS, startProxied, type Proxied } from './proxied.js';
import { realOpenAm } from './real-openam.js';

const am = realOpenAm();
const background = { 'x-session-activity': 'background' };
const windowS = frequencyS + 1;
let proxied: Proxied;

beforeAll(async () => {
  proxied = await startProxied(am);
});
afterAll(async () => {
  await proxied.close();
  await logOutAll(am);
});

const since = (startedAt: number): number => (performance.now() - startedAt) / 1000;

describe('a session of a minute', { concurrent: true, timeout: 240_000 }, () => {
  test('lives beyond its idle time by activity alone, with one call of AM a window', async () => {
    const token = await login(am);
    const startedAt = performance.now();
    while (since(startedAt) < am.maxIdleS + 20) {
      expect((await proxied.as(token, '/api/work', { headers: fetchHeaders })).status).toBe(200);
      await pause(2_500);
    }
    const calls = proxied.relay.about(token);
    expect(calls.map(({ action, status }) => `${action} ${status}`)).toEqual(calls.map(() => 'getSessionInfo 200'));
    expect(calls.length).toBeLessThanOrEqual(Math.ceil(since(startedAt) / windowS) + 1);
    expect(calls.length).toBeGreaterThan(5);
    expect((await act(am, 'getSessionInfo', token)).status).toBe(200);
  });

  test('ends without activity: 401 for a fetch, the login page and a cleared cookie for a navigation', async () => {
    const token = await login(am);
    expect((await proxied.as(token, '/api/work')).status).toBe(200);
    await pause((am.maxIdleS + 4) * 1000);
    const fetched = await proxied.as(token, '/api/work', { headers: fetchHeaders });
    expect(fetched.status).toBe(401);
    expect(fetched.json()).toMatchObject({ code: 'session_expired' });
    expect(fetched.setCookies).toEqual([]);
    const navigated = await proxied.as(token, '/api/page', { headers: navigationHeaders });
    expect(navigated.status).toBe(302);
    expect(navigated.headers.location).toMatch(`${am.publicUrl}/XUI/?realm=%2F`);
    expect(navigated.setCookies.join('\n')).toContain(`${am.cookieName}=;`);
    expect((await act(am, 'getSessionInfo', token)).status).toBe(401);
  });

  test('ends with nothing but a poller, which is told so', async () => {
    const token = await login(am);
    expect((await proxied.as(token, '/api/work')).status).toBe(200);
    const startedAt = performance.now();
    let polls = 0;
    while ((await proxied.as(token, '/api/news', { headers: background })).status === 200) {
      polls += 1;
      expect(since(startedAt)).toBeLessThan(am.maxIdleS + 15);
      await pause(1_000);
    }
    expect(since(startedAt)).toBeGreaterThan(am.maxIdleS - 2);
    expect(polls).toBeGreaterThan(am.maxIdleS / 2);
    // once when it was met, once when it was over
    expect(proxied.relay.about(token).map(({ status }) => status)).toEqual([200, 401]);
    expect((await act(am, 'getSessionInfo', token)).status).toBe(401);
  });

  test('met by a poller first, ends all the same', async () => {
    const token = await login(am);
    const startedAt = performance.now();
    while ((await proxied.as(token, '/api/news', { headers: background })).status === 200) {
      expect(since(startedAt)).toBeLessThan(am.maxIdleS + 15);
      await pause(3_000);
    }
    expect(proxied.relay.about(token).map(({ status }) => status)).toEqual([200, 401]);
  });

  test('is told of the user’s last activity when the window ends', async () => {
    const token = await login(am);
    await proxied.as(token, '/api/work');
    await pause(3_000);
    await proxied.as(token, '/api/work');
    const lastActivityS = Date.now() / 1000;
    await pause((windowS + 3) * 1000);
    expect(await am.latestAccess(token)).toBeGreaterThan(lastActivityS);
    expect(proxied.relay.about(token)).toHaveLength(2);
  });

  test('GET /session tells how long, and makes it no longer', async () => {
    const token = await login(am);
    await proxied.as(token, '/api/work');
    const met = await am.latestAccess(token);
    await pause(5_000);
    const told = (await proxied.as(token, '/session')).json();
    expect(told).toMatchObject({ authenticated: true, username: 'demo', realm: '/' });
    expect(told['idleExpiresIn']).toBeGreaterThan(am.maxIdleS - 12);
    expect(told['idleExpiresIn']).toBeLessThan(am.maxIdleS - 3);
    expect(told['sessionExpiresIn']).toBeGreaterThan(am.maxSessionS - 60);
    expect(await am.latestAccess(token)).toBe(met);
  });
});
