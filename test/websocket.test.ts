// WebSockets to a proxied prefix: opened with a live session, and whatever is sent arrives as it was, both ways.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { askedAbout, onEveryMount } from './support/mounted.js';
import { eventually, pause } from './support/stack.js';
import {
  accept,
  acceptByWs,
  bareSocket,
  closing,
  frame,
  handshake,
  maskedFrame,
  openSocket,
} from './support/websocket.js';

async function messageOf(socket: WebSocket): Promise<{ data: Buffer; isBinary: boolean }> {
  const [data, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
  return { data, isBinary };
}

onEveryMount('a WebSocket', {}, (stack) => {
  it('passes with a live session, also as the very first request', async () => {
    const socket = await openSocket(stack(), '/api/ws?x=1', stack().am.login());
    socket.send('hello');
    expect((await messageOf(socket)).data.toString()).toBe('hello');
    expect(stack().upstream.seen.at(-1)).toMatchObject({ url: '/api/ws?x=1' });
    socket.close();
  });

  it('passes on a connection that had requests before', async () => {
    const token = stack().am.login();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 2; i++) expect((await stack().as(token, '/api/x', { agent })).status).toBe(200);
    const { hostname, port } = new URL(stack().url);
    const headers = {
      connection: 'Upgrade',
      upgrade: 'WebSocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      cookie: `${stack().am.cookieName}=${token}`,
    };
    const request = http.get({ hostname, port, path: '/api/ws', agent, headers });
    const [answer, socket] = (await once(request, 'upgrade')) as [IncomingMessage, Socket];
    expect(request.reusedSocket).toBe(true);
    expect(answer.statusCode).toBe(101);
    socket.write(maskedFrame('again'));
    expect(await once(socket, 'data')).toEqual([frame('again')]);
    socket.destroy();
  });

  it('keeps text text and binary binary', async () => {
    const socket = await openSocket(stack(), '/api/ws', stack().am.login());
    const bytes = randomBytes(1000);
    socket.send('grüße ✓');
    expect(await messageOf(socket)).toEqual({ data: Buffer.from('grüße ✓'), isBinary: false });
    socket.send(bytes);
    expect(await messageOf(socket)).toEqual({ data: bytes, isBinary: true });
    socket.close();
  });

  it('carries messages of 10 MB both ways, and fragments', async () => {
    const socket = await openSocket(stack(), '/api/ws', stack().am.login());
    const bytes = randomBytes(10_000_000);
    socket.send(bytes);
    const { data } = await messageOf(socket);
    expect(data.equals(bytes)).toBe(true);
    for (const part of ['a', 'b', 'c']) socket.send(part, { fin: part === 'c' });
    expect((await messageOf(socket)).data.toString()).toBe('abc');
    socket.close();
  });

  it('carries pings and pongs of either side', async () => {
    const pong = new Promise<string>((resolve) => {
      stack().upstream.upgrade = acceptByWs((accepted) => {
        accepted.once('pong', (data) => resolve(data.toString()));
        accepted.ping('from the upstream');
      });
    });
    const socket = await openSocket(stack(), '/api/ws', stack().am.login());
    expect(await pong).toBe('from the upstream');
    socket.ping('from the client');
    expect(String(await once(socket, 'pong'))).toBe('from the client');
    socket.close();
  });

  it('carries the close code of either side, and both connections end', async () => {
    let accepted: WebSocket | undefined;
    stack().upstream.upgrade = acceptByWs((socket) => (accepted = socket));
    const first = await openSocket(stack(), '/api/ws', stack().am.login());
    await eventually(() => accepted !== undefined);
    const closed = Promise.all([closing(accepted as unknown as WebSocket), closing(first)]);
    first.close(4000, 'enough');
    const enough = { code: 4000, reason: 'enough' };
    expect(await closed).toEqual([enough, enough]);
    accepted = undefined;
    const second = await openSocket(stack(), '/api/ws', stack().am.login());
    await eventually(() => accepted !== undefined);
    const closedAgain = closing(second);
    (accepted as unknown as WebSocket).close(4001, 'no more');
    expect(await closedAgain).toEqual({ code: 4001, reason: 'no more' });
  });

  it('has the subprotocol and the compression that the two agree upon', async () => {
    stack().upstream.upgrade = acceptByWs(
      (accepted) => accepted.on('message', (data) => accepted.send(data, { binary: false })),
      { perMessageDeflate: { threshold: 0 }, handleProtocols: (offered) => (offered.has('v2') ? 'v2' : false) },
    );
    const socket = await openSocket(stack(), '/api/ws', stack().am.login(), {}, ['v1', 'v2']);
    expect(socket.protocol).toBe('v2');
    expect(socket.extensions).toContain('permessage-deflate');
    const text = 'all the same '.repeat(1000);
    socket.send(text);
    expect((await messageOf(socket)).data.toString()).toBe(text);
    socket.close();
  });

  it('gets what the upstream sends along with its answer', async () => {
    stack().upstream.upgrade = (req, socket) => accept(req, socket, [], Buffer.concat([frame('one'), frame('two')]));
    const { socket, received } = await bareSocket(stack(), handshake(stack(), '/api/ws', stack().am.login()));
    await eventually(() => received().includes('two'));
    expect(received()).toMatch(/^HTTP\/1.1 101 /);
    expect(received().endsWith(`\r\n\r\n${frame('one').toString('latin1')}${frame('two').toString('latin1')}`)).toBe(
      true,
    );
    socket.destroy();
  });

  it.each([1, 1_000, 1_000_000])(
    'passes on %d bytes that come along with the handshake or before the answer',
    async (length) => {
      const bytes: Buffer[] = [];
      let answer = (): void => undefined;
      stack().upstream.upgrade = (req, socket, head) => {
        bytes.push(head);
        socket.on('data', (chunk: Buffer) => bytes.push(chunk));
        answer = () => accept(req, socket);
      };
      const [along, before, after] = [0, 1, 2].map(() => randomBytes(length)) as [Buffer, Buffer, Buffer];
      const seen = stack().upstream.seen.length;
      const opening = Buffer.from(handshake(stack(), '/api/ws', stack().am.login()));
      const { socket, received } = await bareSocket(stack(), Buffer.concat([opening, along]));
      await eventually(() => stack().upstream.seen.length > seen);
      socket.write(before);
      // the proxy has read what it likes to before the upstream answers
      await pause(100);
      answer();
      await eventually(() => received().includes('101'));
      socket.write(after);
      await eventually(() => Buffer.concat(bytes).length >= 3 * length);
      expect(Buffer.concat(bytes).equals(Buffer.concat([along, before, after]))).toBe(true);
      socket.destroy();
    },
  );

  it('may be one of a hundred of its session, about which AM is asked once', async () => {
    const token = stack().am.login();
    // not even this makes an upgrade an activity
    const headers = { 'x-session-activity': 'user' };
    const sockets = await Promise.all(
      Array.from({ length: 100 }, () => openSocket(stack(), '/api/ws', token, headers)),
    );
    const answers = sockets.map(messageOf);
    for (const [i, socket] of sockets.entries()) socket.send(`number ${i}`);
    for (const [i, answer] of answers.entries()) expect((await answer).data.toString()).toBe(`number ${i}`);
    expect(askedAbout(stack(), token).map(({ action }) => action)).toEqual(['getSessionInfo']);
    const closed = sockets.map(closing);
    for (const socket of sockets) socket.close();
    await Promise.all(closed);
  });

  it('to a public route needs no session, and names none', async () => {
    const token = stack().am.login();
    const cookies = { origin: 'https://elsewhere.example', cookie: `${stack().am.cookieName}=${token}; a=1` };
    for (const headers of [{}, cookies]) {
      const socket = await openSocket(stack(), '/public/ws', undefined, headers);
      socket.send('hello');
      expect((await messageOf(socket)).data.toString()).toBe('hello');
      const seen = stack().upstream.seen.at(-1);
      expect(seen?.headers).not.toHaveProperty('x-forwarded-user');
      expect(JSON.stringify(seen)).not.toContain(token);
      socket.close();
    }
    expect(askedAbout(stack(), token)).toEqual([]);
  });
});
