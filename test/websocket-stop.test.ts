// When the server stops, sockets end first: with 1001 where a close frame fits in, and without waiting for anybody.

import { once } from 'node:events';
import http from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startCommand } from './support/command.js';
import { request } from './support/http.js';
import { acceptRaw, startSocketStack } from './support/socket-stack.js';
import { eventually, pause, startStack } from './support/stack.js';
import { bareSocket, closeBytes, closing, frame, handshake, openSocket } from './support/websocket.js';

const stopping = { code: 1001, reason: 'stopping' };

describe('when the server stops', () => {
  it('sockets are closed with 1001, those without a session too, and new ones refused on kept connections', async () => {
    const stack = await startSocketStack();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    await request(stack.url, '/livez', { agent });
    stack.respond = (socket, head) =>
      acceptRaw(
        socket.once('end', () => socket.end()),
        head,
      );
    const { client } = await stack.join();
    const anonymous = await bareSocket(stack, handshake(stack, '/public/ws'));
    await eventually(() => anonymous.received().includes('101'));
    stack.bff.stop();
    await Promise.all([client.closed, anonymous.closed]);
    for (const { received } of [client, anonymous]) expect(received().endsWith(closeBytes(stopping))).toBe(true);

    const { hostname, port } = new URL(stack.url);
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      cookie: `${stack.am.cookieName}=${stack.am.login()}`,
    };
    const late = http.get({ hostname, port, path: '/api/ws', agent, headers });
    const [answer] = (await once(late, 'response')) as [http.IncomingMessage];
    expect(late.reusedSocket).toBe(true);
    expect(answer.statusCode).toBe(502);
    answer.resume();
    await once(answer, 'end');
    agent.destroy();
    await stack.close();
  });

  it('an upgrade that the upstream has not answered is 502, and the upstream is let go of', async () => {
    const stack = await startSocketStack();
    let upstream: Socket | undefined;
    stack.respond = (socket) => (upstream = socket.once('end', () => socket.end()));
    const client = await bareSocket(stack, handshake(stack, '/api/ws', stack.am.login()));
    await eventually(() => upstream !== undefined);
    stack.bff.stop();
    await client.closed;
    expect(client.received()).toMatch(/^HTTP\/1\.1 502 [^]*"code":"upstream_unavailable"/);
    await eventually(() => upstream?.closed === true, 1_000);
    await stack.close();
  });

  it('close() waits for nobody who does not read', async () => {
    const stack = await startSocketStack();
    const { client, upstream } = await stack.join();
    upstream.on('error', () => undefined).write(frame('x'.repeat(60_000)).toString('latin1').repeat(200), 'latin1');
    client.socket.pause();
    await pause(100);
    const startedAt = performance.now();
    await stack.bff.close();
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    expect((await stack.open())[0]).toBe(0);
    client.socket.destroy();
    upstream.destroy();
    await stack.close();
  });

  it('by SIGTERM, sockets are closed with 1001 and the process ends with 0', async () => {
    const stack = await startStack();
    const command = startCommand([], {
      AM_URL: stack.am.url,
      PROXY_ROUTES: `/api=${stack.upstream.url}`,
      PORT: '0',
    });
    const url = await command.says(/listens on (\S+)/);
    await eventually(async () => (await request(url, '/readyz')).status === 200);
    const sockets = await Promise.all(
      [1, 2, 3].map(() => openSocket({ url, am: stack.am }, '/api/ws', stack.am.login())),
    );
    const closed = sockets.map(closing);
    const startedAt = performance.now();
    command.child.kill('SIGTERM');
    expect(await Promise.all(closed)).toEqual([stopping, stopping, stopping]);
    expect(await command.exit).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    await stack.close();
  });
});
