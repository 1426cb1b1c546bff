// The server in front, as browsers reach it: several hosts on one port, by TLS or without. It remembers what was asked.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http, { type IncomingMessage, type OutgoingHttpHeaders, type RequestListener } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Certificate } from './certificate.js';

export interface Asked {
  /** Without the port. */
  readonly host: string;
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  /** Of the answer; undefined until there is one. */
  status: number | undefined;
  /** The answer's head and body, as it was passed on so far. */
  answer: string;
}

export interface Front {
  readonly port: number;
  /** What browsers asked, of all hosts. */
  readonly asked: Asked[];
  /** Where a host's requests go: the URL of a server, or a listener. */
  readonly hosts: Map<string, string | RequestListener>;
  /** What the next answers wait for, before they are passed on. */
  holdBack: ((asked: Asked) => Promise<void>) | undefined;
  origin(host: string): string;
  close(): void;
}

/** @param certificate undefined: plain http */
export async function startFront(certificate?: Certificate): Promise<Front> {
  const asked: Asked[] = [];
  const hosts: Front['hosts'] = new Map();
  const sockets = new Set<Duplex>();
  const scheme = certificate ? 'https' : 'http';
  const server = certificate
    ? https.createServer({ cert: readFileSync(certificate.certificate), key: readFileSync(certificate.key) })
    : http.createServer();

  function note(req: IncomingMessage): { entry: Asked; target: string | RequestListener | undefined } {
    const { method = '', url = '', headers } = req;
    const host = (headers.host ?? '').replace(/:\d+$/, '');
    const entry: Asked = { host, method, url, headers, status: undefined, answer: '' };
    asked.push(entry);
    return { entry, target: hosts.get(host) };
  }

  function passOn(req: IncomingMessage, target: string): http.ClientRequest {
    const { hostname, port } = new URL(target);
    const headers: OutgoingHttpHeaders = {
      ...req.headers,
      'x-forwarded-for': req.socket.remoteAddress,
      'x-forwarded-proto': scheme,
      'x-forwarded-host': req.headers.host,
    };
    return http.request({ hostname, port, method: req.method, path: req.url, headers, agent: false });
  }

  server.on('request', (req, res) => {
    const { entry, target } = note(req);
    res.once('close', () => (entry.status = res.statusCode));
    if (typeof target === 'function') return target(req, res);
    if (target === undefined) return res.writeHead(404).end();
    const outgoing = passOn(req, target);
    outgoing.on('error', () => res.destroy());
    outgoing.once('response', (answer) => {
      entry.answer = headOf(answer).toString('latin1');
      void (front.holdBack?.(entry) ?? Promise.resolve()).then(() => {
        res.writeHead(answer.statusCode ?? 502, answer.rawHeaders).flushHeaders();
        answer.on('data', (chunk: Buffer) => (entry.answer += chunk.toString('latin1')));
        answer.once('error', () => res.destroy()).pipe(res);
      });
    });
    res.once('close', () => outgoing.destroy());
    req.pipe(outgoing);
  });

  server.on('upgrade', (req, socket, head) => {
    const { entry, target } = note(req);
    socket.on('error', () => socket.destroy());
    if (typeof target !== 'string') return void socket.destroy();
    const outgoing = passOn(req, target);
    outgoing.on('error', () => socket.destroy());
    outgoing.once('response', (answer) => {
      entry.status = answer.statusCode;
      entry.answer = headOf(answer).toString('latin1');
      socket.write(headOf(answer));
      answer.pipe(socket);
    });
    outgoing.once('upgrade', (answer, upstream, upstreamHead) => {
      entry.status = answer.statusCode;
      entry.answer = headOf(answer).toString('latin1');
      socket.write(Buffer.concat([headOf(answer), upstreamHead]));
      upstream.write(head);
      upstream.on('error', () => socket.destroy()).once('close', () => socket.destroy());
      socket.once('close', () => upstream.destroy());
      socket.pipe(upstream).pipe(socket);
    });
    outgoing.end();
  });

  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const front: Front = {
    port,
    asked,
    hosts,
    holdBack: undefined,
    origin: (host) => `${scheme}://${host}:${port}`,
    close() {
      server.close();
      // those that were upgraded too
      for (const socket of sockets) socket.destroy();
    },
  };
  return front;
}

function headOf({ statusCode, statusMessage, rawHeaders }: IncomingMessage): Buffer {
  const lines = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1]}`] : []));
  return Buffer.from([`HTTP/1.1 ${statusCode} ${statusMessage}`, ...lines, '', ''].join('\r\n'), 'latin1');
}
