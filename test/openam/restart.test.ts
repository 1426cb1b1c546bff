// A real OpenAM is stopped and started again under users who work. It runs after all other suites.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { act, login, logOutAll } from '../conformance/target.js';
import { fetchHeaders } from '../support/http.js';
import { eventually } from '../support/stack.js';
import { startProxied, type Proxied } from './proxied.js';
import { realOpenAm, setMaxIdle } from './real-openam.js';

const control = process.env['OPENAM_CONTROL'];
const reason = 'only npm run test:openam, without OPENAM_URL, may stop and start OpenAM';
if (control === undefined) console.warn(`skipped: AM stopped and started again: ${reason}`);

const am = realOpenAm();

describe.skipIf(control === undefined)('AM stopped and started again', { timeout: 180_000 }, () => {
  let proxied: Proxied;
  let working: string;
  let leaving: string;

  const order = async (what: 'stop' | 'start'): Promise<void> => {
    const answer = await fetch(`${control}/${what}`, { method: 'POST' });
    if (answer.status !== 204) throw new Error(`${what}: ${await answer.text()}`);
  };
  const work = (token: string) => proxied.as(token, '/api/work', { headers: fetchHeaders });

  beforeAll(async () => {
    // asked again soon, so that the answers show what AM says
    proxied = await startProxied(am, { AM_UPDATE_FREQUENCY_S: '2', SESSION_TRUST_S: '2', AM_TIMEOUT_MS: '2000' });
    // a start may take longer than a minute
    await setMaxIdle(am, 10);
    working = await login(am);
    leaving = await login(am);
    for (const token of [working, leaving]) expect((await work(token)).status).toBe(200);
    await order('stop');
  }, 60_000);
  afterAll(async () => {
    await proxied.close();
    await logOutAll(am);
    await setMaxIdle(am);
  });

  test('while it is away users who are known work on, strangers get 503, and the node stays ready', async () => {
    await eventually(async () => {
      expect((await work(working)).status).toBe(200);
      return (await proxied.as(working, '/readyz')).body.includes('away');
    }, 20_000);
    expect((await work(working)).status).toBe(200);
    const stranger = await work('AQIC-never-seen');
    expect([stranger.status, stranger.json()['code']]).toEqual([503, 'am_unavailable']);
    expect(stranger.setCookies).toEqual([]);
    expect((await proxied.as(working, '/readyz')).status).toBe(200);
  });

  test('a logout meanwhile is pending, and ends the session here', async () => {
    const answer = await proxied.as(leaving, '/logout', { method: 'POST', headers: fetchHeaders });
    expect([answer.status, answer.json()['am']]).toEqual([202, 'pending']);
    expect((await work(leaving)).status).toBe(401);
  });

  test('when it is back AM learns of both: the one session lives on, the other has ended', async () => {
    expect((await work(working)).status).toBe(200);
    const workedAtS = Date.now() / 1000;
    await order('start');
    // nobody does anything more: AM is told of what was done while it was away
    await eventually(async () => !(await proxied.as(working, '/readyz')).body.includes('away'), 60_000);
    await eventually(async () => (await am.latestAccess(working)) >= Math.floor(workedAtS), 60_000);
    await eventually(async () => (await act(am, 'getSessionInfo', leaving)).status === 401, 60_000);
    expect((await work(working)).status).toBe(200);
    expect((await act(am, 'getSessionInfo', working)).status).toBe(200);
    expect((await work(await login(am))).status).toBe(200);
  });
});
