// A sample API: what an upstream gets to see of a request that came through the proxy.

import { once } from 'node:events';
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { startEventStream } from './event-stream.js';
import { livePath } from './live.js';
import { echo } from './websocket-echo.js';

export interface SampleApi {
  readonly url: string;
  close(): Promise<void>;
}

export interface SampleApiOptions {
  /** Answers what asks for the events of the live picture. */
  readonly live: RequestListener;
  /** What everybody may know of this demo. */
  readonly about: () => Promise<object>;
  /** Takes AM away for so many seconds; undefined where it is not ours. */
  readonly takeAmAway?: ((seconds: number) => Promise<void>) | undefined;
}

interface Order {
  readonly id: number;
  readonly item: string;
}

const awayPath = '/api/demo/away';
const awayS = 20;
const maxOrders = 100;
const maxBodyBytes = 10_000;
const newsEveryMs = 4_000;

/** Listens on any free port of loopback. */
export async function startSampleApi({ live, about, takeAmAway }: SampleApiOptions): Promise<SampleApi> {
  const orders: Order[] = [
    { id: 1, item: 'Espresso' },
    { id: 2, item: 'Cheesecake' },
  ];
  let polled = 0;

  async function placeOrder(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const item = textOf(await readBody(req), 'item');
    if (item === undefined || item === '') return send(res, 400, { error: 'expected {"item": "…"}' });
    const order = { id: (orders.at(-1)?.id ?? 0) + 1, item: item.slice(0, 100) };
    orders.push(order);
    if (orders.length > maxOrders) orders.shift();
    send(res, 201, order);
  }

  /** The orders, one after the other. */
  function sendNews(res: ServerResponse): void {
    const sendEvent = startEventStream(res);
    let count = 0;
    const timer = setInterval(() => sendEvent('ready', orders[count++ % orders.length]), newsEveryMs);
    res.once('close', () => clearInterval(timer));
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    switch (`${req.method} ${req.url?.split('?')[0]}`) {
      case 'GET /api/orders':
        return send(res, 200, { orders });
      case 'POST /api/orders':
        return placeOrder(req, res);
      case 'PUT /api/draft':
        return takeDraft(req, res);
      case 'GET /api/me':
        return send(res, 200, whoIsIt(req));
      case 'GET /api/notifications':
        polled += 1;
        return send(res, 200, { unread: 0, polled });
      case 'GET /api/news':
        return sendNews(res);
      case `GET ${livePath}`:
        return live(req, res);
      case `POST ${awayPath}`:
        if (!takeAmAway) return send(res, 404, { error: 'this AM is a real one' });
        await takeAmAway(awayS);
        return send(res, 200, { forS: awayS });
      case 'GET /demo/about':
        return send(res, 200, await about());
      default:
        return send(res, 404, { error: 'the sample API has no such resource' });
    }
  }

  const sockets = new Set<Duplex>();
  const server = http.createServer((req, res) => {
    answer(req, res).catch(() => res.destroy());
  });
  server.on('upgrade', (req, socket: Duplex, head: Buffer) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    if (req.url?.split('?')[0] === '/api/echo') echo(req, socket, head);
    else socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Nothing is kept: what counts is that somebody types. */
async function takeDraft(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const text = textOf(await readBody(req), 'text');
  if (text === undefined) return send(res, 400, { error: 'expected {"text": "…"}' });
  send(res, 200, { characters: text.length });
}

/** The user as the proxy names them. Of cookies and other headers only the names: none of them is the SSO token's. */
function whoIsIt({ headers }: IncomingMessage) {
  return {
    user: headers['x-forwarded-user'],
    realm: headers['x-forwarded-realm'],
    cookiesThatCame: (headers.cookie?.split(';') ?? []).map((pair) => pair.split('=')[0]?.trim()),
    headersThatCame: Object.keys(headers).toSorted(),
  };
}

async function readBody(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new Error('the body is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A text in an object of JSON. */
function textOf(body: string, name: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== 'object' || value === null) return undefined;
    const text: unknown = new Map<string, unknown>(Object.entries(value)).get(name);
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}

function send(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  res.end(JSON.stringify(body));
}
