// Trace context (W3C) goes through to the upstreams as it came, and never to AM: it is the application's trace, not ours.

import { expect, it } from 'vitest';
import { sessionProxy } from '../src/index.js';
import { rawRequest } from './support/http.js';
import { onEveryMount } from './support/mounted.js';
import { aliveAnswer, startRawServer } from './support/raw-server.js';
import { startServer } from './support/server.js';
import { eventually } from './support/stack.js';
import { bareSocket, handshake } from './support/websocket.js';

const trace = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE;k=v',
  baggage: 'userId=Am%C3%A9lie,serverNode=DF%2028;isProduction=false',
};

onEveryMount('trace context', {}, (stack) => {
  const lastSeen = () => stack().upstream.seen.at(-1)?.headers;

  it.each(['/api/x', '/public/x'])('goes through to the upstream unchanged: %s', async (path) => {
    expect((await stack().as(stack().am.login(), path, { headers: trace })).status).toBe(200);
    expect(lastSeen()).toMatchObject(trace);
  });

  it('of several lines stays in its order', async () => {
    const lines = 'tracestate: a=1\r\nbaggage: x=1\r\ntracestate: b=2\r\nbaggage: y=2\r\n';
    const { host } = new URL(stack().url);
    await rawRequest(stack().url, `GET /public/x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${lines}\r\n`);
    expect(lastSeen()).toMatchObject({ tracestate: 'a=1, b=2', baggage: 'x=1, y=2' });
  });

  it('is not made where there was none', async () => {
    await stack().as(stack().am.login(), '/api/x');
    for (const name of Object.keys(trace)) expect(lastSeen()).not.toHaveProperty(name);
  });

  it.each(['/api/ws', '/public/ws'])('goes through with an upgrade: %s', async (path) => {
    const before = stack().upstream.seen.length;
    const client = await bareSocket(stack(), handshake(stack(), path, stack().am.login(), trace));
    await eventually(() => client.received().includes('101'));
    expect(stack().upstream.seen.slice(before)).toHaveLength(1);
    expect(lastSeen()).toMatchObject(trace);
    client.socket.destroy();
    await client.closed;
  });
});

it('never goes to AM: not with a question, a refresh or a logout', async () => {
  const am = await startRawServer(({ socket }) => socket.write(aliveAnswer));
  const bff = sessionProxy({ am: { url: am.url, cookieName: 'sso' }, logLevel: 'silent' });
  const server = await startServer(bff.wrap((_req, res) => res.end()));
  const ask = (method: string, path: string, token: string) => {
    const headers = Object.entries({ host: 'app.test', cookie: `sso=${token}`, connection: 'close', ...trace });
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    return rawRequest(server.url, `${method} ${path} HTTP/1.1\r\n${lines}\r\n`);
  };
  for (const [method, path, token] of [
    ['GET', '/session', 'one'],
    ['POST', '/session/refresh', 'another'],
    ['POST', '/logout', 'one'],
  ] as const)
    expect(await ask(method, path, token)).toMatch(/^HTTP\/1\.1 20/);
  const actions = am.requests.map(({ startLine }) => /_action=(\w+)|serverinfo/.exec(startLine)?.[0]);
  expect(new Set(actions)).toEqual(
    new Set(['serverinfo', '_action=getSessionInfo', '_action=refresh', '_action=logout']),
  );
  const names = am.requests.flatMap(({ headers }) => headers.map(([name]) => name.toLowerCase()));
  expect(names).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(trace|baggage)/)]));
  for (const { head } of am.requests) expect(head).not.toContain('0af7651916cd43dd8448eb211c80319c');
  await bff.close();
  server.close();
  await am.close();
});
