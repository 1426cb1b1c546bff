// How long the store is waited for, what counts as an outage of it, and how soon it is looked for again.

import { describe, expect, it } from 'vitest';
import { noMeter } from '../src/keeper/meter.js';
import { createStoreGuard } from '../src/keeper/store-guard.js';
import { createMemoryStores } from '../src/store/memory.js';
import { createClusterBench, type Node } from './support/cluster-bench.js';
import { recordingLogger } from './support/log.js';
import { createVirtualClock } from './support/virtual-clock.js';

/** A guard that has found its store. `busy`: our own work holds up every timer by so much. */
async function guarded() {
  const time = createVirtualClock();
  let heldUpMs = 0;
  const clock = { ...time, now: () => time.now() + heldUpMs };
  const log: string[] = [];
  const store = createMemoryStores({ clock }).join();
  let isThere = true;
  const check = () => (isThere ? store.check() : Promise.reject(new Error('ECONNREFUSED')));
  const guard = createStoreGuard({
    store: { ...store, check },
    clock,
    log: recordingLogger(log),
    meter: noMeter,
    random: () => 0.5,
    onUp: () => undefined,
    onWell: () => undefined,
  });
  guard.start();
  await time.advance(1);
  return {
    guard,
    time,
    log,
    busy: (ms: number) => void (heldUpMs += ms),
    /** The store goes and is there again at once; how long it takes until that is noticed, in ms. */
    async flap() {
      isThere = false;
      await Promise.all([guard.run('check', check), time.advance(1)]);
      expect(guard.state).toBe('away');
      isThere = true;
      const wentAt = time.now();
      while (guard.state === 'away') await time.advance(10);
      return time.now() - wentAt;
    },
  };
}

describe('a stall of the store', () => {
  const stall = async ({ clock, nodes, login }: Awaited<ReturnType<typeof createClusterBench>>) => {
    const [node] = nodes as [Node];
    node.link.weather = 'hanging';
    const answers = [1, 2, 3, 4].map(() => node.peek(login()));
    await clock.advance(51);
    node.link.weather = 'fine';
    await clock.advance(100);
    expect(await Promise.all(answers)).toEqual(['alive', 'alive', 'alive', 'alive']);
  };

  it('that four sessions meet together is one time-out, and no outage', async () => {
    const bench = await createClusterBench(1);
    await stall(bench);
    expect(bench.nodes[0]?.keeper.storeState).toBe('up');
    expect(bench.nodes[0]?.log).toEqual([expect.stringContaining('"redis":"up"')]);
  });

  it('is an outage when it is the third without an answer between', async () => {
    const bench = await createClusterBench(1);
    const [node] = bench.nodes as [Node];
    node.link.weather = 'hanging';
    const meetOne = async () => {
      void node.peek(bench.login());
      await bench.clock.advance(51);
      return node.keeper.storeState;
    };
    expect([await meetOne(), await meetOne()]).toEqual(['up', 'up']);
    node.link.weather = 'fine';
    await meetOne();
    node.link.weather = 'hanging';
    expect([await meetOne(), await meetOne(), await meetOne()]).toEqual(['up', 'up', 'away']);
  });
});

describe('while our own work holds up the timers', () => {
  it('an answer that has arrived, and only was not read yet, is none that is late', async () => {
    const { guard, time, busy } = await guarded();
    // read once the timer that was due first has run
    let arrive: (word: string) => void = () => undefined;
    const answer = guard.run('read', () => new Promise<string>((resolve) => (arrive = resolve)));
    time.setTimer(() => arrive('read'), 50);
    busy(100);
    await time.advance(51);
    expect(await answer).toBe('read');
  });

  it('no answer at all is late all the same', async () => {
    const { guard, time, busy } = await guarded();
    const answer = guard.run('read', () => new Promise<string>(() => undefined));
    busy(100);
    await time.advance(51);
    expect(await answer).toBeUndefined();
  });
});

describe('a store that went', () => {
  it('and keeps going is looked for ever more seldom, up to five seconds', async () => {
    const { flap, time } = await guarded();
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      waits.push(await flap());
      // there for a while, but not for long
      await time.advance(29_000);
    }
    const expected = [500, 1_000, 2_000, 4_000, 5_000, 5_000];
    for (const [i, ms] of expected.entries()) expect(Math.abs((waits[i] ?? NaN) - ms)).toBeLessThanOrEqual(10);
  });

  it('after it was there for long is looked for quickly again', async () => {
    const { flap, time } = await guarded();
    for (let i = 0; i < 4; i++) await flap();
    await time.advance(31_000);
    expect(await flap()).toBeLessThanOrEqual(510);
  });
});
