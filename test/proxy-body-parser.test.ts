// A body parser mounted before the proxy: the body arrives byte for byte where that is certain, else nothing is sent.

import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import express, { type RequestHandler } from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { RequestOptions } from './support/http.js';
import { startStack, type Stack } from './support/stack.js';
import { startTeamApp, type TeamApp } from './support/team-app.js';

const methods = ['POST', 'PUT', 'PATCH', 'DELETE'];
const types = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
  text: 'text/plain',
  bytes: 'application/octet-stream',
  multipart: 'multipart/form-data; boundary=b',
};
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
const multipart = '--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n{}\r\n--b--\r\n';

let stack: Stack;
let arrived: Buffer[];

beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());
afterEach(() => {
  stack.upstream.answer = undefined;
});

/** The upstream keeps what arrives as bytes. */
function keepBodies(): void {
  arrived = [];
  stack.upstream.answer = (req: IncomingMessage, res: ServerResponse) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.once('end', () => {
      arrived.push(Buffer.concat(chunks));
      res.end('taken');
    });
  };
}

async function startBehind(...middleware: RequestHandler[]): Promise<TeamApp> {
  keepBodies();
  const team = await startTeamApp(stack, (app) => app.use(...middleware));
  onTestFinished(() => team.close());
  return team;
}

function sending(type: string, body: string | Buffer, headers: http.OutgoingHttpHeaders = {}): RequestOptions {
  // a client of Node's frames the body of a DELETE only if it is told
  const framing = 'transfer-encoding' in headers ? {} : { 'content-length': Buffer.byteLength(body) };
  return { method: 'POST', headers: { 'content-type': type, ...framing, ...headers }, body };
}

const linesOf = (team: TeamApp) => team.log.filter((line) => line.includes('before body parsers'));

function levelOf(line: string | undefined): unknown {
  return (JSON.parse(line ?? '{}') as { level?: unknown }).level;
}

const keepRaw: Parameters<typeof express.json>[0] = {
  verify: (req, _res, bytes) => Object.assign(req, { rawBody: bytes }),
};
const keepRawText: Parameters<typeof express.json>[0] = {
  verify: (req, _res, bytes) => Object.assign(req, { rawBody: bytes.toString() }),
};

describe('the body arrives as it was sent', () => {
  const cases: [string, RequestHandler, type: string, body: string | Buffer][] = [
    ['express.json()', express.json(), types.json, '{"a":1,"b":["x",null,{"c":true}],"ü":"👋"}'],
    ['express.json() of much', express.json({ limit: '2mb' }), types.json, JSON.stringify(['x'.repeat(1_000_000)])],
    ['express.json() that keeps rawBody', express.json(keepRaw), types.json, '{ "id": 12345678901234567890 }'],
    ['express.json() that keeps rawBody as text', express.json(keepRawText), types.json, '{ "id": 1.0 }'],
    ['express.urlencoded()', express.urlencoded(), types.form, 'a=1&b=x+y&c=&d=%C3%BC'],
    ['extended', express.urlencoded({ extended: true }), types.form, 'a=1&b=x+y&c=&d=%C3%BC'],
    ['express.urlencoded() that keeps rawBody', express.urlencoded(keepRaw), types.form, 'a=1&a=2&b[c]=%20'],
    ['express.text()', express.text(), types.text, 'línea\r\n👋 {"a": 1.0}'],
    ['express.text() for JSON', express.text({ type: types.json }), types.json, '{ "a": 1.0 }'],
    ['express.raw()', express.raw(), types.bytes, everyByte],
    ['express.raw() for everything', express.raw({ type: () => true }), types.multipart, multipart],
  ];

  it.each(cases)('behind %s, and the log says once how to mount it', async (_title, parser, type, body) => {
    const team = await startBehind(parser);
    for (const method of methods) {
      const answer = await team.asUser('/api/x', { ...sending(type, body), method });
      expect([answer.status, answer.body]).toEqual([200, 'taken']);
    }
    const open = await team.request('/public/x', sending(type, body));
    expect(open.status).toBe(200);

    for (const bytes of arrived) expect(bytes.equals(Buffer.from(body))).toBe(true);
    expect(arrived).toHaveLength(methods.length + 1);
    const { headers } = stack.upstream.seen.at(-1) ?? {};
    expect(headers?.['content-length']).toBe(String(Buffer.byteLength(body)));
    expect(headers).not.toHaveProperty('transfer-encoding');
    expect(linesOf(team).map(levelOf)).toEqual(['warn']);
  });

  it('behind express.raw() a chunked body arrives as well', async () => {
    const team = await startBehind(express.raw());
    const answer = await team.asUser('/api/x', sending(types.bytes, everyByte, { 'transfer-encoding': 'chunked' }));
    expect(answer.status).toBe(200);
    expect(arrived).toEqual([everyByte]);
  });
});

