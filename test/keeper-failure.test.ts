import { describe, expect, it } from 'vitest';
import type { Credential } from '../src/am/client.js';
import type { Verdict } from '../src/keeper/verdict.js';
import { createKeeperBench, windowMs, metSession } from './support/keeper-bench.js';

const client = '192.0.2.1';

describe('while AM does not answer', () => {
  it('a session confirmed within the grace goes on, an older one is unknown, and neither is dead', async () => {
    const { keeper, clock, am, session } = await metSession();
    am.weather = 'refusing';
    await clock.advance(200_000);
    const within = keeper.touch(session, client);
    await clock.advance(100);
    expect(await within).toMatchObject({ kind: 'alive' });
    await clock.advance(120_000);
    const after = keeper.touch(session, client);
    await clock.advance(100);
    expect(await after).toMatchObject({ kind: 'unknown' });
  });

  it('the last verdict is repeated at once within the back-off, with the seconds that are left', async () => {
    const { keeper, clock, am, login } = createKeeperBench();
    const session = login();
    am.weather = 'hanging';
    const first = keeper.touch(session, client);
    await clock.advance(3_100);
    expect(await first).toEqual({ kind: 'unknown', retryAfterS: 1 });
    const again = keeper.touch(session, client);
    expect(again).toEqual({ kind: 'unknown', retryAfterS: 1 });
    expect(am.calls).toHaveLength(1);
  });

  it('the calls for a session back off from 1 s to 30 s', async () => {
    const { keeper, clock, am, calls, session } = await metSession();
    am.weather = 'refusing';
    await clock.advance(windowMs);
    void keeper.touch(session, client);
    await clock.advance(180_000);
    const gaps = calls(session, 'refresh')
      .slice(1)
      .map((call, i, all) => (all[i + 1]?.sentAt ?? NaN) - call.sentAt)
      .slice(0, -1);
    // the bench's chance is always in the middle: three quarters of 1, 2, 4, 8, 16, 30, 30 s
    expect(gaps.slice(0, 7).map((gap) => Math.round(gap / 100) / 10)).toEqual([0.8, 1.5, 3, 6, 12, 22.5, 22.5]);
  });

  it('a storm makes one call for a token and no more than the limit in all, and nobody waits for two time-outs', async () => {
    const { keeper, clock, am, login } = createKeeperBench({ keeper: { maxConcurrency: 8 } });
    const sessions = Array.from({ length: 100 }, () => login());
    am.weather = 'hanging';
    const verdicts: Verdict[] = [];
    for (let i = 0; i < 5; i++)
      for (const [n, session] of sessions.entries())
        void Promise.resolve(keeper.touch(session, `192.0.2.${n}`)).then((verdict) => verdicts.push(verdict));
    await clock.advance(0);
    // nobody of them was seen alive: half of the eight
    expect(am.calls).toHaveLength(4);
    await clock.advance(6_100);
    expect(verdicts).toHaveLength(500);
    expect(verdicts.every(({ kind }) => kind === 'unknown')).toBe(true);
    for (const call of am.calls)
      expect(
        am.calls.filter((other) => other.sentAt <= call.sentAt && other.endedAt! > call.sentAt).length,
      ).toBeLessThanOrEqual(4);
  });

  it('known sessions may use all of the limit', async () => {
    const { keeper, clock, am, login } = createKeeperBench({ keeper: { maxConcurrency: 8 } });
    const sessions = Array.from({ length: 20 }, () => login());
    for (const session of sessions) void keeper.touch(session, client);
    await clock.advance(70_000);
    am.calls.length = 0;
    am.weather = 'hanging';
    for (const session of sessions) void keeper.touch(session, client);
    await clock.advance(0);
    expect(am.calls).toHaveLength(8);
  });

  it('AM counts as away after a call for a known session failed, and as there with its first answer; one failure alone is not worth a line', async () => {
    const { keeper, clock, am, log, presence, session } = await metSession();
    am.weather = 'hanging';
    await clock.advance(windowMs);
    void keeper.touch(session, client);
    await clock.advance(3_100);
    expect(presence.state).toBe('away');
    am.weather = 'fine';
    await clock.advance(5_000);
    expect(presence.state).toBe('up');
    expect(log.filter((line) => line.includes('"am":"away"'))).toEqual([]);
    expect(log.filter((line) => line.includes('answers again'))).toEqual([]);
  });
});

describe('a bad answer to a token that nobody has seen alive', () => {
  it('says nothing about AM', async () => {
    const { keeper, clock, am, log, presence, login } = createKeeperBench();
    am.weather = 'failing';
    const verdict = keeper.touch(login(), client);
    await clock.advance(100);
    expect(await verdict).toMatchObject({ kind: 'unknown' });
    expect(presence.state).toBe('starting');
    expect(log).toHaveLength(1);
    expect(log[0]).toContain('has not confirmed before');
    expect(clock.timers).toBe(0);
  });

  it('but no connection at all does', async () => {
    const { keeper, clock, am, presence, login } = createKeeperBench();
    am.weather = 'refusing';
    void keeper.touch(login(), client);
    await clock.advance(100);
    expect(presence.state).toBe('away');
  });
});

