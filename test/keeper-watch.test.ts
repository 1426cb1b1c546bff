// Who watches a session is told once when it ends, and AM is hardly asked for it.

import { describe, expect, it } from 'vitest';
import { flavors } from '../src/am/flavor.js';
import { TrackedSession } from '../src/keeper/tracked-session.js';
import { createTrust } from '../src/keeper/trust.js';
import { createWatches, type SessionEnd } from '../src/keeper/watches.js';
import { credentialOf } from '../src/token.js';
import { createKeeperBench, metSession, windowMs, type KeeperBenchOptions } from './support/keeper-bench.js';
import { recordingLogger } from './support/log.js';
import { createVirtualClock } from './support/virtual-clock.js';

const client = '192.0.2.1';
const trustMs = 120_000;
/** How far the watch may lag behind the time at which AM may be asked again: jitter, the look, the call. */
const lagMs = windowMs / 4 + 1_000 + 3_000;

const openam = { flavor: 'openam', maxIdleMinutes: 30 } as const;

/** A session that is watched; `told`: how and when its end was told. */
async function watched(options: KeeperBenchOptions = {}, ageMs = 70_000) {
  const bench = await metSession(options, ageMs);
  const { keeper, clock, session } = bench;
  const told: { how: SessionEnd; at: number }[] = [];
  const release = keeper.watch(session, (how) => void told.push({ how, at: clock.now() }));
  return { ...bench, told, release };
}

describe.each([
  ['ping', {}],
  ['openam', openam],
] as const)('a watch, on %s', (_flavor, options) => {
  it('is told of a logout here at once and once, while AM has not even answered', async () => {
    const { keeper, clock, am, session, told } = await watched(options);
    am.weather = 'hanging';
    const now = clock.now();
    void keeper.end(session, client);
    expect(told).toEqual([{ how: 'ended', at: now }]);
    am.weather = 'fine';
    void keeper.end(session, client);
    await clock.advance(600_000);
    expect(told).toHaveLength(1);
  });

  it('is told with all others of its session, and nobody else is', async () => {
    const { keeper, clock, login, session, told } = await watched(options);
    const other = login();
    void keeper.touch(other, client);
    await clock.advance(100);
    const ends: string[] = [];
    keeper.watch(other, () => ends.push('other'));
    for (let i = 0; i < 3; i++) keeper.watch(session, () => ends.push('same'));
    void keeper.end(session, client);
    expect(told).toHaveLength(1);
    expect(ends).toEqual(['same', 'same', 'same']);
  });

  it('is not told any more once it was ended, while others of the session are', async () => {
    const { keeper, session, told, release } = await watched(options);
    const ends: string[] = [];
    keeper.watch(session, (how) => ends.push(how));
    release();
    release();
    void keeper.end(session, client);
    expect(told).toEqual([]);
    expect(ends).toEqual(['ended']);
  });

  it('may be ended by whoever is told, and begun again', async () => {
    const { keeper, session } = await watched(options);
    const ends: string[] = [];
    const release = keeper.watch(session, (how) => {
      ends.push(how);
      release();
      keeper.watch(session, (again) => ends.push(`again ${again}`));
    });
    void keeper.end(session, client);
    expect(ends[0]).toBe('ended');
  });

  it('is told at once if the session was logged out between its request’s verdict and the watch', async () => {
    const { keeper, session } = await metSession(options);
    void keeper.end(session, client);
    const ends: string[] = [];
    keeper.watch(session, (how) => ends.push(how))();
    expect(ends).toEqual(['ended']);
  });

  it('is told at once if AM said meanwhile that the session is dead', async () => {
    const { keeper, clock, am, session } = await metSession(options);
    am.endElsewhere(session.token);
    await clock.advance(windowMs);
    void keeper.touch(session, client, true);
    await clock.advance(100);
    const ends: string[] = [];
    keeper.watch(session, (how) => ends.push(how))();
    expect(ends).toEqual(['dead']);
  });

  it('is told as soon as somebody’s request learns that the session is dead', async () => {
    const { keeper, clock, am, session, told } = await watched(options);
    am.endElsewhere(session.token);
    await clock.advance(windowMs);
    void keeper.touch(session, client);
    const askedAt = clock.now();
    await clock.advance(100);
    expect(told).toEqual([{ how: 'dead', at: askedAt + 20 }]);
  });

  it('leaves no timer behind when nobody watches', async () => {
    const { keeper, clock, session, release } = await watched(options);
    expect(clock.timers).toBe(1);
    for (let i = 0; i < 100; i++) keeper.watch(session, () => undefined)();
    expect(clock.timers).toBe(1);
    release();
    await clock.advance(1_000);
    expect(clock.timers).toBe(0);
    // and works again for the next
    const ends: string[] = [];
    keeper.watch(session, (how) => ends.push(how));
    await clock.advance(10_000);
    void keeper.end(session, client);
    await clock.advance(1_000);
    expect(ends).toEqual(['ended']);
    expect(clock.timers).toBe(0);
  });

  it('is over without a word when the keeper is closed, and one that comes later sets no timer', async () => {
    const { keeper, clock, am, session, told } = await watched(options);
    await keeper.close();
    const release = keeper.watch(session, () => undefined);
    expect(clock.timers).toBe(0);
    await clock.advance(3_600_000);
    expect(told).toEqual([]);
    expect(am.calls).toHaveLength(1);
    release();
  });
});

