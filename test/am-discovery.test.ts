// AM is asked for its cookie's name until it answers, then every ten minutes, and while it is away until it is back.

import { describe, expect, test } from 'vitest';
import { unknown } from '../src/am/answers.js';
import { createDiscovery } from '../src/am/discovery.js';
import type { AmClient } from '../src/am/client.js';
import { flavors } from '../src/am/flavor.js';
import { createPresence } from '../src/am/presence.js';
import { createSsoCookie } from '../src/am/sso-cookie.js';
import { recordingLogger } from './support/log.js';
import { createVirtualClock } from './support/virtual-clock.js';

type Answer = Awaited<ReturnType<AmClient['serverInfo']>>;

const away = unknown('connect', 'ECONNREFUSED');
const named = (cookieName: string): Answer => ({ kind: 'server-info', cookieName, domains: ['example.com'] });
const minuteMs = 60_000;

function setUp(answer: Answer | (() => Promise<Answer>), cookieName?: string, random = () => 1) {
  const clock = createVirtualClock(0);
  const log: string[] = [];
  const asked: number[] = [];
  const state = { answer };
  const notAsked = () => Promise.reject(new Error('no session is asked about'));
  const am: AmClient = {
    flavor: flavors.ping,
    refresh: notAsked,
    peek: notAsked,
    logout: notAsked,
    serverInfo: async () => {
      asked.push(clock.now());
      return typeof state.answer === 'function' ? state.answer() : state.answer;
    },
  };
  const logger = recordingLogger(log);
  const cookie = createSsoCookie(cookieName);
  const presence = createPresence({ log: logger, clock, flavor: 'ping', url: 'http://am.test/am' });
  const discovery = createDiscovery({ am, cookie, presence, clock, log: logger, random });
  return { clock, log, asked, state, cookie, presence, discovery };
}

function sums(start: number, distances: readonly number[]): number[] {
  let at = start;
  return distances.map((distance) => (at += distance));
}

test('nothing is asked before the start, at once at the start', async () => {
  const { clock, asked, discovery, cookie } = setUp(named('sso'));
  await clock.advance(minuteMs);
  expect(asked).toEqual([]);
  expect(discovery.complete).toBe(false);
  discovery.start();
  await clock.advance(0);
  expect(asked).toEqual([minuteMs]);
  expect(discovery.complete).toBe(true);
  expect(cookie).toMatchObject({ name: 'sso', domains: ['example.com'] });
});

test('an AM that answers is asked every ten minutes', async () => {
  const { clock, asked, discovery } = setUp(named('sso'));
  discovery.start();
  await clock.advance(35 * minuteMs);
  expect(asked).toEqual([0, 10, 20, 30].map((minutes) => minutes * minuteMs));
});

test.each([
  [10, [0, 10_000, 20_000, 30_000]],
  [3_600, [0, 30_000]],
])('an AM that asks to be left alone for %i s is, for half a minute at most', async (retryAfterS, times) => {
  const { clock, asked, discovery, state } = setUp(unknown('bad-answer', 'HTTP 503', retryAfterS));
  discovery.start();
  await clock.advance(35_000);
  expect(asked).toEqual(times);
  state.answer = named('sso');
  await clock.advance(30_000);
  expect(discovery.complete).toBe(true);
});

test('an AM that does not answer is asked again, at growing distances of at most 5 s', async () => {
  const { clock, asked, discovery, state, presence } = setUp(away);
  discovery.start();
  await clock.advance(20_000);
  expect(asked).toEqual([0, 250, 750, 1_750, 3_750, 7_750, 12_750, 17_750]);
  expect(discovery.complete).toBe(false);
  expect(presence.state).toBe('away');

  state.answer = named('sso');
  await clock.advance(5_000);
  expect(discovery.complete).toBe(true);
  expect(presence.state).toBe('up');
  await clock.advance(20 * minuteMs);
  expect(asked.slice(8)).toEqual([22_750, 22_750 + 10 * minuteMs, 22_750 + 20 * minuteMs]);
});

test('at a later outage the distances begin with 2 s and grow to 30 s', async () => {
  const { clock, asked, discovery, state, presence } = setUp(away);
  discovery.start();
  await clock.advance(20_000);
  state.answer = named('sso');
  await clock.advance(5_000);
  state.answer = away;
  await clock.advance(10 * minuteMs);
  const again = 22_750 + 10 * minuteMs;
  await clock.advance(100_000);
  const distances = [2, 4, 8, 16, 30, 30].map((s) => s * 1_000);
  expect(asked.slice(9, 16)).toEqual([again, ...sums(again, distances)]);
  state.answer = named('sso');
  await clock.advance(30_000);
  expect(presence.state).toBe('up');
});

test('once complete it stays so in an outage', async () => {
  const { clock, discovery, state, presence, cookie } = setUp(named('sso'));
  discovery.start();
  await clock.advance(0);
  state.answer = away;
  await clock.advance(30 * minuteMs);
  expect(presence.state).toBe('away');
  expect(discovery.complete).toBe(true);
  expect(cookie.name).toBe('sso');
});

