// Sockets end with their session at its logout: at once, with a code where a close frame fits in.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { rawRequest, request } from './support/http.js';
import { onEveryMount } from './support/mounted.js';
import { acceptRaw, startSocketStack, type SocketStack } from './support/socket-stack.js';
import { eventually, pause, type Stack } from './support/stack.js';
import {
  acceptByWs,
  bareSocket,
  closeBytes,
  closing,
  frame,
  handshake,
  maskedFrame,
  openSocket,
} from './support/websocket.js';

const ended = { code: 4401, reason: 'session_ended' };

async function logOut(stack: Pick<Stack, 'url' | 'am'>, token: string): Promise<void> {
  const headers = { cookie: `${stack.am.cookieName}=${token}` };
  expect((await request(stack.url, '/logout', { method: 'POST', headers })).status).toBeLessThan(300);
}

onEveryMount('at a logout', {}, (stack) => {
  it('all sockets of the session are closed at once, on both sides, and no others', async () => {
    const accepted: WebSocket[] = [];
    stack().upstream.upgrade = acceptByWs((socket) => {
      accepted.push(socket);
      socket.on('message', (data) => socket.send(data, { binary: false }));
    });
    const token = stack().am.login();
    const sockets = await Promise.all([1, 2, 3].map(() => openSocket(stack(), '/api/ws', token)));
    await eventually(() => accepted.length === 3);
    const atUpstream = accepted.map(closing);
    const other = await openSocket(stack(), '/api/ws', stack().am.login());
    const anonymous = await openSocket(stack(), '/public/ws', token);

    const closed = sockets.map(closing);
    const startedAt = performance.now();
    await logOut(stack(), token);
    expect(await Promise.all(closed)).toEqual([ended, ended, ended]);
    expect(await Promise.all(atUpstream)).toEqual([ended, ended, ended]);
    expect(performance.now() - startedAt).toBeLessThan(900);
    for (const socket of [other, anonymous]) {
      socket.send('still here');
      expect(String((await once(socket, 'message'))[0])).toBe('still here');
      socket.close();
    }
  });

  it('they are closed before AM has answered', async () => {
    const token = stack().am.login();
    const socket = await openSocket(stack(), '/api/ws', token);
    stack().am.fault({ kind: 'slow', action: 'logout', delayMs: 700 });
    const startedAt = performance.now();
    const answered = logOut(stack(), token);
    expect(await closing(socket)).toEqual(ended);
    expect(performance.now() - startedAt).toBeLessThan(600);
    await answered;
  });

  it('an upgrade that the upstream has not answered is 401, and the upstream is let go of', async () => {
    let atUpstream: Socket | undefined;
    stack().upstream.upgrade = (_req, socket) => {
      atUpstream = socket as Socket;
      socket.on('error', () => undefined).resume();
      socket.once('end', () => socket.end());
    };
    const token = stack().am.login();
    const answer = rawRequest(stack().url, handshake(stack(), '/api/ws', token));
    await eventually(() => atUpstream !== undefined);
    await logOut(stack(), token);
    expect(await answer).toMatch(/^HTTP\/1\.1 401 [^]*"code":"session_ended"/);
    expect(await answer).not.toMatch(/set-cookie/i);
    await eventually(() => atUpstream?.closed === true, 1_000);
  });

  it('a socket of the same session is refused from then on', async () => {
    const token = stack().am.login();
    const socket = await openSocket(stack(), '/api/ws', token);
    const closed = closing(socket);
    await logOut(stack(), token);
    await closed;
    const answer = await rawRequest(stack().url, handshake(stack(), '/api/ws', token));
    expect(answer).toMatch(/^HTTP\/1\.1 401 [^]*"code":"session_ended"/);
  });
});

