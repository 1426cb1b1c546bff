// The nodes' clocks and the store's are not one, and answers take their time: what a time says is never more than was true.

import { describe, expect, it } from 'vitest';
import type { Credential } from '../src/am/client.js';
import type { LiveSession } from '../src/keeper/verdict.js';
import type { AliveWord } from '../src/store/session-store.js';
import { createClusterBench, type Node, type StoreLatency } from './support/cluster-bench.js';
import { windowMs } from './support/keeper-bench.js';

const slow: readonly StoreLatency[] = [
  { there: 0, back: 40 },
  { there: 40, back: 0 },
  { there: 20, back: 20 },
];
const idleMs = 10 * 60_000;
const trustMs = 120_000;

/** Two nodes that have met a session, the second slow to reach the store. */
async function twoNodes(latency: StoreLatency) {
  const bench = await createClusterBench(2, { maxIdleMinutes: idleMs / 60_000 });
  const session = bench.login();
  await bench.clock.advance(70_000);
  const [other, node] = bench.nodes as [Node, Node];
  void other.touch(session);
  await bench.clock.advance(1_000);
  void node.peek(session);
  await bench.clock.advance(1_000);
  bench.am.latencyMs = () => 0;
  node.link.latency = latency;
  return { ...bench, session, other, node };
}

async function wordIn({ link }: Node, id: string): Promise<AliveWord> {
  const { word } = await link.read(id);
  if (word?.kind !== 'alive') throw new Error('no word');
  return word;
}

/** With the deadlines that the node goes by. */
async function verdictAt({ keeper }: Node, session: Credential): Promise<LiveSession> {
  const verdict = await keeper.peek(session, '192.0.2.1');
  if (verdict.kind !== 'alive') throw new Error(verdict.kind);
  return verdict;
}

describe.each(slow)('a node whose operations take $there ms to the store and $back ms back', (latency) => {
  it('leaves a word there that says no more than AM did', async () => {
    const { clock, session, node, other, calls } = await twoNodes(latency);
    await clock.advance(windowMs);
    void node.touch(session);
    await clock.advance(1_000);
    const { reachedAt = NaN } = calls(session, 'refresh').at(-1) ?? {};
    // the store's clock is the bench's
    const word = await wordIn(other, session.id);
    expect(word.confirmedAt).toBeLessThanOrEqual(reachedAt);
    expect(word.confirmedAt).toBeGreaterThan(reachedAt - 100);
    expect(word.accessAt).toBeLessThanOrEqual(reachedAt);
    expect(word.accessAt).toBeGreaterThan(reachedAt - 100);
    const { idleDeadline, maxDeadline } = await verdictAt(node, session);
    expect(word.idleDeadline).toBeGreaterThanOrEqual(idleDeadline);
    expect(word.maxDeadline).toBeLessThanOrEqual(maxDeadline);
    expect(word.maxDeadline).toBeGreaterThan(maxDeadline - 100);
  });

  it('takes the idle deadline for no earlier than AM told the other node, and the maximum time for no later', async () => {
    const { clock, session, node, other, calls } = await twoNodes(latency);
    await clock.advance(windowMs);
    // a refresh is told the maximum time more precisely than a look: the other's is the earlier one
    void node.touch(session);
    await clock.advance(trustMs + windowMs);
    void other.peek(session);
    await clock.advance(1_000);
    const asked = calls(session).length;
    void node.peek(session);
    await clock.advance(1_000);
    expect(calls(session)).toHaveLength(asked);
    const [told, learnt] = [await verdictAt(other, session), await verdictAt(node, session)];
    expect(learnt.idleDeadline).toBeGreaterThanOrEqual(told.idleDeadline);
    expect(learnt.idleDeadline).toBeLessThan(told.idleDeadline + 100);
    expect(learnt.maxDeadline).toBeLessThanOrEqual(told.maxDeadline);
  });

  it("takes no activity for told that came after AM's latest access", async () => {
    const { clock, session, node, other, calls } = await twoNodes(latency);
    await clock.advance(windowMs);
    void other.touch(session);
    await clock.advance(1_000);
    const { reachedAt = NaN } = calls(session, 'refresh').at(-1) ?? {};
    void node.touch(session);
    await clock.advance(1_000);
    expect(node.keeper.wasTold(session.id, reachedAt - 100)).toBe(true);
    expect(node.keeper.wasTold(session.id, reachedAt + 0.1)).toBe(false);
  });

  it("trusts another node's word from AM's answer on, no longer", async () => {
    const { clock, session, node, other, calls } = await twoNodes(latency);
    await clock.advance(trustMs + windowMs);
    void other.touch(session);
    await clock.advance(1_000);
    const { reachedAt = NaN } = calls(session, 'refresh').at(-1) ?? {};
    // learns it
    void node.peek(session);
    await clock.advance(1_000);
    const asked = calls(session).length;
    await clock.advance(reachedAt + trustMs - 100 - clock.now());
    expect(await node.peek(session)).toBe('alive');
    expect(calls(session)).toHaveLength(asked);
    await clock.advance(101);
    void node.peek(session);
    await clock.advance(100);
    expect(calls(session)).toHaveLength(asked + 1);
  });
});

it("a word stands in the store until AM's maximum time at most", async () => {
  const { clock, nodes, login } = await createClusterBench(1, { maxSessionMinutes: 2 });
  const [node] = nodes as [Node];
  const session = login();
  const startedAt = clock.now();
  void node.touch(session);
  await clock.advance(1_000);
  await clock.advance(startedAt + 2 * 60_000 - 2_000 - clock.now());
  expect((await node.link.read(session.id)).word).toBeDefined();
  await clock.advance(2_100);
  expect((await node.link.read(session.id)).word).toBeUndefined();
});
