// Whoever can write to the store may end sessions and delay refreshes, but lets nobody in, and nobody stay for ever.

import { expect, it } from 'vitest';
import type { SessionStore } from '../src/store/session-store.js';
import { createKeeperBench, windowMs } from './support/keeper-bench.js';

const client = '192.0.2.1';

/** A store that says of every session that it lives, for ever and from now on, and of every window that it is taken. */
function lyingStore(): SessionStore {
  const done = () => Promise.resolve();
  return {
    claim: () => Promise.resolve(Number.MAX_SAFE_INTEGER),
    read: () =>
      Promise.resolve({
        now: 0,
        word: {
          kind: 'alive',
          confirmedAt: Number.MAX_SAFE_INTEGER,
          accessAt: Number.MAX_SAFE_INTEGER,
          idleDeadline: Infinity,
          maxDeadline: Infinity,
        },
      }),
    settle: done,
    confirm: done,
    end: done,
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
