// Open sockets do not outlive their session at AM, and do not keep it alive: frames are no activity.

import { expect, it } from 'vitest';
import { askedAbout, onEveryMount } from './support/mounted.js';
import { act } from './support/simulator-client.js';
import { pause, type Stack } from './support/stack.js';
import { closing, openSocket } from './support/websocket.js';

const expired = { code: 4401, reason: 'session_expired' };

/** A socket of a new session that says something all the time, and has it said back. */
async function busySocket(stack: Stack) {
  const token = stack.am.login();
  const socket = await openSocket(stack, '/api/ws', token);
  let answers = 0;
  let closedAt = Infinity;
  socket.on('message', () => answers++);
  const speaking = setInterval(() => socket.send('tick'), 20);
  const closed = closing(socket).then((how) => {
    clearInterval(speaking);
    closedAt = performance.now();
    return how;
  });
  return {
    token,
    socket,
    closed,
    answers: () => answers,
    isOpen: () => closedAt === Infinity,
    openedAt: performance.now(),
  };
}

const endElsewhere = ({ am }: Stack, token: string) =>
  act(am, 'logout', token, { version: 'resource=3.1, protocol=1.0' });

// a window of 3 s
const short = { session: { trustS: 1 } };
/** They wait, all at the same time; upgrades never enter Express, so that one form of the library says it all. */
const together = { atOnce: true, forms: ['wrap', 'command'] } as const;

onEveryMount(
  'a WebSocket that is never quiet',
  { proxy: short },
  (stack) => {
    it('is closed within trust time and window of the death of its session at AM, and no other is', async () => {
      const { token, closed } = await busySocket(stack());
      const other = await busySocket(stack());
      await pause(500);
      await endElsewhere(stack(), token);
      const diedAt = performance.now();
      expect(await closed).toEqual(expired);
      expect(performance.now() - diedAt).toBeLessThan(4_000 + 200);
      expect(other.isOpen()).toBe(true);
      other.socket.close();
      await other.closed;
    });

    it('has AM asked no more than once in a trust time, and extends nothing', async () => {
      const { token, socket, closed, answers } = await busySocket(stack());
      await pause(4_500);
      const calls = askedAbout(stack(), token);
      expect(calls.every(({ action, reset }) => action === 'getSessionInfo' && !reset)).toBe(true);
      expect(calls.length).toBeGreaterThanOrEqual(2);
      expect(calls.length).toBeLessThanOrEqual(5);
      expect(answers()).toBeGreaterThan(50);
      socket.close();
      await closed;
      const before = askedAbout(stack(), token).length;
      await pause(2_000);
      expect(askedAbout(stack(), token)).toHaveLength(before);
    });
  },
  together,
);

onEveryMount(
  'a WebSocket of an idle user',
  { simulator: { maxIdleMinutes: 3 / 60 }, proxy: short },
  (stack) => {
    it('is closed though frames flow: the session dies of idleness', async () => {
      const { closed, openedAt } = await busySocket(stack());
      expect(await closed).toEqual(expired);
      expect(performance.now() - openedAt).toBeGreaterThan(2_000);
      expect(performance.now() - openedAt).toBeLessThan(3_000 + 4_000 + 1_000);
    });
  },
  together,
);

onEveryMount(
  'a WebSocket, in an outage,',
  { proxy: short },
  (stack) => {
    it('stays open while AM is away, and is looked after again when it is back', async () => {
      const { token, closed, isOpen, answers } = await busySocket(stack());
      await stack().am.stop();
      await pause(4_500);
      expect(isOpen()).toBe(true);
      const before = answers();
      await pause(200);
      expect(answers()).toBeGreaterThan(before);
      await stack().am.start();
      await endElsewhere(stack(), token);
      expect(await closed).toEqual(expired);
    });
  },
  together,
);

onEveryMount(
  'a WebSocket, in a longer outage,',
  { simulator: { maxSessionMinutes: 5 / 60 }, proxy: short },
  (stack) => {
    it('is closed when the known maximum time of its session has come', async () => {
      const { closed, openedAt } = await busySocket(stack());
      await stack().am.stop();
      expect(await closed).toEqual(expired);
      // AM's times are whole seconds
      expect(performance.now() - openedAt).toBeGreaterThan(3_500);
      expect(performance.now() - openedAt).toBeLessThan(6_500);
    });
  },
  together,
);

onEveryMount(
  'a WebSocket, on OpenAM,',
  { simulator: { flavor: 'openam', maxIdleMinutes: 2 / 60 }, proxy: { am: { flavor: 'openam' } } },
  (stack) => {
    it('is closed two seconds after the idle time of its session, and AM is not asked before', async () => {
      const { token, closed, openedAt } = await busySocket(stack());
      await pause(3_500);
      expect(askedAbout(stack(), token)).toHaveLength(1);
      expect(await closed).toEqual(expired);
      expect(performance.now() - openedAt).toBeGreaterThan(3_800);
      expect(performance.now() - openedAt).toBeLessThan(6_000);
      expect(askedAbout(stack(), token)).toHaveLength(2);
    });
  },
  together,
);