describe('nothing is sent, the answer is 500 and the log says once how to mount it', () => {
  const multer: RequestHandler = (req, _res, next) => {
    req.resume().once('end', () => {
      req.body = Object.assign(Object.create(null) as object, { name: 'x' });
      next();
    });
  };
  const half: RequestHandler = (req, _res, next) => {
    req.once('readable', () => {
      req.body = req.read(5) as unknown;
      next();
    });
  };
  const plain = '{"a": 1}';
  const cases: [string, RequestHandler, RequestOptions][] = [
    ['express.json() and spaces', express.json(), sending(types.json, plain)],
    ['express.json() and long numbers', express.json(), sending(types.json, '{"id":9007199254740993}')],
    ['express.json() and chunks', express.json(), sending(types.json, '{"a":1}', { 'transfer-encoding': 'chunked' })],
    [
      'express.json() and a compressed body',
      express.json(keepRaw),
      sending(types.json, gzipSync('{"a":1}'), { 'content-encoding': 'gzip' }),
    ],
    ['express.json() and a byte order mark', express.json(), sending(types.json, '\uFEFF{"a":1}')],
    [
      'express.json() and UTF-16',
      express.json(),
      sending(`${types.json}; charset=utf-16le`, Buffer.from(plain, 'utf16le')),
    ],
    ['express.urlencoded() and a list', express.urlencoded(), sending(types.form, 'a=1&a=2')],
    ['extended and brackets', express.urlencoded({ extended: true }), sending(types.form, 'a%5Bb%5D=1')],
    ['express.text() and what is no text', express.text(), sending(types.text, everyByte)],
    ['a parser of multipart forms', multer, sending(types.multipart, multipart)],
    ['a middleware that has read a part', half, sending(types.bytes, 'x'.repeat(50))],
    // what it gets is text then, in bytes of another number
    [
      'a middleware that asks for text',
      (req, _res, next) => next(void req.setEncoding('utf8')),
      sending(types.bytes, everyByte),
    ],
    ['a middleware that has read a part of much', half, sending(types.bytes, 'x'.repeat(1_000_000))],
  ];

  it.each(cases)('behind %s', async (_title, middleware, sent) => {
    const team = await startBehind(middleware);
    stack.upstream.seen.length = 0;
    // a connection that is used again: what was left of the body must not stand in the way
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    for (const method of methods) {
      const answer = await team.asUser('/api/x', { ...sent, method, agent });
      expect(answer.status).toBe(500);
      expect(answer.json()).toMatchObject({ code: 'internal_error' });
      expect(answer.headers['cache-control']).toBe('no-store');
    }
    expect((await team.request('/public/x', { ...sent, agent })).status).toBe(500);
    expect(stack.upstream.seen).toEqual([]);
    expect(linesOf(team).map(levelOf)).toEqual(['error']);
  });
});

describe('a parser does no harm', () => {
  it('to bodies that it does not read', async () => {
    const team = await startBehind(express.json(), express.urlencoded());
    expect((await team.asUser('/api/x', sending('text/csv', 'a;b'))).status).toBe(200);
    expect(arrived.map(String)).toEqual(['a;b']);
    expect(linesOf(team)).toEqual([]);
  });

  it.each(['GET', 'DELETE', 'POST'])('to a %s without a body', async (method) => {
    const team = await startBehind(express.json());
    const answer = await team.asUser('/api/x', { method, headers: { 'content-type': types.json }, body: '' });
    expect(answer.status).toBe(200);
    expect(arrived.map(String)).toEqual(['']);
    expect(linesOf(team)).toEqual([]);
  });

  it('after the proxy, where it belongs: it sees the bodies of the other routes', async () => {
    keepBodies();
    const team = await startTeamApp(
      stack,
      () => undefined,
      (app, bff) => {
        app.use(express.json());
        app.post('/own', bff.requireSession, (req, res) => void res.json(req.body));
      },
    );
    onTestFinished(() => team.close());
    expect((await team.asUser('/own', sending(types.json, '{"a":1}'))).json()).toEqual({ a: 1 });
    expect((await team.asUser('/api/x', sending(types.json, '{ "a": 1 }'))).status).toBe(200);
    expect(arrived.map(String)).toEqual(['{ "a": 1 }']);
    expect(linesOf(team)).toEqual([]);
  });
});

