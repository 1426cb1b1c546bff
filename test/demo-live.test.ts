// What the demo's page is told as it happens: the proxy's decisions, news of the API, echoes.

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { JournalEntry } from '../src/simulator/index.js';
import { endDemos, signInAt, startDemo, type Demo } from './support/demo.js';
import { request } from './support/http.js';

let demo: Demo;
let page: string;
let cookie: string;

beforeAll(async () => {
  demo = await startDemo({ AM_UPDATE_FREQUENCY_S: '2' });
  page = demo.place('page');
  cookie = await signInAt(demo);
});

afterAll(endDemos);

const asUser = (path: string) => request(page, path, { headers: { cookie } });
const refreshes = async () => {
  const entries: JournalEntry[] = JSON.parse((await request(demo.place('AM'), '/am/__journal')).body);
  return entries.filter(({ action }) => action === 'refresh').length;
};

/** An event stream as its user sees it: all that has come, until it ends. */
async function follow(path: string, cookieOfUser: string) {
  const answer = await fetch(new URL(path, page), { headers: { cookie: cookieOfUser, accept: 'text/event-stream' } });
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  let text = '';
  const ended = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of answer.body ?? []) text += decoder.decode(chunk, { stream: true });
  })();
  const events = () =>
    [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(
      ([, name, data]) => Object.assign(JSON.parse(data ?? ''), { name }) as Record<string, unknown>,
    );
  return { ended, text: () => text, events };
}

const liveOf = (cookieOfUser: string, view: string) => follow(`/api/demo/events?view=${view}`, cookieOfUser);

test("the live picture is told of its own session's past and present, and of nobody else's", async () => {
  const other = await signInAt(demo);
  await request(page, '/api/orders', { headers: { cookie: other } });
  for (let i = 0; i < 5; i++) await asUser('/api/orders');
  const mine = await liveOf(cookie, '1');
  const theirs = await liveOf(other, '2');
  await vi.waitFor(() => {
    expect(mine.events().at(-1)).toEqual({ name: 'ready' });
    expect(theirs.events().at(-1)).toEqual({ name: 'ready' });
  });
  const [begin, ...past] = mine.events();
  expect(begin).toEqual({ name: 'begin', session: expect.stringMatching(/^[\w-]{8}$/) });
  expect(past.slice(0, -1).map(({ session }) => session)).toEqual(past.slice(0, -1).map(() => begin?.['session']));
  expect(past.length).toBeGreaterThan(4);
  expect(past[0]).toMatchObject({ name: 'decision', type: 'decision', request: 'activity', agoMs: expect.any(Number) });

  const before = theirs.events().length;
  const now = mine.events().length;
  await asUser('/session');
  await asUser('/api/orders');
  await vi.waitFor(() => expect(mine.events().length).toBeGreaterThan(now));
  // a look at the session is no part of it
  expect(mine.events()[now]).toMatchObject({ type: 'decision', request: 'activity' });
  expect(mine.events()[now]?.['agoMs']).toBe(0);
  expect(theirs.events()).toHaveLength(before);
  expect(theirs.events()[0]?.['session']).not.toBe(begin?.['session']);

  await request(page, '/logout', { method: 'POST', headers: { cookie: other } });
  await theirs.ended;
  for (const secret of [cookie, other])
    expect(mine.text() + theirs.text()).not.toContain(secret.split('=')[1]?.slice(-20));
});

test('the live picture needs a session, and a number of its own', async () => {
  expect((await request(page, '/api/demo/events?view=3')).status).toBe(401);
  expect((await asUser('/api/demo/events')).status).toBe(503);
});

test('looking at it keeps no session alive', async () => {
  await sleep(3_500);
  const told = await refreshes();
  await liveOf(cookie, '4');
  await liveOf(cookie, '5');
  await sleep(3_500);
  expect(await refreshes()).toBe(told);
});

test('a WebSocket says what it is told, and the orders come as events', async () => {
  const socket = new WebSocket(`${page.replace('http', 'ws')}api/echo`, { headers: { cookie } });
  await once(socket, 'open');
  for (const text of ['Hello', '', 'ä'.repeat(500)]) {
    socket.send(text);
    const [message] = (await once(socket, 'message')) as [Buffer];
    expect(message.toString()).toBe(text);
  }
  socket.ping();
  await once(socket, 'pong');
  socket.close(1000);
  expect((await once(socket, 'close'))[0]).toBe(1000);

  const news = await follow('/api/news', cookie);
  await vi.waitFor(() => expect(news.events()).toContainEqual({ name: 'ready', id: 1, item: 'Espresso' }), 6_000);
});

test('a sign-out ends all of it', async () => {
  const live = await liveOf(cookie, '6');
  const socket = new WebSocket(`${page.replace('http', 'ws')}api/echo`, { headers: { cookie } });
  await once(socket, 'open');
  const closed = once(socket, 'close');
  await request(page, '/logout', { method: 'POST', headers: { cookie } });
  await live.ended;
  expect((await closed)[0]).toBe(4401);
});
