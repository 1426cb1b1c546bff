// A server that speaks whatever bytes a test wants, and keeps the requests as they came.

import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';

export interface RawRequest {
  /** Start line and headers, byte for byte. */
  readonly head: string;
  readonly startLine: string;
  /** Name and value as sent, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly socket: net.Socket;
  /** 0 for the first connection to the server. */
  readonly connection: number;
  /** 0 for the first request to the server. */
  readonly index: number;
}

export interface RawServer {
  readonly port: number;
  readonly url: string;
  readonly requests: readonly RawRequest[];
  readonly connections: readonly net.Socket[];
  /** Resolves when that connection is closed, however it came to it. */
  gone(connection: number): Promise<void>;
  close(): Promise<void>;
}

/** @param answer called with each request; requests have no body */
export async function startRawServer(answer: (request: RawRequest) => void, port = 0): Promise<RawServer> {
  const requests: RawRequest[] = [];
  const connections: net.Socket[] = [];
  const server = net.createServer((socket) => {
    const connection = connections.push(socket) - 1;
    let received = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      for (let end = received.indexOf('\r\n\r\n'); end !== -1; end = received.indexOf('\r\n\r\n')) {
        const head = received.slice(0, end);
        received = received.slice(end + 4);
        const [startLine = '', ...lines] = head.split('\r\n');
        const headers = lines.map((line) => [line.slice(0, line.indexOf(':')), line.replace(/^[^:]*: /, '')] as const);
        const request = { head, startLine, headers, socket, connection, index: requests.length };
        requests.push(request);
        answer(request);
      }
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    url: `http://127.0.0.1:${bound}/am`,
    requests,
    connections,
    async gone(connection) {
      const socket = connections[connection];
      if (!socket || socket.closed) return;
      await new Promise((resolve) => socket.once('close', resolve));
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
}

/** A whole answer with a body. */
export function httpAnswer(status: number, body: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ 'Content-Length': String(Buffer.byteLength(body)), ...headers });
  return `HTTP/1.1 ${status} Whatever\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}

export const aliveBody = '{"uid":"demo","realm":"/","idletime":0,"maxidletime":30,"maxsessiontime":120,"maxtime":7199}';

/** What AM answers to a refresh. */
export const aliveAnswer = httpAnswer(200, aliveBody, { 'Content-Type': 'application/json;charset=UTF-8' });
