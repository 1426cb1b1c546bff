// The promise of a cluster, as a property over random users at random nodes, a store that comes and goes, and nodes that die.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Credential } from '../src/am/client.js';
import { createClusterBench, type ClusterBench, type Node, type StoreWeather } from './support/cluster-bench.js';
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

interface Run {
  readonly bench: ClusterBench;
  readonly sessions: readonly Credential[];
  readonly lastActivity: number[];
  readonly endedAt: (number | undefined)[];
  readonly admitted: { readonly user: number; readonly at: number }[];
}

async function run(script: readonly Step[]): Promise<Run> {
  const bench = await createClusterBench(size, { maxSessionMinutes: 10_000, maxIdleMinutes: 10_000 });
  const { clock, nodes } = bench;
  const sessions = Array.from({ length: users }, () => bench.login());
  const result: Run = {
    bench,
    sessions,
    lastActivity: sessions.map(() => -Infinity),
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
        if (result.endedAt[user] === undefined) result.lastActivity[user] = clock.now();
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

describe('whatever users do at whichever node', () => {
  it('AM hears of all activity within one window and two time-outs, and of one refresh a window', async () => {
    await fc.assert(
      fc.asyncProperty(steps(...daily), async (script) => {
        const { bench, sessions, lastActivity } = await run(script);
        for (const [user, session] of sessions.entries()) {
          const activity = lastActivity[user] ?? -Infinity;
          if (activity === -Infinity) continue;
          expect(bench.am.latestAccess(session.token)).toBeGreaterThanOrEqual(
            Math.floor(activity / 1_000) * 1_000 - 1_000,
          );
          const refreshes = bench.calls(session, 'refresh').map(({ sentAt }) => sentAt);
          for (let i = 1; i < refreshes.length; i++)
            expect((refreshes[i] ?? 0) - (refreshes[i - 1] ?? 0)).toBeGreaterThanOrEqual(windowMs);
          expect(bench.calls(session, 'refresh').every(({ outcome }) => outcome !== 'ignored')).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it('and however the store does, AM hears of all activity, and each node keeps its own bound', async () => {
    await fc.assert(
      fc.asyncProperty(steps(...daily, ...badDays), async (script) => {
        const { bench, sessions, lastActivity } = await run(script);
        for (const [user, session] of sessions.entries()) {
          const activity = lastActivity[user] ?? -Infinity;
          if (activity === -Infinity) continue;
          expect(bench.am.latestAccess(session.token)).toBeGreaterThanOrEqual(
            Math.floor(activity / 1_000) * 1_000 - 1_000,
          );
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
        async (calm, wild) => {
          const { endedAt, admitted } = await run(calm);
          for (const { user, at } of admitted) expect(at).toBeLessThanOrEqual((endedAt[user] ?? Infinity) + 1);
          const stormy = await run(wild);
          for (const { user, at } of stormy.admitted)
            expect(at).toBeLessThanOrEqual((stormy.endedAt[user] ?? Infinity) + trustMs + windowMs + timeoutMs);
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);
});
