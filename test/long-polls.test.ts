// Requests whose answer the upstream owes when their session ends: reading ones are answered for it, others may finish.

import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { logOut } from './support/event-stream.js';
import { startHangingListener } from './support/hanging-listener.js';
import { fetchHeaders, navigationHeaders, type Answer, type RequestOptions } from './support/http.js';
import { onEveryMount } from './support/mounted.js';
import { rawAnswer, startRawUpstream } from './support/raw-upstream.js';
import { act } from './support/simulator-client.js';
import { eventually, pause, startStack, type Stack } from './support/stack.js';

interface Poll {
  readonly answer: Promise<Answer>;
  /** At the upstream. */
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/** Sends a request that the upstream does not answer; resolves when the upstream has it. */
async function poll(stack: Stack, token: string, path = '/api/poll', options: RequestOptions = {}): Promise<Poll> {
  const arrived = new Promise<{ req: IncomingMessage; res: ServerResponse }>((resolve) => {
    stack.upstream.answer = (req, res) => resolve({ req, res });
  });
  const answer = stack.as(token, path, { headers: fetchHeaders, ...options });
  return { answer, ...(await arrived) };
}

onEveryMount('a long poll', {}, (stack) => {
  it.each(['GET', 'HEAD'])(
    'by %s is answered at logout at once, and its request at the upstream ended',
    async (method) => {
      const token = stack().am.login();
      const { answer, res } = await poll(stack(), token, '/api/poll?since=7', { method });
      const startedAt = performance.now();
      const [{ status, headers, body, setCookies }] = await Promise.all([answer, logOut(stack(), token)]);
      expect(performance.now() - startedAt).toBeLessThan(500);
      expect(status).toBe(401);
      expect(headers).toMatchObject({
        'content-type': 'application/problem+json; charset=utf-8',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'x-request-id': expect.stringMatching(/./) as string,
      });
      if (method === 'GET') expect(JSON.parse(body)).toMatchObject({ code: 'session_ended', status: 401 });
      // by now it may be the cookie of a new login
      expect(setCookies).toEqual([]);
      expect(JSON.stringify([headers, body])).not.toContain(token);
      await eventually(() => res.destroyed, 1_000);
    },
  );

  it('that is a navigation goes to the login page, which asks for the password again', async () => {
    const token = stack().am.login();
    const { answer, res } = await poll(stack(), token, '/api/report?page=2', { headers: navigationHeaders });
    await logOut(stack(), token);
    const { status, headers, setCookies } = await answer;
    expect(status).toBe(302);
    const location = new URL(headers.location ?? '');
    expect(location.searchParams.get('goto')).toBe(`${stack().url}/api/report?page=2`);
    expect(location.searchParams.get('ForceAuth')).toBe('true');
    expect(headers['cache-control']).toBe('no-store');
    expect(setCookies).toEqual([]);
    await eventually(() => res.destroyed, 1_000);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('that changes something by %s comes to its own end', async (method) => {
    const token = stack().am.login();
    const body = method === 'DELETE' ? {} : { body: 'order one' };
    const { answer, res } = await poll(stack(), token, '/api/order', { method, ...body });
    await logOut(stack(), token);
    await pause(100);
    res.end('ordered');
    expect(await answer).toMatchObject({ status: 200, body: 'ordered' });
  });

  it('of another session goes on, and so does one on a public route', async () => {
    const [token, other] = [stack().am.login(), stack().am.login()];
    const polls = [await poll(stack(), other), await poll(stack(), token, '/public/poll')];
    await logOut(stack(), token);
    await pause(100);
    for (const { res } of polls) res.end('news');
    for (const { answer } of polls) expect(await answer).toMatchObject({ status: 200, body: 'news' });
  });

  it('whose answer has begun comes to its end', async () => {
    const token = stack().am.login();
    const { answer, res } = await poll(stack(), token);
    res.write('the beginning, ');
    await pause(100);
    await logOut(stack(), token);
    await pause(100);
    res.end('the end');
    expect(await answer).toMatchObject({ status: 200, body: 'the beginning, the end' });
  });

  it('leaves its connection usable, also with half an upload on it', async () => {
    const token = stack().am.login();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const cookie = `${stack().am.cookieName}=${token}`;
    const arrived = new Promise<IncomingMessage>((resolve) => {
      stack().upstream.answer = (req) => resolve(req);
    });
    const half = http.request(`${stack().url}/api/search`, {
      method: 'GET',
      agent,
      headers: { cookie, 'content-length': 1_000_000 },
    });
    half.write('x'.repeat(1_000));
    const answered = once(half, 'response');
    await arrived;
    await logOut(stack(), token);
    const [answer] = (await answered) as [IncomingMessage];
    expect(answer.statusCode).toBe(401);
    answer.resume();
    half.end('x'.repeat(999_000));
    stack().upstream.answer = undefined;
    const next = http.get(`${stack().url}/public/x`, { agent });
    const [after] = (await once(next, 'response', { signal: AbortSignal.timeout(2_000) })) as [IncomingMessage];
    expect(after.statusCode).toBe(200);
    agent.destroy();
  });

  it('is answered for at logout also if 100 of them wait', async () => {
    const token = stack().am.login();
    const waiting = new Set<ServerResponse>();
    stack().upstream.answer = (_req, res) => {
      waiting.add(res);
      res.once('close', () => waiting.delete(res));
    };
    const answers = Array.from({ length: 100 }, () => stack().as(token, '/api/poll', { headers: fetchHeaders }));
    await eventually(() => waiting.size === 100);
    await logOut(stack(), token);
    expect((await Promise.all(answers)).every(({ status }) => status === 401)).toBe(true);
    await eventually(() => waiting.size === 0, 1_000);
  });
});

/** SESSION_TRUST_S + window. */
const noticedWithinMs = 1_000 + 3_000;

onEveryMount('a long poll of a session that dies at AM', { proxy: { session: { trustS: 1 } } }, (stack) => {
  it('is answered within trust time and window', async () => {
    const token = stack().am.login();
    const { answer, res } = await poll(stack(), token);
    await act(stack().am, 'logout', token, { version: 'resource=3.1, protocol=1.0' });
    const startedAt = performance.now();
    const { status, body, setCookies } = await answer;
    expect(performance.now() - startedAt).toBeLessThan(noticedWithinMs + 500);
    expect(status).toBe(401);
    expect(JSON.parse(body)).toMatchObject({ code: 'session_expired' });
    expect(setCookies).toEqual([]);
    await eventually(() => res.destroyed, 1_000);
  });
});

describe('at logout', () => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });

  it('a long poll is answered that had to be sent again, on another connection', async () => {
    const known = new WeakSet<Socket>();
    let again = 0;
    // closes each connection when it is used again, and then says nothing
    const raw = await startRawUpstream((socket, head) => {
      if (known.has(socket)) return void socket.destroy();
      known.add(socket);
      if (head.includes('/api/poll')) again++;
      else socket.write(rawAnswer());
    });
    stops.push(raw.close);
    const stack = await startStack({ proxy: { routes: [{ path: '/api', target: raw.url }] } });
    stops.push(stack.close);
    const token = stack.am.login();
    await stack.as(token, '/api/first');
    const answer = stack.as(token, '/api/poll', { headers: fetchHeaders });
    await eventually(() => again === 1);
    await logOut(stack, token);
    expect((await answer).status).toBe(401);
    await eventually(() => raw.sockets.every((socket) => socket.destroyed), 1_000);
  });

  it('a request is answered whose upstream cannot even be reached', async (context) => {
    const hanging = await startHangingListener();
    if (!hanging) return void context.skip();
    stops.push(hanging.close);
    const stack = await startStack({ proxy: { routes: [{ path: '/api', target: hanging.url }] } });
    stops.push(stack.close);
    const token = stack.am.login();
    await stack.as(token, '/session');
    const answer = stack.as(token, '/api/x', { headers: fetchHeaders });
    await pause(200);
    await logOut(stack, token);
    expect((await answer).json()).toMatchObject({ code: 'session_ended' });
  });
});
