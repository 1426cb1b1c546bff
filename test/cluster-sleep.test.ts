// A machine may sleep between a claim and the refresh: what it claimed may be another node's when it wakes up.

import { expect, it } from 'vitest';
import { createClusterBench, type Node } from './support/cluster-bench.js';
import { windowMs } from './support/keeper-bench.js';

it.each([
  ['whose machine slept', 0, 1],
  ['that was stopped, and its wall clock set back,', 1, 0],
])(
  'a node %s for longer than its claim does not send: another has done so meanwhile',
  async (_how, monotonic, wall) => {
    const { clock, nodes, login, calls, join } = await createClusterBench(1);
    const [other] = nodes as [Node];
    let heldUpMs = 0;
    const node = await join({
      ...clock,
      now: () => clock.now() + monotonic * heldUpMs,
      wall: () => clock.wall() + wall * heldUpMs,
    });
    const session = login();
    await clock.advance(70_000);
    void node.touch(session);
    await clock.advance(1_000);
    void other.peek(session);
    await clock.advance(windowMs + 5_000);
    const before = calls(session, 'refresh').length;
    const { claim } = node.link;
    // the time of the store goes on
    node.link.claim = (id, owner) => {
      node.link.claim = claim;
      return claim(id, owner, 1);
    };
    node.link.latency = { there: 0, back: 10 };
    node.link.asked.length = 0;
    void node.touch(session);
    await clock.advance(5);
    expect(node.link.asked).toContain('claim');
    heldUpMs = windowMs + 5_000;
    void other.touch(session);
    await clock.advance(1_000);
    expect(calls(session, 'refresh')).toHaveLength(before + 1);
    expect(calls(session, 'refresh').at(-1)?.outcome).toBe('obeyed');
  },
);
