import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { rawRequest, request } from './support/http.js';
import { startRawUpstream, type RawUpstream } from './support/raw-upstream.js';
import { eventually, mounts, pause, startStack, type Stack } from './support/stack.js';

const query = '?secret=s3cr3t';
const MB = 1024 * 1024;

describe.each(mounts)('an upstream on a bad day, mounted by %s', (mount) => {
  let raw: RawUpstream;
  let stack: Stack;
  let cookie: string;
  let respond: (socket: Socket) => void;
  beforeAll(async () => {
    raw = await startRawUpstream((socket) => respond(socket));
    const refusing = await closedPort();
    stack = await startStack({
      mount,
      proxy: {
        routes: [
          { path: '/api', target: raw.url },
          { path: '/gone', target: `http://127.0.0.1:${refusing}` },
          { path: '/nowhere', target: 'http://upstream.invalid:4000' },
        ],
      },
    });
    cookie = `${stack.am.cookieName}=${stack.am.login()}`;
  });
  afterAll(async () => {
    await stack.close();
    await raw.close();
  });
  beforeEach(() => {
    respond = (socket) => socket.destroy();
  });

  const bad: Record<string, (socket: Socket) => void> = {
    'closes without an answer': (socket) => socket.end(),
    'resets the connection': (socket) => socket.resetAndDestroy(),
    'speaks something else than HTTP': (socket) => socket.end('220 smtp.example ESMTP\r\n'),
    'dies in the middle of the head': (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Type: te'),
    'switches protocols unasked': (socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
    'switches protocols without saying to which': (socket) => socket.write('HTTP/1.1 101 X\r\n\r\n'),
    'sends bytes that no header may have': (socket) =>
      socket.write('HTTP/1.1 200 Fine\r\nX-Bad: a\x01b\r\nContent-Length: 0\r\n\r\n'),
    'sends a reason with bytes that none may have': (socket) =>
      socket.write('HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n'),
    'sends a status below 100': (socket) => socket.write('HTTP/1.1 042 What\r\nContent-Length: 0\r\n\r\n'),
    'sends two lengths': (socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'),
    'sends 20 KB of headers': (socket) => socket.write(`HTTP/1.1 200 OK\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`),
  };

  it.each([
    ['a chunk that is none', '\r\n5\r\nhello\r\nxyz\r\n'],
    ['no chunk at all', '\r\nxyz\r\n'],
    ['a trailer that may not be one', '\r\n2\r\nhi\r\n0\r\nContent-Length: 5\r\n\r\n'],
  ])(
    'whose head comes with %s in one packet is seen to have answered, or the request would be sent again',
    async (_, rest) => {
      respond = (socket) => socket.write(`HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n${rest}`);
      const head = `POST /api/x HTTP/1.1\r\nHost: a\r\nCookie: ${cookie}\r\nContent-Length: 2\r\n\r\n`;
      const answer = await rawRequest(stack.url, `${head}hi`);
      expect(answer).toMatch(/^HTTP\/1\.1 201 Created\r\n/);
      expect(answer).not.toMatch(/\r\n0\r\n\r\n$/);
    },
  );

  it.each(Object.keys(bad))('that %s is answered for with 502', async (what) => {
    respond = bad[what] ?? respond;
    await expectProblem('/api/x', 502, 'upstream_unavailable');
  });

  it('that refuses connections is answered for with 502', () => expectProblem('/gone/x', 502, 'upstream_unavailable'));

  it('whose name nobody knows is answered for with 502', () =>
    expectProblem('/nowhere/x', 502, 'upstream_unavailable'));

  async function expectProblem(path: string, status: number, code: string): Promise<void> {
    const id = randomUUID();
    const answer = await request(stack.url, path + query, { headers: { cookie, 'x-request-id': id } });
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/problem+json; charset=utf-8',
      'cache-control': 'no-store',
      'x-request-id': id,
      'x-content-type-options': 'nosniff',
    });
    expect(answer.json()).toMatchObject({ code, status });
    // the policy names AM's origin
    const { 'content-security-policy': _policy, ...headers } = answer.headers;
    expect(answer.body + JSON.stringify(headers)).not.toMatch(/s3cr3t|127\.0\.0\.1|invalid|upstream\.|x-bad|smtp/);
    await eventually(() => stack.log.some((line) => line.includes('no answer from the upstream') && line.includes(id)));
    expect(stack.log.join('')).not.toContain('s3cr3t');
  }

  it('has a status line of ours, not the reason that it gave', async () => {
    respond = bad['sends bytes that no header may have'] ?? respond;
    const answer = await rawRequest(
      stack.url,
      `GET /api/x HTTP/1.1\r\nHost: a\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
  });

  it('that invents a status is passed on', async () => {
    respond = (socket) => socket.write('HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n');
    expect((await request(stack.url, '/api/x', { headers: { cookie } })).status).toBe(999);
  });

  it.each(['103 Early Hints\r\nLink: </a>', '100 Continue', '102 Processing'])(
    'that sends %j before its answer is passed on with the answer',
    async (interim) => {
      respond = (socket) => socket.write(`HTTP/1.1 ${interim}\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`);
      expect(await request(stack.url, '/api/x', { headers: { cookie } })).toMatchObject({ status: 200, body: 'ok' });
    },
  );

  const deaths: Record<string, (socket: Socket) => void> = {
    'is reset': (socket) => socket.resetAndDestroy(),
    'ends too early': (socket) => socket.end(),
  };

  describe.each(Object.keys(deaths))('whose connection %s', (how) => {
    const die = deaths[how] ?? (() => undefined);

    it.each([
      ['chunked', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
      ['chunked, within a chunk', 'Transfer-Encoding: chunked\r\n\r\n64\r\nhello'],
      ['with a length', 'Content-Length: 100\r\n\r\nhello'],
      ['with a length, after its head', 'Content-Length: 100\r\n\r\n'],
    ])('in the middle of an answer %s ends the client’s answer as an error', async (_framing, rest) => {
      respond = (socket) => {
        socket.write(`HTTP/1.1 200 OK\r\n${rest}`);
        setTimeout(() => die(socket), 50);
      };
      await expect(request(stack.url, '/api/x', { headers: { cookie } })).rejects.toMatchObject({ code: 'ECONNRESET' });
      // and nothing that would tell another client of an end
      const bytes = `GET /api/x HTTP/1.1\r\nHost: a\r\nCookie: ${cookie}\r\n\r\n`;
      const received = await rawRequest(stack.url, bytes).catch(() => '');
      expect(received).not.toMatch(/\r\n0\r\n/);
    });

    it.each([
      ['chunked', `Transfer-Encoding: chunked\r\n\r\n${(40 * MB).toString(16)}\r\n`],
      ['with a length', `Content-Length: ${40 * MB}\r\n\r\n`],
    ])('in the middle of an answer %s that waits for the client ends it as an error', async (_framing, rest) => {
      respond = (socket) => {
        socket.write(`HTTP/1.1 200 OK\r\n${rest}`);
        // more than all buffers on the way take
        socket.write(Buffer.alloc(30 * MB));
        setTimeout(() => die(socket), 200);
      };
      const client = http.get(`${stack.url}/api/x`, { agent: false, headers: { cookie } });
      const [answer] = (await once(client, 'response')) as [http.IncomingMessage];
      await pause(400);
      await expect(once(answer.resume(), 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
      expect(answer.complete).toBe(false);
    });
  });

  it('whose connection is reset in the middle of an answer that it would have ended ends the client’s as an error', async () => {
    respond = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nhello');
      setTimeout(() => socket.resetAndDestroy(), 50);
    };
    await expect(request(stack.url, '/api/x', { headers: { cookie } })).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('that garbles its chunks ends the client’s answer as an error', async () => {
    respond = (socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n');
    await expect(request(stack.url, '/api/x', { headers: { cookie } })).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('that dies during an upload is answered for, the rest is read, and the connection serves the next request', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const rest = Buffer.alloc(1024 * 1024);
    const client = http.request(`${stack.url}/api/x`, {
      method: 'POST',
      agent,
      headers: { cookie, 'content-length': 9 + rest.length },
    });
    client.write('beginning');
    const [answer] = (await once(client, 'response')) as [http.IncomingMessage];
    expect(answer.statusCode).toBe(502);
    answer.resume();
    client.end(rest);
    expect((await request(stack.url, '/public/x', { agent })).status).toBe(200);
    agent.destroy();
  });

  it('leaves the proxy serving the others', async () => {
    expect((await request(stack.url, '/public/x')).status).toBe(200);
  });
});

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
