// Logouts that the other nodes could not be told of at once: they are, as soon as it can be, and once each.

import { describe, expect, it } from 'vitest';
import type { Clock } from '../src/clock.js';
import { createCluster, type Cluster } from '../src/keeper/cluster.js';
import { noMeter, type KeeperMeter } from '../src/keeper/meter.js';
import { createSharing } from '../src/keeper/sharing.js';
import { createTombstone, type Tombstone } from '../src/keeper/tombstone.js';
import { createClusterBench, type ClusterBench, type Node } from './support/cluster-bench.js';
import { windowMs, type KeeperBenchOptions } from './support/keeper-bench.js';
import { recordingLogger } from './support/log.js';

const client = '192.0.2.1';

/** Two nodes that know all of the sessions. */
async function twoNodes(sessionCount: number, options: KeeperBenchOptions = {}) {
  const bench = await createClusterBench(2, options);
  const sessions = Array.from({ length: sessionCount }, () => bench.login());
  await bench.clock.advance(70_000);
  for (const node of bench.nodes) for (const session of sessions) void node.touch(session);
  await bench.clock.advance(1_000);
  const [first, second] = bench.nodes as [Node, Node];
  return { ...bench, sessions, first, second };
}

/** The store is away for the node, its sessions are logged out there, and AM, which refuses that, is not asked again. */
async function logOutAlone(
  { clock, am }: ClusterBench,
  { link, keeper }: Node,
  sessions: Parameters<Node['touch']>[0][],
) {
  link.weather = 'failing';
  am.weather = 'forbidding';
  await clock.advance(5_000);
  expect(keeper.storeState).toBe('away');
  for (const session of sessions) void keeper.end(session, client);
  await clock.advance(100);
  link.asked.length = 0;
}

const loneCluster = (clock: Clock): Cluster =>
  createCluster({
    clock,
    log: recordingLogger([]),
    meter: noMeter,
    random: () => 0.5,
    windowMs,
    timeoutMs: 3_000,
    wordServesMs: () => windowMs,
    onEnd: () => undefined,
    onAskedToEnd: () => undefined,
    onDeath: () => undefined,
    onReturn: () => undefined,
    onWell: () => undefined,
  });

const endsAsked = ({ link }: Node) => link.asked.filter((name) => name === 'end').length;

it('a logout that the store was late for, without being away, reaches the others with the next check', async () => {
  const { clock, am, first, second, sessions } = await twoNodes(1);
  const [session] = sessions as [(typeof sessions)[0]];
  am.weather = 'forbidding';
  first.link.weather = 'hanging';
  void first.keeper.end(session, client);
  await clock.advance(60);
  first.link.weather = 'fine';
  expect(await second.touch(session)).toBe('alive');
  await clock.advance(2_000);
  expect(await second.touch(session)).toBe('ended');
  expect(first.log.join()).not.toContain('"redis":"away"');
  // and is told no more
  first.link.asked.length = 0;
  await clock.advance(20_000);
  expect(endsAsked(first)).toBe(0);
});

describe('at the return of the store', () => {
  it('logouts are told one after the other, and once, however often it returns meanwhile', async () => {
    const bench = await twoNodes(20);
    const { clock, first, second, sessions } = bench;
    await logOutAlone(bench, first, sessions);
    const { end } = first.link;
    let together = 0;
    let most = 0;
    first.link.end = async (...args) => {
      most = Math.max(most, ++together);
      await end(...args);
      together--;
    };
    first.link.weather = 'fine';
    first.link.latency = { there: 5, back: 5 };
    for (let ms = 0; ms < 1_000 && endsAsked(first) === 0; ms++) await clock.advance(1);
    first.link.listenAnew();
    await clock.advance(10_000);
    for (const session of sessions) expect(await second.touch(session)).toBe('ended');
    expect(most).toBe(1);
  });

  it('no more of them is tried once the store has gone again', async () => {
    const skipped: string[] = [];
    const meter: KeeperMeter = {
      ...noMeter,
      stored: (operation, outcome) => void (outcome === 'skipped' && skipped.push(operation)),
    };
    const bench = await twoNodes(20, { keeper: { meter } });
    const { clock, first, sessions } = bench;
    await logOutAlone(bench, first, sessions);
    skipped.length = 0;
    const { end } = first.link;
    first.link.end = (...args) => (endsAsked(first) < 5 ? end(...args) : Promise.reject(new Error('OOM')));
    first.link.weather = 'fine';
    await clock.advance(600);
    expect(endsAsked(first)).toBe(5);
    expect(skipped).toEqual([]);
  });

  it('a logout that only another node still stands for is that one’s to tell', async () => {
    const bench = await twoNodes(1, { maxSessionMinutes: 3 });
    const { clock, first, second, sessions } = bench;
    await logOutAlone(bench, first, sessions);
    // its own has run out by then
    await clock.advance(3 * 60_000);
    await second.link.end(sessions[0]?.id ?? '', true, 60 * 60_000);
    await clock.advance(100);
    first.link.asked.length = 0;
    first.link.weather = 'fine';
    await clock.advance(10_000);
    expect(first.keeper.storeState).toBe('up');
    expect(endsAsked(first)).toBe(0);
  });

  it('a logout that has run out meanwhile is told to nobody', async () => {
    const bench = await twoNodes(1, { maxSessionMinutes: 3 });
    const { clock, first, sessions } = bench;
    await logOutAlone(bench, first, sessions);
    await clock.advance(3 * 60_000);
    first.link.weather = 'fine';
    await clock.advance(10_000);
    expect(first.keeper.storeState).toBe('up');
    expect(endsAsked(first)).toBe(0);
  });

  it('nor is it kept to be told', async () => {
    const { clock } = await createClusterBench(0);
    const told: string[] = [];
    let isThere = false;
    const end: Cluster['end'] = async (id) => isThere && told.push(id) > 0;
    const tombstones = new Map<string, Tombstone>();
    const sharing = createSharing({ ...loneCluster(clock), state: 'up', end }, clock, tombstones);
    const stone = createTombstone(clock.now() + 60_000);
    await sharing.share('a', stone);
    isThere = true;
    await sharing.shareUntold();
    tombstones.set('a', stone);
    await sharing.shareUntold();
    expect(told).toEqual([]);
  });
});

it('a token that this node did not know is a user’s once another node has ended it: who gives up telling AM says so', async () => {
  const { clock, am, nodes, login } = await createClusterBench(2);
  const [first, second] = nodes as [Node, Node];
  const session = login();
  await clock.advance(70_000);
  void first.touch(session);
  second.link.weather = 'failing';
  await clock.advance(5_000);
  am.weather = 'failing';
  void second.keeper.end(session, client);
  await clock.advance(100);
  expect(second.keeper.stats.logoutsWaiting).toBe(1);
  void first.keeper.end(session, client);
  await clock.advance(11 * 60_000);
  expect(second.keeper.stats.logoutsWaiting).toBe(0);
  expect(second.log.filter((line) => line.includes('gave up telling AM'))).toHaveLength(1);
});
