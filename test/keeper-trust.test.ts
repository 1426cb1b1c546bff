import { describe, expect, it } from 'vitest';
import { createKeeperBench, windowMs, metSession } from './support/keeper-bench.js';

const client = '192.0.2.1';

describe('within the trust time', () => {
  it('a request passes without waiting, even where it sets off a refresh', async () => {
    const { keeper, clock, am, calls, session } = await metSession();
    await clock.advance(windowMs);
    am.weather = 'hanging';
    expect(keeper.touch(session, client)).toMatchObject({ kind: 'alive', username: 'demo' });
    await clock.advance(0);
    expect(calls(session, 'refresh')).toHaveLength(2);
  });

  it('a look asks nobody', async () => {
    const { keeper, clock, calls, session } = await metSession();
    await clock.advance(119_000);
    expect(keeper.peek(session, client)).toMatchObject({ kind: 'alive' });
    expect(calls(session)).toHaveLength(1);
  });

  it('a request that wants AM’s answer waits for it', async () => {
    const { keeper, clock, session } = await metSession();
    await clock.advance(windowMs);
    const askedAt = clock.now();
    const verdict = keeper.touch(session, client, true);
    expect(verdict).toBeInstanceOf(Promise);
    await clock.advance(100);
    expect(await verdict).toMatchObject({ kind: 'alive' });
    expect(keeper.wasTold(session.id, askedAt)).toBe(true);
  });
});

describe('after the trust time', () => {
  it('a request waits for AM, and learns that the session has ended', async () => {
    const { keeper, clock, am, session } = await metSession();
    am.endElsewhere(session.token);
    await clock.advance(121_000);
    const verdict = keeper.touch(session, client);
    expect(verdict).toBeInstanceOf(Promise);
    await clock.advance(100);
    expect(await verdict).toEqual({ kind: 'dead' });
  });

  it('a look asks without extending the session, so that a poller alone does not keep it', async () => {
    const { keeper, clock, am, calls, session } = await metSession({ maxIdleMinutes: 5 });
    let last: unknown;
    for (let s = 0; s < 400; s += 10) {
      last = keeper.peek(session, client);
      await clock.advance(10_000);
    }
    expect(await last).toEqual({ kind: 'dead' });
    expect(am.latestAccess(session.token)).toBeUndefined();
    expect(calls(session, 'refresh')).toHaveLength(1);
  });

  it('a touch inside a long window looks instead of sending a refresh that AM would ignore', async () => {
    const { keeper, clock, calls, session } = await metSession({ keeper: { trustS: 20 } });
    await clock.advance(30_000);
    void keeper.touch(session, client);
    await clock.advance(100);
    expect(calls(session).map((call) => call.action)).toEqual(['refresh', 'getSessionInfo']);
    await clock.advance(windowMs);
    expect(calls(session, 'refresh').at(-1)?.outcome).toBe('obeyed');
  });
});

describe('AM’s own deadlines', () => {
  it('end trust: past the idle deadline AM is asked first', async () => {
    const { keeper, clock, session } = await metSession({ maxIdleMinutes: 1, updateFrequencyS: 10 }, 15_000);
    await clock.advance(62_000);
    const verdict = keeper.touch(session, client);
    await clock.advance(100);
    expect(await verdict).toEqual({ kind: 'dead' });
  });

  it('end trust and grace: nobody is let in after the maximum time, even in an outage', async () => {
    const { keeper, clock, am, session } = await metSession({ maxSessionMinutes: 2 });
    am.weather = 'refusing';
    await clock.advance(45_000);
    expect(keeper.touch(session, client)).toMatchObject({ kind: 'alive' });
    await clock.advance(10_000);
    const verdict = keeper.touch(session, client);
    await clock.advance(4_000);
    expect(await verdict).toMatchObject({ kind: 'unknown' });
  });

  it('are read with AM’s own clock, however wrong it is', async () => {
    const { keeper, clock, session } = await metSession({ skewMs: 5 * 3_600_000, maxIdleMinutes: 30 });
    await keeper.peek(session, client);
    const verdict = await keeper.peek(session, client);
    if (verdict.kind !== 'alive') throw new Error(verdict.kind);
    expect((verdict.idleDeadline - clock.now()) / 60_000).toBeCloseTo(30, 0);
    expect((verdict.maxDeadline - clock.now()) / 60_000).toBeCloseTo(119, 0);
  });
});

