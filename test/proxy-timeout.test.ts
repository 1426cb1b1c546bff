import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { request } from './support/http.js';
import { startHangingListener, type HangingListener } from './support/hanging-listener.js';
import { startRawUpstream, type RawUpstream } from './support/raw-upstream.js';
import { mounts, pause, startStack, type Stack } from './support/stack.js';

const timeoutMs = 400;

describe.each(mounts)('an upstream that says nothing, mounted by %s', (mount) => {
  let stack: Stack;
  let headers: http.OutgoingHttpHeaders;
  beforeAll(async () => {
    stack = await startStack({ mount, proxy: { proxyTimeoutMs: timeoutMs } });
    headers = { cookie: `${stack.am.cookieName}=${stack.am.login()}` };
  });
  afterAll(() => stack.close());
  afterEach(() => {
    stack.upstream.answer = undefined;
  });

  it.each(['GET', 'POST'])('is given up on after PROXY_TIMEOUT_MS, and told so: %s', async (method) => {
    let closed = false;
    stack.upstream.answer = (_req, res) => res.once('close', () => (closed = true));
    const since = Date.now();
    const answer = await request(stack.url, '/api/x?secret=s3cr3t', { method, headers, body: '' });
    const took = Date.now() - since;
    expect(answer.status).toBe(504);
    expect(answer.json()).toMatchObject({ code: 'upstream_timeout', status: 504 });
    expect(answer.body).not.toMatch(/s3cr3t|127\.0\.0\.1/);
    expect(took).toBeGreaterThanOrEqual(timeoutMs - 5);
    expect(took).toBeLessThan(timeoutMs + 600);
    await pause(50);
    expect(closed).toBe(true);
  });

  it('is given up on by each request in its own time, whatever others wait for', async () => {
    stack.upstream.answer = (req, res) => void (req.url === '/api/answered' && res.end());
    const times = await Promise.all(
      ['/api/a', '/api/answered', '/api/b', '/api/answered', '/api/c'].map(async (path, i) => {
        await pause(i * 60);
        const since = Date.now();
        const { status } = await request(stack.url, path, { headers });
        return { status, took: Date.now() - since };
      }),
    );
    expect(times.map(({ status }) => status)).toEqual([504, 200, 504, 200, 504]);
    for (const { took } of times.filter(({ status }) => status === 504)) {
      expect(took).toBeGreaterThanOrEqual(timeoutMs - 5);
      expect(took).toBeLessThan(timeoutMs + 600);
    }
  });
});

describe('the time for the first byte of the answer', () => {
  let stack: Stack;
  let raw: RawUpstream;
  let hanging: HangingListener | undefined;
  let headers: http.OutgoingHttpHeaders;
  beforeAll(async () => {
    raw = await startRawUpstream((socket) => socket.pause());
    hanging = await startHangingListener();
    const upstreams = [{ path: '/deaf', target: raw.url }];
    if (hanging) upstreams.push({ path: '/hanging', target: hanging.url });
    stack = await startStack({ proxy: { proxyTimeoutMs: timeoutMs, routes: upstreams } });
    headers = { cookie: `${stack.am.cookieName}=${stack.am.login()}` };
  });
  afterAll(async () => {
    await stack.close();
    await raw.close();
    await hanging?.close();
  });
  afterEach(() => {
    stack.upstream.answer = undefined;
  });

  /** A request whose body is sent bit by bit, with this time in between. */
  async function drip(path: string, bits: number, everyMs: number) {
    const client = http.request(stack.url + path, { method: 'POST', agent: false, headers });
    const answered = once(client, 'response') as Promise<[IncomingMessage]>;
    let isAnswered = false;
    void answered.then(() => (isAnswered = true));
    let sent = 0;
    for (; sent < bits && !isAnswered; sent++) {
      client.write('bit');
      await pause(everyMs);
    }
    client.end();
    const sentAt = Date.now();
    const [answer] = await answered;
    answer.resume();
    return { status: answer.statusCode, sent, afterMs: Date.now() - sentAt };
  }

  it('does not run while a lively upload goes on', async () => {
    expect(await drip('/public/x', 10, 100)).toMatchObject({ status: 200 });
  });

  it('does not run while the client makes a pause in its upload', async () => {
    expect(await drip('/public/x', 2, timeoutMs * 2)).toMatchObject({ status: 200 });
  });

  it('begins with the last byte of the upload', async () => {
    stack.upstream.answer = (req) => req.resume();
    const { status, afterMs } = await drip('/public/x', 4, timeoutMs * 0.6);
    expect(status).toBe(504);
    expect(afterMs).toBeGreaterThanOrEqual(timeoutMs - 20);
    expect(afterMs).toBeLessThan(timeoutMs + 600);
  });

  it('is over with the head: an answer may be quiet after it', async () => {
    stack.upstream.answer = (_req, res) => {
      res.write('one ');
      setTimeout(() => res.end('two'), timeoutMs * 2);
    };
    expect(await request(stack.url, '/public/x')).toMatchObject({ status: 200, body: 'one two' });
  });

  it('is over with an upstream that does not read the upload', async () => {
    const body = Buffer.alloc(32 * 1024 * 1024);
    const since = Date.now();
    const answer = await request(stack.url, '/deaf/x', { method: 'POST', headers, body });
    expect(answer.status).toBe(504);
    expect(Date.now() - since).toBeLessThan(timeoutMs + 2_000);
  });

  it('is over with a connection that nobody takes', async ({ skip }) => {
    if (!hanging) skip('the kernel lets every connection in');
    const answer = await request(stack.url, '/hanging/x', { headers });
    expect(answer.json()).toMatchObject({ code: 'upstream_timeout' });
  });

  it('is over with a connection that nobody takes, though the client is still sending', async ({ skip }) => {
    if (!hanging) skip('the kernel lets every connection in');
    const { status, sent } = await drip('/hanging/x', 20, 100);
    expect(status).toBe(504);
    expect(sent).toBeLessThan(15);
  });

  it('ended, the rest of an upload is read, so that a client sees the answer and its connection goes on', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const body = Buffer.alloc(32 * 1024 * 1024);
    const first = await request(stack.url, '/deaf/x', { method: 'POST', headers, body, agent });
    const second = await request(stack.url, '/public/x', { agent });
    expect([first.status, second.status]).toEqual([504, 200]);
    agent.destroy();
  });
});
