// The live picture of the demo: what the proxy's decisions become.

import { beforeEach, describe, expect, test } from 'vitest';

type Event = Readonly<Record<string, unknown>> & { readonly type: 'decision' | 'call' | 'answer' };

interface Picture {
  readonly requests: readonly { at: number; isUser: boolean; asked: boolean }[];
  readonly calls: readonly { at: number; kind: string; told: number }[];
  readonly windows: readonly { from: number; until: number }[];
  readonly accesses: readonly { at: number; accessAt: number | undefined }[];
  readonly counts: { user: number; background: number; calls: number };
  readonly untold: number;
  readonly sentence: string;
  readonly isNews: boolean;
}

interface Module {
  emptyPicture(about: { frequencyS: number; flavor: string }): Picture;
  withEvent(picture: Picture, event: Event, at: number): Picture;
  withEnd(picture: Picture, at: number): Picture;
  savedCalls(counts: Picture['counts']): number;
}

// the page's own code, which has no types
const { emptyPicture, withEvent, withEnd, savedCalls } = (await import(
  new URL('../src/demo/public/picture.js', import.meta.url).href
)) as Module;

let picture: Picture;
const happens = (at: number, event: Event) => (picture = withEvent(picture, event, at));

const click = (at: number, decision: string, more: object = {}) =>
  happens(at, { type: 'decision', request: 'activity', decision, ...more });
const poll = (at: number, decision: string) => happens(at, { type: 'decision', request: 'background', decision });
const call = (at: number, action: string, reason: string) => happens(at, { type: 'call', action, reason });
const answer = (at: number, action: string, more: object = {}) =>
  happens(at, { type: 'answer', action, outcome: 'alive', idleS: 0, tookMs: 4, ...more });

beforeEach(() => {
  picture = emptyPicture({ frequencyS: 6, flavor: 'ping' });
});

describe('a user who works', () => {
  beforeEach(() => {
    click(1_000, 'call');
    call(1_000, 'refresh', 'activity');
    answer(1_010, 'refresh');
    for (let at = 2_000; at <= 6_000; at += 1_000) click(at, 'window-closed', { windowLeftMs: 8_010 - at });
  });

  test('is told of at once, in a call that AM obeys', () => {
    expect(picture.calls).toMatchObject([{ at: 1_000, kind: 'obeyed', told: 1 }]);
    expect(picture.accesses).toEqual([{ at: 1_010, accessAt: 1_010 }]);
  });

  test('then works in a window of the frequency and a second', () => {
    expect(picture.windows).toEqual([{ from: 1_010, until: 8_010 }]);
    expect(picture.untold).toBe(5);
    expect(picture.sentence).toBe(
      '5 requests of yours wait: AM would ignore a call now. It is told in 3 s, in one call.',
    );
    expect(picture.isNews).toBe(false);
  });

  test("is told of once, at the window's end, and the next window begins", () => {
    call(8_011, 'refresh', 'trailing');
    expect(picture.sentence).toBe('The window has ended: AM is told now what happened in it.');
    answer(8_020, 'refresh');
    expect(picture.calls.at(-1)).toMatchObject({ kind: 'trailing', told: 5 });
    expect(picture.windows).toEqual([
      { from: 1_010, until: 8_010 },
      { from: 8_020, until: 15_020 },
    ]);
    expect(picture.sentence).toBe('AM was told: 5 requests, one call. Its idle clock starts anew.');
    expect(picture.isNews).toBe(true);
    expect(picture.untold).toBe(0);
  });

  test('costs one call for six requests', () => {
    expect(picture.counts).toEqual({ user: 6, background: 0, calls: 1 });
    expect(savedCalls(picture.counts)).toBe(5);
  });

  test('a call that comes a moment before its window ends ends it', () => {
    call(8_000, 'refresh', 'trailing');
    answer(8_005, 'refresh');
    expect(picture.windows).toEqual([
      { from: 1_010, until: 8_000 },
      { from: 8_005, until: 15_005 },
    ]);
  });

  test('what happens while AM is being called belongs to the next call', () => {
    call(8_011, 'refresh', 'trailing');
    click(8_015, 'call-in-flight');
    answer(8_020, 'refresh');
    expect(picture.calls.at(-1)?.told).toBe(5);
    expect(picture.untold).toBe(1);
  });

  test('a call without a usable answer told AM nothing', () => {
    call(8_011, 'refresh', 'trailing');
    answer(8_020, 'refresh', { outcome: 'unknown', idleS: undefined, detail: 'HTTP 503' });
    expect(picture.calls.at(-1)?.kind).toBe('failed');
    expect(picture.untold).toBe(5);
    expect(picture.accesses).toHaveLength(1);
    expect(picture.sentence).toContain('AM gave no usable answer (HTTP 503). You can work on');
  });
});

test('a background request is in a lane of its own, and leaves the idle clock alone', () => {
  answer(1_000, 'refresh');
  poll(2_000, 'trusted');
  expect(picture.requests).toEqual([{ at: 2_000, isUser: false, asked: false }]);
  expect(picture.counts).toMatchObject({ user: 0, background: 1 });
  expect(picture.accesses).toHaveLength(1);
  expect(picture.untold).toBe(0);
});

