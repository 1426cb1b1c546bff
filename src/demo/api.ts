// A sample API: what an upstream gets to see of a request that came through the proxy.

import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';

export interface SampleApi {
  readonly url: string;
  close(): Promise<void>;
}

interface Order {
  readonly id: number;
  readonly item: string;
}

const maxOrders = 100;
const maxBodyBytes = 10_000;

/** Listens on any free port of loopback. */
export async function startSampleApi(): Promise<SampleApi> {
  const orders: Order[] = [
    { id: 1, item: 'Espresso' },
    { id: 2, item: 'Cheesecake' },
  ];
  let polled = 0;

  async function placeOrder(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const item = itemOf(await readBody(req));
    if (item === undefined) return send(res, 400, { error: 'expected {"item": "…"}' });
    const order = { id: (orders.at(-1)?.id ?? 0) + 1, item };
    orders.push(order);
    if (orders.length > maxOrders) orders.shift();
    send(res, 201, order);
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    switch (`${req.method} ${req.url?.split('?')[0]}`) {
      case 'GET /api/orders':
        return send(res, 200, { orders });
      case 'POST /api/orders':
        return placeOrder(req, res);
      case 'GET /api/me':
        return send(res, 200, whoIsIt(req));
      case 'GET /api/notifications':
        polled += 1;
        return send(res, 200, { unread: 0, polled });
      default:
        return send(res, 404, { error: 'the sample API has no such resource' });
    }
  }

  const server = http.createServer((req, res) => {
    answer(req, res).catch(() => res.destroy());
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
      await closed;
    },
  };
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

function itemOf(body: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body);
    const item: unknown = typeof value === 'object' && value !== null && 'item' in value ? value.item : undefined;
    return typeof item === 'string' && item !== '' ? item.slice(0, 100) : undefined;
  } catch {
    return undefined;
  }
}

function send(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  res.end(JSON.stringify(body));
}
