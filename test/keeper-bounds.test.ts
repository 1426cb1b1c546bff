// The promise, as a property over random users: bursts, logins elsewhere, slow answers, outages.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Credential } from '../src/am/client.js';
import { createKeeperBench, windowMs, type KeeperBench } from './support/keeper-bench.js';
import type { VirtualCall, Weather } from './support/virtual-am.js';

const timeoutMs = 3_000;
const trustMs = 120_000;
const client = '192.0.2.1';

interface Step {
  readonly waitMs: number;
  readonly user: number;
  readonly action: 'touch' | 'burst' | 'peek' | 'assert' | 'elsewhere' | 'logout' | 'end-elsewhere' | Weather;
}

const users = 3;
const pause = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 1_500 }) },
  { weight: 3, arbitrary: fc.integer({ min: 1_000, max: 40_000 }) },
  // around the end of the window, where a second decides
  { weight: 3, arbitrary: fc.integer({ min: 58_000, max: 63_500 }) },
  { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 400_000 }) },
);

function steps(...actions: readonly { weight: number; action: Step['action'] }[]): fc.Arbitrary<Step[]> {
  const action = fc.oneof(...actions.map((each) => ({ weight: each.weight, arbitrary: fc.constant(each.action) })));
  return fc.array(fc.record({ waitMs: pause, user: fc.nat(users - 1), action }), { minLength: 5, maxLength: 60 });
}

const daily = [
  { weight: 8, action: 'touch' },
  { weight: 3, action: 'burst' },
  { weight: 3, action: 'peek' },
  { weight: 2, action: 'assert' },
] as const;
const elsewhere = [{ weight: 3, action: 'elsewhere' }] as const;
const endings = [
  { weight: 1, action: 'logout' },
  { weight: 1, action: 'end-elsewhere' },
] as const;
const badDays = [
  { weight: 1, action: 'refusing' },
  { weight: 1, action: 'hanging' },
  { weight: 1, action: 'failing' },
  { weight: 1, action: 'losing-answers' },
  { weight: 4, action: 'fine' },
] as const;

interface Run {
  readonly bench: KeeperBench;
  readonly sessions: readonly Credential[];
  /** Times of user activity that was let in while the session was live, by user. */
  readonly activity: number[][];
  /** When the session was ended, by user. */
  readonly overAt: (number | undefined)[];
  readonly admitted: { readonly user: number; readonly askedAt: number; readonly settledAt: number }[];
  /** Every moment at which AM's latest access was seen to have moved: `[seen at, access]`. */
  readonly accesses: [number, number][][];
}

async function run(script: readonly Step[], latencies: readonly number[], settleMs: number): Promise<Run> {
  const bench = createKeeperBench({ maxSessionMinutes: 10_000, maxIdleMinutes: 10_000 });
  const { clock, am, keeper } = bench;
  let calls = 0;
  am.latencyMs = () => latencies[calls++ % latencies.length] ?? 1;
  const sessions = Array.from({ length: users }, () => bench.login());
  const result: Run = {
    bench,
    sessions,
    activity: sessions.map(() => []),
    overAt: sessions.map(() => undefined),
    admitted: [],
    accesses: sessions.map(() => []),
  };

  const look = () => {
    for (const [user, { token }] of sessions.entries()) {
      const access = am.latestAccess(token);
      const seen = result.accesses[user]!;
      if (access !== undefined && seen.at(-1)?.[1] !== access) seen.push([clock.now(), access]);
    }
  };
  const passTime = async (ms: number) => {
    for (let left = ms; left > 0; left -= 250) {
      await clock.advance(Math.min(250, left));
      look();
    }
  };

  for (const { waitMs, user, action } of script) {
    await passTime(waitMs);
    const session = sessions[user]!;
    const ask = (verdict: ReturnType<typeof keeper.touch>, activity: boolean) => {
      const askedAt = clock.now();
      const isOver = result.overAt[user] !== undefined;
      void Promise.resolve(verdict).then(({ kind }) => {
        if (kind !== 'alive') return;
        result.admitted.push({ user, askedAt, settledAt: clock.now() });
        // what was answered with 503 did not happen
        if (activity && !isOver) result.activity[user]!.push(askedAt);
      });
    };
    const touch = (wait: boolean) => ask(keeper.touch(session, client, wait), true);
    if (action === 'touch') touch(false);
    else if (action === 'assert') touch(true);
    else if (action === 'burst') for (let i = 0; i < 20; i++) touch(i === 10);
    else if (action === 'peek') ask(keeper.peek(session, client), false);
    else if (action === 'elsewhere') am.touchElsewhere(session.token);
    else if (action === 'logout') {
      result.overAt[user] ??= clock.now();
      void keeper.end(session, client);
    } else if (action === 'end-elsewhere') {
      result.overAt[user] ??= clock.now();
      am.endElsewhere(session.token);
    } else am.weather = action;
    look();
  }
  am.weather = 'fine';
  await passTime(settleMs);
  return result;
}

function refreshes({ bench }: Run, session: Credential): VirtualCall[] {
  return bench.calls(session, 'refresh');
}

