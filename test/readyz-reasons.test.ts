// /readyz says why: in stable words, and without anything that a stranger should not know.

import { describe, expect, it, test } from 'vitest';
import { unknown } from '../src/am/answers.js';
import { createPresence } from '../src/am/presence.js';
import { createHealth, type HealthOptions } from '../src/health.js';
import { sessionProxy } from '../src/index.js';
import { request } from './support/http.js';
import { recordingLogger } from './support/log.js';
import { onEveryMount } from './support/mounted.js';
import { httpAnswer, startRawServer } from './support/raw-server.js';
import { startServer } from './support/server.js';
import { eventually } from './support/stack.js';
import { createVirtualClock } from './support/virtual-clock.js';

const goOn = 'sessions that AM confirmed within AM_DOWN_GRACE_S (am.downGraceS) go on';
const refused = 'sessions are refused unless AM confirmed them within AM_DOWN_GRACE_S (am.downGraceS)';

type Store = ReturnType<NonNullable<HealthOptions['store']>>;

function setUp(options: { cookieName?: string | undefined; store?: Store } = { cookieName: 'sso' }) {
  const clock = createVirtualClock(0);
  const presence = createPresence({ log: recordingLogger([]), clock, flavor: 'ping', url: 'http://am.test/am' });
  const known = { answered: false, store: options.store, cookieName: options.cookieName };
  const health = createHealth({
    isComplete: () => known.answered && known.cookieName !== undefined,
    presence,
    cookieName: () => known.cookieName,
    clock,
    graceS: 300,
    store: () => known.store,
  });
  const answer = (): void => {
    known.answered = true;
    presence.answered('serverinfo');
  };
  return { clock, presence, health, known, answer };
}

