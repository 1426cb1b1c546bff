import { describe, expect, it } from 'vitest';
import type { Credential } from '../src/am/client.js';
import { credentialOf } from '../src/token.js';
import { createKeeperBench, windowMs, type KeeperBench, metSession } from './support/keeper-bench.js';

const client = '192.0.2.1';

async function logOut({ keeper, clock }: KeeperBench, session: Credential, ms = 100) {
  const logout = keeper.end(session, client);
  await clock.advance(ms);
  return (await logout).outcome;
}

const invented = (n: number) => credentialOf(`AQICinvented${n}.*AAJTSQACMDE.*`, undefined);

describe('a logout', () => {
  it('ends the session at AM; once more it is ended already, without asking AM', async () => {
    const bench = await metSession();
    expect(await logOut(bench, bench.session)).toBe('ended');
    expect(await logOut(bench, bench.session)).toBe('already-ended');
    expect(bench.calls(bench.session, 'logout')).toHaveLength(1);
  });

  it('of a session that AM has ended already says so', async () => {
    const bench = await metSession();
    bench.am.endElsewhere(bench.session.token);
    expect(await logOut(bench, bench.session)).toBe('already-ended');
    expect(bench.keeper.touch(bench.session, client)).toEqual({ kind: 'ended', confirmed: true });
  });

  it('of a token that this node has never seen works as well', async () => {
    const bench = createKeeperBench();
    const session = bench.login();
    expect(await logOut(bench, session)).toBe('ended');
    expect(bench.am.latestAccess(session.token)).toBeUndefined();
    expect(bench.keeper.touch(session, client)).toEqual({ kind: 'ended', confirmed: true });
  });

  it('asks AM about a token that it called dead but once: another node of it may have the session', async () => {
    const bench = createKeeperBench();
    const session = bench.login();
    bench.am.weather = 'losing-sessions';
    const verdict = bench.keeper.touch(session, client);
    await bench.clock.advance(100);
    expect(await verdict).toEqual({ kind: 'dead' });
    bench.am.weather = 'fine';
    expect(await logOut(bench, session)).toBe('ended');
    expect(bench.am.latestAccess(session.token)).toBeUndefined();
  });

  it('twice at the same time makes one call', async () => {
    const bench = await metSession();
    const both = Promise.all([bench.keeper.end(bench.session, client), bench.keeper.end(bench.session, client)]);
    await bench.clock.advance(100);
    expect((await both).map(({ outcome }) => outcome)).toEqual(['ended', 'ended']);
    expect(bench.calls(bench.session, 'logout')).toHaveLength(1);
  });

  it('of a known session waits for no queue, however many calls hang', async () => {
    const bench = await metSession({ keeper: { maxConcurrency: 2 } });
    const others = Array.from({ length: 20 }, () => bench.login());
    bench.am.weather = 'hanging';
    for (const other of others) void bench.keeper.touch(other, client);
    await bench.clock.advance(10);
    bench.am.weather = 'fine';
    expect(await logOut(bench, bench.session, 30)).toBe('ended');
  });

  it('forgets the activity that was still to be told', async () => {
    const bench = await metSession();
    await bench.clock.advance(10_000);
    void bench.keeper.touch(bench.session, client);
    await logOut(bench, bench.session);
    await bench.clock.advance(2 * windowMs);
    expect(bench.calls(bench.session).map((call) => call.action)).toEqual(['refresh', 'logout']);
    expect(bench.clock.timers).toBe(0);
  });
});

