// A logout at one node is the end of the session at all of them.

import { describe, expect, it } from 'vitest';
import type { AmTransport } from '../src/am/transport.js';
import { credentialOf } from '../src/token.js';
import { createClusterBench, type Node } from './support/cluster-bench.js';
import { windowMs } from './support/keeper-bench.js';

const client = '192.0.2.1';
const trustMs = 120_000;

/** A client-side token stands for the session of the token before its second star. */
function withoutJwt(transport: AmTransport): AmTransport {
  return (request, signal) => {
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, value.replace(/\*eyJ.*$/, '')]),
    );
    return transport({ ...request, headers }, signal);
  };
}

async function threeWhoKnow() {
  const bench = await createClusterBench(3);
  const session = bench.login();
  await bench.clock.advance(70_000);
  for (const node of bench.nodes) void node.touch(session);
  await bench.clock.advance(1_000);
  const [first, second, third] = bench.nodes as [Node, Node, Node];
  return { ...bench, session, first, second, third };
}

/** The second node has met it while the store was away for it: nobody else knows it. */
async function metBySecondAlone(count: number) {
  const bench = await createClusterBench(count);
  const [first, second] = bench.nodes as [Node, Node];
  await bench.clock.advance(70_000);
  second.link.weather = 'failing';
  const session = bench.login();
  void second.touch(session);
  await bench.clock.advance(1_000);
  second.link.weather = 'fine';
  await bench.clock.advance(10_000);
  return { ...bench, session, first, second };
}

