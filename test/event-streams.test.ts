// Event streams: open at once, quiet for as long as they like, closed when their session ends.

import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { eventSource, logOut, openStream, serveStreams } from './support/event-stream.js';
import { onEveryMount } from './support/mounted.js';
import { eventually, pause } from './support/stack.js';

onEveryMount('an event stream', { proxy: { proxyTimeoutMs: 400 } }, (stack) => {
  it('begins before its first event, and is quiet for longer than an upstream may take to answer', async () => {
    const streams = serveStreams(stack());
    const startedAt = performance.now();
    const client = await openStream(stack(), '/api/events', stack().am.login());
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(client.answer.headers['content-type']).toBe('text/event-stream');
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      await pause(700);
      const [res] = streams;
      const sentAt = performance.now();
      res?.write(event);
      await client.has(event);
      expect(performance.now() - sentAt).toBeLessThan(500);
    }
    client.request.destroy();
  });

  it('ends at logout at once and cleanly, up to its last event; others go on', async () => {
    const streams = serveStreams(stack());
    const [token, other] = [stack().am.login(), stack().am.login()];
    const client = await openStream(stack(), '/api/events', token);
    const [first] = streams;
    const bystander = await openStream(stack(), '/api/events', other);
    for (const res of streams) res.write('data: 1\n\n');
    await client.has('data: 1');
    const startedAt = performance.now();
    await logOut(stack(), token);
    expect(await client.end).toBe('ended');
    expect(performance.now() - startedAt).toBeLessThan(500);
    expect(client.text()).toBe('data: 1\n\n');
    await eventually(() => !first || first.destroyed, 1_000);

    const [left] = streams;
    left?.write('data: 2\n\n');
    await bystander.has('data: 2');
    bystander.request.destroy();
  });

  it('tells a browser that comes back after a logout why it may not', async () => {
    const streams = serveStreams(stack());
    const token = stack().am.login();
    const source = eventSource(stack(), '/api/events', token);
    await eventually(() => streams.size === 1);
    await logOut(stack(), token);
    expect(await source.failure).toBe('session_ended');
    expect(source.statuses).toEqual([200, 401]);
    source.close();
  });

  it('ends at logout however many there are, and those of the other cookie of a request too', async () => {
    const streams = serveStreams(stack());
    const { am } = stack();
    const tokens = [am.login(), am.login()];
    const cookie = tokens.map((token) => `${am.cookieName}=${token}`).join('; ');
    const clients = await Promise.all([
      ...tokens.map((token) => openStream(stack(), '/api/events', token)),
      ...Array.from({ length: 20 }, () => openStream(stack(), '/api/events', undefined, { headers: { cookie } })),
    ]);
    expect(streams.size).toBe(22);
    await stack().request('/logout', { method: 'POST', headers: { cookie } });
    expect(new Set(await Promise.all(clients.map(({ end }) => end)))).toEqual(new Set(['ended']));
    await eventually(() => streams.size === 0, 1_000);
  });

  it('ends at logout also if it answers a POST', async () => {
    const streams = serveStreams(stack());
    const token = stack().am.login();
    const options = { method: 'POST', body: '{"prompt":"hello"}', headers: { accept: '*/*' } };
    const client = await openStream(stack(), '/api/chat', token, options);
    await logOut(stack(), token);
    expect(await client.end).toBe('ended');
    await eventually(() => streams.size === 0, 1_000);
  });

  it.each([
    ['TEXT/Event-Stream; charset=utf-8', 'ended'],
    // some of these have an end of their own: this must not look like it
    ['application/x-ndjson', 'cut'],
    ['application/json-seq', 'cut'],
    ['multipart/x-mixed-replace; boundary=frame', 'cut'],
  ])('of the type %s is %s at logout', async (type, how) => {
    const streams = serveStreams(stack(), { 'content-type': type });
    const token = stack().am.login();
    const client = await openStream(stack(), '/api/events', token, { headers: { accept: '*/*' } });
    await logOut(stack(), token);
    expect(await client.end).toBe(how);
    await eventually(() => streams.size === 0, 1_000);
  });

  it('is not a slow download: that comes to its end', async () => {
    const streams = serveStreams(stack(), { 'content-type': 'application/octet-stream' });
    const token = stack().am.login();
    const client = await openStream(stack(), '/api/file', token);
    await logOut(stack(), token);
    await pause(300);
    for (const res of streams) res.end('the whole file');
    expect(await client.end).toBe('ended');
    expect(client.text()).toBe('the whole file');
  });

  it('of a public route stays open at a logout', async () => {
    const streams = serveStreams(stack());
    const token = stack().am.login();
    await stack().as(token, '/session');
    const client = await openStream(stack(), '/public/events', token);
    await logOut(stack(), token);
    await pause(300);
    for (const res of streams) res.write('data: still\n\n');
    await client.has('still');
    client.request.destroy();
  });

  it('whose client reads nothing is cut within about a second of the logout', async () => {
    const streams = serveStreams(stack());
    const token = stack().am.login();
    const client = await openStream(stack(), '/api/events', token, { paused: true });
    const [res] = streams;
    // more than all buffers on the way take
    for (let i = 0; i < 40; i++) res?.write(`data: ${'x'.repeat(1024 * 1024)}\n\n`);
    await pause(300);
    const startedAt = performance.now();
    await logOut(stack(), token);
    await eventually(() => streams.size === 0, 2_000);
    expect(performance.now() - startedAt).toBeLessThan(1_800);
    client.answer.resume();
    expect(await client.end).toBe('cut');
  });

  it('that promised a length is cut: an end would be taken for the whole', async () => {
    const streams = serveStreams(stack(), { 'content-length': 1000 });
    const token = stack().am.login();
    const client = await openStream(stack(), '/api/events', token);
    for (const res of streams) res.write('data: 1\n\n');
    await client.has('data: 1');
    await logOut(stack(), token);
    expect(await client.end).toBe('cut');
    await eventually(() => streams.size === 0, 1_000);
  });

  it('is over for the client when the upstream ends it, and cut when the upstream dies', async () => {
    const streams = serveStreams(stack());
    const token = stack().am.login();
    for (const [how, end] of [
      ['ended', (res: ServerResponse) => void res.end('data: bye\n\n')],
      ['cut', (res: ServerResponse) => void res.destroy()],
    ] as const) {
      const client = await openStream(stack(), '/api/events', token);
      for (const res of streams) end(res);
      expect(await client.end).toBe(how);
    }
    await logOut(stack(), token);
  });

  it('leaves its connection usable: the next request on it is answered', async () => {
    serveStreams(stack());
    const token = stack().am.login();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const client = await openStream(stack(), '/api/events', token, { agent });
    const { localPort } = client.answer.socket;
    await logOut(stack(), token);
    await client.end;
    const again = http.get(`${stack().url}/livez`, { agent });
    const [answer] = (await once(again, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(200);
    expect(answer.socket.localPort).toBe(localPort);
    agent.destroy();
  });

  it('shows the token to nobody', async () => {
    const streams = serveStreams(stack());
    const token = stack().am.login();
    const before = stack().upstream.seen.length;
    const client = await openStream(stack(), '/api/events', token);
    for (const res of streams) res.write('data: 1\n\n');
    await logOut(stack(), token);
    await client.end;
    const said = [stack().upstream.seen.slice(before), stack().log, client.answer.rawHeaders, client.text()];
    expect(JSON.stringify(said).includes(token)).toBe(false);
  });
});
