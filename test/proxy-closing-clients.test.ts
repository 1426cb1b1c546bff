// Clients that want the connection closed after the answer, as nginx does unless told otherwise.

import net from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { mounts, startStack } from './support/stack.js';

const length = 20 * 1024 * 1024;

describe.each(mounts)('a client that closes the connection after one request, mounted by %s', (mount) => {
  it.each([
    ['/public/file', 413],
    ['/api/file', 401],
  ])('sees the early answer to its upload, though it sends all before it reads (%s)', async (path, status) => {
    const stack = await startStack({ mount });
    stack.upstream.answer = (_req, res) => res.writeHead(413).end('too large');
    const { hostname, port } = new URL(stack.url);
    const socket = net.connect({ port: Number(port), host: hostname, allowHalfOpen: true }).pause();
    let failure: unknown;
    socket.on('error', (error) => (failure = error));
    socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`);
    await new Promise<void>((resolve) => socket.write(Buffer.alloc(length), () => resolve()));
    expect(failure).toBeUndefined();
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    await once(socket.resume(), 'end');
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    socket.destroy();
    await stack.close();
  });
});
