// AM's clock is wrong by hours, or stepped while all work: sessions last as long as AM says, on no clock but AM's own.

import { describe, expect, it, vi } from 'vitest';
import { systemClock, type Clock } from '../src/clock.js';
import { fetchHeaders } from './support/http.js';
import { askedAbout } from './support/mounted.js';
import { eventually, pause, startStack, type Stack, type StackOptions } from './support/stack.js';

const hours = 3_600;
const flavors = ['ping', 'openam'] as const;
const wrong = [
  ['ahead', 5 * hours],
  ['behind', -5 * hours],
] as const;
const idleS = 4;
const cases = flavors.flatMap((flavor) => wrong.map(([way, skewS]) => [flavor, way, skewS] as const));

vi.setConfig({ maxConcurrency: 10 });

function start(flavor: (typeof flavors)[number], simulator: StackOptions['simulator']): Promise<Stack> {
  return startStack({
    mount: 'wrap',
    simulator: { updateFrequencyS: 1, flavor, ...simulator },
    proxy: { session: { trustS: 1 }, am: { flavor, updateFrequencyS: 1 } },
  });
}

/** The user clicks for as long; resolves with the statuses. */
async function work(stack: Stack, token: string, ms: number): Promise<Set<number>> {
  const statuses = new Set<number>();
  const until = performance.now() + ms;
  while (performance.now() < until) {
    statuses.add((await stack.as(token, '/api/x', { headers: fetchHeaders })).status);
    await pause(100);
  }
  return statuses;
}

/** A clock that somebody sets back while it runs. */
function settableClock(): Clock & { set(ms: number): void } {
  let offset = 0;
  return {
    ...systemClock,
    now: () => systemClock.now() + offset,
    wall: () => systemClock.wall() + offset,
    set: (ms) => void (offset = ms),
  };
}

describe.concurrent('a clock of AM', () => {
  it.each(cases)('(%s) hours %s changes no time that the page is told', async (flavor, _way, clockSkewS) => {
    const stack = await start(flavor, { clockSkewS });
    const token = stack.am.login();
    const session = async () => (await stack.as(token, '/session')).json();
    const [idle, max] = [30 * 60, 120 * 60];
    for (const after of [0, 1_500]) {
      await pause(after);
      const { idleExpiresIn, sessionExpiresIn } = await session();
      expect(idle - Number(idleExpiresIn)).toBeGreaterThanOrEqual(-1);
      expect(idle - Number(idleExpiresIn)).toBeLessThanOrEqual(5);
      expect(max - Number(sessionExpiresIn)).toBeGreaterThanOrEqual(0);
      expect(max - Number(sessionExpiresIn)).toBeLessThanOrEqual(6);
    }
    await stack.close();
  });

  it.each(cases)('(%s) hours %s ends no session of a working user', async (flavor, _way, clockSkewS) => {
    const stack = await start(flavor, { clockSkewS, maxIdleMinutes: idleS / 60 });
    const token = stack.am.login();
    expect([...(await work(stack, token, idleS * 2_000))]).toEqual([200]);
    const windows = Math.ceil((idleS * 2_000) / 2_000);
    expect(askedAbout(stack, token).filter(({ reset }) => reset).length).toBeLessThanOrEqual(windows + 1);
    await stack.close();
  });

  it.each(cases)('(%s) hours %s ends that of an idle one in time', async (flavor, _way, clockSkewS) => {
    const stack = await start(flavor, { clockSkewS, maxIdleMinutes: idleS / 60 });
    const token = stack.am.login();
    await work(stack, token, 500);
    const background = { 'x-session-activity': 'background' };
    const startedAt = performance.now();
    const isOver = async () => (await stack.as(token, '/api/x', { headers: background })).status === 401;
    await eventually(isOver, 15_000);
    // the idle time, counted from a refresh in its window, and up to trust time, margin and whole seconds after it
    expect(performance.now() - startedAt).toBeGreaterThan((idleS - 1) * 1_000);
    expect(performance.now() - startedAt).toBeLessThan((idleS + 7) * 1_000);
    await stack.close();
  });

  it.each(flavors)(
    '(%s) that is set back by hours keeps nobody from working and has AM asked no more',
    async (flavor) => {
      const clock = settableClock();
      const stack = await start(flavor, { clock });
      const token = stack.am.login();
      expect([...(await work(stack, token, 1_500))]).toEqual([200]);
      clock.set(-2 * hours * 1_000);
      stack.am.journal.length = 0;
      expect([...(await work(stack, token, 6_000))]).toEqual([200]);
      // one a window of two seconds, and a look where a refresh taught nothing
      expect(askedAbout(stack, token).length).toBeLessThanOrEqual(6);
      expect(stack.log.join('')).not.toContain('"am":"away"');
      await stack.close();
    },
  );

  it.each(flavors)('(%s) that is set ahead by hours ends what AM ends, and lets a new login work', async (flavor) => {
    const clock = settableClock();
    const stack = await start(flavor, { clock });
    const token = stack.am.login();
    expect([...(await work(stack, token, 1_500))]).toEqual([200]);
    clock.set(3 * hours * 1_000);
    await eventually(async () => (await stack.as(token, '/api/x')).status === 401, 5_000);
    expect([...(await work(stack, stack.am.login(), 4_000))]).toEqual([200]);
    await stack.close();
  });
});