test('a background request says something only where nothing was said a moment ago', () => {
  answer(1_000, 'refresh');
  const told = picture.sentence;
  poll(3_000, 'trusted');
  expect(picture).toMatchObject({ sentence: told, isNews: false });
  poll(7_000, 'trusted');
  expect(picture.sentence).toBe('A background request passes. AM is not asked, and its idle clock goes on.');
});

test('a peek learns of AM what AM knows, and tells it nothing', () => {
  poll(1_000, 'call');
  call(1_000, 'peek', 'trust-over');
  answer(1_010, 'peek', { idleS: 20 });
  expect(picture.calls).toMatchObject([{ kind: 'peek', told: 0 }]);
  expect(picture.accesses).toEqual([{ at: 1_010, accessAt: -18_990 }]);
  expect(picture.windows).toEqual([]);
  // an access a second ago is the same in whole seconds
  call(5_000, 'peek', 'trust-over');
  answer(5_900, 'peek', { idleS: 24 });
  expect(picture.accesses).toHaveLength(1);
});

test('a peek right after a login shows the window that it has begun', () => {
  answer(1_000, 'peek', { idleS: 2 });
  expect(picture.windows).toEqual([{ from: 1_000, until: 7_000 }]);
});

test('an ignored call leaves what it should have told, and its window is the shorter', () => {
  click(1_000, 'call');
  call(1_000, 'refresh', 'first-sight');
  answer(1_010, 'refresh', { idleS: 3 });
  expect(picture.calls).toMatchObject([{ kind: 'ignored' }]);
  expect(picture.windows).toEqual([{ from: 1_010, until: 5_010 }]);
  expect(picture.accesses).toEqual([{ at: 1_010, accessAt: -1_990 }]);
  expect(picture.untold).toBe(1);
  expect(picture.sentence).toContain('the login itself used the session 3 s ago');
});

test('an idle time beyond the frequency counts as told, and asks about the frequency', () => {
  click(1_000, 'call');
  call(1_000, 'refresh', 'activity');
  answer(1_010, 'refresh', { idleS: 30 });
  expect(picture.untold).toBe(0);
  expect(picture.windows).toEqual([{ from: 1_010, until: 8_010 }]);
  expect(picture.sentence).toContain('more than 6 s?');
});

test('OpenAM takes each question for a use, whatever its answer shows', () => {
  picture = emptyPicture({ frequencyS: 6, flavor: 'openam' });
  call(1_000, 'peek', 'first-sight');
  answer(1_010, 'peek', { idleS: 2 });
  expect(picture.accesses).toEqual([{ at: 1_010, accessAt: 1_010 }]);
  call(9_000, 'refresh', 'activity');
  answer(9_010, 'refresh', { idleS: 2 });
  expect(picture.calls.at(-1)?.kind).toBe('obeyed');
});

test.each([
  ['dead', 'peek', { outcome: 'dead' }, 'dead'],
  ['logged out', 'logout', { outcome: 'ended' }, 'logout'],
])('a session that is %s has no idle clock and no window any more', (_how, action, more, kind) => {
  answer(1_000, 'refresh');
  call(3_000, action, 'trust-over');
  answer(3_010, action, more);
  expect(picture.calls.at(-1)?.kind).toBe(kind);
  expect(picture.accesses.at(-1)).toEqual({ at: 3_010, accessAt: undefined });
  expect(picture.windows).toEqual([{ from: 1_000, until: 3_010 }]);
});

test('an answer to a call that nobody remembers is drawn all the same', () => {
  answer(1_000, 'refresh');
  expect(picture.calls).toMatchObject([{ at: 1_000, kind: 'obeyed', told: 0 }]);
});

test('requests that were refused are not counted', () => {
  click(1_000, 'ended');
  poll(1_000, 'dead');
  expect(picture.requests).toEqual([]);
  expect(picture.counts).toEqual({ user: 0, background: 0, calls: 0 });
});

test('old marks go, but the idle clock stays, and so do the numbers', () => {
  click(1_000, 'call');
  call(1_000, 'refresh', 'activity');
  answer(1_010, 'refresh');
  poll(400_000, 'trusted');
  expect(picture).toMatchObject({ requests: [{ isUser: false }], calls: [], windows: [] });
  expect(picture.accesses).toEqual([{ at: 1_010, accessAt: 1_010 }]);
  expect(picture.counts).toEqual({ user: 1, background: 1, calls: 1 });
});

test('of the accesses that are older than the picture only the last stays, which the idle clock counts from', () => {
  for (const at of [1_000, 10_000, 20_000, 300_000]) answer(at, 'refresh');
  expect(picture.accesses.map(({ at }) => at)).toEqual([20_000, 300_000]);
});

test.each([
  ['call-in-flight', 'One request of yours waits while a call to AM is on its way.'],
  ['backing-off', 'One request of yours waits: AM gave no usable answer a moment ago. You can work on.'],
  ['trusted', 'Your request passes on what AM said before.'],
])('a request says what became of it: %s', (decision, sentence) => {
  expect(click(1_000, decision).sentence).toBe(sentence);
});

test('an end that no event told of is drawn, once', () => {
  answer(1_000, 'refresh');
  picture = withEnd(picture, 61_000);
  expect(picture.calls.at(-1)).toMatchObject({ at: 61_000, kind: 'dead' });
  expect(picture.accesses.at(-1)).toEqual({ at: 61_000, accessAt: undefined });
  expect(picture.sentence).toBe('AM says that the session is over.');
  expect(withEnd(picture, 61_500)).toBe(picture);
});
