import { describe, expect, it } from 'vitest';
import { busy, createCallGate, knownCaller, type Caller } from '../src/keeper/gate.js';
import { credentialOf } from '../src/token.js';
import { createKeeperBench } from './support/keeper-bench.js';
import { createVirtualClock } from './support/virtual-clock.js';

const from = (client: string): Caller => ({ known: false, client });

/** Calls that stay in flight until they are released. */
function createBench(max: number, strangersMax?: number) {
  const clock = createVirtualClock();
  const gate = createCallGate({ max, waitMs: 3_000, clock, ...(strangersMax !== undefined && { strangersMax }) });
  const started: string[] = [];
  const refused: string[] = [];
  const release: (() => void)[] = [];
  const run = (name: string, caller: Caller) =>
    void gate
      .run(caller, () => {
        started.push(name);
        return new Promise<void>((resolve) => release.push(resolve));
      })
      .then((result) => result === busy && refused.push(name));
  return {
    clock,
    gate,
    started,
    refused,
    run,
    async finish(count = 1) {
      for (const resolve of release.splice(0, count)) resolve();
      await clock.advance(0);
    },
  };
}

describe('the gate in front of AM', () => {
  it('lets no more calls through than its limit, and unknown tokens half of them', async () => {
    const { run, started, gate, clock } = createBench(4);
    for (let i = 0; i < 10; i++) run(`stranger ${i}`, from('a'));
    await clock.advance(0);
    expect(started).toEqual(['stranger 0', 'stranger 1']);
    for (let i = 0; i < 10; i++) run(`user ${i}`, knownCaller);
    await clock.advance(0);
    expect(started).toEqual(['stranger 0', 'stranger 1', 'user 0', 'user 1']);
    expect([gate.inFlight, gate.waiting]).toEqual([4, 16]);
  });

  it('takes the addresses in turn, whoever came first with how many', async () => {
    const { run, started, finish } = createBench(2);
    for (let i = 0; i < 5; i++) run(`a${i}`, from('a'));
    run('b0', from('b'));
    run('c0', from('c'));
    for (let i = 0; i < 6; i++) await finish();
    expect(started).toEqual(['a0', 'a1', 'b0', 'c0', 'a2', 'a3', 'a4']);
  });

  it('lets known sessions and unknown tokens take turns', async () => {
    const { run, started, finish } = createBench(1);
    for (let i = 0; i < 3; i++) run(`a${i}`, from('a'));
    for (let i = 0; i < 3; i++) run(`u${i}`, knownCaller);
    for (let i = 0; i < 5; i++) await finish();
    expect(started).toEqual(['a0', 'u0', 'a1', 'u1', 'a2', 'u2']);
  });

  it('gives up on what waited as long as a call may take', async () => {
    const { run, refused, clock, gate } = createBench(1);
    for (let i = 0; i < 3; i++) run(`u${i}`, knownCaller);
    run('a0', from('a'));
    await clock.advance(3_001);
    expect(refused.toSorted()).toEqual(['a0', 'u1', 'u2']);
    expect(gate.waiting).toBe(0);
    expect(clock.timers).toBe(0);
  });

  it('cuts an address with more than its share when the queue is full, never one with eight or fewer', async () => {
    const { run, refused, started, clock, finish } = createBench(2, 20);
    for (let i = 0; i < 21; i++) run(`flood ${i}`, from('flood'));
    await clock.advance(0);
    expect(refused).toEqual([]);
    run('flood 21', from('flood'));
    await clock.advance(0);
    expect(refused).toEqual(['flood 21']);
    for (let i = 0; i < 8; i++) run(`user ${i}`, from('user'));
    await clock.advance(0);
    expect(refused).toHaveLength(9);
    expect(refused.every((name) => name.startsWith('flood'))).toBe(true);
    await finish();
    await finish();
    expect(started).toContain('user 0');
  });

  it('refuses newcomers when the queue is full of modest addresses', async () => {
    const { run, refused, clock } = createBench(2, 10);
    for (let i = 0; i < 11; i++) run(`n${i}`, from(`address ${i}`));
    run('late', from('late'));
    await clock.advance(0);
    expect(refused).toEqual(['late']);
  });

  it('frees its place when a call fails', async () => {
    const clock = createVirtualClock();
    const gate = createCallGate({ max: 1, waitMs: 3_000, clock });
    await expect(gate.run(knownCaller, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(gate.inFlight).toBe(0);
    expect(await gate.run(knownCaller, () => Promise.resolve('yes'))).toBe('yes');
  });
});

describe('a flood of invented tokens', () => {
  it('leaves the refreshes of known sessions unharmed', async () => {
    const { keeper, clock, am, calls, login } = createKeeperBench({ keeper: { maxConcurrency: 8 } });
    am.latencyMs = () => 50;
    const users = Array.from({ length: 20 }, () => login());
    for (const user of users) void keeper.touch(user, '192.0.2.1');
    await clock.advance(70_000);
    const slow: number[] = [];
    for (let tick = 0; tick < 100; tick++) {
      for (let n = 0; n < 100; n++)
        void keeper.touch(credentialOf(`AQIC${tick}x${n}.*AAJ.*`, undefined), `198.51.100.${n % 200}`);
      const askedAt = clock.now();
      void Promise.resolve(keeper.touch(users[tick % 20]!, '192.0.2.1')).then(() => slow.push(clock.now() - askedAt));
      await clock.advance(10);
    }
    await clock.advance(100);
    expect(slow).toHaveLength(100);
    expect(Math.max(...slow)).toBeLessThanOrEqual(100);
    for (const user of users) expect(calls(user, 'refresh').length).toBeLessThanOrEqual(3);
  });
});