describe('a middleware that changes what the client said of its body', () => {
  it.each(
    ['GET', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS'].flatMap((method) => [
      [method, undefined],
      [method, '0'],
    ]),
  )('takes nothing from the body, nor makes it the next request: %s, to %s', async (method, length) => {
    const team = await startBehind((req, _res, next) => {
      delete req.headers['content-length'];
      if (length !== undefined) req.headers['content-length'] = length;
      next();
    });
    const body = 'GET /api/smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
    stack.upstream.seen.length = 0;
    const answer = await team.asUser('/api/x', { ...sending(types.bytes, body), method });
    expect(answer.status).toBe(200);
    expect(arrived.map(String)).toEqual([body]);
    expect(stack.upstream.seen.map(({ url }) => url)).toEqual(['/api/x']);
  });
});

describe('a middleware that answers while the body still comes', () => {
  it('leaves a connection that serves the next request', async () => {
    const team = await startBehind((req, res, next) => {
      if (req.method === 'POST') setTimeout(() => res.writeHead(503).end('too late'), 50);
      next();
    });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    stack.upstream.answer = (req, res) => {
      if (req.method === 'POST') setTimeout(() => res.end('taken'), 150);
      else res.end();
    };
    const upload = await team.asUser('/api/x', { ...sending(types.bytes, Buffer.alloc(12_000_000)), agent });
    expect(upload.status).toBe(503);
    expect((await team.asUser('/api/x', { method: 'GET', agent })).status).toBe(200);
  });
});

describe('a middleware that spoils the answer', () => {
  it('costs that one request, and nobody else', async () => {
    const rejections: unknown[] = [];
    const noteRejection = (reason: unknown) => rejections.push(reason);
    process.on('unhandledRejection', noteRejection);
    onTestFinished(() => void process.off('unhandledRejection', noteRejection));
    const team = await startBehind((req, res, next) => {
      if (req.url !== '/api/spoilt') return next();
      req.headers['x-note'] = 'a name that no header can have: €';
      res.setHeader = () => {
        throw new Error('spoilt');
      };
      next();
    });
    await expect(team.asUser('/api/spoilt', { method: 'GET' })).rejects.toThrow(/ECONNRESET|socket hang up/);
    expect((await team.asUser('/api/x', { method: 'GET' })).status).toBe(200);
    expect(rejections).toEqual([]);
  });
});

// as those do that count or hash it
describe('a middleware that listens to the body', () => {
  it.each([5, 1_000_000])('gets %i bytes, and so does the upstream', async (size) => {
    const counted: number[] = [];
    const team = await startBehind((req, _res, next) => {
      if (req.method === 'GET') return next();
      let bytes = 0;
      req.on('data', (chunk: Buffer) => (bytes += chunk.length));
      req.once('end', () => counted.push(bytes));
      next();
    });
    // the first waits for AM, the second does not
    for (const round of [1, 2]) {
      expect((await team.asUser('/api/x', sending(types.bytes, 'x'.repeat(size)))).status).toBe(200);
      expect(arrived.map((bytes) => bytes.length)).toEqual(Array.from({ length: round }, () => size));
    }
    expect(counted).toEqual([size, size]);
    expect(linesOf(team)).toEqual([]);
  });

  it('does not keep a connection from being used again after a refusal', async () => {
    const team = await startBehind((req, _res, next) => {
      req.on('data', () => undefined);
      next();
    });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    for (let round = 0; round < 2; round++) {
      const answer = await team.request('/api/x', { ...sending(types.bytes, 'x'.repeat(1_000_000)), agent });
      expect(answer.status).toBe(401);
    }
  });
});
