// The store is slow, full, or gone: no request fails or waits for it, and each node goes by what it knows.

import { describe, expect, it } from 'vitest';
import { createClusterBench, type Node, type StoreWeather } from './support/cluster-bench.js';
import { windowMs } from './support/keeper-bench.js';

const lines = (node: Node, pattern: RegExp) => node.log.filter((line) => pattern.test(line));
const away = /"redis":"away"/;
const back = /"redis":"up","awayS"/;

describe.each<StoreWeather>(['hanging', 'failing', 'read-only'])('a store that is %s', (weather) => {
  it('lets users work on, is said once when it goes and once when it comes back', async () => {
    const { clock, nodes, login } = await createClusterBench(2);
    const sessions = Array.from({ length: 20 }, () => login());
    await clock.advance(70_000);
    for (const session of sessions) for (const node of nodes) void node.touch(session);
    await clock.advance(1_000);
    for (const { link } of nodes) link.weather = weather;
    for (let second = 0; second < 300; second++) {
      for (const session of sessions) {
        const node = nodes[second % 2] as Node;
        const answer = node.touch(session);
        if (second % 10 === 0) await clock.advance(1);
        expect(await answer).toBe('alive');
      }
      await clock.advance(1_000);
    }
    for (const node of nodes) {
      expect(lines(node, away)).toHaveLength(1);
      node.link.weather = 'fine';
    }
    await clock.advance(10_000);
    for (const node of nodes) {
      expect(lines(node, back)).toHaveLength(1);
      expect(node.keeper.storeState).toBe('up');
    }
  });

  it('keeps no request longer than 50 ms, be it the first about a session or one that waits for AM', async () => {
    const { clock, nodes, login, am } = await createClusterBench(1);
    const [node] = nodes as [Node];
    const known = login();
    await clock.advance(70_000);
    void node.touch(known);
    await clock.advance(windowMs + 1_000);
    am.latencyMs = () => 0;
    node.link.weather = weather;
    for (const ask of [
      () => node.touch(known, true),
      () => node.touch(login()),
      () => node.peek(login()),
      () => node.keeper.end(known, '192.0.2.1').then(({ outcome }) => outcome),
      () => node.keeper.end(login(), '192.0.2.1').then(({ outcome }) => outcome),
    ]) {
      let outcome: string | undefined;
      void ask().then((kind) => (outcome = kind));
      await clock.advance(50);
      expect(outcome).toMatch(/alive|ended/);
    }
  });

  it('leaves each node its own window', async () => {
    const { clock, nodes, login, calls } = await createClusterBench(2);
    const session = login();
    await clock.advance(70_000);
    for (const node of nodes) {
      void node.touch(session);
      node.link.weather = weather;
    }
    await clock.advance(1_000);
    const before = calls(session, 'refresh').length;
    const windows = 5;
    for (let i = 0; i < windows * 61; i++) {
      for (const node of nodes) void node.touch(session);
      await clock.advance(1_000);
    }
    const refreshes = calls(session, 'refresh').length - before;
    expect(refreshes).toBeLessThanOrEqual(2 * (windows + 1));
    expect(refreshes).toBeGreaterThanOrEqual(windows - 1);
  });
});

it('a single slow answer is no outage', async () => {
  const { clock, nodes, login } = await createClusterBench(1);
  const [node] = nodes as [Node];
  await clock.advance(70_000);
  node.link.weather = 'hanging';
  void node.peek(login());
  await clock.advance(10);
  node.link.weather = 'fine';
  await clock.advance(1_000);
  expect(lines(node, away)).toEqual([]);
  expect(node.keeper.storeState).toBe('up');
});

it('a store that is not there at the start is said to be away after three, and users come in all the same', async () => {
  const { createMemoryStores } = await import('../src/store/memory.js');
  const { createKeeperBench } = await import('./support/keeper-bench.js');
  const { createVirtualClock } = await import('./support/virtual-clock.js');
  const { createVirtualAm } = await import('./support/virtual-am.js');
  const clock = createVirtualClock();
  const am = createVirtualAm({ clock });
  let isThere = false;
  const store = createMemoryStores({ clock }).join();
  const check = () => (isThere ? store.check() : Promise.reject(new Error('ECONNREFUSED')));
  const bench = createKeeperBench({ world: { clock, am }, keeper: { store: { ...store, check } } });
  const session = bench.login();
  const answer = bench.keeper.touch(session, '192.0.2.1');
  expect(bench.keeper.storeState).toBe('connecting');
  await clock.advance(500);
  expect((await answer).kind).toBe('alive');
  expect(bench.log.join()).not.toMatch(away);
  await clock.advance(3_000);
  expect(bench.keeper.storeState).toBe('away');
  isThere = true;
  await clock.advance(10_000);
  expect(bench.keeper.storeState).toBe('up');
  expect(bench.log.filter((line) => away.test(line))).toHaveLength(1);
});
