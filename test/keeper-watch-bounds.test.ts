// Watches on bad days and in numbers: random deaths, outages, machines that sleep, a thousand sessions, no memory.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SessionEnd } from '../src/keeper/watches.js';
import { createKeeperBench, windowMs, type KeeperBench, type KeeperBenchOptions } from './support/keeper-bench.js';

const client = '192.0.2.1';
const trustMs = 120_000;
const maxMs = 60 * 60_000;

interface Told {
  readonly how: SessionEnd;
  readonly at: number;
}

/** Sessions that are watched, all of them met within the first second or so. */
async function watchedSessions(count: number, options: KeeperBenchOptions = {}) {
  const chance = createChance();
  const bench = createKeeperBench({
    maxSessionMinutes: maxMs / 60_000,
    maxIdleMinutes: 600,
    ...options,
    keeper: { random: chance, ...options.keeper },
  });
  const { keeper, clock } = bench;
  const sessions = Array.from({ length: count }, () => bench.login());
  await clock.advance(70_000);
  for (const [i, session] of sessions.entries()) void keeper.touch(session, `192.0.2.${i % 250}`);
  await clock.advance(1_500);
  const told = sessions.map((session) => {
    const ends: Told[] = [];
    keeper.watch(session, (how) => void ends.push({ how, at: clock.now() }));
    return ends;
  });
  return { ...bench, sessions, told, ends: () => told.flat() };
}

/** The same numbers in every run. */
function createChance(): () => number {
  let state = 1;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** Calls in the busiest second, and the times of the first and the last one, from `since`. */
function load({ am }: KeeperBench, since: number) {
  const times = am.calls.map(({ sentAt }) => sentAt - since).filter((at) => at >= 0);
  const perSecond = new Map<number, number>();
  for (const at of times) perSecond.set(Math.floor(at / 1000), (perSecond.get(Math.floor(at / 1000)) ?? 0) + 1);
  return {
    calls: times.length,
    busiest: Math.max(...perSecond.values()),
    first: times[0] ?? 0,
    last: times.at(-1) ?? 0,
  };
}

describe('a death at AM, at any time, with any activity, and answers as slow as they may be', () => {
  const cases = [
    ['as by default', { trustMs, frequencyS: 60, timeoutMs: 3_000 }],
    ['with short times', { trustMs: 5_000, frequencyS: 2, timeoutMs: 1_000 }],
    ['without trust', { trustMs: 0, frequencyS: 10, timeoutMs: 1_000 }],
  ] as const;

  it.each(cases)('is told within trust time and window, %s', async (_title, times) => {
    const scale = times.trustMs + (times.frequencyS + 1) * 1000;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: scale * 2 }), { maxLength: 12 }),
        fc.integer({ min: 0, max: scale * 5 }),
        fc.array(fc.integer({ min: 1, max: times.timeoutMs - 10 }), { minLength: 1, maxLength: 12 }),
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1, maxLength: 12 }),
        async (gaps, deathMs, latencies, chances) => {
          const result = await liveAndDie(times, gaps, deathMs, latencies, chances);
          expect(result.told).toHaveLength(1);
          expect(result.told[0]!.how).toBe('dead');
          expect(result.told[0]!.at).toBeGreaterThanOrEqual(result.diedAt);
          expect(result.told[0]!.at - result.diedAt).toBeLessThanOrEqual(scale);
          if (times.trustMs > 0) expect(result.peeks).toBeLessThanOrEqual(result.tookMs / times.trustMs + 1);
        },
      ),
      { numRuns: 100 },
    );
  });

  async function liveAndDie(
    times: { trustMs: number; frequencyS: number; timeoutMs: number },
    gaps: readonly number[],
    deathMs: number,
    latencies: readonly number[],
    chances: readonly number[],
  ) {
    let [call, chance] = [0, 0];
    const bench = createKeeperBench({
      updateFrequencyS: times.frequencyS,
      maxIdleMinutes: 10_000,
      maxSessionMinutes: 20_000,
      keeper: {
        trustS: times.trustMs / 1000,
        updateFrequencyS: times.frequencyS,
        timeoutMs: times.timeoutMs,
        random: () => chances[chance++ % chances.length]!,
      },
    });
    const { keeper, clock, am } = bench;
    am.latencyMs = () => latencies[call++ % latencies.length]!;
    const session = bench.login();
    void keeper.touch(session, client);
    await clock.advance(times.timeoutMs);
    const told: Told[] = [];
    const watchedAt = clock.now();
    keeper.watch(session, (how) => void told.push({ how, at: clock.now() }));
    const activity = gaps.map((_gap, i) => gaps.slice(0, i + 1).reduce((sum, gap) => sum + gap, 0));
    for (const at of [...activity, deathMs].toSorted((a, b) => a - b)) {
      await clock.advance(watchedAt + at - clock.now());
      if (at === deathMs) am.endElsewhere(session.token);
      else void keeper.touch(session, client);
    }
    await clock.advance(watchedAt + deathMs + 1_000_000 - clock.now());
    const toldAt = told[0]?.at ?? Infinity;
    const peeks = bench.calls(session, 'getSessionInfo').filter(({ sentAt }) => sentAt < toldAt).length;
    return { told, peeks, diedAt: watchedAt + deathMs, tookMs: toldAt - watchedAt };
  }
});

