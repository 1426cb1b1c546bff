// `bff.upgrade` as a listener: alone, beside others, and called late.

import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { sessionProxy, type SessionProxy } from '../src/index.js';
import { recordingLogger } from './support/log.js';
import { eventually, pause, startStack, type Stack } from './support/stack.js';
import { bareSocket, handshake, refusal } from './support/websocket.js';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

/** A server with this listener for upgrades. */
async function serve(listen: (server: http.Server, bff: SessionProxy) => void) {
  const bff = sessionProxy({
    am: { url: stack.am.url, updateFrequencyS: 2, cookieName: stack.am.cookieName },
    routes: [{ path: '/api', target: stack.upstream.url }],
    logger: recordingLogger([]),
  });
  const server = http.createServer(bff.wrap((_req, res) => res.end()));
  listen(server, bff);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await bff.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { place: { url, am: stack.am }, bff, server };
}

it('the only listener ends what is nobody’s: with 404, and a reset does no harm', async () => {
  const { place } = await serve((server, bff) => server.on('upgrade', bff.upgrade));
  expect(await refusal(place, '/nobodys')).toMatchObject({ status: 404, code: 'not_found' });
  const { socket } = await bareSocket(place, handshake(place, '/nobodys'));
  socket.resetAndDestroy();
  expect(await refusal(place, '/api/ws')).toMatchObject({ status: 401, code: 'session_missing' });
});

it.each(['before', 'after'])('a listener %s it gets what is none of ours, untouched', async (where) => {
  const others: number[] = [];
  const { place } = await serve((server, bff) => {
    if (where === 'after') server.on('upgrade', bff.upgrade);
    server.on('upgrade', (req, socket) => {
      others.push(socket.listenerCount('error'));
      if (req.url === '/theirs') socket.end('HTTP/1.1 418 Theirs\r\nContent-Length: 0\r\n\r\n');
    });
    if (where === 'before') server.on('upgrade', bff.upgrade);
  });
  expect(await refusal(place, '/theirs')).toMatchObject({ status: 418 });
  expect(others).toEqual([0]);
});

it('a socket that has closed before it was called leaves nothing behind', async () => {
  const { place, bff, server } = await serve((of, proxy) =>
    of.on('upgrade', (req, socket, head) => {
      socket.on('error', () => undefined);
      void pause(100).then(() => proxy.upgrade(req, socket, head));
    }),
  );
  const token = stack.am.login();
  // the session is known, so that nothing is waited for
  await stack.as(token, '/api/x');
  await http
    .get(`${place.url}/api/x`, { headers: { cookie: `${stack.am.cookieName}=${token}` } })
    .once('response', (a) => a.resume());
  await pause(100);
  const before = stack.upstream.seen.length;
  for (let i = 0; i < 5; i++) {
    const { socket } = await bareSocket(place, handshake(place, '/api/ws', token));
    await pause(20);
    socket.resetAndDestroy();
  }
  await pause(300);
  expect(stack.upstream.seen.length).toBe(before);
  const closed = bff.close().then(() => 'closed');
  expect(await Promise.race([closed, pause(2_000)])).toBe('closed');
  await eventually(() => new Promise((resolve) => server.getConnections((_error, n) => resolve(n <= 1))));
});

it.each(['1.0', '0.9'])('HTTP/%s knows no upgrade', async (version) => {
  const { place } = await serve((server, bff) => server.on('upgrade', bff.upgrade));
  const bytes = handshake(place, '/api/ws', stack.am.login()).replace('HTTP/1.1', `HTTP/${version}`);
  const { received, closed } = await bareSocket(place, bytes);
  await closed;
  expect(received()).toMatch(/^HTTP\/1\.1 400 /);
});

it('a 101 has no length, whatever the upstream says', async () => {
  const { place } = await serve((server, bff) => server.on('upgrade', bff.upgrade));
  stack.upstream.upgrade = (_req, socket) =>
    socket.write('HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\nX-A: b\r\n\r\n');
  const { socket, received } = await bareSocket(place, handshake(place, '/api/ws', stack.am.login()));
  await eventually(() => received().includes('\r\n\r\n'));
  stack.upstream.upgrade = undefined;
  expect(received()).toMatch(/^HTTP\/1\.1 101 /);
  expect(received().toLowerCase()).not.toContain('content-length');
  expect(received()).toContain('X-A: b');
  socket.destroy();
});
