import { describe, expect, it } from 'vitest';
import { credentialOf } from '../src/token.js';
import { createKeeperBench, windowMs } from './support/keeper-bench.js';

const client = '192.0.2.1';

describe('memory', () => {
  it('holds no more sessions than its bound: the least recently confirmed go first', async () => {
    const { keeper, clock, login } = createKeeperBench({ keeper: { sessionsMax: 5 } });
    const sessions = [];
    for (let i = 0; i < 8; i++) {
      const session = login();
      sessions.push(session);
      void keeper.peek(session, client);
      await clock.advance(100);
    }
    expect(keeper.stats.sessions).toBe(5);
    expect(sessions.map(({ id }) => keeper.knows(id))).toEqual([false, false, false, true, true, true, true, true]);
  });

  it('keeps sessions with activity that AM is still to be told of before others', async () => {
    const { keeper, clock, login, am } = createKeeperBench({ keeper: { sessionsMax: 5 } });
    const busyUser = login();
    await clock.advance(20_000);
    void keeper.touch(busyUser, client);
    await clock.advance(100);
    for (let i = 0; i < 8; i++) {
      void keeper.peek(login(), client);
      await clock.advance(100);
    }
    expect(keeper.knows(busyUser.id)).toBe(true);
    await clock.advance(windowMs);
    expect(am.calls.findLast((call) => call.token === busyUser.token)?.outcome).toBe('obeyed');
  });

  it('lets go of sessions that are over by AM’s own times as new ones come', async () => {
    const { keeper, clock, login } = createKeeperBench({ maxIdleMinutes: 5 });
    for (let i = 0; i < 100; i++) void keeper.peek(login(), client);
    await clock.advance(11 * 60_000);
    expect(keeper.stats.sessions).toBe(100);
    for (let i = 0; i < 150; i++) void keeper.peek(login(), client);
    await clock.advance(1_000);
    expect(keeper.stats.sessions).toBe(150);
  });

  it('does not grow with invented tokens', async () => {
    const { keeper, clock } = createKeeperBench();
    for (let i = 0; i < 3_000; i++)
      void keeper.touch(credentialOf(`invented ${i}`, undefined), `198.51.100.${i % 200}`);
    await clock.advance(20_000);
    expect(keeper.stats).toEqual({ sessions: 0, calls: 0, callsWaiting: 0, logoutsWaiting: 0 });
    expect(clock.timers).toBe(0);
  });
});
