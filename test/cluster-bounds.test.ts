// The promise of a cluster, as a property over random users at random nodes, a store that comes and goes, and nodes that die.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Credential } from '../src/am/client.js';
import {
  createClusterBench,
  type ClusterBench,
  type Node,
  type StoreLatency,
  type StoreWeather,
} from './support/cluster-bench.js';
import { windowMs } from './support/keeper-bench.js';

const timeoutMs = 3_000;
const trustMs = 120_000;
const users = 3;
const size = 3;

interface Step {
  readonly waitMs: number;
  readonly user: number;
  readonly node: number;
  readonly action: 'touch' | 'burst' | 'peek' | 'logout' | 'restart' | StoreWeather;
}

const pause = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 1_500 }) },
  { weight: 3, arbitrary: fc.integer({ min: 1_000, max: 40_000 }) },
  { weight: 3, arbitrary: fc.integer({ min: 58_000, max: 66_500 }) },
  { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 400_000 }) },
);

function steps(...actions: readonly { weight: number; action: Step['action'] }[]): fc.Arbitrary<Step[]> {
  const action = fc.oneof(...actions.map((each) => ({ weight: each.weight, arbitrary: fc.constant(each.action) })));
  const step = fc.record({ waitMs: pause, user: fc.nat(users - 1), node: fc.nat(size - 1), action });
  return fc.array(step, { minLength: 5, maxLength: 50 });
}

const daily = [
  { weight: 8, action: 'touch' },
  { weight: 3, action: 'burst' },
  { weight: 3, action: 'peek' },
] as const;
const badDays = [
  { weight: 1, action: 'hanging' },
  { weight: 1, action: 'failing' },
  { weight: 1, action: 'read-only' },
  { weight: 3, action: 'fine' },
] as const;

/** Within the patience for the store, where the two sum up to less than 50 ms. */
const slowness = fc.array(fc.record({ there: fc.nat(24), back: fc.nat(24) }), { minLength: size, maxLength: size });
const slownessMax = 48;

interface Run {
  readonly bench: ClusterBench;
  readonly sessions: readonly Credential[];
  readonly activity: readonly number[][];
  readonly endedAt: (number | undefined)[];
  readonly admitted: { readonly user: number; readonly at: number }[];
}

async function run(script: readonly Step[], latencies: readonly StoreLatency[]): Promise<Run> {
  const bench = await createClusterBench(size, { maxSessionMinutes: 10_000, maxIdleMinutes: 10_000 });
  const { clock, nodes } = bench;
  for (const [i, latency] of latencies.entries()) Object.assign((nodes[i] as Node).link, { latency });
  const sessions = Array.from({ length: users }, () => bench.login());
  const result: Run = {
    bench,
    sessions,
    activity: sessions.map(() => []),
    endedAt: sessions.map(() => undefined),
    admitted: [],
  };
  await clock.advance(61_001);
  for (const { waitMs, user, node: index, action } of script) {
    await clock.advance(waitMs);
    const node = nodes[index] as Node;
    const session = sessions[user] as Credential;
    const note = (kind: string) => void (kind === 'alive' && result.admitted.push({ user, at: clock.now() }));
    switch (action) {
      case 'touch':
      case 'burst':
        for (const each of action === 'burst' ? nodes : [node]) void each.touch(session).then(note);
        if (result.endedAt[user] === undefined) result.activity[user]?.push(clock.now());
        break;
      case 'peek':
        void node.peek(session).then(note);
        break;
      case 'logout': {
        // of a session that no node has met, the others hear when AM says that there was one
        const isMet = nodes.some(({ keeper }) => keeper.knows(session.id));
        const ending = node.keeper.end(session, '192.0.2.9');
        if (isMet) result.endedAt[user] ??= clock.now();
        else void ending.then(() => (result.endedAt[user] ??= clock.now()));
        break;
      }
      case 'restart':
        // its pending activity is lost, as the README says; without a word to the others
        void node.keeper.close();
        nodes.splice(index, 1, await bench.join());
        nodes.pop();
        break;
      default:
        for (const { link } of nodes) link.weather = action;
    }
  }
  for (const { link } of nodes) link.weather = 'fine';
  await clock.advance(windowMs + 2 * timeoutMs + 1_000);
  return result;
}

