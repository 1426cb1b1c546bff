// Where the marks of the demo's live picture go.

import { expect, test } from 'vitest';

interface Picture {
  readonly requests: readonly { at: number; isUser: boolean; asked: boolean }[];
  readonly calls: readonly { at: number; kind: string }[];
  readonly windows: readonly { from: number; until: number }[];
  readonly accesses: readonly { at: number; accessAt: number | undefined }[];
}

type Lane = 'windows' | 'user' | 'asked' | 'background' | 'obeyed' | 'trailing' | 'ignored' | 'peek' | 'failed';

interface Module {
  draw(
    picture: Picture,
    now: number,
    frame: { width: number; spanS: number; limitS: number },
  ): Record<Lane | 'logout' | 'effect' | 'idle' | 'idleArea', string>;
  readonly layout: { readonly idle: { readonly top: number; readonly bottom: number } };
}

// the page's own code, which has no types
const { draw, layout } = (await import(new URL('../src/demo/public/drawing.js', import.meta.url).href)) as Module;

const empty: Picture = { requests: [], calls: [], windows: [], accesses: [] };
/** Ten pixels are a second, and "now" is at 100. */
const drawn = (picture: Partial<Picture>, now = 10_000) =>
  draw({ ...empty, ...picture }, now, { width: 110, spanS: 10, limitS: 60 });
const { top, bottom } = layout.idle;

test('nothing is drawn of nothing', () => {
  expect(new Set(Object.values(drawn({})))).toEqual(new Set(['']));
});

test('a mark is where its time is, and moves to the left', () => {
  const requests = [{ at: 7_000, isUser: true, asked: false }];
  expect(drawn({ requests }).user).toMatch(/^M70 /);
  expect(drawn({ requests }, 12_000).user).toMatch(/^M50 /);
  expect(drawn({ requests }, 17_100).user).toBe('');
});

test('users and background have lanes of their own; who made AM be called stands out', () => {
  const paths = drawn({
    requests: [
      { at: 1_000, isUser: true, asked: true },
      { at: 2_000, isUser: false, asked: true },
    ],
  });
  expect(paths.user).toMatch(/^M10 \d+V\d+$/);
  expect(paths.asked).toMatch(/^M10 \d+V\d+$/);
  expect(paths.background).toMatch(/^M16.5 [^M]+$/);
});

test('each kind of call has its shape in the lane of calls', () => {
  const kinds = ['obeyed', 'trailing', 'ignored', 'peek', 'failed', 'logout'] as const;
  const paths = drawn({ calls: kinds.map((kind, i) => ({ at: i * 1_000, kind })) });
  for (const kind of kinds) expect(paths[kind].match(/M/g)).toHaveLength(1);
  // what AM obeys falls down to its idle clock
  expect(paths.effect.match(/M/g)).toHaveLength(2);
  expect(new Set(kinds.map((kind) => paths[kind].replace(/^M[\d.]+/, ''))).size).toBe(kinds.length - 1);
});

test('a window is as wide as it lasts, but for a gap to the next, and is cut at the edges', () => {
  const windows = [
    { from: -20_000, until: 1_000 },
    { from: 2_000, until: 4_000 },
    { from: 9_000, until: 16_000 },
  ];
  const edges = [...drawn({ windows }).windows.matchAll(/M(\d+) \d+H(\d+)/g)].map(([, from, to]) => [from, to]);
  expect(edges).toEqual([
    ['1', '9'],
    ['21', '39'],
    ['91', '99'],
  ]);
});

test('the idle clock rises by a second each second, and falls when AM is told', () => {
  const accesses = [
    { at: 0, accessAt: -30_000 },
    { at: 6_000, accessAt: 6_000 },
  ];
  const y = (idleS: number) => bottom - ((bottom - top) * idleS) / 60;
  const number = (value: number) => String(Math.round(value * 10) / 10);
  expect(drawn({ accesses }).idle).toBe(
    `M0 ${number(y(30))}L60 ${number(y(36))}L60 ${number(y(0))}L100 ${number(y(4))}`,
  );
});

test('the idle clock stops at the limit, and where the session is over', () => {
  expect(drawn({ accesses: [{ at: 0, accessAt: -90_000 }] }).idle).toBe(`M0 ${top}L100 ${top}`);
  const over = [
    { at: 2_000, accessAt: 2_000 },
    { at: 5_000, accessAt: undefined },
  ];
  expect(drawn({ accesses: over }).idle).toMatch(/^M20 [\d.]+L50 [\d.]+$/);
});

test('an access from before the left edge begins there', () => {
  expect(drawn({ accesses: [{ at: -50_000, accessAt: -50_000 }] }).idle).toMatch(/^M0 /);
});
