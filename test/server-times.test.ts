import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { sessionProxy } from '../src/index.js';
import type { ServerTimes } from '../src/ops/server.js';
import { startServer, type TestServer } from './support/server.js';
import { pause, startStack } from './support/stack.js';

let server: TestServer | undefined;
afterEach(() => server?.close());

async function connect(listener: RequestListener, times: Partial<ServerTimes>) {
  server = await startServer(listener, times);
  return server.connect();
}

const readAll: RequestListener = (req, res) => void req.resume().once('end', () => res.end('whole'));
const post = (length: number) => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;

describe('headers that do not come to an end', () => {
  it.each([
    ['after a few', 'GET / HTTP/1.1\r\nHost: a\r\nX-Slow'],
    ['before the first byte', ''],
  ])('are answered with 408 and the end of the connection: %s', async (_when, bytes) => {
    const { socket, ended } = await connect(readAll, { headers: 300 });
    const since = Date.now();
    socket.write(bytes);
    const answer = await ended();
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(answer).toContain('"code":"request_timeout"');
    expect(Date.now() - since).toBeLessThan(2_500);
  });

  it('gain nothing by one byte now and then', async () => {
    const { socket, ended } = await connect(readAll, { headers: 300 });
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ');
    const drip = setInterval(() => socket.write('x'), 50);
    expect(await ended()).toMatch(/^HTTP\/1\.1 408 /);
    clearInterval(drip);
  });
});

describe('a body of which nothing more comes', () => {
  it('ends the request with 408 and the connection, in its time', async () => {
    let aborted = false;
    const { socket, ended } = await connect((req) => void req.resume().once('close', () => (aborted = !req.complete)), {
      stalledBody: 400,
    });
    socket.write(`${post(10)}half`);
    const since = Date.now();
    const answer = await ended();
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(answer).toContain('"code":"request_timeout"');
    expect(Date.now() - since).toBeGreaterThanOrEqual(395);
    expect(Date.now() - since).toBeLessThan(900);
    socket.end();
    await pause(50);
    expect(aborted).toBe(true);
  });

  it('of a chunked request, too', async () => {
    const { socket, ended } = await connect(readAll, { stalledBody: 200 });
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    expect(await ended()).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('ends the connection where an answer has begun', async () => {
    const answerAtOnce: RequestListener = (req, res) => {
      req.resume();
      res.writeHead(200, { 'content-length': 100 }).write('some');
    };
    const { socket, ended } = await connect(answerAtOnce, { stalledBody: 200 });
    socket.write(`${post(10)}half`);
    const answer = await ended();
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer.endsWith('some')).toBe(true);
  });

  it('ends the request at the upstream', async () => {
    const stack = await startStack();
    const bff = sessionProxy({
      am: { url: stack.am.url, cookieName: stack.am.cookieName },
      publicRoutes: [{ path: '/public', target: stack.upstream.url }],
      logLevel: 'silent',
    });
    const { socket, ended } = await connect(bff.wrap(readAll), { stalledBody: 300 });
    const gone = new Promise<IncomingMessage>((resolve) => {
      stack.upstream.answer = (req) => req.resume().once('error', () => resolve(req));
    });
    socket.write(`POST /public/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf`);
    expect(await ended()).toMatch(/^HTTP\/1\.1 408 /);
    expect((await gone).complete).toBe(false);
    await bff.close();
    await stack.close();
  });
});

describe('a body that is slow but lively', () => {
  it('may take many times as long', async () => {
    const { socket, ended } = await connect(readAll, { stalledBody: 200 });
    socket.write(post(12).replace('Host', 'Connection: close\r\nHost'));
    for (let i = 0; i < 12; i++) {
      await pause(80);
      socket.write('x');
    }
    expect(await ended()).toMatch(/^HTTP\/1\.1 200 [^]*whole$/);
  });

  it('is not blamed where it is we who do not read', async () => {
    const { socket, ended } = await connect((req, res) => void setTimeout(() => readAll(req, res), 900), {
      stalledBody: 200,
    });
    const body = Buffer.alloc(16 * 1024 * 1024);
    socket.write(post(body.length).replace('Host', 'Connection: close\r\nHost'));
    socket.write(body);
    expect(await ended()).toMatch(/^HTTP\/1\.1 200 [^]*whole$/);
  });

  it('and an answer may take its time once the body is whole', async () => {
    const { socket, ended } = await connect(
      (req, res) => void req.resume().once('end', () => setTimeout(() => res.end('late'), 700)),
      {
        stalledBody: 200,
      },
    );
    socket.write(`${post(4).replace('Host', 'Connection: close\r\nHost')}body`);
    expect(await ended()).toMatch(/late$/);
  });
});

it('an idle connection is closed after its time, not before', async () => {
  const { socket } = await connect(readAll, { keepAlive: 500 });
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  const since = Date.now();
  await once(socket, 'end');
  expect(Date.now() - since).toBeGreaterThanOrEqual(490);
});
