// What the log says of an AM that comes and goes: each outage and its end, not each call, and when the grace is over.

import { describe, expect, test } from 'vitest';
import { unknown } from '../src/am/answers.js';
import { createPresence } from '../src/am/presence.js';
import { recordingLogger } from './support/log.js';
import { logLines } from './support/log-lines.js';
import { eventually, startStack } from './support/stack.js';
import { createVirtualClock } from './support/virtual-clock.js';

const bad = unknown('bad-answer', 'HTTP 503');
const connect = unknown('connect', 'ECONNREFUSED');
const timeout = unknown('timeout', 'timeout');

/** An AM that has answered. */
function start(graceS?: number) {
  const log: string[] = [];
  const clock = createVirtualClock(0);
  const presence = createPresence({
    log: recordingLogger(log),
    clock,
    flavor: 'ping',
    url: 'http://am.test/am',
    graceS,
  });
  presence.answered();
  return { presence, log, clock };
}

describe('what comes and goes is not said each time', () => {
  test('single calls without an answer, among calls with one, are one line a minute, which counts them', async () => {
    const { presence, log, clock } = start();
    for (let s = 0; s < 130; s++) {
      presence.failed(bad, true);
      expect(presence.state).toBe('away');
      await clock.advance(1_000);
      presence.answered();
      expect(presence.state).toBe('up');
    }
    const message = expect.stringContaining('while it answers others') as string;
    const line = { level: 'warn', message, cause: 'bad-answer', detail: 'HTTP 503', url: 'http://am.test/am' };
    expect(logLines(log)).toEqual([
      { ...line, failed: 1 },
      { ...line, failed: 60 },
      { ...line, failed: 60 },
    ]);
    expect(clock.timers).toBe(0);
  });

  test('the second in a row is said at once', async () => {
    const { presence, log, clock } = start();
    presence.failed(bad, true);
    await clock.advance(1_000);
    expect(log).toEqual([]);
    presence.failed(bad, true);
    expect(logLines(log)).toMatchObject([{ level: 'warn', am: 'away', failed: 2 }]);
  });

  test('an AM that resets calls, now and then, makes one pair of lines a minute', async () => {
    const { presence, log, clock } = start();
    for (let s = 0; s < 150; s += 10) {
      for (let n = 0; n < 3; n++) presence.failed(unknown('reset', 'ECONNRESET'), true);
      await clock.advance(3_000);
      presence.answered();
      await clock.advance(7_000);
    }
    expect(logLines(log).filter(({ am }) => am !== undefined)).toMatchObject([
      { am: 'away', detail: 'ECONNRESET', failed: 2 },
      { am: 'up', failed: 3, forS: 3 },
      { am: 'away', failed: 2 },
      { am: 'up', failed: 3, forS: 3 },
      { am: 'away', failed: 2 },
      { am: 'up', failed: 3, forS: 3 },
    ]);
  });

  test('an absence by time-outs soon after another is said when the minute is over, if it lasts', async () => {
    const { presence, log, clock } = start();
    presence.failed(connect, true);
    presence.answered();
    await clock.advance(20_000);
    presence.failed(timeout, true);
    await clock.advance(39_000);
    expect(log).toHaveLength(2);
    await clock.advance(1_000);
    expect(logLines(log)[2]).toMatchObject({ am: 'away', detail: 'timeout' });
    await clock.advance(60_000);
    presence.answered();
    expect(logLines(log).slice(3)).toMatchObject([{ am: 'up', forS: 100 }]);
  });

  test('after close nothing is said of it', async () => {
    const { presence, log, clock } = start();
    presence.failed(bad, true);
    presence.close();
    await clock.advance(60_000);
    expect(log).toEqual([]);
  });
});

describe('an AM that cannot be reached', () => {
  test('is said at once each time, and so is its return', async () => {
    const { presence, log, clock } = start();
    for (let i = 0; i < 3; i++) {
      presence.failed(connect, true);
      await clock.advance(3_000);
      presence.answered();
      await clock.advance(7_000);
    }
    const pair = [
      { am: 'away', detail: 'ECONNREFUSED' },
      { am: 'up', failed: 1, forS: 3 },
    ];
    expect(logLines(log)).toMatchObject([...pair, ...pair, ...pair]);
  });

  test('has no calls of an earlier absence in its line', () => {
    const { presence, log } = start();
    for (let i = 0; i < 6; i++) presence.failed(connect, true);
    presence.answered();
    presence.failed(connect, true);
    expect(logLines(log)[1]).toMatchObject({ am: 'up', failed: 6 });
    expect(logLines(log)[2]).toMatchObject({ am: 'away' });
    expect(logLines(log)[2]).not.toHaveProperty('failed');
  });

  test('is said at once after a time-out that was not', () => {
    const { presence, log } = start();
    presence.failed(timeout, true);
    expect(log).toEqual([]);
    presence.failed(connect, true);
    expect(logLines(log)).toMatchObject([{ am: 'away', cause: 'connect', failed: 2 }]);
  });

  test('fills no log: ten pairs in ten minutes, then one with the count', async () => {
    const { presence, log, clock } = start();
    for (let s = 0; s < 610; s += 10) {
      presence.failed(connect, true);
      presence.answered();
      await clock.advance(10_000);
    }
    expect(log).toHaveLength(22);
    expect(logLines(log)[20]).toMatchObject({ am: 'away', unsaid: 50 });
    expect(clock.timers).toBe(0);
  });

  test('is said after a minute in any case', async () => {
    const { presence, log, clock } = start();
    for (let i = 0; i < 15; i++) {
      presence.failed(connect, true);
      presence.answered();
    }
    presence.failed(connect, true);
    await clock.advance(59_000);
    expect(log).toHaveLength(20);
    await clock.advance(1_000);
    expect(logLines(log).slice(20)).toMatchObject([{ am: 'away', unsaid: 5 }]);
  });
});