describe('at a logout, whatever is on its way', () => {
  let stack: SocketStack;
  let token: string;
  beforeAll(async () => {
    stack = await startSocketStack();
  });
  beforeEach(() => {
    token = stack.am.login();
    stack.respond = acceptRaw;
  });
  afterEach(() => eventually(async () => (await stack.open()).every((count) => count === 0)));
  afterAll(() => stack.close());

  /** A socket, and what its upstream receives. */
  async function join() {
    const { client, upstream } = await stack.join(token);
    const head = client.received();
    let atUpstream = '';
    upstream.on('data', (chunk: Buffer) => (atUpstream += chunk.toString('latin1')));
    upstream.once('end', () => upstream.end());
    return { client, upstream, atClient: () => client.received().slice(head.length), atUpstream: () => atUpstream };
  }

  it('a close frame comes behind the last whole frame, both ways', async () => {
    const { client, upstream, atClient, atUpstream } = await join();
    upstream.write(frame('to the client'));
    client.socket.write(maskedFrame('to the upstream'));
    await eventually(() => atClient() !== '' && atUpstream() !== '');
    await logOut(stack, token);
    await client.closed;
    expect(atClient()).toBe(frame('to the client').toString('latin1') + closeBytes(ended));
    expect(atUpstream()).toBe(maskedFrame('to the upstream').toString('latin1') + closeBytes(ended, true));
  });

  it('in the middle of a frame there is just the end, on that side', async () => {
    for (const cut of [1, 2, 7]) {
      const { client, upstream, atClient, atUpstream } = await join();
      const half = frame('half a frame').subarray(0, cut);
      upstream.write(half);
      await eventually(() => atClient().length === cut);
      await logOut(stack, token);
      await client.closed;
      expect(atClient()).toBe(half.toString('latin1'));
      expect(atUpstream()).toBe(closeBytes(ended, true));
      token = stack.am.login();
    }
  });

  it('in the middle of a frame of the client, too', async () => {
    for (const cut of [1, 5, 9]) {
      const { client, atClient, atUpstream } = await join();
      const half = maskedFrame('half a frame').subarray(0, cut);
      client.socket.write(half);
      await eventually(() => atUpstream().length === cut);
      await logOut(stack, token);
      await client.closed;
      expect(atUpstream()).toBe(half.toString('latin1'));
      expect(atClient()).toBe(closeBytes(ended));
      token = stack.am.login();
    }
  });

  it('nothing comes behind a close frame that the upstream has sent', async () => {
    const { client, upstream, atClient } = await join();
    const close = frame('\x03\xe8', 0x88);
    upstream.write(close);
    await eventually(() => atClient().length === close.length);
    await logOut(stack, token);
    await client.closed;
    expect(atClient()).toBe(close.toString('latin1'));
  });

  it('nothing fails where the upstream has ended already', async () => {
    const { client, upstream, atClient } = await join();
    client.socket.pause();
    upstream.end(frame('the last word'));
    await pause(100);
    await logOut(stack, token);
    client.socket.resume();
    await client.closed;
    expect(atClient()).toBe(frame('the last word').toString('latin1'));
  });

  it('a client that does not read is let go of in a second', async () => {
    const { client, upstream } = await join();
    client.socket.pause();
    const piece = frame('x'.repeat(60_000));
    const more = (): void => {
      while (upstream.writable && upstream.write(piece));
    };
    upstream.on('drain', more);
    more();
    await pause(300);
    await logOut(stack, token);
    await eventually(async () => (await stack.open())[0] === 0, 1_500);
    client.socket.destroy();
    await eventually(() => upstream.destroyed, 1_500);
  });

  it('an upstream that does not end is let go of in a second', async () => {
    const { client, upstream } = await stack.join(token);
    await logOut(stack, token);
    await client.closed;
    const speaking = setInterval(() => upstream.write('x'), 20);
    await eventually(() => upstream.destroyed, 1_500);
    clearInterval(speaking);
  });

  it('a client whose frames never stop is let go of in a second', async () => {
    const { client } = await join();
    const speaking = setInterval(() => client.socket.write(maskedFrame('and another thing')), 5);
    await logOut(stack, token);
    await client.closed;
    clearInterval(speaking);
  });

  it('a refusal that the client does not read is cut in a second', async () => {
    stack.respond = (socket) => {
      socket.write('HTTP/1.1 403 No\r\nContent-Length: 99999999\r\n\r\n');
      const more = (): void => {
        while (socket.writable && socket.write('x'.repeat(60_000)));
      };
      socket.on('drain', more).once('end', () => socket.end());
      more();
    };
    const client = await bareSocket(stack, handshake(stack, '/api/ws', token));
    await eventually(() => client.received().length > 0);
    client.socket.pause();
    await pause(300);
    await logOut(stack, token);
    await eventually(async () => (await stack.open())[0] === 0, 1_500);
    client.socket.destroy();
  });
});
