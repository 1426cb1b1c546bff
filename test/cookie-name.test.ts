// The SSO cookie's name: asked from AM, unless it is configured; nothing passes before it is known.

import http from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../src/clock.js';
import { sessionProxy } from '../src/index.js';
import { createAmSimulator, type AmSimulator } from '../src/simulator/index.js';
import { request } from './support/http.js';
import { onEveryMount } from './support/mounted.js';
import { recordingLogger } from './support/log.js';
import { eventually } from './support/stack.js';
import { startUpstream, type Upstream } from './support/upstream.js';

onEveryMount('the cookie name that AM tells', { simulator: { cookieName: 'f3a9c0ffee12345' } }, (stack) => {
  it('is the one that is read, sent to AM and kept from the API', async () => {
    const token = stack().am.login();
    const answer = await stack().request('/api/x', { headers: { cookie: `f3a9c0ffee12345=${token}; own=1` } });
    expect(answer.status).toBe(200);
    expect(stack().upstream.seen.at(-1)?.headers.cookie).toBe('own=1');
  });

  it('is the one that a logout clears', async () => {
    const answer = await stack().as(stack().am.login(), '/logout', { method: 'POST' });
    expect(answer.setCookies.some((line) => line.startsWith('f3a9c0ffee12345=;'))).toBe(true);
  });
});

onEveryMount('a cookie name that is configured', { proxy: { am: { cookieName: 'sso' } } }, (stack) => {
  it('is used whatever AM says, which then does not know the header', async () => {
    const answer = await stack().request('/api/x', { headers: { cookie: `sso=${stack().am.login()}` } });
    expect(answer.json()['code']).toBe('session_expired');
  });
});

/** A clock whose far timers can be made to go off: ten minutes pass at once. */
function impatientClock(): Clock & { tenMinutesPass(): void } {
  const far: (() => void)[] = [];
  let passed = 0;
  return {
    now: () => performance.now() + passed,
    wall: () => Date.now() + passed,
    setTimer(callback, ms) {
      if (ms < 300_000) return setTimeout(callback, ms).unref();
      far.push(callback);
      return {};
    },
    clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
    tenMinutesPass() {
      passed += 600_000;
      far.splice(0).forEach((callback) => callback());
    },
  };
}

describe('before AM has told the cookie name, and after it has changed', () => {
  const closers: (() => Promise<unknown> | void)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  async function start(amIsThere: boolean) {
    const am: AmSimulator = await createAmSimulator();
    const upstream: Upstream = await startUpstream();
    if (!amIsThere) await am.stop();
    const clock = impatientClock();
    const log: string[] = [];
    const bff = sessionProxy({
      am: { url: am.url },
      routes: [{ path: '/api', target: upstream.url }],
      publicRoutes: [{ path: '/public', target: upstream.url }],
      logger: recordingLogger(log),
      clock,
    });
    const server = http.createServer(bff.wrap((_req, res) => res.end('the app')));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(
      () => am.close(),
      () => upstream.close(),
      () => bff.close(),
      () => server.close().closeAllConnections(),
    );
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const send = (path: string, cookie?: string, method = 'GET') =>
      request(url, path, { method, headers: cookie === undefined ? {} : { cookie } });
    return { am, upstream, clock, log, send };
  }

  it('requests with and without cookies get 503 with Retry-After, and the app goes on', async () => {
    const { send, upstream } = await start(false);
    for (const [path, method] of [
      ['/api/x', 'GET'],
      ['/session', 'GET'],
      ['/session/refresh', 'POST'],
      ['/logout', 'POST'],
    ] as const) {
      const answer = await send(path, 'iPlanetDirectoryPro=AQIC5x*', method);
      expect(answer.status).toBe(503);
      expect(answer.json()['code']).toBe('am_unavailable');
      expect(answer.headers['retry-after']).toBe('1');
      expect(answer.setCookies).toEqual([]);
    }
    expect((await send('/page')).body).toBe('the app');
    expect(upstream.seen).toEqual([]);
  });

  it('no cookie at all reaches a public route: any of them may be the token', async () => {
    const { send, upstream } = await start(false);
    expect((await send('/public/x', 'iPlanetDirectoryPro=AQIC5x*')).status).toBe(503);
    expect(upstream.seen).toEqual([]);
    expect((await send('/public/x')).status).toBe(200);
  });

  it('requests pass by themselves once AM is there', async () => {
    const { send, am } = await start(false);
    const token = am.login();
    expect((await send('/readyz')).json()).toMatchObject({ status: 'starting', am: 'away' });
    await am.start();
    await eventually(async () => (await send('/api/x', `iPlanetDirectoryPro=${token}`)).status === 200);
    expect((await send('/readyz')).json()).toMatchObject({ status: 'ready', am: 'up' });
  });

  it('the new name is taken over within ten minutes, and the old cookie still does not reach the API', async () => {
    const { send, am, upstream, clock, log } = await start(true);
    const token = am.login();
    await eventually(async () => (await send('/api/x', `iPlanetDirectoryPro=${token}`)).status === 200);
    am.renameCookie('newName');
    clock.tenMinutesPass();
    await eventually(async () => (await send('/api/x', `newName=${token}`)).status === 200);

    await send('/api/x', `iPlanetDirectoryPro=old; newName=${token}; own=1`);
    expect(upstream.seen.at(-1)?.headers.cookie).toBe('own=1');
    expect(upstream.seen.at(-1)?.headers).not.toHaveProperty('newname');
    expect((await send('/api/x', `iPlanetDirectoryPro=${token}`)).json()['code']).toBe('session_missing');
    const { setCookies } = await send('/logout', `newName=${token}`, 'POST');
    for (const name of ['newName', 'iPlanetDirectoryPro'])
      expect(setCookies.some((line) => line.startsWith(`${name}=;`))).toBe(true);
    expect(log.filter((line) => line.includes('another SSO cookie name'))).toHaveLength(1);
  });
});
