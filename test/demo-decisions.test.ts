// What the demo says of each thing that the keeper decides.

import { expect, test } from 'vitest';
import { createDecisionLines, type Line } from '../src/demo/decisions.js';
import type { KeeperEvent } from '../src/keeper/events.js';

const noon = new Date(2026, 0, 1, 12, 0, 0).getTime();
const session = 'a1b2c3d4';

/** The lines of these events, the first of which falls in the handling of `request`. */
function linesOf(
  events: KeeperEvent[],
  { request, flavor = 'ping' }: { request?: string; flavor?: 'ping' | 'openam' },
) {
  let current = request;
  const lineOf = createDecisionLines({ flavor, currentRequest: () => current, wall: () => noon });
  return events.map((event) => {
    const line = lineOf(event);
    current = undefined;
    return line;
  });
}

const textsOf = (lines: (Line | undefined)[]) => lines.map((line) => line?.text.replaceAll(/ {2,}/g, ' | '));

const answer = (more: object): KeeperEvent => ({
  type: 'answer',
  session,
  action: 'refresh',
  outcome: 'alive',
  tookMs: 4.4,
  ...more,
});

test('a decision to call is told with the call, which knows what is asked and why', () => {
  const events: KeeperEvent[] = [
    { type: 'decision', session, request: 'activity', decision: 'call' },
    { type: 'call', session, action: 'refresh', reason: 'activity' },
    answer({ idleS: 0 }),
  ];
  expect(textsOf(linesOf(events, { request: 'GET /api/orders' }))).toEqual([
    undefined,
    `12:00:00 | ${session} | activity | GET /api/orders | AM called: refresh, the window is open`,
    `12:00:00 | ${session} | AM answered: alive, obeyed, 4 ms`,
  ]);
});

test('a later call that no request caused names none', () => {
  const events: KeeperEvent[] = [
    { type: 'decision', session, request: 'activity', decision: 'call' },
    { type: 'call', session, action: 'refresh', reason: 'activity' },
    { type: 'call', session, action: 'refresh', reason: 'trailing' },
  ];
  expect(textsOf(linesOf(events, { request: 'GET /api/orders' }))[2]).toBe(
    `12:00:00 | ${session} | AM called: refresh, the window has ended, activity in it is told now`,
  );
});

test.each([
  ['window-closed', 3_200, 'AM not called: window closed, 4 s left'],
  ['call-in-flight', undefined, 'AM not called: a call is in flight'],
  ['backing-off', undefined, 'AM not called: AM gave no usable answer a moment ago'],
  ['trusted', undefined, "AM not called: AM's last answer still holds"],
  ['dead', undefined, 'AM not called: AM said that this session is dead'],
  ['ended', undefined, 'AM not called: signed out here'],
] as const)('%s says why AM is not called', (decision, windowLeftMs, text) => {
  const event: KeeperEvent = {
    type: 'decision',
    session,
    request: 'background',
    decision,
    ...(windowLeftMs !== undefined && { windowLeftMs }),
  };
  expect(linesOf([event], { request: 'GET /api/me' })).toEqual([
    { tone: 'dim', text: expect.stringMatching(/^12:00:00 {2}a1b2c3d4 {2}background {2}GET \/api\/me +/) },
  ]);
  expect(linesOf([event], {})[0]?.text).toMatch(new RegExp(` {2}${text}$`));
});

test.each([
  ['an ignored refresh', { idleS: 3 }, 'alive, ignored: idle 3 s'],
  ['a refresh of an AM that does not say', { idleS: undefined }, 'alive, obeyed'],
  ['a peek', { action: 'peek', idleS: 12 }, 'alive, idle 12 s'],
  ['a peek of an AM that does not say', { action: 'peek' }, 'alive'],
  ['a dead session', { outcome: 'dead' }, 'dead'],
  ['a refusal', { outcome: 'refused' }, 'refused'],
  ['no usable answer', { outcome: 'unknown', detail: 'HTTP 500' }, 'nothing usable (HTTP 500)'],
  ['a logout', { action: 'logout', outcome: 'ended' }, 'ended'],
])('%s is told as it was', (_what, more, text) => {
  expect(textsOf(linesOf([answer(more)], {}))).toEqual([`12:00:00 | ${session} | AM answered: ${text}, 4 ms`]);
});

test('on OpenAM every call is obeyed, whatever time its answer shows', () => {
  const [line] = linesOf([answer({ idleS: 1 })], { flavor: 'openam' });
  expect(line?.text).toContain('alive, obeyed');
});
