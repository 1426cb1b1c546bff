import { describe, expect, it } from 'vitest';
import { createKeeperBench, windowMs } from './support/keeper-bench.js';

const client = '192.0.2.1';

describe('calls in flight', () => {
  it('are shared: all who ask about a new session get the verdict of one call', async () => {
    const { keeper, clock, am, login } = createKeeperBench();
    const session = login();
    const verdicts = Array.from({ length: 50 }, (_, i) =>
      i % 2 ? keeper.touch(session, client) : keeper.peek(session, client),
    );
    await clock.advance(100);
    expect((await Promise.all(verdicts)).every(({ kind }) => kind === 'alive')).toBe(true);
    expect(am.calls.length).toBe(1);
  });

  it('a touch that meets a look shares its verdict, and the refresh follows', async () => {
    const { keeper, clock, calls, login } = createKeeperBench();
    const session = login();
    await clock.advance(70_000);
    void keeper.peek(session, client);
    const verdict = keeper.touch(session, client);
    await clock.advance(25);
    expect(await verdict).toMatchObject({ kind: 'alive' });
    await clock.advance(25);
    expect(calls(session).map((call) => [call.action, call.outcome])).toEqual([
      ['getSessionInfo', 'alive'],
      ['refresh', 'obeyed'],
    ]);
  });

  it('are ended by a logout, which waits for none of them', async () => {
    const { keeper, clock, am, calls, login } = createKeeperBench();
    const session = login();
    await clock.advance(70_000);
    void keeper.touch(session, client);
    await clock.advance(windowMs + 1_000);
    am.latencyMs = () => 2_000;
    const waiting = keeper.touch(session, client, true);
    await clock.advance(500);
    am.latencyMs = () => 20;
    const logout = keeper.end(session, client);
    await clock.advance(50);
    expect(await logout).toMatchObject({ outcome: 'ended' });
    expect(await waiting).toMatchObject({ kind: 'ended' });
    expect(keeper.touch(session, client)).toEqual({ kind: 'ended', confirmed: true });
    const [, refresh, end] = calls(session);
    expect(refresh?.action).toBe('refresh');
    expect(refresh?.endedAt).toBeLessThanOrEqual(end!.sentAt);
  });

  it('never revive a session that was logged out while its first call was under way', async () => {
    const { keeper, clock, am, login } = createKeeperBench();
    const session = login();
    am.latencyMs = () => 1_000;
    const waiting = keeper.touch(session, client);
    await clock.advance(700);
    am.weather = 'refusing';
    const logout = keeper.end(session, client);
    await clock.advance(100);
    expect(await logout).toMatchObject({ outcome: 'pending' });
    expect(await waiting).toMatchObject({ kind: 'ended' });
    await clock.advance(5_000);
    expect(keeper.touch(session, client)).toMatchObject({ kind: 'ended' });
    expect(keeper.knows(session.id)).toBe(false);
  });

  it('never revive a logged-out session, even where the answer could not be stopped any more', async () => {
    const { keeper, clock, am, calls, login } = createKeeperBench();
    const session = login();
    await clock.advance(70_000);
    void keeper.touch(session, client);
    await clock.advance(windowMs);
    am.deaf = true;
    am.latencyMs = () => 2_000;
    void keeper.touch(session, client);
    await clock.advance(100);
    const logout = keeper.end(session, client);
    await clock.advance(5_000);
    expect(await logout).toMatchObject({ outcome: 'ended' });
    expect(keeper.knows(session.id)).toBe(false);
    expect(keeper.touch(session, client)).toMatchObject({ kind: 'ended' });
    await clock.advance(10 * windowMs);
    expect(calls(session).map((call) => call.action)).toEqual(['refresh', 'refresh', 'logout']);
    expect(clock.timers).toBe(0);
  });

  it('that wait for their turn are given up by a logout, which is known to all at once', async () => {
    const { keeper, clock, am, login } = createKeeperBench({ keeper: { maxConcurrency: 2 } });
    const [first, second] = [login(), login()];
    am.weather = 'hanging';
    void keeper.touch(first, client);
    const waiting = keeper.touch(second, client);
    await clock.advance(100);
    void keeper.end(second, client);
    await clock.advance(0);
    expect(await waiting).toMatchObject({ kind: 'ended' });
    expect(keeper.touch(second, client)).toMatchObject({ kind: 'ended' });
  });

  it('never let in a token that was logged out while it was seen for the first time', async () => {
    const { keeper, clock, am, login } = createKeeperBench();
    const session = login();
    am.deaf = true;
    am.latencyMs = () => 1_000;
    const waiting = keeper.touch(session, client);
    await clock.advance(600);
    am.latencyMs = () => 20;
    const logout = keeper.end(session, client);
    await clock.advance(2_000);
    expect(await logout).toMatchObject({ outcome: 'ended' });
    expect(await waiting).toMatchObject({ kind: 'ended' });
    expect(keeper.knows(session.id)).toBe(false);
  });
});
