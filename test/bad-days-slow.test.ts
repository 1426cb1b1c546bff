// A slow AM: just within the time-out all is well, just beyond it is an outage, though AM does all that it was asked.

import { describe, expect, it, vi } from 'vitest';
import { endure, expectServed, openPage, shortDay } from './support/bad-day.js';
import { askedAbout } from './support/mounted.js';
import { eventually, pause, startStack, type Stack, type StackOptions } from './support/stack.js';

const timeoutMs = 800;
const withinMs = 600;
const beyondMs = 1_000;

function start(simulator: StackOptions['simulator'] = {}): Promise<Stack> {
  return startStack({
    mount: 'wrap',
    simulator: { updateFrequencyS: 1, ...simulator },
    proxy: { ...shortDay, am: { ...shortDay.am, updateFrequencyS: 1, timeoutMs } },
  });
}

const withStack = (test: (stack: Stack) => Promise<void>, simulator?: StackOptions['simulator']) => async () => {
  const stack = await start(simulator);
  await test(stack);
  await stack.close();
};

vi.setConfig({ maxConcurrency: 10 });

describe.concurrent('an AM that needs', () => {
  it(
    'just less than the time-out harms nobody, and is told of all activity',
    withStack(async (stack) => {
      stack.am.fault({ kind: 'slow', delayMs: withinMs });
      const page = await openPage(stack);
      const until = performance.now() + 5_000;
      while (performance.now() < until) await expectServed(stack, page);
      const workedAt = stack.am.now();
      expect((await stack.as(stack.am.login(), '/api/x')).status).toBe(200);
      // AM counts in whole seconds
      await eventually(() =>
        askedAbout(stack, page.token).some(({ outcome, at }) => outcome === 'obeyed' && at >= workedAt - 1_000),
      );
      expect(stack.log.join('')).not.toContain('"am":"away"');
      const calls = askedAbout(stack, page.token);
      expect(calls.every(({ concurrent }) => concurrent === 0)).toBe(true);
      page.socket.terminate();
    }),
  );

  it(
    'just more than the time-out logs nobody out',
    withStack((stack) =>
      endure(stack, {
        begin: () => stack.am.fault({ kind: 'slow', delayMs: beyondMs }),
        end: () => stack.am.clearFaults(),
      }),
    ),
  );

  it(
    'just more than the time-out is not asked more often than its back-off lets',
    withStack(async (stack) => {
      const { token, socket } = await openPage(stack);
      stack.am.journal.length = 0;
      stack.am.fault({ kind: 'slow', delayMs: beyondMs });
      const until = performance.now() + 6_000;
      while (performance.now() < until) {
        await stack.as(token, '/api/x');
        await pause(50);
      }
      // time-out, 1 s, time-out, 2 s, time-out: at least half of each back-off passes
      expect(askedAbout(stack, token).length).toBeLessThanOrEqual(4);
      socket.terminate();
    }),
  );

  it(
    'more than the time-out for a logout ends the session all the same: pending, then confirmed',
    withStack(async (stack) => {
      const { token, socket } = await openPage(stack);
      stack.am.fault({ kind: 'slow', action: 'logout', delayMs: beyondMs });
      const first = await stack.as(token, '/logout', { method: 'POST' });
      expect(first.status).toBe(202);
      expect(first.json()).toMatchObject({ am: 'pending' });
      stack.am.clearFaults();
      await eventually(() => askedAbout(stack, token, 'logout').some(({ outcome }) => outcome === 'dead'));
      const again = await stack.as(token, '/logout', { method: 'POST' });
      expect(again.status).toBe(200);
      expect(again.json()).toMatchObject({ am: 'already-ended' });
      socket.terminate();
    }),
  );
});
