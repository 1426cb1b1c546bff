// Where every question to AM resets the idle time: nodes share the deadline, and keep no idle session awake.

import { describe, expect, it } from 'vitest';
import { createClusterBench, type Node } from './support/cluster-bench.js';

const idleMinutes = 10;

async function twoNodes() {
  const bench = await createClusterBench(2, { flavor: 'openam', maxIdleMinutes: idleMinutes });
  const session = bench.login();
  const [first, second] = bench.nodes as [Node, Node];
  void first.touch(session);
  await bench.clock.advance(1_000);
  void second.peek(session);
  await bench.clock.advance(1_000);
  return { ...bench, session, first, second };
}

describe('two nodes with one store, in front of an OpenAM', () => {
  it('let an idle session end although a page polls at the one and stays open at the other', async () => {
    const { clock, session, first, second, am } = await twoNodes();
    second.keeper.watch(session, () => undefined);
    for (let i = 0; i < (idleMinutes + 2) * 60; i++) {
      void first.peek(session);
      void second.peek(session);
      await clock.advance(1_000);
    }
    expect(am.latestAccess(session.token)).toBeUndefined();
    expect(await first.peek(session)).toBe('dead');
    expect(await second.peek(session)).toBe('dead');
  });

  it('keep a session whose user works at the one, and ask nothing about it at the other where only a page polls', async () => {
    const { clock, session, first, second, calls } = await twoNodes();
    const minutes = 3 * idleMinutes;
    const before = calls(session).length;
    for (let i = 0; i < minutes * 60; i++) {
      if (i % 5 === 0) void first.touch(session);
      const answer = second.peek(session);
      await clock.advance(1_000);
      expect(await answer).toBe('alive');
    }
    // one a window, and none of the poller's
    expect(calls(session).length - before).toBeLessThanOrEqual(Math.ceil((minutes * 60) / 61) + 1);
  });

  it('let a session live exactly its idle time after the last click, wherever that was', async () => {
    const { clock, session, first, second, am } = await twoNodes();
    await clock.advance(5 * 60_000);
    void second.touch(session);
    const lastClick = clock.now();
    await clock.advance(idleMinutes * 60_000 - 5_000);
    expect(await first.peek(session)).toBe('alive');
    let deadAt = Infinity;
    for (let i = 0; i < 120 && deadAt === Infinity; i++) {
      void first.peek(session).then((kind) => kind === 'dead' && (deadAt = Math.min(deadAt, clock.now())));
      await clock.advance(1_000);
    }
    expect(am.latestAccess(session.token)).toBeUndefined();
    expect(deadAt - lastClick).toBeLessThanOrEqual(idleMinutes * 60_000 + 10_000);
  });

  it('ask about a session at the one that AM called dead at the other', async () => {
    const { clock, session, first, second, am } = await twoNodes();
    await clock.advance(70_000);
    am.endElsewhere(session.token);
    void first.touch(session);
    await clock.advance(1_000);
    const answer = second.peek(session);
    await clock.advance(1_000);
    expect(await answer).toBe('dead');
  });
});
