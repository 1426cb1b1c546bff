// AM, or what is in front of it, asks to be left alone for a while: it is, and the browser is told how long.

import { describe, expect, it, vi } from 'vitest';
import { openPage, shortDay } from './support/bad-day.js';
import { askedAbout } from './support/mounted.js';
import { eventually, pause, startStack, type Stack } from './support/stack.js';

const waitS = 4;
const someHoursMs = 5 * 3_600_000;

/** A date on a clock that is ahead of ours: only the answer's own `Date` tells how far away it is. */
function onClock(aheadMs: number): Record<string, string> {
  const now = Math.floor(Date.now() / 1000) * 1000 + aheadMs;
  return { Date: new Date(now).toUTCString(), 'Retry-After': new Date(now + waitS * 1000).toUTCString() };
}

const ways: readonly (readonly [string, number, () => Record<string, string>])[] = [
  ['503 and seconds', 503, () => ({ 'Retry-After': String(waitS) })],
  ['429 and seconds', 429, () => ({ 'Retry-After': String(waitS) })],
  ['503 and a date', 503, () => onClock(0)],
  ['429 and a date of a clock that is hours ahead', 429, () => onClock(someHoursMs)],
  ['503 and a date of a clock that is hours behind', 503, () => onClock(-someHoursMs)],
];

/** Asks all the time, as a page with many parts does; resolves with the statuses. */
async function hammer(stack: Stack, token: string, ms: number): Promise<Set<number>> {
  const statuses = new Set<number>();
  const until = performance.now() + ms;
  while (performance.now() < until) {
    const answer = await stack.as(token, '/api/x');
    statuses.add(answer.status);
    if (answer.status === 503) {
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(waitS + 1);
    }
    await pause(20);
  }
  return statuses;
}

vi.setConfig({ maxConcurrency: 10 });

describe.concurrent('an AM that says', () => {
  it.each(ways)('%s is left alone that long, and asked soon after it', async (_title, status, headers) => {
    const stack = await startStack({ mount: 'wrap', proxy: shortDay });
    const { token, socket } = await openPage(stack);
    const stranger = stack.am.login();
    await pause(1_100);
    stack.am.journal.length = 0;
    stack.am.fault({ kind: 'status', status, headers: headers() });

    const [known, unknown] = await Promise.all([
      hammer(stack, token, waitS * 1000 - 500),
      hammer(stack, stranger, waitS * 1000 - 500),
    ]);
    // within the grace the one goes on for a while, the other is not let in
    expect(known.has(200)).toBe(true);
    expect([...known, ...unknown].every((each) => each === 200 || each === 503)).toBe(true);
    expect([...unknown]).toEqual([503]);
    expect(askedAbout(stack, token)).toHaveLength(1);
    expect(askedAbout(stack, stranger)).toHaveLength(1);

    stack.am.clearFaults();
    const answers = (): boolean => askedAbout(stack, token).some((entry) => entry.status === 200);
    await eventually(answers, 2_500);
    await eventually(async () => (await stack.as(stranger, '/api/x')).status === 200, 2_500);
    socket.terminate();
    await stack.close();
  });

  it('so of a logout is told of it after that, and not before', async () => {
    const stack = await startStack({ mount: 'wrap', proxy: shortDay });
    const token = stack.am.login();
    await stack.as(token, '/session');
    stack.am.fault({ kind: 'status', status: 503, headers: { 'Retry-After': String(waitS) }, count: 1 });
    const saidAt = stack.am.now();
    expect((await stack.as(token, '/logout', { method: 'POST' })).status).toBe(202);
    await eventually(() => askedAbout(stack, token, 'logout').some(({ outcome }) => outcome === 'ended'), 6_000);
    const [refused, accepted] = askedAbout(stack, token, 'logout');
    expect(refused?.status).toBe(503);
    expect(accepted!.at - saidAt).toBeGreaterThanOrEqual(waitS * 1000);
    await stack.close();
  });
});