describe('the reasons', () => {
  test('before AM was asked', () => {
    const { health } = setUp();
    expect(health.ready()).toEqual({
      status: 503,
      body: { status: 'starting', am: 'starting', reasons: ['AM has not given its server information yet'] },
    });
  });

  test('none when all is well', () => {
    const { health, answer } = setUp();
    answer();
    expect(health.ready()).toEqual({ status: 200, body: { status: 'ready', am: 'up', reasons: [] } });
  });

  test('an AM that has not answered since the start', () => {
    const { health, presence } = setUp();
    presence.failed(unknown('connect', 'ECONNREFUSED'), true);
    expect(health.ready()).toEqual({
      status: 503,
      body: { status: 'starting', am: 'away', reasons: ['AM has not answered since the start: ECONNREFUSED'] },
    });
  });

  test('an AM that is away: since when, by what, and what it means before and after the grace', async () => {
    const { health, presence, answer, clock } = setUp();
    answer();
    presence.failed(unknown('connect', 'ECONNREFUSED'), true);
    await clock.advance(42_000);
    presence.failed(unknown('timeout', 'timeout'), true);
    expect(health.ready()).toEqual({
      status: 200,
      body: {
        status: 'ready',
        am: 'away',
        reasons: [`AM has been away for 42 s: timeout; ${goOn}`],
      },
    });
    await clock.advance(258_000);
    expect(health.ready()).toMatchObject({
      status: 200,
      body: { reasons: [`AM has been away for 300 s: timeout; ${refused}`] },
    });
    answer();
    expect(health.ready()).toMatchObject({ status: 200, body: { am: 'up', reasons: [] } });
  });

  test.each([
    ['serverinfo', 'AM refuses the server information: HTTP 400; see the log'],
    ['refresh', 'AM refuses the refresh of sessions: HTTP 400; see the log'],
    ['peek', 'AM refuses questions about sessions: HTTP 400; see the log'],
    ['logout', 'AM refuses logouts: HTTP 400; see the log'],
  ])('an AM that refuses: %s, until it does not, or nobody has asked for ten minutes', async (action, reason) => {
    const { health, presence, answer, clock } = setUp();
    answer();
    const refuse = () => presence.refused(action, { kind: 'refused', status: 400 }, true);
    refuse();
    expect(health.ready()).toMatchObject({ status: 200, body: { am: 'up', reasons: [reason] } });
    presence.answered(action);
    expect(health.ready()).toMatchObject({ body: { reasons: [] } });
    refuse();
    await clock.advance(600_001);
    expect(health.ready()).toMatchObject({ body: { reasons: [] } });
  });

  test('an AM that refuses a token that somebody made up is none', () => {
    const { health, presence, answer } = setUp();
    answer();
    presence.refused('refresh', { kind: 'refused', status: 403 }, false);
    expect(health.ready()).toMatchObject({ body: { reasons: [] } });
  });

  test('an SSO cookie without a name', () => {
    const { health, presence } = setUp({ cookieName: undefined });
    presence.refused('serverinfo', { kind: 'refused', status: 400 }, true);
    expect(health.ready()).toEqual({
      status: 503,
      body: {
        status: 'starting',
        am: 'up',
        reasons: ['AM refuses the server information: HTTP 400; see the log', "the SSO cookie's name is not known"],
      },
    });
  });

  test('a store: not ready while it was never reached, ready while it is away', () => {
    const { health, answer, known } = setUp({ cookieName: 'sso', store: 'connecting' });
    answer();
    expect(health.ready()).toEqual({
      status: 503,
      body: { status: 'starting', am: 'up', redis: 'connecting', reasons: ['Redis has not been reached yet'] },
    });
    known.store = 'away';
    expect(health.ready()).toMatchObject({
      status: 200,
      body: { status: 'ready', redis: 'away', reasons: [expect.stringMatching(/^Redis is away: /)] },
    });
    known.store = 'up';
    expect(health.ready()).toEqual({ status: 200, body: { status: 'ready', am: 'up', redis: 'up', reasons: [] } });
  });

  test('a stop, beside what else there is', () => {
    const { health, presence, answer } = setUp();
    answer();
    presence.failed(unknown('connect', 'ECONNREFUSED'), true);
    health.stop();
    expect(health.ready()).toEqual({
      status: 503,
      body: {
        status: 'stopping',
        am: 'away',
        reasons: ['stopping', `AM has been away for 0 s: ECONNREFUSED; ${goOn}`],
      },
    });
    expect(health.live()).toEqual({ status: 200, body: { status: 'live' } });
  });

  test.each(['no route to am.internal.example', '10.0.0.7', 'connect ECONNREFUSED 10.0.0.7:443'])(
    'no name or address: %s',
    (detail) => {
      const { health, presence } = setUp();
      presence.failed(unknown('connect', detail), true);
      expect(health.ready()).toMatchObject({ body: { reasons: ['AM has not answered since the start: connect'] } });
    },
  );
});

onEveryMount('an outage of AM on /readyz', {}, (stack) => {
  it('is there with its cause, and gone with it', async () => {
    const known = stack().am.login();
    await stack().as(known, '/session');
    await stack().am.stop();
    await stack().as(stack().am.login(), '/api/x');
    const away = await stack().request('/readyz');
    expect(away.status).toBe(200);
    expect(away.headers['cache-control']).toBe('no-store');
    expect(away.json()['reasons']).toEqual([
      expect.stringMatching(/^AM has been away for \d+ s: ECONNREFUSED; sessions that AM confirmed within/),
    ]);
    await stack().am.start();
    await stack().as(stack().am.login(), '/api/x');
    await eventually(async () => (await stack().request('/readyz')).json()['am'] === 'up');
    expect((await stack().request('/readyz')).json()['reasons']).toEqual([]);
  });
});

it('an AM that does not know its name by us is a reason not to be ready', async () => {
  const am = await startRawServer(({ socket }) => socket.end(httpAnswer(400, '{"code":400}')));
  const bff = sessionProxy({ am: { url: am.url }, logger: recordingLogger([]) });
  const server = await startServer(bff.wrap((_req, res) => res.end()));
  const ready = () => request(server.url, '/readyz');
  await eventually(async () => ((await ready()).json()['reasons'] as string[]).length === 2);
  const answer = await ready();
  expect(answer.status).toBe(503);
  expect(answer.json()).toEqual({
    status: 'starting',
    am: 'up',
    reasons: ['AM refuses the server information: HTTP 400; see the log', "the SSO cookie's name is not known"],
  });
  await bff.close();
  server.close();
  await am.close();
});
