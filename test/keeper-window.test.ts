import { describe, expect, it } from 'vitest';
import { createKeeperBench, windowMs } from './support/keeper-bench.js';

const client = '192.0.2.1';

describe('the window', () => {
  it('lets one refresh through, and none of a storm inside it', async () => {
    const { keeper, clock, calls, login } = createKeeperBench();
    const session = login();
    await clock.advance(5_000);
    for (let i = 0; i < 1_000; i++) void keeper.touch(session, client);
    await clock.advance(30_000);
    for (let i = 0; i < 1_000; i++) void keeper.touch(session, client);
    await clock.advance(1_000);
    expect(calls(session)).toHaveLength(1);
  });

  it('ends earlier by the idle time that AM tells when somebody else touched the session, as a login does', async () => {
    const { keeper, clock, calls, login } = createKeeperBench();
    const session = login();
    await clock.advance(20_000);
    void keeper.touch(session, client);
    await clock.advance(41_500);
    const [first, second] = calls(session, 'refresh');
    expect(first?.outcome).toBe('ignored');
    expect(second?.outcome).toBe('obeyed');
    // the login, the frequency, and one second because AM counts in whole ones
    expect(second?.sentAt).toBeLessThan(62_500);
  });

  it.each([0, 1, 499, 500, 999])(
    'is never so short that AM ignores the next refresh (login at .%i s)',
    async (offset) => {
      const { keeper, clock, am, calls, login } = createKeeperBench();
      am.latencyMs = () => 900;
      await clock.advance(offset);
      const session = login();
      for (let i = 0; i < 60; i++) {
        void keeper.touch(session, client);
        await clock.advance(10_000);
      }
      const outcomes = calls(session, 'refresh').map((call) => call.outcome);
      expect(outcomes.length).toBeGreaterThanOrEqual(9);
      expect(outcomes.slice(1).every((outcome) => outcome === 'obeyed')).toBe(true);
    },
  );

  it('is learnt from a look as well: no refresh is sent that AM would ignore', async () => {
    const { keeper, clock, calls, login } = createKeeperBench();
    const session = login();
    await clock.advance(10_000);
    void keeper.peek(session, client);
    await clock.advance(1_000);
    expect(keeper.touch(session, client)).toMatchObject({ kind: 'alive' });
    await clock.advance(54_000);
    expect(calls(session).map((call) => call.outcome)).toEqual(['alive', 'obeyed']);
  });

  it('holds in full, and is spoken of once, where the frequency is less than AM’s', async () => {
    const { keeper, clock, am, calls, log, login } = createKeeperBench({
      updateFrequencyS: 600,
      keeper: { updateFrequencyS: 60 },
    });
    am.latencyMs = () => 20;
    const session = login();
    await clock.advance(70_000);
    for (let i = 0; i < 30; i++) {
      void keeper.touch(session, client);
      await clock.advance(10_000);
    }
    expect(calls(session, 'refresh').length).toBeLessThanOrEqual(Math.ceil(300_000 / windowMs) + 1);
    expect(log.filter((line) => line.includes('AM_UPDATE_FREQUENCY_S'))).toHaveLength(1);
    expect(keeper.wasTold(session.id, clock.now() - 200_000)).toBe(false);
    // after the next one no further refresh is owed: AM would not obey it either
    await clock.advance(windowMs);
    expect(clock.timers).toBe(0);
  });

  it('is the user’s alone: another session is refreshed at the same time', async () => {
    const { keeper, clock, calls, login } = createKeeperBench();
    const [one, two] = [login(), login()];
    void keeper.touch(one, client);
    void keeper.touch(two, client);
    await clock.advance(1_000);
    expect(calls(one)).toHaveLength(1);
    expect(calls(two)).toHaveLength(1);
  });
});

describe('activity inside the window', () => {
  it('is told to AM by one refresh when the window ends, without a further request', async () => {
    const { keeper, clock, calls, login } = createKeeperBench();
    const session = login();
    await clock.advance(100_000);
    await Promise.all([keeper.touch(session, client), clock.advance(100)]);
    await clock.advance(30_000);
    void keeper.touch(session, client);
    await clock.advance(windowMs);
    expect(calls(session, 'refresh').map((call) => call.outcome)).toEqual(['obeyed', 'obeyed']);
    await clock.advance(10 * windowMs);
    expect(calls(session)).toHaveLength(2);
  });

  it('that came while a refresh was in flight is told as well', async () => {
    const { keeper, clock, am, calls, login } = createKeeperBench();
    const session = login();
    await clock.advance(100_000);
    am.latencyMs = () => 2_000;
    void keeper.touch(session, client);
    await clock.advance(1_500);
    void keeper.touch(session, client);
    await clock.advance(windowMs + 3_000);
    expect(calls(session, 'refresh')).toHaveLength(2);
  });

  it('is told after a refresh that failed, without a further request', async () => {
    const { keeper, clock, am, calls, login } = createKeeperBench();
    const session = login();
    await clock.advance(100_000);
    await Promise.all([keeper.touch(session, client), clock.advance(100)]);
    await clock.advance(windowMs);
    am.weather = 'failing';
    void keeper.touch(session, client);
    await clock.advance(5_000);
    am.weather = 'fine';
    await clock.advance(30_000);
    expect(calls(session, 'refresh').at(-1)?.outcome).toBe('obeyed');
    expect(keeper.wasTold(session.id, clock.now() - 35_000)).toBe(true);
  });

  it('leaves no timer and no token behind once it is told', async () => {
    const { keeper, clock, login } = createKeeperBench();
    const session = login();
    void keeper.touch(session, client);
    await clock.advance(30_000);
    void keeper.touch(session, client);
    expect(clock.timers).toBe(1);
    await clock.advance(2 * windowMs);
    expect(clock.timers).toBe(0);
  });
});