describe('an AM that is found away by a call about a session', () => {
  async function lost(random?: () => number) {
    const parts = setUp(named('sso'), undefined, random);
    parts.discovery.start();
    await parts.clock.advance(minuteMs);
    parts.presence.failed(away, true);
    return parts;
  }

  test('is asked within 2 s whether it is back', async () => {
    const { clock, asked, presence, log } = await lost();
    await clock.advance(2_000);
    expect(asked).toEqual([0, minuteMs + 2_000]);
    expect(presence.state).toBe('up');
    expect(log).toHaveLength(2);
    await clock.advance(10 * minuteMs);
    expect(asked.slice(2)).toEqual([minuteMs + 2_000 + 10 * minuteMs]);
  });

  test('is asked at distances that are spread over their upper half', async () => {
    const { clock, asked, state } = await lost(() => 0);
    state.answer = away;
    await clock.advance(40_000);
    expect(asked.slice(1)).toEqual(sums(minuteMs, [1_000, 2_000, 4_000, 8_000, 15_000]));
  });

  test('is not asked if another call has found it back', async () => {
    const { clock, asked, presence } = await lost();
    presence.answered('refresh');
    await clock.advance(8 * minuteMs);
    expect(asked).toEqual([0]);
    await clock.advance(minuteMs);
    expect(asked).toEqual([0, 10 * minuteMs]);
  });

  test('is asked all the same if it comes and goes', async () => {
    const { clock, asked, presence } = await lost();
    for (let i = 0; i < 10; i++) {
      await clock.advance(500);
      presence.answered('refresh');
      presence.failed(away, true);
    }
    expect(asked).toEqual([0, minuteMs + 2_000, minuteMs + 4_000]);
  });

  test('is asked once at a time', async () => {
    const { clock, asked, state, presence } = await lost();
    state.answer = () => new Promise(() => undefined);
    await clock.advance(2_000);
    presence.answered('refresh');
    presence.failed(away, true);
    await clock.advance(20 * minuteMs);
    expect(asked).toHaveLength(2);
  });

  test('is asked ever more seldom while it answers to that only', async () => {
    const { clock, asked, presence } = setUpPartly();
    await clock.advance(10 * minuteMs);
    expect(presence.state).toBe('away');
    expect(asked.length).toBeLessThan(30);
  });

  test('is not asked after close', async () => {
    const { clock, asked, discovery, presence } = await lost();
    discovery.close();
    presence.answered();
    presence.failed(away, true);
    expect(clock.timers).toBe(0);
    await clock.advance(20 * minuteMs);
    expect(asked).toEqual([0]);
  });

  /** Calls about sessions fail every second. */
  function setUpPartly() {
    const parts = setUp(named('sso'));
    parts.discovery.start();
    const fail = (): void => {
      parts.presence.failed(unknown('bad-answer', 'HTTP 503'), true);
      parts.clock.setTimer(fail, 1_000);
    };
    parts.clock.setTimer(fail, 1_000);
    return parts;
  }
});

test('an outage of hours is two lines in the log', async () => {
  const { clock, log, discovery, state } = setUp(named('sso'));
  discovery.start();
  await clock.advance(0);
  state.answer = away;
  await clock.advance(3 * 60 * minuteMs);
  state.answer = named('sso');
  await clock.advance(minuteMs);
  expect(log).toHaveLength(2);
});

test('a renamed cookie is taken over and logged', async () => {
  const { clock, log, discovery, state, cookie } = setUp(named('old'));
  discovery.start();
  await clock.advance(minuteMs);
  expect(log).toEqual([]);
  state.answer = named('new');
  await clock.advance(10 * minuteMs);
  expect([...cookie.names]).toEqual(['new', 'old']);
  expect(log.map((line) => JSON.parse(line) as unknown)).toEqual([
    { level: 'warn', message: expect.stringContaining('another SSO cookie name') as string, cookieName: 'new' },
  ]);
});

describe('an AM that refuses', () => {
  const refused: Answer = { kind: 'refused', status: 400 };

  test('is asked again as if it did not answer while the name is not known', async () => {
    const { clock, asked, log, discovery, presence } = setUp(refused);
    discovery.start();
    await clock.advance(2_000);
    expect(asked).toEqual([0, 250, 750, 1_750]);
    expect(discovery.complete).toBe(false);
    expect(presence.state).toBe('up');
    expect(log).toHaveLength(1);
  });

  test('is good enough where the name is configured', async () => {
    const { clock, asked, discovery } = setUp(refused, 'sso');
    discovery.start();
    await clock.advance(11 * minuteMs);
    expect(asked).toEqual([0, 10 * minuteMs]);
    expect(discovery.complete).toBe(true);
  });
});

test('a configured name does not stand in for an answer: ready means that AM was there', async () => {
  const { clock, discovery, state } = setUp(away, 'sso');
  discovery.start();
  await clock.advance(1_000);
  expect(discovery.complete).toBe(false);
  state.answer = named('other');
  await clock.advance(5_000);
  expect(discovery.complete).toBe(true);
});

test('close ends the asking, also while an answer is on its way', async () => {
  let arrive: (answer: Answer) => void = () => undefined;
  const { clock, asked, discovery, cookie } = setUp(() => new Promise((resolve) => (arrive = resolve)));
  discovery.start();
  await clock.advance(0);
  discovery.close();
  arrive(named('sso'));
  await clock.advance(60 * minuteMs);
  expect(asked).toEqual([0]);
  expect(clock.timers).toBe(0);
  expect(cookie.name).toBeUndefined();
});

test('close takes the timer of the next time with it', async () => {
  const { clock, asked, discovery } = setUp(named('sso'));
  discovery.start();
  await clock.advance(0);
  expect(clock.timers).toBe(1);
  discovery.close();
  expect(clock.timers).toBe(0);
  await clock.advance(60 * minuteMs);
  expect(asked).toHaveLength(1);
});

test('a configured name that is not the one AM uses is an error in the log, once, and stays in force', async () => {
  const { clock, log, discovery, cookie } = setUp(named('sso'), 'typo');
  discovery.start();
  await clock.advance(25 * minuteMs);
  expect(cookie.name).toBe('typo');
  expect(log).toHaveLength(1);
  expect(JSON.parse(log[0] ?? '')).toMatchObject({ level: 'error', configured: 'typo', cookieName: 'sso' });
});