describe('a logout at one node', () => {
  it('ends the session at the others at once, and their sockets and streams', async () => {
    const { clock, session, first, second, third } = await threeWhoKnow();
    const ends: string[] = [];
    second.keeper.watch(session, (how) => ends.push(how));
    void first.keeper.end(session, client);
    await clock.advance(1);
    expect(await second.touch(session)).toBe('ended');
    expect(await third.peek(session)).toBe('ended');
    expect(ends).toEqual(['ended']);
  });

  it('holds while AM is away, at a node that starts later too', async () => {
    const { clock, session, first, am, join } = await threeWhoKnow();
    am.weather = 'refusing';
    void first.keeper.end(session, client);
    await clock.advance(1_000);
    am.weather = 'fine';
    const late = await join();
    expect(await late.touch(session)).toBe('ended');
  });

  it('is known to be confirmed everywhere once AM has confirmed it', async () => {
    const { clock, session, first, second } = await threeWhoKnow();
    void first.keeper.end(session, client);
    await clock.advance(1_000);
    expect(await second.keeper.touch(session, client)).toEqual({ kind: 'ended', confirmed: true });
    expect((await second.keeper.end(session, client)).outcome).toBe('already-ended');
  });

  it('reaches a node that missed the message when it next asks for a window or for trust', async () => {
    const { clock, session, first, second, third } = await threeWhoKnow();
    second.link.deaf = third.link.deaf = true;
    void first.keeper.end(session, client);
    await clock.advance(1_000);
    const seen = new Map<Node, number>();
    const start = clock.now();
    for (let i = 0; i < 200 && seen.size < 2; i++) {
      void second.touch(session).then((kind) => kind === 'ended' && !seen.has(second) && seen.set(second, clock.now()));
      void third.peek(session).then((kind) => kind !== 'alive' && !seen.has(third) && seen.set(third, clock.now()));
      await clock.advance(1_000);
    }
    expect((seen.get(second) ?? Infinity) - start).toBeLessThanOrEqual(windowMs + 1_000);
    expect((seen.get(third) ?? Infinity) - start).toBeLessThanOrEqual(trustMs + 1_000);
  });

  it('is looked up before a session passes again at a node that did not hear the others for a while', async () => {
    const { clock, session, first, second } = await threeWhoKnow();
    const ends: string[] = [];
    second.keeper.watch(session, (how) => ends.push(how));
    second.link.deaf = true;
    void first.keeper.end(session, client);
    await clock.advance(100);
    second.link.deaf = false;
    expect(await second.touch(session)).toBe('alive');
    second.link.listenAnew();
    expect(await second.touch(session)).toBe('ended');
    await clock.advance(20_000);
    expect(ends).toEqual(['ended']);
  });

  it('ends the socket at a node that did not hear of it, and whose user does nothing, soon after it listens again', async () => {
    const { clock, session, first, second } = await threeWhoKnow();
    const ends: string[] = [];
    second.keeper.watch(session, (how) => ends.push(how));
    second.link.deaf = true;
    void first.keeper.end(session, client);
    await clock.advance(100);
    second.link.deaf = false;
    second.link.listenAnew();
    await clock.advance(windowMs / 4 + 2_000);
    expect(ends).toEqual(['ended']);
  });

  it('made while the store was away is told at its return', async () => {
    const { clock, session, first, second, am } = await threeWhoKnow();
    first.link.weather = 'failing';
    await clock.advance(100);
    am.weather = 'refusing';
    void first.keeper.end(session, client);
    await clock.advance(2_000);
    expect(await second.touch(session)).toBe('alive');
    first.link.weather = 'fine';
    await clock.advance(10_000);
    expect(await second.touch(session)).toBe('ended');
  });

  it('of a session that only another node has met is a user’s: it is queued without end of tries, and known to all', async () => {
    const { clock, am, nodes, login } = await createClusterBench(2);
    const [first, second] = nodes as [Node, Node];
    const session = login();
    await clock.advance(70_000);
    void first.touch(session);
    await clock.advance(1_000);
    am.weather = 'failing';
    const logout = second.keeper.end(session, client);
    await clock.advance(100);
    expect((await logout).outcome).toBe('pending');
    expect(await first.touch(session)).toBe('ended');
    await clock.advance(5 * 60_000);
    expect(second.keeper.stats.logoutsWaiting).toBe(1);
    am.weather = 'fine';
    await clock.advance(31_000);
    expect(second.keeper.stats.logoutsWaiting).toBe(0);
    expect(am.latestAccess(session.token)).toBeUndefined();
  });

  describe('of a session that another node met while the store was away, and AM is away now,', () => {
    async function twoOfThreeHaveNotMetIt() {
      const bench = await metBySecondAlone(3);
      bench.am.weather = 'failing';
      return { ...bench, third: bench.nodes[2] as Node };
    }

    it('ends it at all nodes at once, and its sockets', async () => {
      const { clock, session, first, second, third } = await twoOfThreeHaveNotMetIt();
      const ends: string[] = [];
      second.keeper.watch(session, (how) => ends.push(how));
      const logout = first.keeper.end(session, client);
      await clock.advance(100);
      expect((await logout).outcome).toBe('pending');
      for (const node of [first, second, third]) expect(await node.touch(session)).toBe('ended');
      expect(ends).toEqual(['ended']);
    });

    it('is queued like any user’s, and stands when AM is back', async () => {
      const { clock, am, session, first, second, third } = await twoOfThreeHaveNotMetIt();
      void first.keeper.end(session, client);
      await clock.advance(5 * 60_000);
      expect(first.keeper.stats.logoutsWaiting).toBe(1);
      am.weather = 'fine';
      for (const node of [second, third]) expect(await node.touch(session)).toBe('ended');
      await clock.advance(31_000);
      expect(first.keeper.stats.logoutsWaiting).toBe(0);
      expect(am.latestAccess(session.token)).toBeUndefined();
      expect(await second.keeper.touch(session, client)).toEqual({ kind: 'ended', confirmed: true });
    });

    it('is told to those that were not there, by the node that met it', async () => {
      const { clock, session, first, second, third } = await twoOfThreeHaveNotMetIt();
      third.link.deaf = true;
      void first.keeper.end(session, client);
      second.link.weather = 'read-only';
      await clock.advance(3_000);
      second.link.weather = 'fine';
      await clock.advance(10_000);
      expect(await third.touch(session)).toBe('ended');
    });
  });

  it('of a session that another node is just meeting ends it there, should AM call it alive', async () => {
    const { clock, am, nodes, login } = await createClusterBench(2);
    const [first, second] = nodes as [Node, Node];
    const session = login();
    await clock.advance(70_000);
    am.latencyMs = () => 500;
    const answer = second.touch(session);
    await clock.advance(100);
    // AM answers the one call and not the other
    am.weather = 'failing';
    const logout = first.keeper.end(session, client);
    await clock.advance(1_000);
    expect((await logout).outcome).toBe('pending');
    expect(await answer).toBe('ended');
    expect(await first.touch(session)).toBe('ended');
    expect(first.keeper.stats.logoutsWaiting).toBe(1);
  });

  it('of which AM says that the session is dead is confirmed, though only another node knew that it was one', async () => {
    const { clock, am, session, first, second } = await metBySecondAlone(2);
    am.endElsewhere(session.token);
    am.latencyMs = () => 500;
    const logout = first.keeper.end(session, client);
    await clock.advance(1_000);
    expect((await logout).outcome).toBe('already-ended');
    for (const { keeper } of [first, second])
      expect(await keeper.touch(session, client)).toEqual({ kind: 'ended', confirmed: true });
  });

  it('that the other nodes cannot be asked about leaves the store in use', async () => {
    const { clock, nodes } = await createClusterBench(1);
    const [node] = nodes as [Node];
    node.link.askToEnd = () =>
      Promise.reject(new Error('NOPERM this user has no permissions to run the publish command'));
    for (let i = 0; i < 10; i++) {
      void node.keeper.end(credentialOf(`invented-${i}`, undefined), client);
      await clock.advance(10);
      expect(node.keeper.storeState).toBe('up');
    }
  });

  it('of invented tokens, in a flood, asks the other nodes a hundred times a second at most', async () => {
    const { clock, nodes } = await createClusterBench(2);
    const [node] = nodes as [Node, Node];
    for (let i = 0; i < 1_000; i++) {
      void node.keeper.end(credentialOf(`invented-${i}`, undefined), client);
      await clock.advance(2);
    }
    const asked = node.link.asked.filter((name) => name === 'askToEnd').length;
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThanOrEqual(300);
  });

  it('of a token that AM called dead twice asks nobody', async () => {
    const { clock, am, nodes, login } = await createClusterBench(2);
    const [node] = nodes as [Node, Node];
    const session = login();
    am.endElsewhere(session.token);
    for (let i = 0; i < 2; i++) {
      void node.touch(session);
      await clock.advance(11_000);
    }
    const logout = node.keeper.end(session, client);
    await clock.advance(100);
    expect((await logout).outcome).toBe('already-ended');
    expect(node.link.asked).not.toContain('askToEnd');
  });

  it('of an invented token is kept by nobody', async () => {
    const { clock, am, nodes } = await createClusterBench(2);
    const [first, second] = nodes as [Node, Node];
    am.weather = 'failing';
    for (let i = 0; i < 100; i++) void first.keeper.end(credentialOf(`invented-${i}`, undefined), client);
    await clock.advance(1_000);
    for (const { link } of [first, second]) expect(link.asked).not.toContain('end');
    expect(second.keeper.stats).toMatchObject({ sessions: 0, logoutsWaiting: 0 });
  });

  it('during a call about the session at another node stands, whatever AM answers to that', async () => {
    const { clock, session, first, second, am } = await threeWhoKnow();
    await clock.advance(140_000);
    am.latencyMs = () => 2_000;
    am.deaf = true;
    const answer = second.keeper.touch(session, client, true);
    await clock.advance(500);
    void first.keeper.end(session, client);
    await clock.advance(10);
    expect(await second.touch(session)).toBe('ended');
    await clock.advance(5_000);
    expect((await answer).kind).toBe('ended');
    expect(await second.touch(session)).toBe('ended');
  });
});