describe('on ping, a watched session', () => {
  it('is peeked once in the trust time however many watch it, which extends nothing: it dies of idleness', async () => {
    const { keeper, clock, calls, session, told } = await watched({ maxIdleMinutes: 30 });
    const accessAt = clock.now();
    for (let i = 0; i < 1_000; i++) keeper.watch(session, () => undefined);
    await clock.advance(1_799_000);
    expect(told).toEqual([]);
    expect(calls(session, 'refresh')).toHaveLength(1);
    expect(calls(session, 'getSessionInfo').length).toBeLessThanOrEqual(14);
    expect(calls(session, 'getSessionInfo').length).toBeGreaterThanOrEqual(12);
    await clock.advance(lagMs + 1_000);
    expect(told).toMatchObject([{ how: 'dead' }]);
    expect(told[0]!.at - accessAt).toBeGreaterThan(1_799_000);
    expect(clock.timers).toBe(0);
  });

  it('is peeked in every trust time at most once also with watchers that come and go, and its user’s background requests', async () => {
    const { keeper, clock, calls, session } = await watched({ keeper: { random: () => 0 } });
    for (let s = 0; s < 1_200; s++) {
      keeper.watch(session, () => undefined)();
      void keeper.peek(session, client);
      await clock.advance(1_000);
    }
    const times = calls(session, 'getSessionInfo').map(({ sentAt }) => sentAt);
    expect(times.length).toBeLessThanOrEqual(10);
    expect(Math.min(...times.slice(1).map((at, i) => at - times[i]!))).toBeGreaterThan(trustMs);
  });

  it('is never peeked while its user keeps it busy', async () => {
    const { keeper, clock, calls, session } = await watched();
    for (let s = 0; s < 3_600; s += 20) {
      void keeper.touch(session, client);
      await clock.advance(20_000);
    }
    expect(calls(session, 'getSessionInfo')).toEqual([]);
    expect(calls(session, 'refresh').length).toBeGreaterThan(55);
  });

  it('that died is noticed within trust time and window', async () => {
    const { clock, am, session, told } = await watched();
    am.endElsewhere(session.token);
    const diedAt = clock.now();
    await clock.advance(trustMs - 1_000);
    expect(told).toEqual([]);
    await clock.advance(lagMs + 1_000);
    expect(told).toMatchObject([{ how: 'dead' }]);
    expect(told[0]!.at - diedAt).toBeLessThan(trustMs + windowMs);
  });

  it('of which AM will say nothing (4xx) goes on, and AM is not asked more often for it', async () => {
    const { clock, am, calls, session, told } = await watched({ maxSessionMinutes: 600 });
    am.weather = 'forbidding';
    await clock.advance(3_600_000);
    expect(told).toEqual([]);
    expect(calls(session, 'getSessionInfo').length).toBeLessThan(3_600 / 15);
    am.weather = 'fine';
    am.endElsewhere(session.token);
    await clock.advance(30_000 + lagMs);
    expect(told).toMatchObject([{ how: 'dead' }]);
  });

  it('may be a client-side one: AM is asked as often as for others', async () => {
    const { keeper, clock, am } = createKeeperBench();
    const session = { id: 'client-side', token: `${am.login()}*eyJhbGciOi`, sticky: undefined };
    Object.assign(am, { transport: aliveWhile(() => clock.now() < 1_000_000, am) });
    void keeper.touch(session, client);
    await clock.advance(100);
    const told: string[] = [];
    keeper.watch(session, (how) => told.push(how));
    await clock.advance(990_000);
    expect(told).toEqual([]);
    expect(am.calls.map(({ action }) => action)).toEqual(Array(8).fill('getSessionInfo'));
    await clock.advance(trustMs + lagMs);
    expect(told).toEqual(['dead']);
  });
});

