// Behind the team's own middleware, as real applications have it.

import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { Socket } from 'node:net';
import { createGunzip, gunzipSync } from 'node:zlib';
import cookieParser from 'cookie-parser';
import helmet from 'helmet';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { fetchHeaders, navigationHeaders, type Answer } from './support/http.js';
import { accessLog, compression, oldResponseTime, responseTime, teamSession } from './support/neighbours.js';
import { eventually, startStack, type Stack } from './support/stack.js';
import { startTeamApp, type TeamApp } from './support/team-app.js';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());
afterEach(() => {
  stack.upstream.answer = undefined;
});

const valuesOf = ({ rawHeaders }: Answer, name: string) =>
  rawHeaders.filter((_value, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);

const cookieOf = () => ({ cookie: `${stack.am.cookieName}=${stack.am.login()}` });

/** A value as cookieParser('secret') signs it. */
function signed(value: string): string {
  const signature = createHmac('sha256', 'secret').update(value).digest('base64').replace(/=+$/, '');
  return encodeURIComponent(`s:${value}.${signature}`);
}

const sid = 'connect.sid=s%3A1; Path=/; HttpOnly';

describe('behind all that teams like to mount first', () => {
  let team: TeamApp;
  const accesses: string[] = [];

  beforeAll(async () => {
    team = await startTeamApp(
      stack,
      (app) => {
        app.use(accessLog(accesses), responseTime(), compression(), helmet(), cookieParser('secret'), teamSession());
        app.use((req, res, next) => {
          res.setHeader('X-Team', (req.signedCookies as Record<string, string>)['team'] ?? 'nobody');
          res.cookie('seen', 'yes', { signed: true });
          next();
        });
      },
      (app, bff) => {
        app.get('/own', bff.requireSession, (req, res) => {
          res.json({ user: req.amSession?.username, signed: req.signedCookies as unknown, filler: 'x'.repeat(5_000) });
        });
      },
    );
  });
  afterAll(() => team.close());
  beforeEach(() => {
    accesses.length = 0;
    stack.upstream.seen.length = 0;
  });

  const seen = `seen=${signed('yes')}; Path=/`;

  it('a proxied answer keeps its body and its cookies, and everybody has had his say', async () => {
    stack.upstream.answer = (_req, res) => {
      res.setHeader('Set-Cookie', ['a=1', 'b=2']).setHeader('Content-Type', 'application/json').end('{"small":true}');
    };
    const blue = `team=${signed('blue')}`;
    const answer = await team.asUser('/api/x', { headers: { cookie: `${cookieOf().cookie}; ${blue}` } });
    expect([answer.status, answer.body]).toEqual([200, '{"small":true}']);
    expect(answer.setCookies.toSorted()).toEqual(['a=1', 'b=2', sid, seen].toSorted());
    expect(answer.headers).toMatchObject({ 'x-team': 'blue', 'x-response-time': '1ms', 'content-length': '14' });
    for (const name of ['content-security-policy', 'x-frame-options', 'x-request-id', 'cache-control'])
      expect(valuesOf(answer, name)).toHaveLength(1);
    // the upstream gets the team's cookies as they came
    expect(stack.upstream.seen[0]?.headers.cookie).toBe(blue);
    await eventually(() => accesses.length > 0);
    expect(accesses).toEqual(['GET /api/x 200 14']);
  });

  it('an answer with a lot in it is compressed, whole, with the length left out', async () => {
    const text = JSON.stringify(Array.from({ length: 50_000 }, (_, i) => i));
    stack.upstream.answer = (_req, res) => {
      res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': text.length }).end(text);
    };
    const { headers, bytes } = await getBytes(team, '/api/x');
    expect(headers).toMatchObject({ 'content-encoding': 'gzip', vary: expect.stringContaining('Accept-Encoding') });
    expect(headers).not.toHaveProperty('content-length');
    expect(gunzipSync(bytes).toString() === text).toBe(true);
  });

  it('a large answer arrives whole at a client that reads slowly', async () => {
    const piece = Buffer.alloc(1_000_000, 'x');
    stack.upstream.answer = (_req, res) => {
      res.setHeader('Content-Type', 'application/octet-stream');
      for (let i = 0; i < 10; i++) res.write(piece);
      res.end();
    };
    const { bytes } = await getBytes(team, '/api/x', 100);
    expect(bytes.length).toBe(10 * piece.length);
  });

  it('HEAD, 204 and 304 stay without a body', async () => {
    stack.upstream.answer = (req, res) => {
      res.writeHead(req.url?.endsWith('204') ? 204 : req.url?.endsWith('304') ? 304 : 200, { ETag: '"1"' }).end();
    };
    const answers = [
      await team.asUser('/api/x', { method: 'HEAD' }),
      await team.asUser('/api/204'),
      await team.asUser('/api/304'),
    ];
    expect(answers.map(({ status, body }) => [status, body])).toEqual([
      [200, ''],
      [204, ''],
      [304, ''],
    ]);
    for (const { headers, setCookies } of answers) {
      expect(headers.etag).toBe('"1"');
      expect(setCookies).toContain(sid);
    }
  });

  it('errors and redirects of ours are whole', async () => {
    stack.upstream.answer = (req) => void req.socket.destroy();
    const answers = [
      await team.request('/api/x', { headers: fetchHeaders }),
      await team.request('/api/x', { headers: navigationHeaders }),
      await team.request('/api/x', { method: 'POST', headers: { origin: 'https://evil.example' } }),
      await team.asUser('/api/x', { method: 'POST' }),
      await team.asUser('/session'),
      await team.request('/session'),
      await team.asUser('/session/refresh', { method: 'POST' }),
      await team.request('/logout', { method: 'POST' }),
      await team.request('/livez'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 302, 403, 502, 200, 200, 200, 200, 200]);
    for (const answer of answers) {
      if (answer.status !== 302) expect(answer.json()).toBeTypeOf('object');
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.headers['x-response-time']).toBe('1ms');
      expect(answer.setCookies.filter((line) => line === sid || line === seen)).toHaveLength(2);
    }
  });

  it('own routes have their session, their signed cookies and their compression', async () => {
    const cookie = `${cookieOf().cookie}; team=${signed('red')}; forged=s:x.y`;
    const { headers, bytes } = await getBytes(team, '/own', 0, { cookie });
    expect(headers).toMatchObject({ 'content-encoding': 'gzip', 'cache-control': 'private, no-cache' });
    expect(JSON.parse(gunzipSync(bytes).toString())).toMatchObject({
      user: 'demo',
      signed: { team: 'red', forged: false },
    });
  });

  it('a client that goes away in the middle reaches the upstream', async () => {
    const closed = new Promise<void>((resolve) => {
      stack.upstream.answer = (_req, res) => {
        res.writeHead(200, { 'Content-Type': 'text/plain' });
        res.write('x'.repeat(100_000));
        res.once('close', resolve);
      };
    });
    const outgoing = http.get(`${team.url}/api/x`, { headers: cookieOf() });
    outgoing.on('error', () => undefined);
    await once(outgoing, 'response');
    outgoing.destroy();
    await closed;
  });

  it.each(['text/plain', 'image/png'])(
    'an upstream that dies within its %s ends the answer as an error',
    async (type) => {
      stack.upstream.answer = (_req, res) => {
        res.writeHead(200, { 'Content-Type': type });
        res.write('x'.repeat(10_000));
        setTimeout(() => (res.socket as Socket).resetAndDestroy(), 50);
      };
      const headers = { 'accept-encoding': 'gzip' };
      await expect(team.asUser('/api/x', { headers })).rejects.toMatchObject({ code: 'ECONNRESET' });
    },
  );

  it('an event stream arrives event by event, though compression holds back what is not flushed', async () => {
    stack.upstream.answer = (_req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      res.write('data: 1\n\n');
    };
    const outgoing = http.get(`${team.url}/api/events`, {
      headers: { ...cookieOf(), accept: 'text/event-stream', 'accept-encoding': 'gzip' },
    });
    outgoing.on('error', () => undefined);
    onTestFinished(() => void outgoing.destroy());
    const [incoming] = (await once(outgoing, 'response')) as [http.IncomingMessage];
    expect(incoming.headers['content-encoding']).toBe('gzip');
    incoming.on('error', () => undefined);
    const [first] = (await once(incoming.pipe(createGunzip()), 'data', { signal: AbortSignal.timeout(3_000) })) as [
      Buffer,
    ];
    expect(first.toString()).toBe('data: 1\n\n');
  });
});