describe('a session that AM calls dead', () => {
  it('is asked about at the other nodes before it passes again', async () => {
    const { clock, session, first, second, am } = await threeWhoKnow();
    await clock.advance(windowMs - 1_000);
    am.endElsewhere(session.token);
    await clock.advance(1_000);
    // trusted at both of them
    void first.touch(session);
    await clock.advance(100);
    expect(await first.touch(session)).toBe('dead');
    const answer = second.touch(session);
    await clock.advance(100);
    expect(await answer).toBe('dead');
  });

  it('ends the sockets of the other nodes', async () => {
    const { clock, session, first, second, am } = await threeWhoKnow();
    const ends: string[] = [];
    second.keeper.watch(session, (how) => ends.push(how));
    await clock.advance(windowMs);
    am.endElsewhere(session.token);
    void first.touch(session);
    await clock.advance(windowMs / 4 + 2_000);
    expect(ends).toEqual(['dead']);
  });
});

it('a logout while AM is away, of a session that only another node has met and long trusted, is known to all and told', async () => {
  const { clock, session, am, join, first } = await threeWhoKnow();
  am.weather = 'failing';
  // beyond trust, within the grace
  await clock.advance(trustMs + 60_000);
  const late = await join();
  const logout = late.keeper.end(session, client);
  await clock.advance(100);
  expect((await logout).outcome).toBe('pending');
  expect(await first.touch(session)).toBe('ended');
  await clock.advance(5 * 60_000);
  am.weather = 'fine';
  await clock.advance(31_000);
  expect(am.latestAccess(session.token)).toBeUndefined();
});