describe('failures of a token that nobody has seen alive', () => {
  /** A failure, and others of other tokens a while later: entries that are over go when new ones come. */
  async function failedOnce(waitMs: number) {
    const bench = createKeeperBench();
    bench.am.weather = 'failing';
    const session = bench.login();
    const fail = async (credential: Credential) => {
      const verdict = bench.keeper.touch(credential, client);
      await bench.clock.advance(100);
      return verdict;
    };
    await fail(session);
    await bench.clock.advance(waitMs);
    for (let i = 0; i < 4; i++) await fail(bench.login());
    return fail(session);
  }

  it('are counted together within a minute', async () => {
    expect(await failedOnce(55_000)).toEqual({ kind: 'unknown', retryAfterS: 2 });
  });

  it('and are forgotten after it', async () => {
    expect(await failedOnce(61_000)).toEqual({ kind: 'unknown', retryAfterS: 1 });
  });
});

describe('a dead token', () => {
  it('is remembered for 10 s, and for 20 min once AM has said it twice', async () => {
    const { keeper, clock, am, login } = createKeeperBench();
    const session = login();
    am.endElsewhere(session.token);
    const first = keeper.touch(session, client);
    await clock.advance(100);
    expect(await first).toEqual({ kind: 'dead' });
    await clock.advance(9_000);
    expect(keeper.touch(session, client)).toEqual({ kind: 'dead' });
    expect(am.calls).toHaveLength(1);
    await clock.advance(2_000);
    void keeper.touch(session, client);
    await clock.advance(19 * 60_000);
    expect(keeper.touch(session, client)).toEqual({ kind: 'dead' });
    expect(am.calls).toHaveLength(2);
    await clock.advance(61_000);
    void keeper.touch(session, client);
    await clock.advance(100);
    expect(am.calls).toHaveLength(3);
  });
});

describe('a call that AM refuses', () => {
  it('lets a session known alive go on within the grace, is neither alive nor dead after it, and is said once for each action', async () => {
    const { keeper, clock, am, log, session } = await metSession();
    am.weather = 'forbidding';
    await clock.advance(200_000);
    const within = keeper.touch(session, client);
    await clock.advance(100);
    expect(await within).toMatchObject({ kind: 'alive' });
    await clock.advance(120_000);
    const after = keeper.touch(session, client);
    await clock.advance(100);
    expect(await after).toMatchObject({ kind: 'refused' });
    const refusals = log.filter((line) => line.includes('refuses'));
    expect(refusals.map((line) => (JSON.parse(line) as { action: string }).action)).toEqual(['refresh', 'peek']);
  });

  it('is not made more often than a window lets, though its activity stays pending', async () => {
    const long = { maxIdleMinutes: 1_000, maxSessionMinutes: 1_000 };
    const { keeper, clock, am, calls, session } = await metSession(long);
    am.weather = 'forbidding';
    await clock.advance(windowMs);
    void keeper.touch(session, client);
    await clock.advance(3_600_000);
    expect(calls(session, 'refresh').length).toBeLessThanOrEqual(Math.ceil(3_600_000 / windowMs) + 2);
    am.weather = 'fine';
    await clock.advance(2 * windowMs);
    expect(calls(session, 'refresh').at(-1)?.outcome).toBe('obeyed');
  });

  it('stays refused for users, whatever AM answers to invented tokens', async () => {
    const { keeper, clock, am, presence, login, session } = await metSession();
    am.weather = 'forbidding';
    await clock.advance(windowMs);
    void keeper.touch(session, client);
    await clock.advance(100);
    expect([...presence.refusals]).toEqual([['refresh', 403]]);
    am.weather = 'fine';
    const stranger = keeper.touch(login(), client);
    await clock.advance(100);
    expect(await stranger).toMatchObject({ kind: 'alive' });
    expect([...presence.refusals]).toEqual([['refresh', 403]]);
    await clock.advance(2 * windowMs);
    expect([...presence.refusals]).toEqual([]);
  });

  it('to a token never seen alive is refused, for its back-off', async () => {
    const { keeper, clock, am, login } = createKeeperBench();
    am.weather = 'forbidding';
    const session = login();
    const verdict = keeper.touch(session, client);
    await clock.advance(100);
    expect(await verdict).toMatchObject({ kind: 'refused' });
    expect(keeper.touch(session, client)).toMatchObject({ kind: 'refused' });
    expect(am.calls).toHaveLength(1);
  });
});