it('an old on-headers before us, and nothing else, leaves the headers as they are', async () => {
  const team = await startTeamApp(stack, (app) => app.use(oldResponseTime()));
  onTestFinished(() => team.close());
  stack.upstream.answer = (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/plain', 'Set-Cookie': ['a=1', 'b=2'] }).end('text');
  };
  const answer = await team.asUser('/api/x');
  expect(answer.headers).toMatchObject({ 'content-type': 'text/plain', 'x-response-time': '1ms' });
  expect(answer.setCookies).toEqual(['a=1', 'b=2']);
  expect(Object.keys(answer.headers).filter((name) => name.length < 3)).toEqual([]);
});

it("the team's CORS headers stay, and its Vary beside the upstream's", async () => {
  const team = await startTeamApp(stack, (app) =>
    app.use((_req, res, next) => {
      res.setHeader('Access-Control-Allow-Origin', 'https://partner.example');
      res.vary('Origin');
      next();
    }),
  );
  onTestFinished(() => team.close());
  stack.upstream.answer = (_req, res) => {
    res.writeHead(200, { Vary: 'Accept-Language', 'Access-Control-Allow-Origin': '*' }).end('text');
  };
  for (const answer of [await team.asUser('/api/x'), await team.request('/public/x')]) {
    expect(answer.headers['access-control-allow-origin']).toBe('https://partner.example');
    expect(answer.headers.vary?.split(/, */)).toEqual(expect.arrayContaining(['Accept-Language', 'Origin']));
  }
});

interface Bytes {
  readonly headers: http.IncomingHttpHeaders;
  readonly bytes: Buffer;
}

/** With a live session; `pauseMs` passes before the client reads. */
async function getBytes(team: TeamApp, path: string, pauseMs = 0, more: http.OutgoingHttpHeaders = {}): Promise<Bytes> {
  const cookie = `${stack.am.cookieName}=${stack.am.login()}`;
  const outgoing = http.get(`${team.url}${path}`, {
    agent: false,
    headers: { cookie, 'accept-encoding': 'gzip', ...more },
  });
  const [incoming] = (await once(outgoing, 'response')) as [http.IncomingMessage];
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  return { headers: incoming.headers, bytes: Buffer.concat(chunks) };
}