/** Each activity was followed by a refresh that AM obeyed: AM counts in whole seconds. */
function expectTold(bench: ClusterBench, session: Credential, activity: readonly number[] = []): void {
  const obeyed = bench.calls(session, 'refresh').filter(({ outcome }) => outcome === 'obeyed');
  for (const at of activity) {
    const told = obeyed.find(({ reachedAt }) => (reachedAt ?? -Infinity) >= at - 1_000);
    expect((told?.reachedAt ?? Infinity) - at).toBeLessThanOrEqual(windowMs + 2 * timeoutMs);
  }
}

/** A node that found the window claimed by one that had nothing to tell after all was late, by a window. */
const claimedForNothing: [Step[], StoreLatency[]] = [
  [
    { waitMs: 28_061, user: 0, node: 0, action: 'touch' },
    { waitMs: 102_502, user: 2, node: 1, action: 'touch' },
    { waitMs: 60_398, user: 2, node: 0, action: 'burst' },
    { waitMs: 1_681, user: 2, node: 0, action: 'touch' },
    { waitMs: 58_000, user: 0, node: 0, action: 'peek' },
  ],
  [
    { there: 7, back: 18 },
    { there: 1, back: 4 },
    { there: 22, back: 3 },
  ],
];

describe('whatever users do at whichever node', () => {
  it('AM hears of all activity within one window and two time-outs, and of one refresh a window', async () => {
    await fc.assert(
      fc.asyncProperty(steps(...daily), slowness, async (script, latencies) => {
        const { bench, sessions, activity } = await run(script, latencies);
        for (const [user, session] of sessions.entries()) {
          expectTold(bench, session, activity[user]);
          const refreshes = bench.calls(session, 'refresh').map(({ sentAt }) => sentAt);
          for (let i = 1; i < refreshes.length; i++)
            expect((refreshes[i] ?? 0) - (refreshes[i - 1] ?? 0)).toBeGreaterThanOrEqual(windowMs);
          expect(bench.calls(session, 'refresh').every(({ outcome }) => outcome !== 'ignored')).toBe(true);
        }
      }),
      { numRuns: 60, examples: [claimedForNothing] },
    );
  }, 120_000);

  it('and however the store does, AM hears of all activity, and each node keeps its own bound', async () => {
    await fc.assert(
      fc.asyncProperty(steps(...daily, ...badDays), slowness, async (script, latencies) => {
        const { bench, sessions, activity } = await run(script, latencies);
        for (const [user, session] of sessions.entries()) {
          expectTold(bench, session, activity[user]);
          const refreshes = bench.calls(session, 'refresh').map(({ sentAt }) => sentAt);
          // alone, a node may send a second one: AM ignored its first, which another node's refresh had come before
          for (let i = 2 * size; i < refreshes.length; i++)
            expect((refreshes[i] ?? 0) - (refreshes[i - 2 * size] ?? 0)).toBeGreaterThanOrEqual(windowMs);
        }
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it('a session that was logged out lets nobody in anywhere, but for trust and window where the store was away', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps(...daily, { weight: 1, action: 'logout' }),
        steps(...daily, ...badDays, { weight: 1, action: 'logout' }, { weight: 1, action: 'restart' }),
        slowness,
        async (calm, wild, latencies) => {
          const { endedAt, admitted } = await run(calm, latencies);
          for (const { user, at } of admitted)
            expect(at).toBeLessThanOrEqual((endedAt[user] ?? Infinity) + 1 + slownessMax);
          const stormy = await run(wild, latencies);
          for (const { user, at } of stormy.admitted)
            expect(at).toBeLessThanOrEqual((stormy.endedAt[user] ?? Infinity) + trustMs + windowMs + timeoutMs);
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);
});