describe('a node that did not hear of a logout', () => {
  it('asks AM where the store does not say in time, and does not go by trust', async () => {
    const { clock, session, first, second } = await threeWhoKnow();
    second.link.deaf = true;
    void first.keeper.end(session, client);
    await clock.advance(100);
    second.link.deaf = false;
    second.link.weather = 'hanging';
    second.link.listenAnew();
    const answer = second.touch(session);
    await clock.advance(200);
    expect(await answer).not.toBe('alive');
    second.link.weather = 'fine';
    await clock.advance(1_000);
    expect(await second.touch(session)).not.toBe('alive');
  });

  it('looks up what it met while the store was away, as soon as that is back', async () => {
    const { clock, session, first, am, join } = await threeWhoKnow();
    const late = await join();
    late.link.weather = 'failing';
    late.link.deaf = true;
    await clock.advance(5_000);
    am.weather = 'failing';
    void first.keeper.end(session, client);
    await clock.advance(100);
    am.weather = 'fine';
    expect(late.keeper.storeState).toBe('away');
    const met = late.touch(session);
    await clock.advance(100);
    expect(await met).toBe('alive');
    late.link.weather = 'fine';
    await clock.advance(10_000);
    expect(late.keeper.storeState).toBe('up');
    expect(await late.touch(session)).toBe('ended');
  });

  it('tells AM nothing of the session once it knows', async () => {
    const { clock, session, first, second, am, calls } = await threeWhoKnow();
    await clock.advance(30_000);
    void second.touch(session);
    second.link.deaf = true;
    am.weather = 'failing';
    void first.keeper.end(session, client);
    await clock.advance(100);
    second.link.deaf = false;
    second.link.listenAnew();
    expect(await second.touch(session)).toBe('ended');
    for (const { link } of [first, second]) link.weather = 'failing';
    const before = calls(session, 'refresh').length;
    am.weather = 'fine';
    await clock.advance(5 * windowMs);
    expect(calls(session, 'refresh')).toHaveLength(before);
  });
});

describe('a client-side session, whose AM goes on calling it alive', () => {
  it('stays logged out at all nodes until its maximum time', async () => {
    const { clock, nodes, am, login, join } = await createClusterBench(2, {
      maxSessionMinutes: 60,
      maxIdleMinutes: 120,
    });
    const { transport } = am;
    am.transport = (request, signal) =>
      request.url.includes('_action=logout')
        ? Promise.resolve({ status: 200, headers: {}, body: '{"result":"Successfully logged out"}' })
        : transport(request, signal);
    const { token } = login();
    // what stands behind the star is no matter to the simulator's rules
    am.transport = withoutJwt(am.transport);
    const session = credentialOf(`${token}*eyJ0eXAiOiJKV1QifQ.e30.c2ln`, undefined);
    const [first, second] = nodes as [Node, Node];
    for (const node of nodes) void node.touch(session);
    await clock.advance(1_000);
    const logout = first.keeper.end(session, client);
    await clock.advance(1_000);
    expect((await logout).outcome).toBe('ended');
    for (let minute = 0; minute < 58; minute++) {
      await clock.advance(60_000);
      for (const node of [first, second, await join()]) {
        const answer = node.touch(session);
        await clock.advance(100);
        expect(await answer).toBe('ended');
      }
    }
    expect(am.latestAccess(token)).toBeDefined();
  });
});

it('AM is not asked about a session that is logged out while the store is', async () => {
  const { clock, session, first, calls } = await threeWhoKnow();
  await clock.advance(windowMs);
  first.link.latency = { there: 10, back: 10 };
  void first.touch(session);
  await clock.advance(5);
  void first.keeper.end(session, client);
  const before = calls(session).length;
  await clock.advance(1_000);
  expect(calls(session).length - before).toBe(0);
  expect(calls(session).at(-1)?.action).toBe('logout');
});

it('a flood of logouts of invented tokens asks the store about 64 of them at a time', async () => {
  const { clock, nodes } = await createClusterBench(1);
  const [node] = nodes as [Node];
  node.link.latency = { there: 10, back: 10 };
  for (let i = 0; i < 1_000; i++) void node.keeper.end(credentialOf(`invented ${i}`, undefined), client);
  await clock.advance(19);
  expect(node.link.asked.filter((name) => name === 'read')).toHaveLength(64);
});

it('a message that a logout is confirmed, and over at once, neither undoes it nor stops AM being told', async () => {
  const { clock, session, first, second, am } = await threeWhoKnow();
  am.weather = 'failing';
  void first.keeper.end(session, client);
  await clock.advance(100);
  await second.link.end(session.id, true, 1);
  await clock.advance(5_000);
  expect(await first.touch(session)).toBe('ended');
  am.weather = 'fine';
  await clock.advance(60_000);
  expect(am.latestAccess(session.token)).toBeUndefined();
});

it('a node that neither the store nor AM answers goes by its grace, as in any outage', async () => {
  const { clock, session, second, am } = await threeWhoKnow();
  second.link.weather = 'hanging';
  second.link.listenAnew();
  am.weather = 'failing';
  const answer = second.touch(session);
  await clock.advance(500);
  expect(await answer).toBe('alive');
});
