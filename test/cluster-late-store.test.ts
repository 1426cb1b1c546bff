// A store that is late for one session and in time for all others, as a cluster with one slow shard: it is never away.

import { describe, expect, it } from 'vitest';
import type { Credential } from '../src/am/client.js';
import { createClusterBench, type Node } from './support/cluster-bench.js';
import { windowMs } from './support/keeper-bench.js';

const lateMs = 100;

/** A node, a session that its store is late for, and one that it is in time for. */
async function lateNode(flavor: 'ping' | 'openam', maxIdleMinutes = 30) {
  const bench = await createClusterBench(1, { flavor, maxIdleMinutes });
  const { clock, login, nodes } = bench;
  const [node] = nodes as [Node];
  const late = login();
  const { link } = node;
  const later = () => new Promise<void>((resolve) => void clock.setTimer(resolve, lateMs));
  const { read, claim } = link;
  link.read = (id) => (id === late.id ? later().then(() => read(id)) : read(id));
  link.claim = (id, ...rest) => (id === late.id ? later().then(() => claim(id, ...rest)) : claim(id, ...rest));

  /** Others come meanwhile, so that the store is in time more often than not. */
  async function everySecond(seconds: number, ask: () => Promise<string>): Promise<string[]> {
    const answers: string[] = [];
    for (let i = 0; i < seconds; i++) {
      void node.touch(login());
      void ask().then((kind) => answers.push(kind));
      await clock.advance(1_000);
      expect(node.keeper.storeState).toBe('up');
    }
    return answers;
  }
  return { ...bench, node, late, everySecond };
}

function waitsMs(clock: { now(): number }, ask: () => Promise<string>): Promise<number> {
  const before = clock.now();
  return ask().then(() => clock.now() - before);
}

describe('a store that is late for a session', () => {
  it.each(['activity', 'background'] as const)('does not have AM called for each request: %s', async (cause) => {
    const { clock, node, late, calls, everySecond } = await lateNode('ping');
    await clock.advance(70_000);
    const ask = (session: Credential) => (cause === 'activity' ? node.touch(session) : node.peek(session));
    const seconds = 5 * 60;
    const answers = await everySecond(seconds, () => ask(late));
    expect(answers.every((kind) => kind === 'alive')).toBe(true);
    // one for each window and trust time, and the first
    expect(calls(late).length).toBeLessThanOrEqual((2 * seconds * 1_000) / windowMs + 2);
  });

  it('lets an idle session end where every call resets the idle time, although a page polls', async () => {
    const { clock, node, late, calls, everySecond } = await lateNode('openam', 2);
    await clock.advance(5_000);
    const answers = await everySecond(150, () => node.peek(late));
    expect(answers.at(-1)).toBe('dead');
    expect(calls(late).length).toBeLessThanOrEqual(3);
  });

  it('has nobody wait for it again, once AM has called the session alive', async () => {
    const { clock, node, late, am } = await lateNode('ping');
    await clock.advance(70_000);
    am.latencyMs = () => 20;
    node.link.listenAnew();
    void node.touch(late);
    await clock.advance(1_000);
    const waits: number[] = [];
    for (let i = 0; i < 5; i++) {
      for (const ask of [node.touch, node.peek]) void waitsMs(clock, () => ask(late)).then((ms) => waits.push(ms));
      await clock.advance(100);
    }
    expect(waits).toHaveLength(10);
    expect(Math.max(...waits)).toBe(0);
  });
});
