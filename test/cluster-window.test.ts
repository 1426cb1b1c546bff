// Several nodes and one store: one refresh per session and window, whoever serves the request.

import { describe, expect, it } from 'vitest';
import { windowMs } from './support/keeper-bench.js';
import { createClusterBench } from './support/cluster-bench.js';

const never = Symbol('never');

/** What a touch says without waiting for AM; `never` where it waits. */
async function atOnce(answer: Promise<string>): Promise<string | typeof never> {
  return Promise.race([answer, new Promise<typeof never>((resolve) => setImmediate(() => resolve(never)))]);
}

describe('four nodes with one store', () => {
  it('send one refresh when a user comes to all of them at once, and each looks once at a session that it meets', async () => {
    const { clock, nodes, login, calls } = await createClusterBench(4);
    const session = login();
    await clock.advance(70_000);
    const answers = nodes.map((node) => node.touch(session));
    await clock.advance(1_000);
    expect(await Promise.all(answers)).toEqual(['alive', 'alive', 'alive', 'alive']);
    expect(calls(session, 'refresh')).toHaveLength(1);
    expect(calls(session, 'getSessionInfo').length).toBeLessThanOrEqual(3);
  });

  it('send one refresh a window for an hour of a user who is at another node with each click', async () => {
    const { clock, nodes, login, calls, am } = await createClusterBench(4);
    const session = login();
    const clicks = 3_600;
    for (let i = 0; i < clicks; i++) {
      const node = nodes[(i * 7) % nodes.length];
      const answer = node?.touch(session);
      await clock.advance(1_000);
      expect(await answer).toBe('alive');
    }
    const refreshes = calls(session, 'refresh').length;
    expect(refreshes).toBeLessThanOrEqual(Math.ceil((clicks * 1_000) / windowMs) + 1);
    expect(refreshes).toBeGreaterThanOrEqual(Math.floor((clicks * 1_000) / (windowMs + 2_000)));
    expect(calls(session, 'getSessionInfo').length).toBeLessThanOrEqual(4);
    // AM obeyed each of them
    await clock.advance(2 * windowMs);
    const access = am.latestAccess(session.token) ?? 0;
    expect(clock.now() - 2 * windowMs - 1_000 - access).toBeLessThan(1_000);
  });

  it('need four operations of the store for each session, window and node at most', async () => {
    const { clock, nodes, login } = await createClusterBench(3);
    const session = login();
    await clock.advance(70_000);
    for (const node of nodes) void node.touch(session);
    await clock.advance(1_000);
    for (const node of nodes) node.link.asked.length = 0;
    const windows = 10;
    for (let i = 0; i < windows * 61; i++) {
      for (const node of nodes) void node.touch(session);
      await clock.advance(1_000);
    }
    for (const { link } of nodes) {
      expect(link.asked.filter((name) => name !== 'check').length).toBeLessThanOrEqual(4 * (windows + 1));
    }
  });

  it('tell AM of what the user did at a node that lost the claim', async () => {
    const { clock, nodes, login, am, calls } = await createClusterBench(2);
    const [first, second] = nodes;
    const session = login();
    await clock.advance(70_000);
    void first?.touch(session);
    await clock.advance(5_000);
    void second?.touch(session);
    const activity = clock.now();
    await clock.advance(windowMs + 6_000);
    expect(calls(session, 'refresh')).toHaveLength(2);
    expect(am.latestAccess(session.token)).toBeGreaterThanOrEqual(Math.floor(activity / 1_000) * 1_000);
  });

  it('do not tell AM again at another node of activity that it knows', async () => {
    const { clock, nodes, login, calls } = await createClusterBench(4);
    const session = login();
    await clock.advance(70_000);
    for (const node of nodes) void node.touch(session);
    await clock.advance(windowMs - 1_000);
    // in the last second of the window, at each of them: the next refresh tells of all four
    for (const node of nodes) void node.touch(session);
    await clock.advance(20 * windowMs);
    expect(calls(session, 'refresh')).toHaveLength(2);
  });

  it('let a claim go to the next one when its owner dies between claim and refresh', async () => {
    const { clock, nodes, login, am, calls } = await createClusterBench(2);
    const [first, second] = nodes;
    const session = login();
    await clock.advance(70_000);
    void second?.peek(session);
    await clock.advance(1_000);
    am.weather = 'hanging';
    void first?.touch(session);
    await clock.advance(100);
    await first?.keeper.close();
    am.weather = 'fine';
    const activity = clock.now();
    expect(await atOnce(second?.touch(session) ?? Promise.resolve(''))).toBe('alive');
    await clock.advance(windowMs + 6_000);
    expect(calls(session, 'refresh')).toHaveLength(2);
    expect(am.latestAccess(session.token)).toBeGreaterThanOrEqual(Math.floor(activity / 1_000) * 1_000);
  });

  it('shrink the claim to the back-off when AM does not answer, so that any of them may try again', async () => {
    const { clock, nodes, login, am, calls } = await createClusterBench(2);
    const [first, second] = nodes;
    const session = login();
    await clock.advance(70_000);
    void first?.touch(session);
    void second?.peek(session);
    await clock.advance(windowMs + 1_000);
    am.weather = 'failing';
    void first?.touch(session);
    await clock.advance(1_500);
    am.weather = 'fine';
    const before = calls(session, 'refresh').length;
    void second?.touch(session);
    await clock.advance(1_000);
    expect(calls(session, 'refresh').length).toBeGreaterThan(before);
  });

  it('leave nothing of invented tokens in the store', async () => {
    const { clock, nodes, am } = await createClusterBench(1);
    const [node] = nodes;
    const { credentialOf } = await import('../src/token.js');
    for (let i = 0; i < 200; i++) void node?.touch(credentialOf(`invented-${i}`, undefined));
    await clock.advance(5_000);
    expect(am.calls.length).toBeGreaterThan(0);
    const asked = node?.link.asked ?? [];
    const claimed = asked.filter((name) => name === 'claim').length;
    expect(claimed).toBeGreaterThan(0);
    expect(asked.filter((name) => name === 'settle')).toHaveLength(claimed);
    expect(asked).not.toContain('confirm');
    expect(asked).not.toContain('died');
  });
});
