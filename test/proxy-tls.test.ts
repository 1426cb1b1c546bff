// Requests and answers by TLS, where the end of a connection comes in the same turn as what was sent before it.

import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeCertificate } from './support/certificate.js';
import { startCommand } from './support/command.js';
import { rawRequest, request } from './support/http.js';
import { describeWith } from './support/programs.js';
import { eventually, startStack, type Stack } from './support/stack.js';
import { handshake } from './support/websocket.js';

describeWith(['openssl'], 'an upstream by TLS', () => {
  let folder: string;
  let stack: Stack;
  let server: https.Server;
  let answer: RequestListener;
  let command: ReturnType<typeof startCommand>;
  let url: string;
  let cookie: string;

  beforeAll(async () => {
    stack = await startStack();
    folder = mkdtempSync(join(tmpdir(), 'tls-'));
    const { certificate, key } = makeCertificate(folder, 'IP:127.0.0.1');
    server = https.createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (req, res) =>
      answer(req, res),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    command = startCommand([], {
      AM_URL: stack.am.url,
      PORT: '0',
      PROXY_ROUTES: `/api=https://127.0.0.1:${(server.address() as AddressInfo).port}`,
      NODE_EXTRA_CA_CERTS: certificate,
    });
    url = await command.says(/listens on (\S+)/);
    await eventually(async () => (await request(url, '/readyz')).status === 200);
    cookie = `${stack.am.cookieName}=${stack.am.login()}`;
  });
  afterAll(async () => {
    command.child.kill();
    await command.exit;
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true });
    await stack.close();
  });

  it.each([255, 16_384, 16_385, 300_000])('%i bytes of all values arrive as they are, both ways', async (length) => {
    const body = Buffer.from(Array.from({ length }, (_, i) => i % 256));
    answer = (req, res) => {
      const received: Buffer[] = [];
      req.on('data', (chunk: Buffer) => received.push(chunk));
      req.once('end', () => res.end(Buffer.concat(received)));
    };
    for (let turn = 0; turn < 2; turn++) {
      const received = await fetch(`${url}/api/bytes`, { method: 'POST', body, headers: { cookie } });
      expect(Buffer.from(await received.arrayBuffer()).equals(body)).toBe(true);
    }
  });

  it.each([
    ['text/plain', 0],
    ['text/plain', 2_000],
    ['text/plain', 30_000],
    ['text/plain', 200_000],
    ['text/event-stream', 0],
    ['text/event-stream', 200_000],
  ])('an answer (%s) that breaks off behind %i bytes shows them, and that it is not whole', async (type, length) => {
    const start = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: 900000\r\n\r\n${'x'.repeat(length)}`;
    for (let turn = 0; turn < 10; turn++) {
      answer = ({ socket }) => {
        socket.write(start);
        // both close it when all was sent, the second without waiting for the other side
        if (turn % 2 === 0) socket.end();
        else socket.destroySoon();
      };
      const received = await rawRequest(url, `GET /api/broken HTTP/1.1\r\nHost: a\r\nCookie: ${cookie}\r\n\r\n`);
      // whoever gets nothing at all may send it again
      expect(received).toMatch(/^HTTP\/1\.1 200 /);
      expect(/x*$/.exec(received)?.[0].length).toBe(length);
    }
  });

  it('a refused upgrade whose answer breaks off shows that it was one', async () => {
    server.on('upgrade', (_req, socket: Duplex) => {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 900000\r\n\r\nno');
    });
    const token = stack.am.login();
    for (let turn = 0; turn < 10; turn++)
      expect(await rawRequest(url, handshake({ am: stack.am, url }, '/api/socket', token))).toMatch(
        /^HTTP\/1\.1 403 [^]*\r\nno$/,
      );
  });
});
