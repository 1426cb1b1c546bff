// AM cannot be reached, cuts what reaches it, or says nothing: an outage, and nobody's session is over because of it.

import { describe, expect, it, vi } from 'vitest';
import { endure, shortDay, type BadDay } from './support/bad-day.js';
import { freePort, startBalancer } from './support/stopped-am.js';
import { startStack, type Stack } from './support/stack.js';

const days: readonly (readonly [string, (stack: Stack) => BadDay])[] = [
  ['refuses connections', ({ am }) => ({ begin: () => am.stop(), end: () => am.start() })],
  ['resets them', ({ am }) => ({ begin: () => am.fault({ kind: 'reset' }), end: () => am.clearFaults() })],
  [
    'takes calls and says nothing',
    ({ am }) => ({ begin: () => am.fault({ kind: 'hang' }), end: () => am.clearFaults() }),
  ],
  [
    'falls silent in the middle of its answers',
    ({ am }) => ({ begin: () => am.fault({ kind: 'drip', intervalMs: 60_000 }), end: () => am.clearFaults() }),
  ],
  [
    'dies in the middle of its answers',
    ({ am }) => ({ begin: () => am.fault({ kind: 'truncated' }), end: () => am.clearFaults() }),
  ],
];

vi.setConfig({ maxConcurrency: 10 });

describe.concurrent('an AM that', () => {
  it.each(days)('%s logs nobody out', async (_title, dayOf) => {
    const stack = await startStack({ mount: 'wrap', proxy: shortDay });
    await endure(stack, dayOf(stack));
    await stack.close();
  });

  it('does not even take connections logs nobody out', async () => {
    const port = await freePort();
    const balancer = await startBalancer(port);
    const stack = await startStack({
      mount: 'wrap',
      simulator: { port },
      proxy: { ...shortDay, am: { ...shortDay.am, url: balancer.url } },
    });
    await endure(stack, { begin: async () => expect(await balancer.freeze()).toBe(true), end: balancer.thaw });
    expect(stack.log.filter((line) => line.includes('AM does not answer'))).toHaveLength(1);
    await stack.close();
    await balancer.close();
  });
});
