// An API for tests: answers with what it was asked, and remembers it.

import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  body: string;
}

export interface Upstream {
  readonly url: string;
  readonly port: number;
  readonly seen: Seen[];
  readonly server: http.Server;
  /** What the next requests get; undefined: the echo. */
  answer: ((req: http.IncomingMessage, res: http.ServerResponse) => void) | undefined;
  /** What the next upgrades get; undefined: a WebSocket that says everything back. */
  upgrade: ((req: http.IncomingMessage, socket: Duplex, head: Buffer) => void) | undefined;
  close(): Promise<void>;
}

export async function startUpstream(port = 0): Promise<Upstream> {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  const server = http.createServer((req, res) => {
    const { method = '', url = '', headers, rawHeaders } = req;
    const entry: Seen = { method, url, headers, rawHeaders, body: '' };
    seen.push(entry);
    if (upstream.answer) return upstream.answer(req, res);
    req.on('data', (chunk: Buffer) => (entry.body += chunk.toString('utf8')));
    req.once('end', () => {
      res.setHeader('content-type', 'application/json');
      res.end(JSON.stringify({ method, url, headers, body: entry.body }));
    });
  });
  const echo = new WebSocketServer({ noServer: true });
  echo.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })).on('error', () => undefined),
  );
  server.on('upgrade', (req, socket, head) => {
    const { method = '', url = '', headers, rawHeaders } = req;
    seen.push({ method, url, headers, rawHeaders, body: '' });
    if (upstream.upgrade) upstream.upgrade(req, socket, head);
    else echo.handleUpgrade(req, socket, head, (accepted) => echo.emit('connection', accepted, req));
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  const upstream: Upstream = {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    seen,
    server,
    answer: undefined,
    upgrade: undefined,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return upstream;
}
