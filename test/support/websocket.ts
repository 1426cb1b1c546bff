// WebSocket clients for tests: by ws where the protocol is spoken, by bare bytes where it is broken.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import net, { type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer, type ServerOptions } from 'ws';
import type { Answer } from './http.js';
import type { Stack } from './stack.js';

type Headers = Readonly<Record<string, string>>;
/** Where the proxy is, and whose sessions count there. */
type Place = Pick<Stack, 'url' | 'am'>;

function headersOf(stack: Place, token: string | undefined, headers: Headers): Headers {
  return { ...(token !== undefined && { cookie: `${stack.am.cookieName}=${token}` }), ...headers };
}

/** Resolves when it is open; rejects with a refusal. */
export async function openSocket(
  stack: Place,
  path: string,
  token?: string,
  headers: Headers = {},
  protocols: string[] = [],
): Promise<WebSocket> {
  const options = { headers: headersOf(stack, token, headers) };
  const socket = new WebSocket(stack.url.replace('http', 'ws') + path, protocols, options);
  await once(socket, 'open');
  return socket;
}

/** What a close frame says. */
interface Said {
  readonly code: number;
  readonly reason: string;
}

/** Resolves with the code and the reason when it is closed. */
export async function closing(socket: WebSocket): Promise<Said> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return { code, reason: reason.toString() };
}

/** The refusal of a handshake. */
export async function refusal(
  stack: Place,
  path: string,
  token?: string,
  headers: Headers = {},
): Promise<Pick<Answer, 'status' | 'headers' | 'body'> & { code: unknown }> {
  const socket = new WebSocket(stack.url.replace('http', 'ws') + path, { headers: headersOf(stack, token, headers) });
  socket.on('error', () => undefined);
  const [, answer] = (await once(socket, 'unexpected-response')) as [http.ClientRequest, IncomingMessage];
  let body = '';
  for await (const chunk of answer) body += String(chunk);
  const isProblem = answer.headers['content-type']?.startsWith('application/problem+json') ?? false;
  const code: unknown = isProblem ? (JSON.parse(body) as { code: unknown }).code : undefined;
  return { status: answer.statusCode ?? 0, headers: answer.headers, body, code };
}

/** The bytes of a handshake. */
export function handshake(stack: Place, path: string, token?: string, headers: Headers = {}): string {
  const lines = {
    Host: new URL(stack.url).host,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headersOf(stack, token, headers),
  };
  return [`GET ${path} HTTP/1.1`, ...Object.entries(lines).map(([name, value]) => `${name}: ${value}`), '', ''].join(
    '\r\n',
  );
}

export interface BareSocket {
  readonly socket: Socket;
  /** What has come so far, as Latin-1. */
  readonly received: () => string;
  /** Resolves when it is closed. */
  readonly closed: Promise<void>;
}

/** A connection that has sent these bytes. */
export async function bareSocket(stack: Pick<Stack, 'url'>, bytes: string | Buffer): Promise<BareSocket> {
  const { hostname, port } = new URL(stack.url);
  const socket = net.connect(Number(port), hostname);
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1'))).on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await once(socket, 'connect');
  socket.write(bytes);
  return { socket, received: () => received, closed };
}

/** The head with which an upstream takes the socket. */
export function acceptance(key: string, lines: readonly string[] = []): string {
  const hash = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Accept: ${hash}`,
    ...lines,
    '',
    '',
  ].join('\r\n');
}

/** Takes the socket, and sends something along. */
export function accept(req: IncomingMessage, socket: Duplex, lines: readonly string[] = [], along?: Buffer): void {
  const head = acceptance(String(req.headers['sec-websocket-key']), lines);
  socket.on('error', () => undefined).write(Buffer.concat([Buffer.from(head, 'latin1'), along ?? Buffer.alloc(0)]));
}

/** Takes an upgrade as a server of ws does. */
export function acceptByWs(
  onSocket: (socket: WebSocket) => void,
  options: ServerOptions = {},
): (req: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const server = new WebSocketServer({ noServer: true, ...options });
  return (req, socket, head) => server.handleUpgrade(req, socket, head, onSocket);
}

/** A frame of text as a server sends it. */
export function frame(text: string, opcode = 0x81): Buffer {
  const payload = Buffer.from(text);
  return Buffer.concat([Buffer.from([opcode, ...lengthBytes(payload.length, 0)]), payload]);
}

/** The same as a client sends it: masked. */
export function maskedFrame(text: string, opcode = 0x81): Buffer {
  const mask = Buffer.from([1, 2, 3, 4]);
  const payload = Buffer.from(text).map((byte, i) => byte ^ (mask[i % 4] ?? 0));
  return Buffer.concat([Buffer.from([opcode, ...lengthBytes(payload.length, 0x80)]), mask, payload]);
}

/** A close frame as the proxy sends it, as Latin-1; towards an upstream it is masked, with zeros. */
export function closeBytes({ code, reason }: Said, isMasked = false): string {
  const mask = isMasked ? [0, 0, 0, 0] : [];
  const head = [0x88, ...lengthBytes(2 + reason.length, isMasked ? 0x80 : 0), ...mask, code >> 8, code & 0xff];
  return Buffer.from(head).toString('latin1') + reason;
}

/** RFC 6455, 5.2: how a length is written, up to 65,535. */
function lengthBytes(length: number, maskBit: number): number[] {
  return length < 126 ? [length | maskBit] : [126 | maskBit, length >> 8, length & 0xff];
}

/** How many connections a server has now, sockets among them. */
export function connectionsOf(server: net.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}
