// An upstream that knows no HTTP: it sees the bytes as they come, and answers with whatever bytes a test likes.

import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';

export interface RawUpstream {
  readonly url: string;
  readonly sockets: readonly Socket[];
  /** All bytes of all connections, as Latin-1. */
  readonly received: () => string;
  close(): Promise<void>;
}

/** Calls `onHead` with each request's head, on the connection that it came on. */
export async function startRawUpstream(onHead: (socket: Socket, head: string) => void): Promise<RawUpstream> {
  const sockets: Socket[] = [];
  let received = '';
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    let pending = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      pending += chunk.toString('latin1');
      const end = pending.indexOf('\r\n\r\n');
      if (end === -1) return;
      const head = pending.slice(0, end);
      pending = '';
      onHead(socket, head);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    received: () => received,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A whole answer with this body. */
export function rawAnswer(body = 'ok', headers: readonly string[] = []): string {
  return ['HTTP/1.1 200 OK', `Content-Length: ${body.length}`, ...headers, '', body].join('\r\n');
}