function expectOneAtATime({ bench, sessions }: Run): void {
  for (const session of sessions) {
    const calls = bench.calls(session);
    for (const [i, call] of calls.entries()) {
      const before = calls[i - 1];
      if (before) expect(before.endedAt).toBeLessThanOrEqual(call.sentAt);
    }
  }
}

/** A refresh that AM ignored: somebody else touched the session since our last call, or its answer was lost. */
function expectIgnoredOnlyWhenTouchedElsewhere({ bench, sessions }: Run): void {
  for (const session of sessions) {
    const reached = bench.calls(session).filter((call) => call.reachedAt !== undefined && call.action !== 'logout');
    for (const [i, call] of reached.entries()) {
      if (call.outcome !== 'ignored') continue;
      const before = reached[i - 1];
      const answerWasLost = before !== undefined && before.endedAt! - before.sentAt > timeoutMs - 1;
      const touched = bench.am.touchedElsewhere
        .get(session.token)!
        .some((at) => at >= (before?.reachedAt ?? -Infinity) - 1_000 && at <= call.reachedAt!);
      expect(touched || answerWasLost, JSON.stringify(reached.slice(Math.max(0, i - 2), i + 1))).toBe(true);
    }
  }
}

function expectToldWithin(result: Run, boundMs: number, from: (activityAt: number) => number): void {
  for (const [user, times] of result.activity.entries()) {
    for (const at of times) {
      const deadline = from(at) + boundMs;
      if ((result.overAt[user] ?? Infinity) <= deadline) continue;
      // both in AM's whole seconds; AM was watched every 250 ms
      const offset = result.bench.clock.wall() - result.bench.clock.now();
      const second = (ms: number) => Math.floor((ms + offset) / 1000);
      const told = result.accesses[user]!.some(
        ([seenAt, access]) => seenAt <= deadline + 250 && second(access) >= second(at),
      );
      expect(told, `activity at ${at}, accesses ${JSON.stringify(result.accesses[user])}`).toBe(true);
    }
  }
}

/** At most ceil(T / window) + 1 refreshes in any time T: more than n of them take more than n - 1 windows. */
function expectBoundedRate(result: Run): void {
  for (const session of result.sessions) {
    const sent = refreshes(result, session).map((call) => call.sentAt);
    for (let i = 0; i < sent.length; i++)
      for (let n = 2; i + n < sent.length; n++)
        expect(sent[i + n]! - sent[i]!, sent.slice(i, i + n + 1).join(' ')).toBeGreaterThan((n - 1) * windowMs);
  }
}

const quickLatencies = fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 20 });
const slowLatencies = fc.array(fc.integer({ min: 1, max: timeoutMs - 10 }), { minLength: 1, maxLength: 20 });

describe('while AM answers', () => {
  it('tells AM of every activity within one window and two time-outs, and calls it at most once a window', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps(...daily, ...elsewhere),
        fc.oneof(quickLatencies, slowLatencies),
        async (script, latencies) => {
          const result = await run(script, latencies, windowMs + 2 * timeoutMs + 1_000);
          expectOneAtATime(result);
          expectIgnoredOnlyWhenTouchedElsewhere(result);
          expectToldWithin(result, windowMs + 2 * timeoutMs, (at) => at);
          expectBoundedRate(result);
        },
      ),
      { numRuns: 70 },
    );
  }, 120_000);

  it('lets nobody in on a session that ended more than the trust time and one call ago', async () => {
    await fc.assert(
      fc.asyncProperty(steps(...daily, ...endings), quickLatencies, async (script, latencies) => {
        const result = await run(script, latencies, 1_000);
        expectOneAtATime(result);
        for (const { user, askedAt } of result.admitted) {
          const overAt = result.overAt[user] ?? Infinity;
          expect(askedAt).toBeLessThanOrEqual(overAt + trustMs + timeoutMs);
        }
      }),
      { numRuns: 50 },
    );
  }, 120_000);
});

describe('through outages', () => {
  it('never has two calls in flight for a session, and tells AM of all activity soon after its first answer', async () => {
    await fc.assert(
      fc.asyncProperty(steps(...daily, ...elsewhere, ...badDays), slowLatencies, async (script, latencies) => {
        const longestBackoffMs = 31_000;
        const settleMs = longestBackoffMs + windowMs + 3 * timeoutMs + 1_000;
        const result = await run(script, latencies, settleMs);
        expectOneAtATime(result);
        expectIgnoredOnlyWhenTouchedElsewhere(result);
        const endOfScript = result.bench.clock.now() - settleMs;
        expectToldWithin(result, settleMs, () => endOfScript);
      }),
      { numRuns: 50 },
    );
  }, 120_000);
});

describe('after a logout', () => {
  it('lets nobody in again, whatever AM answers to calls that were under way', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps(...daily, ...badDays, { weight: 2, action: 'logout' }),
        slowLatencies,
        async (script, latencies) => {
          const result = await run(script, latencies, 1_000);
          for (const { user, settledAt } of result.admitted) {
            const overAt = result.overAt[user] ?? Infinity;
            expect(settledAt).toBeLessThanOrEqual(overAt);
          }
        },
      ),
      { numRuns: 50 },
    );
  }, 120_000);
});