describe('on OpenAM, where every call starts the idle time anew, a watched session', () => {
  it('is asked about only two seconds after its deadline, and dies of idleness', async () => {
    const { clock, am, calls, session, told } = await watched(openam);
    await clock.advance(30 * 60_000 + 1_500);
    expect(calls(session)).toHaveLength(1);
    expect(told).toEqual([]);
    await clock.advance(500 + lagMs);
    expect(calls(session)).toHaveLength(2);
    expect(told).toMatchObject([{ how: 'dead' }]);
    expect(am.latestAccess(session.token)).toBeUndefined();
  });

  it('that was ended elsewhere is noticed at its deadline: to ask before would extend all others', async () => {
    const { clock, am, session, told } = await watched(openam);
    am.endElsewhere(session.token);
    await clock.advance(30 * 60_000 + 1_500);
    expect(told).toEqual([]);
    await clock.advance(500 + lagMs);
    expect(told).toMatchObject([{ how: 'dead' }]);
  });

  it('goes on when it was used elsewhere meanwhile', async () => {
    const { clock, am, calls, session, told } = await watched(openam);
    await clock.advance(15 * 60_000);
    am.touchElsewhere(session.token);
    await clock.advance(16 * 60_000);
    expect(told).toEqual([]);
    expect(calls(session)).toHaveLength(2);
    await clock.advance(30 * 60_000 + lagMs);
    expect(told).toMatchObject([{ how: 'dead' }]);
  });

  it('is not asked about for the watch while its user keeps it busy', async () => {
    const { keeper, clock, calls, session, told } = await watched(openam);
    for (let s = 0; s < 3_600; s += 100) {
      void keeper.touch(session, client);
      await clock.advance(100_000);
    }
    expect(calls(session).length).toBeLessThanOrEqual(1 + 36);
    expect(told).toEqual([]);
  });

  it('is not asked about when its memory ran short between its request and the watch', async () => {
    const { keeper, clock, calls, session, login } = await watched({ ...openam, keeper: { sessionsMax: 1 } });
    void keeper.touch(login(), client);
    await clock.advance(10 * 60_000);
    expect(keeper.knows(session.id)).toBe(false);
    expect(calls(session)).toHaveLength(1);
  });
});

/** An AM that knows of nothing but whether the session lives. */
function aliveWhile(lives: () => boolean, am: ReturnType<typeof createKeeperBench>['am']): typeof am.transport {
  const body = JSON.stringify({ uid: 'demo', realm: '/', username: 'demo' });
  const { transport } = am;
  return async (request, signal) => {
    await transport(request, signal);
    return lives() ? { status: 200, headers: {}, body } : { status: 401, headers: {}, body: '{"code":401}' };
  };
}

it('a watcher that fails keeps neither the logout from standing nor the others from being told', async () => {
  const { keeper, session, calls, clock, log } = await watched();
  const ends: string[] = [];
  keeper.watch(session, () => {
    throw new Error('nobody expects this');
  });
  keeper.watch(session, (how) => void ends.push(how));
  const { outcome } = await Promise.all([keeper.end(session, client), clock.advance(100)]).then(([logout]) => logout);
  expect(outcome).toBe('ended');
  expect(ends).toEqual(['ended']);
  expect(keeper.touch(session, client)).toMatchObject({ kind: 'ended' });
  expect(calls(session, 'logout')).toHaveLength(1);
  expect(log.join('')).toContain('nobody expects this');
});

it('the death of a session that memory ran short of is told when a request finds it out', async () => {
  const { keeper, am, clock, login, session, told } = await watched({ keeper: { sessionsMax: 1 } });
  void keeper.touch(login(), client);
  await clock.advance(100);
  am.endElsewhere(session.token);
  void keeper.touch(session, client);
  await clock.advance(100);
  expect(told).toMatchObject([{ how: 'dead' }]);
});

it('AM is not asked without a break about a session that its own answer calls over and alive', async () => {
  const clock = createVirtualClock();
  let asked = 0;
  const session = new TrackedSession({
    kind: 'alive',
    username: 'demo',
    realm: '/',
    idleS: 0,
    maxIdleS: 1_800,
    idleDeadline: -60_000,
    maxDeadline: -60_000,
    sentAt: 0,
    repliedAt: 0,
  });
  const watches = createWatches({
    clock,
    random: () => 0.5,
    trust: createTrust({ trustMs, graceMs: 0, flavor: flavors.ping, clock }),
    log: recordingLogger([]),
    windowMs,
    find: () => session,
    deafSince: () => Infinity,
    peek: () => {
      asked++;
      session.confirmedAt = clock.now();
      return session;
    },
  });
  watches.add(credentialOf('token', undefined), () => undefined);
  await clock.advance(300_000);
  expect(asked).toBeGreaterThan(1);
  expect(asked).toBeLessThan(50);
  watches.close();
});