describe('a logout while AM does not answer', () => {
  it('is pending, ended here at once, and told when AM is back', async () => {
    const bench = await metSession();
    bench.am.weather = 'refusing';
    expect(await logOut(bench, bench.session)).toBe('pending');
    expect(bench.keeper.touch(bench.session, client)).toEqual({ kind: 'ended', confirmed: false });
    await bench.clock.advance(120_000);
    bench.am.weather = 'fine';
    await bench.clock.advance(31_000);
    expect(bench.calls(bench.session, 'logout').at(-1)?.outcome).toBe('ended');
    expect(bench.keeper.touch(bench.session, client)).toEqual({ kind: 'ended', confirmed: true });
    expect(bench.keeper.stats.logoutsWaiting).toBe(0);
  });

  it('is given up after ten minutes: the log says so, and the session stays ended here until its maximum time', async () => {
    const bench = await metSession();
    bench.am.weather = 'refusing';
    await logOut(bench, bench.session);
    await bench.clock.advance(11 * 60_000);
    expect(bench.keeper.stats.logoutsWaiting).toBe(0);
    expect(bench.log.filter((line) => line.includes('gave up telling AM'))).toHaveLength(1);
    expect(bench.log.join('')).not.toContain(bench.session.token);
    bench.am.weather = 'fine';
    await bench.clock.advance(60 * 60_000);
    expect(bench.keeper.touch(bench.session, client)).toEqual({ kind: 'ended', confirmed: false });
    await bench.clock.advance(60 * 60_000);
    expect(bench.keeper.touch(bench.session, client)).toBeInstanceOf(Promise);
  });

  it('is told at once when the user logs out again', async () => {
    const bench = await metSession();
    bench.am.weather = 'refusing';
    expect(await logOut(bench, bench.session)).toBe('pending');
    await bench.clock.advance(60_000);
    bench.am.weather = 'fine';
    expect(await logOut(bench, bench.session)).toBe('ended');
    expect(bench.keeper.stats.logoutsWaiting).toBe(0);
  });

  it('is told one last time when the node stops', async () => {
    const bench = await metSession();
    bench.am.weather = 'refusing';
    await logOut(bench, bench.session);
    bench.am.weather = 'fine';
    const closed = bench.keeper.close();
    await bench.clock.advance(100);
    await closed;
    expect(bench.calls(bench.session, 'logout').at(-1)?.outcome).toBe('ended');
    expect(bench.clock.timers).toBe(0);
  });

  it('of an unknown token is tried three times more', async () => {
    const bench = createKeeperBench();
    bench.am.weather = 'refusing';
    const token = invented(1);
    expect(await logOut(bench, token)).toBe('pending');
    await bench.clock.advance(11 * 60_000);
    expect(bench.am.calls).toHaveLength(4);
    expect(bench.keeper.stats.logoutsWaiting).toBe(0);
  });

  it('of more unknown tokens than the pool holds is honestly not queued, and costs the users’ logouts nothing', async () => {
    const bench = await metSession();
    bench.am.weather = 'refusing';
    expect(await logOut(bench, bench.session)).toBe('pending');
    const outcomes: string[] = [];
    for (let n = 0; n < 1_100; n++)
      void bench.keeper.end(invented(n), `198.51.100.${n % 250}`).then(({ outcome }) => outcomes.push(outcome));
    await bench.clock.advance(200);
    expect(outcomes.filter((outcome) => outcome === 'pending')).toHaveLength(1_000);
    expect(outcomes.filter((outcome) => outcome === 'unqueueable')).toHaveLength(100);
    // ended here all the same
    expect(bench.keeper.touch(invented(1_099), client)).toMatchObject({ kind: 'ended' });
    bench.am.weather = 'fine';
    await bench.clock.advance(31_000);
    expect(bench.calls(bench.session, 'logout').at(-1)?.outcome).toBe('ended');
  });
});

describe('a tombstone', () => {
  it('outlives what other knowledge of the session there may be, then goes', async () => {
    const bench = await metSession();
    await logOut(bench, bench.session);
    // trust 120 s, grace 300 s, and a minute
    await bench.clock.advance(479_000);
    expect(bench.keeper.touch(bench.session, client)).toMatchObject({ kind: 'ended' });
    await bench.clock.advance(2_000);
    const verdict = bench.keeper.touch(bench.session, client);
    await bench.clock.advance(100);
    expect(await verdict).toEqual({ kind: 'dead' });
  });

  it('is not pushed out by logouts of invented tokens', async () => {
    const bench = await metSession({ keeper: { sessionsMax: 10 } });
    await logOut(bench, bench.session);
    for (let n = 0; n < 2_000; n++) void bench.keeper.end(invented(n), `198.51.100.${n % 250}`);
    await bench.clock.advance(10_000);
    expect(bench.keeper.touch(bench.session, client)).toMatchObject({ kind: 'ended' });
  });
});

it('a node that closes does not take its own calls that it ends for an outage', async () => {
  const { keeper, am, clock, login, session, presence, calls } = await metSession();
  am.weather = 'hanging';
  await clock.advance(windowMs);
  void keeper.touch(session, '192.0.2.1');
  void keeper.touch(login(), '192.0.2.1');
  await clock.advance(100);
  expect(calls(session, 'refresh').length).toBeGreaterThan(0);
  const closed = keeper.close();
  await clock.advance(100);
  await closed;
  expect(keeper.stats.calls).toBe(0);
  expect(presence.state).toBe('up');
});
