import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { request } from './support/http.js';
import { eventually, mounts, pause, startStack, type Stack } from './support/stack.js';

const MB = 1024 * 1024;
const file = Buffer.alloc(20 * MB, 'am-session-proxy ');
const fingerprint = createHash('sha256').update(file).digest('hex');

describe.each(mounts)('bodies stream, mounted by %s', (mount) => {
  let stack: Stack;
  let headers: http.OutgoingHttpHeaders;
  beforeAll(async () => {
    stack = await startStack({ mount });
    headers = { cookie: `${stack.am.cookieName}=${stack.am.login()}` };
  });
  afterAll(() => stack.close());
  afterEach(() => {
    stack.upstream.answer = undefined;
  });

  async function hash(stream: IncomingMessage): Promise<string> {
    const digest = createHash('sha256');
    for await (const chunk of stream) digest.update(chunk as Buffer);
    return digest.digest('hex');
  }

  function open(path: string, method = 'GET', more: http.OutgoingHttpHeaders = {}): http.ClientRequest {
    return http.request(stack.url + path, { agent: false, method, headers: { ...headers, ...more } });
  }

  it('20 MB up and down arrive as they were sent', async () => {
    stack.upstream.answer = (req, res) => void hash(req).then((seen) => res.setHeader('x-seen', seen).end(file));
    const client = open('/api/file', 'PUT');
    client.end(file);
    const [answer] = (await once(client, 'response')) as [IncomingMessage];
    expect(answer.headers['x-seen']).toBe(fingerprint);
    expect(await hash(answer)).toBe(fingerprint);
  });

  it('a download waits for a client that does not read', async () => {
    let upstream: ServerResponse | undefined;
    let taken = 0;
    stack.upstream.answer = (_req, res) => {
      upstream = res;
      const send = () => {
        for (let more = true; more && taken < 200; taken++) more = res.write(Buffer.alloc(MB));
      };
      res.on('drain', send);
      send();
    };
    const client = open('/api/file').end();
    const [answer] = (await once(client, 'response')) as [IncomingMessage];
    await settled(() => taken);
    expect(taken).toBeLessThan(60);
    answer.resume();
    await eventually(() => taken === 200);
    upstream?.end();
    await once(answer, 'end');
  });

  it('an upload waits for an upstream that does not read', async () => {
    let upstream: IncomingMessage | undefined;
    stack.upstream.answer = (req) => {
      upstream = req;
    };
    const client = open('/api/file', 'POST');
    let sent = 0;
    const send = () => {
      for (let more = true; more && sent < 200; sent++) more = client.write(Buffer.alloc(MB));
    };
    client.on('drain', send).on('error', () => undefined);
    send();
    await settled(() => sent);
    expect(sent).toBeLessThan(60);
    upstream?.resume();
    await eventually(() => sent === 200);
    client.destroy();
  });

  it('an event stream begins at once and its events come one by one', async () => {
    let events: ServerResponse | undefined;
    stack.upstream.answer = (_req, res) => {
      events = res;
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.flushHeaders();
    };
    const client = open('/api/events', 'GET', { accept: 'text/event-stream' }).end();
    // no event has been sent: the head alone opens an EventSource
    const [answer] = (await once(client, 'response', { signal: AbortSignal.timeout(1_000) })) as [IncomingMessage];
    expect(answer.headers['content-type']).toBe('text/event-stream');
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      const since = Date.now();
      events?.write(event);
      const [chunk] = (await once(answer, 'data')) as [Buffer];
      expect(chunk.toString()).toBe(event);
      expect(Date.now() - since).toBeLessThan(500);
    }
    client.destroy();
  });

  it('300 slow requests at once all reach the upstream', async () => {
    const waiting: ServerResponse[] = [];
    stack.upstream.answer = (_req, res) => void waiting.push(res);
    const answers = Array.from({ length: 300 }, () => request(stack.url, '/api/slow', { headers }));
    await eventually(() => waiting.length === 300);
    for (const res of waiting) res.end('done');
    expect((await Promise.all(answers)).filter(({ body }) => body === 'done')).toHaveLength(300);
  });
});

/** Waits until a count has not grown for a while. */
async function settled(count: () => number): Promise<void> {
  for (let before = -1; before !== count();) {
    before = count();
    await pause(200);
  }
}