describe('an AM that answers about itself', () => {
  test('is back if it could not be reached', () => {
    const { presence } = start();
    presence.failed(connect, true);
    presence.failed(bad, true);
    presence.failed(bad, true);
    presence.answered('serverinfo');
    expect(presence.state).toBe('up');
  });

  test('is back if it did not do that either', () => {
    const { presence } = start();
    for (let i = 0; i < 5; i++) presence.failed(timeout, true);
    presence.failed(timeout, true, 'serverinfo');
    presence.answered('serverinfo');
    expect(presence.state).toBe('up');
  });

  test('is back after a single call without an answer', async () => {
    const { presence, log, clock } = start();
    presence.failed(bad, true);
    presence.answered('serverinfo');
    expect(presence.state).toBe('up');
    await clock.advance(60_000);
    expect(logLines(log)).toMatchObject([{ detail: 'HTTP 503', failed: 1 }]);
    expect(log[0]).toContain('while it answers others');
  });

  test('stays away while it goes on failing about sessions, and does not fill the log', async () => {
    const { presence, log, clock } = start();
    const states = new Set<string>();
    for (let s = 0; s < 3_600; s += 10) {
      presence.failed(bad, true);
      await clock.advance(4_000);
      presence.answered('serverinfo');
      await clock.advance(6_000);
      if (s > 10) states.add(presence.state);
    }
    expect([...states]).toEqual(['away']);
    // the first was alone until then
    expect(logLines(log)).toMatchObject([{ failed: 1 }, { am: 'away', detail: 'HTTP 503' }]);
    presence.answered('refresh');
    expect(logLines(log)[2]).toMatchObject({ am: 'up' });
  });

  test('is back when nobody asks about sessions any more', async () => {
    const { presence, clock } = start();
    for (let i = 0; i < 5; i++) presence.failed(bad, true);
    await clock.advance(59_000);
    presence.answered('serverinfo');
    expect(presence.state).toBe('away');
    await clock.advance(1_000);
    presence.answered('serverinfo');
    expect(presence.state).toBe('up');
  });
});

describe('an absence longer than the grace', () => {
  test('is one error, and its end is said as ever', async () => {
    const { presence, log, clock } = start(300);
    presence.failed(connect, true);
    await clock.advance(299_000);
    presence.failed(connect, true);
    expect(log).toHaveLength(1);
    await clock.advance(3_600_000);
    presence.answered();
    expect(logLines(log).slice(1)).toMatchObject([
      {
        level: 'error',
        message:
          'AM has been away for longer than AM_DOWN_GRACE_S (am.downGraceS): requests are answered with 503 am_unavailable',
        awayS: 300,
        url: 'http://am.test/am',
      },
      { am: 'up', forS: 3_899, failed: 2 },
    ]);
    expect(clock.timers).toBe(0);
  });

  test('is none if AM came back in between', async () => {
    const { presence, log, clock } = start(300);
    presence.failed(connect, true);
    await clock.advance(200_000);
    presence.answered();
    presence.failed(connect, true);
    await clock.advance(200_000);
    presence.answered();
    expect(logLines(log)).toMatchObject([{ am: 'away' }, { am: 'up' }, { am: 'away' }, { am: 'up' }]);
  });

  test('is said after the line that AM is away', async () => {
    const { presence, log, clock } = start(2);
    presence.failed(timeout, true);
    await clock.advance(4_000);
    expect(log).toEqual([]);
    await clock.advance(1_000);
    expect(logLines(log)).toMatchObject([
      { level: 'warn', am: 'away' },
      { level: 'error', awayS: 5 },
    ]);
  });

  test('is not said after close, which leaves no timer', async () => {
    const { presence, log, clock } = start(300);
    presence.failed(timeout, true);
    presence.close();
    expect(clock.timers).toBe(0);
    await clock.advance(600_000);
    expect(log).toEqual([]);
  });
});

test('an AM that fails about sessions only is away until it does not, in a line each', async () => {
  const session = { updateFrequencyS: 1, downGraceS: 2 };
  const stack = await startStack({ mount: 'wrap', proxy: { am: session, session: { trustS: 1 } } });
  const user = stack.am.login();
  expect((await stack.as(user, '/api/x')).status).toBe(200);
  const am = async () => (await stack.request('/readyz')).json()['am'];
  for (const action of ['refresh', 'getSessionInfo'] as const) stack.am.fault({ kind: 'status', status: 503, action });
  const asked = () => stack.am.journal.filter(({ action }) => action === 'serverinfo').length;
  const before = asked();
  await eventually(async () => (await stack.as(user, '/api/x')).status === 503);
  await eventually(() => asked() > before);
  await eventually(() => stack.log.some((line) => line.includes('for longer than')));
  expect(await am()).toBe('away');
  stack.am.clearFaults();
  await eventually(async () => (await stack.as(user, '/api/x')).status === 200, 15_000);
  expect(await am()).toBe('up');
  expect(logLines(stack.log).filter((line) => line['am'] === 'away' || line['am'] === 'up')).toMatchObject([
    { level: 'warn', am: 'away', detail: 'HTTP 503' },
    { level: 'error', am: 'away', awayS: 2 },
    { level: 'warn', am: 'up' },
  ]);
  await stack.close();
});
