// Whoever can write to the store may end sessions and delay refreshes, but lets nobody in, and nobody stay for ever.

import { expect, it } from 'vitest';
import type { AliveWord, SessionStore, StoreListener } from '../src/store/session-store.js';
import { createKeeperBench, windowMs } from './support/keeper-bench.js';

const client = '192.0.2.1';
const dayMs = 24 * 60 * 60_000;

/** AM's word as of now, for ever. */
const lie: AliveWord = { kind: 'alive', confirmedAt: 0, accessAt: 0, idleDeadline: Infinity, maxDeadline: Infinity };

/** A store that says of every session that it lives, for ever and from now on, and of every window that it is taken. */
function lyingStore(word = lie): SessionStore {
  const done = () => Promise.resolve();
  return {
    claim: () => Promise.resolve(Number.MAX_SAFE_INTEGER),
    read: () => Promise.resolve({ now: 0, word }),
    settle: done,
    confirm: done,
    end: done,
    askToEnd: done,
    died: done,
    check: done,
    listen: () => undefined,
    close: done,
  };
}

it('a store that lies lets no dead token in', async () => {
  const { keeper, clock, login, am } = createKeeperBench({ keeper: { store: lyingStore() } });
  await clock.advance(1);
  const session = login();
  am.endElsewhere(session.token);
  const answer = keeper.touch(session, client);
  await clock.advance(1_000);
  expect((await answer).kind).toBe('dead');
});

it('a store that lies keeps no session beyond the maximum time that AM told', async () => {
  const bench = createKeeperBench({ maxSessionMinutes: 60, keeper: { store: lyingStore() } });
  const { keeper, clock, am } = bench;
  await clock.advance(1);
  const session = bench.login();
  void keeper.touch(session, client);
  await clock.advance(1_000);
  am.endElsewhere(session.token);
  let last = '';
  for (let minute = 0; minute < 62; minute++) {
    const answer = keeper.peek(session, client);
    await clock.advance(60_000);
    last = (await answer).kind;
  }
  expect(last).toBe('dead');
});

it('a window that is taken for ever is asked for again after one window and one time-out', async () => {
  const store = lyingStore();
  const bench = createKeeperBench({ keeper: { store } });
  const { keeper, clock } = bench;
  await clock.advance(1);
  const session = bench.login();
  void keeper.touch(session, client);
  await clock.advance(1_000);
  store.claim = () => Promise.resolve(0);
  store.read = () => Promise.resolve({ now: 0, word: undefined });
  for (let second = 0; second < windowMs / 1_000 + 10; second++) {
    void keeper.touch(session, client);
    await clock.advance(1_000);
  }
  expect(bench.calls(session, 'refresh')).not.toHaveLength(0);
});

/** A session whose node has heard that from the store, which is honest and empty from then on. */
async function heard(word: AliveWord) {
  const store = lyingStore(word);
  store.claim = () => Promise.resolve(0);
  const bench = createKeeperBench({ keeper: { store } });
  const { keeper, clock } = bench;
  const session = bench.login();
  await clock.advance(70_000);
  void keeper.touch(session, client);
  await clock.advance(121_000);
  void keeper.peek(session, client);
  await clock.advance(1_000);
  store.read = () => Promise.resolve({ now: 0, word: undefined });
  return { ...bench, session };
}

it('an access in the future makes no activity count as told', async () => {
  const { keeper, clock, session, calls } = await heard({ ...lie, accessAt: Number.MAX_SAFE_INTEGER });
  void keeper.touch(session, client);
  await clock.advance(10_000);
  const before = calls(session, 'refresh').length;
  const activityAt = clock.now();
  void keeper.touch(session, client);
  expect(keeper.wasTold(session.id, activityAt)).toBe(false);
  await clock.advance(windowMs);
  expect(calls(session, 'refresh')).toHaveLength(before + 1);
});

it('a confirmation in the future makes no session trusted for longer than one of now', async () => {
  const { keeper, clock, session, am } = await heard({ ...lie, confirmedAt: Number.MAX_SAFE_INTEGER });
  am.endElsewhere(session.token);
  await clock.advance(121_000);
  const answer = keeper.peek(session, client);
  await clock.advance(100);
  expect((await answer).kind).toBe('dead');
});

it('a session whose end is published for thirty thousand years is asked about again after a day', async () => {
  let listener: StoreListener | undefined;
  const store = lyingStore();
  store.listen = (given) => void (listener = given);
  const bench = createKeeperBench({ maxIdleMinutes: 10_000, maxSessionMinutes: 10_000, keeper: { store } });
  const { keeper, clock } = bench;
  await clock.advance(1);
  const session = bench.login();
  listener?.onEnd(session.id, false, 1e15);
  await clock.advance(dayMs - 1_000);
  expect(keeper.touch(session, client)).toMatchObject({ kind: 'ended' });
  await clock.advance(2_000);
  const answer = keeper.touch(session, client);
  await clock.advance(100);
  expect((await answer).kind).toBe('alive');
});
