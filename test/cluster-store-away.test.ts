// The store is slow, full, or gone: no request fails or waits for it, and each node goes by what it knows.

import { describe, expect, it } from 'vitest';
import { createMemoryStores } from '../src/store/memory.js';
import { createClusterBench, type Node, type StoreWeather } from './support/cluster-bench.js';
import { createKeeperBench, windowMs } from './support/keeper-bench.js';
import { createVirtualAm } from './support/virtual-am.js';
import { createVirtualClock } from './support/virtual-clock.js';

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

  it('keeps no request longer than 50 ms and the time that AM takes, where this node has not heard the others', async () => {
    const { clock, nodes, login, am, calls } = await createClusterBench(1);
    const [node] = nodes as [Node];
    const session = login();
    await clock.advance(70_000);
    void node.touch(session);
    await clock.advance(1_000);
    am.latencyMs = () => 20;
    node.link.listenAnew();
    await clock.advance(10);
    node.link.weather = weather;
    const before = calls(session).length;
    const waited: string[] = [];
    for (const ask of [node.touch, node.peek]) void ask(session).then((kind) => waited.push(kind));
    await clock.advance(50 + 20);
    expect(waited).toEqual(['alive', 'alive']);
    // where the store does not say, AM is asked
    expect(calls(session).length - before).toBe(weather === 'read-only' ? 0 : 1);
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

describe('a node that has not heard the others, and whose store hangs', () => {
  async function deafNode() {
    const bench = await createClusterBench(1);
    const [node] = bench.nodes as [Node];
    const session = bench.login();
    await bench.clock.advance(70_000);
    void node.touch(session);
    await bench.clock.advance(1_000);
    bench.am.latencyMs = () => 20;
    return { ...bench, node, session };
  }

  it('makes nobody wait for the store again who waited with a call that was under way', async () => {
    const { clock, node, session, calls } = await deafNode();
    void node.touch(session);
    const before = calls(session).length;
    await clock.advance(windowMs - 1_000);
    node.link.listenAnew();
    await clock.advance(10);
    node.link.weather = 'hanging';
    // the trailing refresh becomes due, and asks the store first
    for (let i = 0; i < 2_000 && node.link.asked.at(-1) !== 'read'; i++) await clock.advance(1);
    let answer: string | undefined;
    void node.peek(session).then((kind) => (answer = kind));
    await clock.advance(50 + 20);
    expect(answer).toBe('alive');
    expect(calls(session).length - before).toBe(1);
  });

  it('does not ask an AM that fails more often for that', async () => {
    const { clock, node, session, calls, am } = await deafNode();
    await clock.advance(windowMs);
    am.weather = 'failing';
    expect(await Promise.all([node.touch(session), clock.advance(100)])).toContain('alive');
    const before = calls(session).length;
    node.link.listenAnew();
    await clock.advance(10);
    node.link.weather = 'hanging';
    for (let i = 0; i < 2; i++) expect(await Promise.all([node.peek(session), clock.advance(60)])).toContain('alive');
    expect(calls(session)).toHaveLength(before);
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