describe('the clocks', () => {
  it('void trust once when they drift apart: the machine slept', async () => {
    const { keeper, clock, calls, session } = await metSession();
    clock.stepWall(3_600_000);
    const verdict = keeper.peek(session, client);
    expect(verdict).toBeInstanceOf(Promise);
    await clock.advance(100);
    await verdict;
    expect(calls(session, 'getSessionInfo')).toHaveLength(1);
    expect(keeper.peek(session, client)).not.toBeInstanceOf(Promise);
  });

  it('make sessions older by the time that the machine slept: no grace lets them live on', async () => {
    const { keeper, clock, am, session } = await metSession();
    am.weather = 'refusing';
    clock.stepWall(10 * 3_600_000);
    const verdict = keeper.touch(session, client);
    await clock.advance(100);
    expect(await verdict).toMatchObject({ kind: 'unknown' });
  });

  it('make sessions older by each of its sleeps', async () => {
    const { keeper, clock, am, session } = await metSession();
    am.weather = 'refusing';
    const kinds: string[] = [];
    for (let i = 0; i < 2; i++) {
      clock.stepWall(200_000);
      const verdict = keeper.touch(session, client);
      await clock.advance(100);
      kinds.push((await verdict).kind);
    }
    // 200 s are within the grace, 400 s are not
    expect(kinds).toEqual(['alive', 'unknown']);
  });

  it('leave the grace alone in an outage when the wall clock is stepped back', async () => {
    const { keeper, clock, am, session } = await metSession();
    am.weather = 'refusing';
    clock.stepWall(-10 * 3_600_000);
    const verdict = keeper.touch(session, client);
    await clock.advance(100);
    expect(await verdict).toMatchObject({ kind: 'alive' });
  });

  it('may differ by a few seconds: nothing changes', async () => {
    const { keeper, clock, session } = await metSession();
    clock.stepWall(-4_000);
    expect(keeper.peek(session, client)).toMatchObject({ kind: 'alive' });
  });

  it('leave the windows alone when the wall clock is stepped', async () => {
    const { keeper, clock, calls, session } = await metSession();
    clock.stepWall(-3_600_000);
    await clock.advance(30_000);
    void keeper.touch(session, client);
    await clock.advance(100);
    expect(calls(session, 'refresh')).toHaveLength(1);
  });
});

describe('on OpenAM, where every call starts the idle time anew', () => {
  const openam = {
    flavor: 'openam',
    updateFrequencyS: 10,
    maxIdleMinutes: 1,
    keeper: { updateFrequencyS: 10 },
  } as const;

  it('a poller is answered by the local deadline and does not keep the session', async () => {
    const { keeper, clock, am, calls, login } = createKeeperBench(openam);
    const session = login();
    void keeper.touch(session, client);
    await clock.advance(100);
    let verdict: unknown;
    for (let s = 0; s < 70; s++) {
      verdict = keeper.peek(session, client);
      await clock.advance(1_000);
    }
    expect(await verdict).toEqual({ kind: 'dead' });
    expect(am.latestAccess(session.token)).toBeUndefined();
    // first met; and two seconds after the deadline, when OpenAM had ended it
    expect(calls(session)).toHaveLength(2);
    expect(calls(session)[1]!.sentAt - calls(session)[0]!.sentAt).toBeGreaterThan(61_000);
  });

  it('an active user stays logged in with one call a window', async () => {
    const { keeper, clock, calls, login } = createKeeperBench(openam);
    const session = login();
    let alive = 0;
    for (let s = 0; s < 300; s++) {
      void Promise.resolve(keeper.touch(session, client)).then(({ kind }) => (alive += Number(kind === 'alive')));
      await clock.advance(1_000);
    }
    expect(alive).toBe(300);
    expect(calls(session).length).toBeLessThanOrEqual(Math.ceil(300 / 11) + 1);
    expect(calls(session).length).toBeGreaterThanOrEqual(26);
  });

  it('background requests still pass in the two seconds between the deadline and the question', async () => {
    const { keeper, clock, calls, login } = createKeeperBench(openam);
    const session = login();
    void keeper.touch(session, client);
    await clock.advance(61_000);
    expect(keeper.peek(session, client)).toMatchObject({ kind: 'alive' });
    expect(calls(session)).toHaveLength(1);
  });
});

describe('client-side sessions', () => {
  it('are looked at and never refreshed, and the log says so once', async () => {
    const { keeper, clock, am, log } = createKeeperBench();
    const token = `${am.login()}*eyJhbGciOi`;
    const session = { id: 'client-side', token, sticky: undefined };
    void keeper.touch(session, client);
    await clock.advance(100);
    expect(am.calls.map((call) => call.action)).toEqual(['getSessionInfo']);
    expect(log.join('')).not.toContain(token);
  });
});

describe('a session of a realm that is not served', () => {
  it('is alive but not served, and its activity is not told to AM after the first answer', async () => {
    const { keeper, clock, calls, login } = createKeeperBench();
    const session = login('demo', '/alpha');
    await clock.advance(70_000);
    for (let i = 0; i < 20; i++) {
      const verdict = keeper.touch(session, client);
      await clock.advance(30_000);
      expect(await verdict).toMatchObject({ kind: 'alive', served: false, realm: '/alpha' });
    }
    expect(calls(session, 'refresh')).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });
});
