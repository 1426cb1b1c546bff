// The demo may run for days: what it keeps for its page, and what it takes from it, is bounded.

import http, { type RequestListener } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { startSampleApi } from '../src/demo/api.js';
import { createLiveEvents, livePath } from '../src/demo/live.js';
import type { KeeperEvent } from '../src/keeper/events.js';
import { request } from './support/http.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

async function sampleApi(live: RequestListener = () => undefined) {
  const api = await startSampleApi({ live, about: async () => ({}) });
  closers.push(api.close);
  return api.url;
}

/** The live picture behind a real server; `handling` is the request that the proxy handles at the moment. */
async function picture() {
  const handling: { name: string | undefined; target: string | undefined } = { name: undefined, target: undefined };
  const live = createLiveEvents({
    clock: { now: () => 0 },
    currentRequest: { name: () => handling.name, target: () => handling.target },
  });
  const url = await sampleApi(live.serve);
  return {
    handling,
    note: live.note,
    open(view: string, session: string) {
      Object.assign(handling, { name: `GET ${livePath}`, target: `${livePath}?view=${view}` });
      live.note(decision(session, 'background'));
      Object.assign(handling, { name: undefined, target: undefined });
    },
    /** What a page is sent, up to the present; the status where that is not 200. */
    view: (view: string) => past(`${url}${livePath}?view=${view}`),
  };
}

function decision(session: string, cause: 'activity' | 'background'): KeeperEvent {
  return { type: 'decision', session, request: cause, decision: 'trusted' };
}

function past(url: string): Promise<number | unknown[]> {
  return new Promise((resolve, reject) => {
    const asked = http.get(url, { agent: false }, (res) => {
      if (res.statusCode !== 200) return resolve(res.resume().statusCode ?? 0);
      let text = '';
      res.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (!text.includes('event: ready')) return;
        asked.destroy();
        resolve(
          [...text.matchAll(/^event: decision\ndata: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? '') as unknown),
        );
      });
    });
    asked.once('error', reject);
  });
}

test('the latest two thousand events are kept, of all sessions together', async () => {
  const { note, handling, open, view } = await picture();
  handling.name = 'GET /api/orders';
  for (let i = 0; i < 1_000; i++) note(decision('mine', 'activity'));
  for (let i = 0; i < 1_990; i++) note(decision('theirs', 'activity'));
  open('1', 'mine');
  expect(await view('1')).toHaveLength(10);
});

test('a hundred pages may have announced themselves and not have come yet', async () => {
  const { open, view } = await picture();
  for (let i = 0; i < 101; i++) open(`${i}`, 'mine');
  expect([await view('0'), await view('1')]).toEqual([503, []]);
});

test("the proxy's own look at a session whose connection is open is no part of the picture", async () => {
  const { note, handling, open, view } = await picture();
  // no request is being handled
  note(decision('mine', 'background'));
  handling.name = 'GET /api/notifications';
  note(decision('mine', 'background'));
  open('1', 'mine');
  expect(await view('1')).toHaveLength(1);
});

const order = (url: string, item: string) =>
  request(url, '/api/orders', { method: 'POST', body: JSON.stringify({ item }) });

test('the sample API keeps the latest hundred orders, each with a hundred characters', async () => {
  const url = await sampleApi();
  for (let i = 0; i < 99; i++) await order(url, 'Tea'.repeat(100));
  const { orders } = (await request(url, '/api/orders')).json() as { orders: { id: number; item: string }[] };
  expect(orders).toHaveLength(100);
  expect(orders[0]).toMatchObject({ id: 2, item: 'Cheesecake' });
  expect(orders.at(-1)?.item).toHaveLength(100);
});

test('the sample API reads no body of more than ten thousand bytes', async () => {
  const url = await sampleApi();
  const overhead = JSON.stringify({ item: '' }).length;
  expect((await order(url, 'x'.repeat(10_000 - overhead))).status).toBe(201);
  await expect(order(url, 'x'.repeat(10_001 - overhead))).rejects.toThrow(/socket hang up|ECONNRESET|EPIPE/);
});
