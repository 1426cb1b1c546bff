// Bodies that come with their head go in one piece, others in several: nobody can tell which.

import diagnostics from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import net from 'node:net';
import type { RequestHandler } from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually, mounts, pause, startStack, type Stack } from './support/stack.js';
import { startTeamApp } from './support/team-app.js';

/** Bytes of all values. */
const allBytes = (length: number) => Buffer.from(Array.from({ length }, (_, i) => i % 256));

type Sent = Pick<RequestInit, 'method' | 'body'>;

async function fetchBytes(url: string, { am }: Stack, options: Sent = {}): Promise<Buffer> {
  const answer = await fetch(url, { ...options, headers: { cookie: `${am.cookieName}=${am.login()}` } });
  return Buffer.from(await answer.arrayBuffer());
}

describe.each(mounts)('mounted by %s', (mount) => {
  let stack: Stack;
  let token: string;
  beforeAll(async () => {
    stack = await startStack({ mount });
    token = stack.am.login();
  });
  afterAll(() => stack.close());
  afterEach(() => {
    stack.upstream.answer = undefined;
  });

  const head = (path: string, body: string, more = '') =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nCookie: ${stack.am.cookieName}=${token}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${more}\r\n`;

  /** Sends the pieces one by one on one connection; resolves with all that came when it was closed. */
  async function send(pieces: readonly string[]): Promise<string> {
    const socket = net.connect(Number(new URL(stack.url).port), '127.0.0.1').setNoDelay(true);
    let received = '';
    socket.on('data', (chunk) => (received += chunk.toString()));
    for (const piece of pieces) {
      socket.write(piece);
      await pause(40);
    }
    await eventually(() => socket.closed);
    return received;
  }

  const last = 'Connection: close\r\n';

  it.each([1, 1_024, 70_000, 300_000])('a body of %i bytes arrives, whatever pieces it comes in', async (length) => {
    const body = 'ab'.repeat(length).slice(0, length);
    const half = Math.ceil(length / 2);
    for (const pieces of [
      [head('/api/whole', body, last) + body],
      [head('/api/behind', body, last), body],
      [head('/api/parts', body, last) + body.slice(0, half), body.slice(half)],
    ]) {
      stack.upstream.seen.length = 0;
      expect(await send(pieces)).toMatch(/^HTTP\/1\.1 200 /);
      expect(stack.upstream.seen).toHaveLength(1);
      expect(stack.upstream.seen[0]?.body === body).toBe(true);
    }
  });

  // up to 16 KB, and past it
  it.each([255, 1_024, 16_384, 16_385])('%i bytes of all values arrive as they are, both ways', async (length) => {
    const body = allBytes(length);
    for (const headers of [{ 'content-length': length }, { 'transfer-encoding': 'chunked' }]) {
      stack.upstream.answer = (req, res) => {
        const received: Buffer[] = [];
        req.on('data', (chunk: Buffer) => received.push(chunk));
        req.once('end', () => res.writeHead(200, headers).end(Buffer.concat(received)));
      };
      const received = await fetchBytes(`${stack.url}/api/bytes`, stack, { method: 'POST', body });
      expect(received.equals(body)).toBe(true);
    }
  });

  it('the connection serves the requests behind such a body, in their order', async () => {
    const bodies = ['one', 'two', 'three', 'four'];
    const requests = bodies.map((body, i) => head(`/api/${i}`, body, i === 3 ? last : '') + body);
    // one by one, and pipelined
    for (const pieces of [requests, [requests.join('')]]) {
      const received = await send(pieces);
      expect(received.match(/HTTP\/1\.1 200 /g)).toHaveLength(4);
      expect(received.match(/(?<="body":")\w+/g)).toEqual(bodies);
    }
  });

  const answers: Readonly<Record<string, (res: ServerResponse) => void>> = {
    'in one piece': (res) => void res.end('x'.repeat(2_000)),
    'behind its head': (res) => {
      res.writeHead(200, { 'content-length': 2_000 }).flushHeaders();
      setTimeout(() => res.end('x'.repeat(2_000)), 30);
    },
    'in two pieces': (res) => {
      res.writeHead(200, { 'content-length': 2_000 }).write('x'.repeat(900));
      setTimeout(() => res.end('x'.repeat(1_100)), 30);
    },
    'in chunks at once': (res) => {
      res.write('x'.repeat(900));
      res.end('x'.repeat(1_100));
    },
    'in chunks, one late': (res) => {
      res.write('x'.repeat(900));
      setTimeout(() => res.end('x'.repeat(1_100)), 30);
    },
  };

  it.each(Object.keys(answers))('an answer that comes %s arrives, and the connection goes on', async (how) => {
    stack.upstream.answer = (_req, res) => answers[how]?.(res);
    const received = await send([head('/api/a', ''), head('/api/b', '', last)]);
    expect(received.match(/HTTP\/1\.1 200 /g)).toHaveLength(2);
    expect(received.match(/x{900,}/g)?.join('').length).toBe(4_000);
  });

  it.each([70_000, 300_000, 3_000_000])(
    'an answer of %i bytes arrives, with its length and in chunks',
    async (length) => {
      const body = 'abc'.repeat(length / 3 + 1).slice(0, length);
      const half = body.slice(0, length / 2);
      const ways: ((res: ServerResponse) => void)[] = [
        (res) => res.end(body),
        (res) => {
          res.write(half);
          res.end(body.slice(half.length));
        },
      ];
      for (const way of ways) {
        stack.upstream.answer = (_req, res) => way(res);
        const answer = await stack.as(token, '/api/long');
        expect(answer.body === body).toBe(true);
      }
    },
  );

  it.each([30_000, 65_536])(
    'an answer that breaks off behind its first %i bytes shows them, and that it is not whole',
    async (length) => {
      const withLength = 'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n';
      const inChunks = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
      const size = length - inChunks.length - 8;
      const chunk = `${size.toString(16).padStart(4, '0')}\r\n${'x'.repeat(size)}\r\n`;
      for (const [text, shown] of [
        // 65,536 is what Node reads at once: the rest is read in the same turn
        [withLength.padEnd(length, 'x'), length - withLength.length],
        // Node gives up what it has parsed in the same turn
        [`${inChunks}${chunk}no size of a chunk\r\n`, 0],
      ] as const) {
        stack.upstream.answer = ({ socket }) => void socket.end(text);
        const received = await send([head('/api/broken', '')]);
        // whoever gets nothing at all may send it again
        expect(received).toMatch(/^HTTP\/1\.1 200 /);
        expect(received).not.toMatch(/\r\n0\r\n\r\n$/);
        expect(/x*$/.exec(received)?.[0].length).toBe(shown);
      }
    },
  );

  it.each([200, 204, 304])('an answer of %i without a body ends', async (status) => {
    stack.upstream.answer = (_req, res) =>
      void res.writeHead(status, status === 200 ? { 'content-length': 0 } : {}).end();
    const received = await send([head('/api/a', ''), head('/api/b', '', last)]);
    expect(received.match(new RegExp(`HTTP/1\\.1 ${status} `, 'g'))).toHaveLength(2);
  });
});

// before the proxy hears of the answer, and after
it.each(['http.client.response.finish', 'http.client.request.start'])(
  'whoever listens to the body of an answer since %s, such as an agent for monitoring, takes nothing from the client',
  async (channel) => {
    const stack = await startStack({ mount: 'wrap' });
    const heard: string[] = [];
    const known = new Set<IncomingMessage>();
    const hear = (answer: IncomingMessage) => {
      // Node may tell of one twice
      if (known.has(answer)) return;
      known.add(answer);
      answer.on('data', (chunk: Buffer) => heard.push(chunk.toString()));
    };
    const listen = (message: unknown) => {
      const { request, response } = message as { request: ClientRequest; response?: IncomingMessage };
      // this test is a client too
      if (!stack.upstream.url.endsWith(String(request.getHeader('host')))) return;
      if (response) hear(response);
      else request.on('response', hear);
    };
    diagnostics.subscribe(channel, listen);
    try {
      for (const pieces of [['of the answer'], ['in ', 'chunks'], ['ab'.repeat(50_000)]]) {
        const text = pieces.join('');
        heard.length = 0;
        stack.upstream.answer = (_req, res) => {
          for (const piece of pieces) res.write(piece);
          res.end();
        };
        const { body } = await stack.as(stack.am.login(), '/api/heard');
        expect(body === text).toBe(true);
        expect(heard.join('') === text).toBe(true);
      }
    } finally {
      diagnostics.unsubscribe(channel, listen);
      await stack.close();
    }
  },
);

describe('behind middleware that has replaced a method of the answer', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());

  async function fetchBehind(middleware: RequestHandler, body: Buffer): Promise<Buffer> {
    const team = await startTeamApp(stack, (app) => app.use(middleware));
    stack.upstream.answer = (_req, res) => void res.end(body);
    try {
      return await fetchBytes(`${team.url}/api/it`, stack);
    } finally {
      stack.upstream.answer = undefined;
      await team.close();
    }
  }

  it('an `end` that knows no encodings passes all bytes on', async () => {
    const body = allBytes(1_024);
    const received = await fetchBehind((_req, res, next) => {
      const end = res.end.bind(res);
      res.end = (chunk?: unknown) => end(chunk);
      next();
    }, body);
    expect(received.equals(body)).toBe(true);
  });

  it('a `write` that is full gets nothing more until it has drained', async () => {
    const body = Buffer.alloc(300_000, 'ab');
    let isFull = false;
    let overruns = 0;
    const received = await fetchBehind((_req, res, next) => {
      const write = res.write.bind(res);
      res.write = (chunk: unknown) => {
        if (isFull) overruns++;
        isFull = true;
        write(chunk);
        setImmediate(() => res.emit('drain'));
        return false;
      };
      res.on('drain', () => (isFull = false));
      next();
    }, body);
    expect(received.equals(body)).toBe(true);
    expect(overruns).toBe(0);
  });
});