describe('a thousand watched sessions', () => {
  it('that were met in one second are peeked once each in a trust time, and not all at once', async () => {
    const bench = await watchedSessions(1_000);
    const since = bench.clock.now();
    await bench.clock.advance(trustMs + windowMs / 4 + 2_000);
    const { calls, busiest, first } = load(bench, since);
    expect(calls).toBe(1_000);
    expect(first).toBeGreaterThan(trustMs - 2_000);
    expect(busiest).toBeLessThan(150);
    expect(bench.ends()).toEqual([]);
  });

  it('are spread also after a sleep of the machine, when nothing is trusted any more', async () => {
    const bench = await watchedSessions(1_000);
    const since = bench.clock.now();
    bench.clock.stepWall(10 * 60_000);
    await bench.clock.advance(windowMs / 4 + 3_000);
    const { calls, busiest } = load(bench, since);
    expect(calls).toBe(1_000);
    expect(busiest).toBeLessThan(150);
  });

  it('are still watched where memory has room for ten, and cost no more calls', async () => {
    const bench = await watchedSessions(1_000, { keeper: { sessionsMax: 10 } });
    const { keeper, clock, am, sessions, told } = bench;
    const since = clock.now();
    await clock.advance(10 * 60_000);
    expect(bench.ends()).toEqual([]);
    expect(load(bench, since).calls).toBeLessThanOrEqual(5 * 1_000);
    am.endElsewhere(sessions[0]!.token);
    const diedAt = clock.now();
    await clock.advance(trustMs + windowMs);
    expect(told[0]).toMatchObject([{ how: 'dead' }]);
    expect(told[0]![0]!.at - diedAt).toBeLessThan(trustMs + windowMs);
    void keeper.end(sessions[1]!, client);
    expect(told[1]).toMatchObject([{ how: 'ended', at: clock.now() }]);
    expect(bench.ends()).toHaveLength(2);
  });

  it('come back spread when AM does, and each is asked about again', async () => {
    const bench = await watchedSessions(1_000);
    bench.am.weather = 'refusing';
    await bench.clock.advance(4 * 60_000 + 5);
    bench.am.weather = 'fine';
    const since = bench.clock.now();
    await bench.clock.advance(60_000);
    const { calls, busiest } = load(bench, since);
    expect(calls).toBe(1_000);
    expect(busiest).toBeLessThan(150);
    expect(bench.ends()).toEqual([]);
  });
});

describe.each(['refusing', 'hanging', 'failing'] as const)('an outage (%s)', (weather) => {
  it.each(['ping', 'openam'] as const)(
    'ends nothing on %s before the known maximum time, and then all',
    async (flavor) => {
      const bench = await watchedSessions(3, { flavor, maxIdleMinutes: 10 });
      const { clock, am, sessions } = bench;
      const loginAt = clock.now() - 71_500;
      am.weather = weather;
      // as exactly as AM tells it, in whole seconds
      await clock.advance(loginAt + maxMs - 2_000 - clock.now());
      expect(bench.ends()).toEqual([]);
      await clock.advance(2_000 + 1_000 + 3_000);
      expect(bench.ends().map(({ how }) => how)).toEqual(['dead', 'dead', 'dead']);
      // with the back-off of everybody else, not once a second
      for (const session of sessions) expect(bench.calls(session).length).toBeLessThan(maxMs / 15_000);
      // nor while a call is under way
      const asked = bench.events.filter((event) => event.type === 'decision' && event.request === 'background');
      expect(asked.filter((event) => event.type === 'decision' && event.decision === 'call-in-flight')).toEqual([]);
      await clock.advance(1_000);
      expect(clock.timers).toBe(0);
    },
  );

  it('is over when AM is back: deaths are noticed as before', async () => {
    const bench = await watchedSessions(2);
    const { clock, am, sessions, told } = bench;
    am.weather = weather;
    await clock.advance(10 * 60_000);
    am.endElsewhere(sessions[0]!.token);
    am.weather = 'fine';
    await clock.advance(windowMs);
    expect(told[0]).toMatchObject([{ how: 'dead' }]);
    await clock.advance(5 * 60_000);
    expect(told[1]).toEqual([]);
    am.endElsewhere(sessions[1]!.token);
    await clock.advance(trustMs + windowMs);
    expect(told[1]).toMatchObject([{ how: 'dead' }]);
  });
});

describe('a machine that slept', () => {
  it('notices soon after that the session has died meanwhile', async () => {
    const { clock, am, sessions, told } = await watchedSessions(1);
    clock.stepWall(10 * 60_000);
    am.endElsewhere(sessions[0]!.token);
    await clock.advance(windowMs / 4 + 2_000);
    expect(told[0]).toMatchObject([{ how: 'dead' }]);
  });

  it('counts the sleep into the maximum time, if AM does not answer', async () => {
    const { clock, am, told } = await watchedSessions(1);
    am.weather = 'refusing';
    clock.stepWall(maxMs + 1_000);
    await clock.advance(windowMs / 4 + 2_000);
    expect(told[0]).toMatchObject([{ how: 'dead' }]);
  });

  it('ends nothing for it before that time', async () => {
    const { clock, am, told } = await watchedSessions(1);
    am.weather = 'refusing';
    clock.stepWall(maxMs / 2);
    await clock.advance(maxMs / 2 - 80_000);
    expect(told[0]).toEqual([]);
    await clock.advance(80_000);
    expect(told[0]).toMatchObject([{ how: 'dead' }]);
  });
});
