// Simulator, proxy and an upstream of bare sockets in this process: what is open on either side can be counted.

import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import type { Clock } from '../../src/clock.js';
import { sessionProxy, type SessionProxy, type SessionProxyOptions } from '../../src/index.js';
import { createAmSimulator, type AmSimulator } from '../../src/simulator/index.js';
import { recordingLogger } from './log.js';
import { eventually } from './stack.js';
import { acceptance, bareSocket, connectionsOf, handshake, type BareSocket } from './websocket.js';

export interface SocketStack {
  readonly url: string;
  readonly am: AmSimulator;
  readonly bff: SessionProxy;
  readonly server: http.Server;
  readonly log: string[];
  /** What the upstream does once it has a handshake; default: takes it. */
  respond: (socket: Socket, head: string) => void;
  /** A socket through the proxy to the upstream. */
  join(token?: string): Promise<{ client: BareSocket; upstream: Socket }>;
  /** Connections to the proxy and to the upstream. */
  open(): Promise<number[]>;
  close(): Promise<void>;
}

type SimulatorOptions = NonNullable<Parameters<typeof createAmSimulator>[0]>;
type Options = Omit<SessionProxyOptions, 'am'> & { readonly am?: Partial<SessionProxyOptions['am']> };

export async function startSocketStack(options: Options = {}, simulator: SimulatorOptions = {}): Promise<SocketStack> {
  const log: string[] = [];
  const am = await createAmSimulator({ updateFrequencyS: 2, ...simulator });
  let onUpstream: (socket: Socket) => void = () => undefined;
  // half-open, as the proxy's own server: what the proxy ends, nobody else ends for it
  const upstream = net.createServer({ allowHalfOpen: true }, (socket) => {
    let head = '';
    const hangUp = () => socket.end();
    const read = (chunk: Buffer): void => {
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      socket.off('data', read).off('end', hangUp);
      stack.respond(socket, head);
      onUpstream(socket);
    };
    socket
      .on('error', () => undefined)
      .on('data', read)
      .once('end', hangUp);
  });
  const target = await listen(upstream);
  const bff = sessionProxy({
    logger: recordingLogger(log),
    routes: [{ path: '/api', target }],
    publicRoutes: [{ path: '/public', target }],
    ...options,
    am: { url: am.url, cookieName: am.cookieName, updateFrequencyS: 2, ...options.am },
  });
  const server = http.createServer(bff.wrap((_req, res) => res.writeHead(404).end()));
  server.on('upgrade', bff.upgrade);
  const url = await listen(server);
  const open = () => Promise.all([connectionsOf(server), connectionsOf(upstream)]);
  const stack: SocketStack = {
    url,
    am,
    bff,
    server,
    log,
    respond: acceptRaw,
    open,
    async join(token = am.login()) {
      const joined = new Promise<Socket>((resolve) => (onUpstream = resolve));
      const client = await bareSocket({ url }, handshake({ url, am }, '/api/ws', token));
      await eventually(() => client.received().includes('\r\n\r\n'));
      return { client, upstream: await joined };
    },
    async close() {
      await bff.close();
      server.close();
      server.closeAllConnections();
      upstream.close();
      await am.close();
      await eventually(async () => (await open()).every((count) => count === 0));
    },
  };
  return stack;
}

/** Takes the socket. */
export function acceptRaw(socket: Socket, head: string): void {
  socket.write(acceptance(/^sec-websocket-key: (.*)$/im.exec(head)?.[1] ?? ''));
}

async function listen(server: net.Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Time runs `times` as fast, for what waits for seconds. */
export function fastClock(times: number): Clock {
  const start = performance.now();
  const wall = Date.now();
  const now = () => (performance.now() - start) * times;
  return {
    now,
    wall: () => wall + now(),
    setTimer: (callback, ms) => setTimeout(callback, ms / times).unref(),
    clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
  };
}
