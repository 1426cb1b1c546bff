import type { RequestListener } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { rawRequest } from './support/http.js';
import { startServer, type TestServer } from './support/server.js';
import { eventually, pause, startStack, type Stack } from './support/stack.js';

const cases: readonly (readonly [what: string, bytes: string, status: number, code: string])[] = [
  ['what is no HTTP', 'HELO there\r\n\r\n', 400, 'bad_request'],
  ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'bad_request'],
  ['a header with a NUL', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n', 400, 'bad_request'],
  ['a header name with a space', 'GET / HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n', 400, 'bad_request'],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400, 'bad_request'],
  [
    'two framings',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
    'bad_request',
  ],
  [
    'a bad chunk',
    'POST /public/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n',
    400,
    'bad_request',
  ],
  ['20 KB of headers', `GET / HTTP/1.1\r\nHost: a\r\nCookie: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
  [
    '200 KB of headers',
    `GET / HTTP/1.1\r\nHost: a\r\nCookie: ${'x'.repeat(200_000)}\r\n\r\n`,
    431,
    'headers_too_large',
  ],
];

function expectProblem(answer: string, status: number, code: string): void {
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(head).toMatch(/^content-type: application\/problem\+json; charset=utf-8$/im);
  expect(head).toMatch(/^cache-control: no-store$/im);
  expect(head).toMatch(/^connection: close$/im);
  expect(head).toMatch(/^x-content-type-options: nosniff$/im);
  expect(head).toMatch(new RegExp(`^content-length: ${body.length}$`, 'im'));
  expect(JSON.parse(body)).toMatchObject({ code, status });
}

describe('the command', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ mount: 'command' });
  });
  afterAll(() => stack.close());

  it.each(cases)('answers %s with a problem', async (_what, bytes, status, code) => {
    expectProblem(await rawRequest(stack.url, Buffer.from(bytes, 'latin1')), status, code);
  });

  it('takes 15 KB of cookies', async () => {
    const cookie = `theme=${'x'.repeat(15_000)}`;
    const answer = await rawRequest(
      stack.url,
      `GET /public/x HTTP/1.1\r\nHost: a\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(stack.upstream.seen.at(-1)?.headers.cookie).toBe(cookie);
  });

  it('serves HTTP/1.0 without a Host', async () => {
    expect(await rawRequest(stack.url, 'GET /livez HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('keeps idle connections 75 s, longer than load balancers do', async () => {
    const { headers } = await stack.request('/livez', { headers: { connection: 'keep-alive' } });
    expect(headers['keep-alive']).toBe('timeout=75');
  });

  it('answers pipelined requests in their order', async () => {
    stack.upstream.answer = (req, res) => void setTimeout(() => res.end(req.url), req.url === '/public/1' ? 100 : 0);
    const ask = (path: string, connection: string) =>
      `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: ${connection}\r\n\r\n`;
    const answer = await rawRequest(
      stack.url,
      ask('/public/1', 'keep-alive') + ask('/public/2', 'keep-alive') + ask('/public/3', 'close'),
    );
    stack.upstream.answer = undefined;
    expect(answer.match(/\/public\/\d/g)).toEqual(['/public/1', '/public/2', '/public/3']);
  });

  it('lives on after all that', async () => {
    expect((await stack.request('/livez')).status).toBe(200);
  });
});

describe('a connection that was refused', () => {
  let server: TestServer | undefined;
  afterEach(() => server?.close());

  async function connect(listener: RequestListener = (_req, res) => res.end('ok')) {
    server = await startServer(listener);
    return server.connect();
  }

  it('is closed, though the client keeps its side open', async () => {
    const { socket } = await connect();
    socket.write('HELO there\r\n\r\n');
    await eventually(() => socket.readableEnded);
    // bytes to a connection that is gone are answered with a reset
    await eventually(() => !socket.write('still there?') || socket.closed, 2_500);
  });

  it('gets no error in the middle of an answer', async () => {
    const { socket, ended } = await connect((_req, res) => {
      res.writeHead(200, { 'content-length': 1000 });
      res.write('the beginning');
    });
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await pause(50);
    socket.write('garbage\r\n\r\n');
    const answer = await ended();
    expect(answer.endsWith('the beginning')).toBe(true);
    expect(answer).not.toContain('bad_request');
  });

  it('gets no error in the middle of the first of several answers', async () => {
    const { socket, ended } = await connect((req, res) => {
      if (req.url === '/1') res.writeHead(200, { 'content-length': 1000 }).write('the beginning');
    });
    socket.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
    await pause(50);
    socket.write('garbage\r\n\r\n');
    const answer = await ended();
    expect(answer.endsWith('the beginning')).toBe(true);
  });

  it('gets the error after an answer that is complete', async () => {
    const { socket, ended } = await connect();
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await pause(50);
    socket.write('garbage\r\n\r\n');
    const answer = await ended();
    expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*okHTTP\/1\.1 400 /);
  });
});
