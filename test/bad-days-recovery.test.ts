// AM is back after ten minutes, and ten thousand sessions have something to tell it: they come one after the other.

import { describe, expect, it } from 'vitest';
import type { Credential } from '../src/am/client.js';
import { mostAtOnce, perSpan } from './support/am-load.js';
import { createKeeperBench, windowMs } from './support/keeper-bench.js';
import type { VirtualCall } from './support/virtual-am.js';

const users = 10_000;
const loggingOut = 500;
const maxConcurrency = 64;
/** The longest back-off; it may be half as long by chance. */
const backoffS = 30;
/** What comes in a second where chance spreads all users over the shortest back-off, and some more. */
const perSecondMax = (users / (backoffS / 2)) * 1.3;
const client = '192.0.2.1';

/** The same chances in each run (Lehmer). */
function chance(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

function startBench() {
  const random = chance(20_261_122);
  const { am, keeper, clock, login } = createKeeperBench({
    maxSessionMinutes: 600,
    keeper: { random, maxConcurrency, sessionsMax: 2 * users, observe: undefined },
  });
  // one core of a real OpenAM answers 550 calls a second, and more at once only wait for each other
  am.latencyMs = () => Math.max(5, keeper.stats.calls * (1_000 / 550));
  const sessions = Array.from({ length: users }, () => login());
  const activity = new Map<Credential, number>();
  let dead = 0;

  function someoneWorks(): void {
    const session = sessions[Math.floor(random() * sessions.length)]!;
    activity.set(session, clock.now());
    void Promise.resolve(keeper.touch(session, client)).then((verdict) => {
      if (verdict.kind === 'dead') dead++;
    });
  }

  /** Each user does something every 30 s on average, and some log out; resolves with what AM was asked meanwhile. */
  async function work(ms: number, logouts = 0): Promise<readonly VirtualCall[]> {
    const stepMs = 100;
    am.calls.length = 0;
    for (let t = 0; t < ms; t += stepMs) {
      if (t / stepMs < logouts) void keeper.end(sessions.pop()!, client);
      for (let n = 0; n < (users / 30_000) * stepMs; n++) someoneWorks();
      await clock.advance(stepMs);
    }
    return [...am.calls];
  }

  async function meetAll(): Promise<void> {
    for (const session of sessions) {
      void keeper.touch(session, client);
      await clock.advance(6);
    }
    await work(windowMs);
  }

  return { am, keeper, clock, sessions, activity, work, meetAll, dead: () => dead };
}

const most = (counts: readonly number[]): number => Math.max(0, ...counts);
const times = (calls: readonly VirtualCall[]): number[] => calls.map(({ sentAt }) => sentAt);
const atOnce = (calls: readonly VirtualCall[]): number =>
  mostAtOnce(calls.map(({ sentAt, endedAt }) => ({ from: sentAt, to: endedAt })));

/** The back-off has reached its longest after one. */
const outages = [
  ['refusing', 3],
  ['hanging', 10],
] as const;

describe('ten thousand users of an AM', () => {
  it.each(outages)(
    '%s for %i minutes are back within one, spread and never too many at once',
    async (weather, minutes) => {
      const { am, keeper, clock, sessions, activity, work, meetAll, dead } = startBench();
      await meetAll();
      expect(keeper.stats.sessions).toBe(users);

      am.weather = weather;
      let inOutage = 0;
      for (let minute = 0; minute < minutes; minute++) {
        const calls = await work(60_000, minute === 1 ? loggingOut : 0);
        // a logout waits for no queue when the user clicks: it comes on top
        expect(atOnce(calls.filter(({ action }) => action !== 'logout'))).toBeLessThanOrEqual(maxConcurrency);
        // until the back-off has grown they come more often
        if (minute > 0) inOutage = Math.max(inOutage, most(perSpan(times(calls), clock.now() - 60_000, 1_000)));
      }
      const workedInOutage = new Map(activity);

      const backAt = clock.now();
      am.weather = 'fine';
      const after = await work(60_000);
      const perSecond = most(perSpan(times(after), backAt, 1_000));
      const next = await work(60_000);
      console.log(
        `${weather}: in the outage at most ${inOutage} calls a second; in the minute after it ${after.length}, ` +
          `by 5 s ${perSpan(times(after), backAt, 5_000).join(' ')}, at most ${perSecond} a second, ` +
          `${atOnce(after)} at once; in the next minute ${next.length}`,
      );

      expect(dead()).toBe(0);
      expect(inOutage).toBeLessThanOrEqual(perSecondMax);
      expect(perSecond).toBeLessThanOrEqual(perSecondMax);
      expect(most(perSpan(times(next), backAt + 60_000, 1_000))).toBeLessThanOrEqual(perSecondMax);
      expect(atOnce([...after, ...next])).toBeLessThanOrEqual(maxConcurrency);
      // one refresh a window for each, and the logouts
      expect(after.length).toBeLessThanOrEqual(users * 1.05);
      const obeyed = new Map(
        [...after, ...next].filter((call) => call.outcome === 'obeyed').map((call) => [call.token, call]),
      );
      const untold = sessions.filter(
        ({ token }, n) => !((obeyed.get(token)?.reachedAt ?? 0) > (workedInOutage.get(sessions[n]!) ?? 0)),
      );
      expect(untold).toHaveLength(0);
      const told = [...after, ...next].filter(({ action, outcome }) => action === 'logout' && outcome === 'ended');
      expect(told).toHaveLength(loggingOut);
      expect(keeper.stats.logoutsWaiting).toBe(0);
    },
    90_000,
  );
});
