// 300 event streams open at once leave room for everybody else.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { logOut, openStream } from './support/event-stream.js';
import { onEveryMount } from './support/mounted.js';
import { eventually } from './support/stack.js';

const count = 300;

onEveryMount('300 open event streams', {}, (stack) => {
  it('leave plain requests their own connections, which are kept, and end at logout', async () => {
    const streams = new Map<Socket, ServerResponse>();
    const pooled = new Set<Socket>();
    const closing: (string | undefined)[] = [];
    stack().upstream.answer = (req: IncomingMessage, res) => {
      if (req.url !== '/api/events') {
        pooled.add(req.socket);
        return void res.end('plain');
      }
      streams.set(req.socket, res);
      closing.push(req.headers.connection);
      res.once('close', () => streams.delete(req.socket));
      res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    };
    const token = stack().am.login();
    const clients = await Promise.all(Array.from({ length: count }, () => openStream(stack(), '/api/events', token)));
    expect(streams.size).toBe(count);
    // of no use to anybody afterwards
    expect(new Set(closing)).toEqual(new Set(['close']));

    const startedAt = performance.now();
    for (let round = 0; round < 10; round++) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => stack().as(token, '/api/plain')));
      expect(answers.every(({ status, body }) => status === 200 && body === 'plain')).toBe(true);
    }
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(pooled.size).toBeLessThanOrEqual(20);
    expect([...pooled].filter((socket) => streams.has(socket))).toEqual([]);

    // all of them are still served
    for (const res of streams.values()) res.write('data: 1\n\n');
    await Promise.all(clients.map((client) => client.has('data: 1')));
    await logOut(stack(), token);
    expect(new Set(await Promise.all(clients.map(({ end }) => end)))).toEqual(new Set(['ended']));
    await eventually(() => streams.size === 0, 2_000);
  });
});
