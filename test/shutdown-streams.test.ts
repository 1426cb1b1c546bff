// SIGTERM with sockets and event streams open: they are closed first, then requests finish.

import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStream } from './support/event-stream.js';
import { request } from './support/http.js';
import { startServing, stop } from './support/serving.js';
import { eventually, pause, startStack, type Stack } from './support/stack.js';
import { closing, openSocket } from './support/websocket.js';

let stack: Stack;
const streams = new Set<ServerResponse>();
const slow: ServerResponse[] = [];
beforeAll(async () => {
  stack = await startStack();
  stack.upstream.answer = (req, res) => {
    if (req.url?.endsWith('/slow') === true) return void slow.push(res);
    streams.add(res);
    res.once('close', () => streams.delete(res));
    res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  };
});
afterAll(() => stack.close());

it('sockets are closed with 1001 and streams end before a request that is under way', async () => {
  const { command, url, cookie } = await startServing(stack);
  const there = { ...stack, url };
  const token = stack.am.login();
  const order: string[] = [];
  const log = (what: string) => () => void order.push(what);
  const socket = await openSocket(there, '/api/ws', token);
  const closed = closing(socket);
  const clients = [
    await openStream(there, '/api/events', token),
    await openStream(there, '/api/events', stack.am.login()),
    await openStream(there, '/public/events', undefined),
  ];
  const answer = request(url, '/api/slow', { headers: cookie(token) });
  await eventually(() => slow.length === 1);
  void closed.then(log('socket'));
  for (const { end } of clients) void end.then(log('stream'));
  void answer.then(log('request'));

  command.child.kill('SIGTERM');
  expect(await closed).toEqual({ code: 1001, reason: 'stopping' });
  for (const { end } of clients) expect(await end).toBe('ended');
  await eventually(() => streams.size === 0, 1_000);
  await pause(1_200);
  slow.pop()?.end('the whole answer');
  expect((await answer).body).toBe('the whole answer');
  expect(order.at(-1)).toBe('request');
  expect(await command.exit).toBe(0);
});

it('a hundred of them do not hold the process up, nor does a client that reads nothing', async () => {
  const { command, url } = await startServing(stack);
  const there = { ...stack, url };
  const token = stack.am.login();
  const clients = await Promise.all(Array.from({ length: 100 }, () => openStream(there, '/api/events', token)));
  const deaf = await openStream(there, '/api/events', token, { paused: true });
  const sockets = await Promise.all(Array.from({ length: 20 }, () => openSocket(there, '/api/ws', token)));
  const closed = Promise.all(sockets.map((socket) => closing(socket)));
  for (const res of [...streams].slice(-1))
    for (let i = 0; i < 40; i++) res.write(`data: ${'x'.repeat(1024 * 1024)}\n\n`);
  await pause(300);
  const { code, tookMs } = await stop(command);
  expect(code).toBe(0);
  expect(tookMs).toBeLessThan(2_500);
  expect(new Set((await closed).map((each) => each.code))).toEqual(new Set([1001]));
  expect(new Set(await Promise.all(clients.map(({ end }) => end)))).toEqual(new Set(['ended']));
  deaf.answer.resume();
  expect(await deaf.end).toBe('cut');
});
