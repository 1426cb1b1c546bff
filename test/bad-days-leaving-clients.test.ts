// Clients that pipeline requests and leave: each of their answers ends, or they would be held in memory for ever.

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../src/clock.js';
import { createServer } from '../src/ops/server.js';
import { request } from './support/http.js';
import { onEveryMount } from './support/mounted.js';
import { eventually } from './support/stack.js';

onEveryMount('a client that pipelines requests to an upstream that takes its time', {}, (stack) => {
  it('takes all of them with it when it leaves', async () => {
    const { am, upstream } = stack();
    const cookie = `${am.cookieName}=${am.login('demo')}`;
    expect((await request(stack().url, '/api/first', { headers: { cookie } })).status).toBe(200);
    let open = 0;
    let left = 0;
    upstream.answer = (_req, res) => {
      open++;
      res.once('close', () => left++);
    };
    const socket = net.connect(Number(new URL(stack().url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`GET /api/x HTTP/1.1\r\nHost: a\r\nCookie: ${cookie}\r\n\r\n`.repeat(20));
    await eventually(() => open === 20);
    expect(left).toBe(0);
    socket.destroy();
    await eventually(() => left === 20);
  });
});

describe("the command's server", () => {
  let server: ReturnType<typeof createServer>;
  let begun: ServerResponse[];
  let ended: number;

  beforeEach(async () => {
    begun = [];
    ended = 0;
    server = createServer({
      listener: () => undefined,
      upgrade: () => false,
      securityHeaders: new Map(),
      clock: systemClock,
    });
    server.prependListener('request', (_req, res) => {
      begun.push(res);
      res.once('close', () => ended++);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  function pipeline(count: number): net.Socket {
    const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(count));
    return socket;
  }

  it('the answers to pipelined requests end with the connection, not only the one whose turn it is', async () => {
    const client = pipeline(20);
    await eventually(() => begun.length === 20);
    expect(ended).toBe(0);
    client.destroy();
    await eventually(() => ended === 20);
    expect(begun.every((res) => res.destroyed)).toBe(true);
  });

  it('those to requests beyond the number that may be pipelined end at once', async () => {
    const client = pipeline(200);
    await once(client, 'close');
    await eventually(() => ended === begun.length);
    expect(begun.length).toBeGreaterThan(32);
  });
});
