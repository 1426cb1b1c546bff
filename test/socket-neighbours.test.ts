// Sockets of others on the same server: socket.io, a WebSocketServer of the team's own, and those of nobody.

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import express from 'express';
import { Server as SocketIo } from 'socket.io';
import { afterEach, beforeAll, afterAll, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { askedAbout } from './support/mounted.js';
import { pause, startStack, type Stack } from './support/stack.js';
import { startTeamApp, startTeamServer, type TeamApp } from './support/team-app.js';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());
afterEach(() => {
  stack.upstream.upgrade = undefined;
});

const cookie = () => `${stack.am.cookieName}=${stack.am.login()}`;

async function startApp(): Promise<TeamApp> {
  const team = await startTeamApp(stack, () => undefined);
  onTestFinished(() => team.close());
  return team;
}

/** Its messages are remembered from the first on. */
async function open(team: TeamApp, path: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(team.url.replace('http', 'ws') + path, { headers });
  onTestFinished(() => socket.terminate());
  const messages: string[] = [];
  socket.on('message', (data: Buffer) => messages.push(data.toString()));
  await once(socket, 'open');
  return {
    socket,
    async next(): Promise<string> {
      while (messages.length === 0) await once(socket, 'message', { signal: AbortSignal.timeout(3_000) });
      return messages.shift() ?? '';
    },
  };
}

/** What socket.io's client says, in its protocol: connect, then one event that asks for a reply. */
async function expectSocketIo(team: TeamApp): Promise<void> {
  const polled = await team.request('/socket.io/?EIO=4&transport=polling');
  expect([polled.status, polled.body.slice(0, 2)]).toEqual([200, '0{']);
  expect(polled.headers).not.toHaveProperty('x-request-id');
  const client = await open(team, '/socket.io/?EIO=4&transport=websocket');
  expect(await client.next()).toMatch(/^0\{"sid"/);
  client.socket.send('40');
  expect(await client.next()).toMatch(/^40\{"sid"/);
  client.socket.send('420["hello","you"]');
  expect(await client.next()).toBe('430["hello you"]');
}

async function expectProxiedSocket(team: TeamApp): Promise<void> {
  const client = await open(team, '/api/ws', { cookie: cookie() });
  client.socket.send('ping');
  expect(await client.next()).toBe('ping');
}

/** The upstream takes longer than the second after which socket.io ends what nobody has answered. */
function answerLate(): void {
  const late = new WebSocketServer({ noServer: true });
  stack.upstream.upgrade = (req, socket, head) => {
    setTimeout(() => {
      late.handleUpgrade(req, socket, head, (client) =>
        client.on('message', (data: Buffer) => client.send(String(data))),
      );
    }, 1_500);
  };
}

it.each(['first', 'last'])('socket.io, attached %s, and we serve each our own', async (order) => {
  const team = await startApp();
  const takeOurs = (): void => {
    team.server.on('upgrade', (req, socket, head) => {
      if (!team.bff.upgrade(req, socket, head) && !req.url?.startsWith('/socket.io/')) socket.destroy();
    });
  };
  if (order === 'last') takeOurs();
  const io = new SocketIo(team.server, { destroyUpgrade: false });
  onTestFinished(() => void io.close());
  io.on('connection', (socket) =>
    socket.on('hello', (name: string, reply: (text: string) => void) => reply(`hello ${name}`)),
  );
  if (order === 'first') takeOurs();

  await expectSocketIo(team);
  await expectProxiedSocket(team);
  answerLate();
  await expectProxiedSocket(team);
  expect((await team.asUser('/api/x')).status).toBe(200);
  expect((await team.request('/session')).status).toBe(200);
  await expect(open(team, '/nobody')).rejects.toThrow('socket hang up');
  await expect(open(team, '/api/ws')).rejects.toThrow('401');
});

it("a WebSocketServer of the team's own takes what is not ours", async () => {
  const team = await startApp();
  const sockets = new WebSocketServer({ noServer: true });
  sockets.on('connection', (client) => client.send('the clock'));
  team.server.on('upgrade', (req, socket, head) => {
    if (team.bff.upgrade(req, socket, head)) return;
    sockets.handleUpgrade(req, socket, head, (client) => sockets.emit('connection', client, req));
  });
  // without a session, and from anywhere: it is the team's own
  const client = await open(team, '/clock', { origin: 'https://elsewhere.example' });
  expect(await client.next()).toBe('the clock');
  await expectProxiedSocket(team);
});

it('socket.io may ask for a session too: of this site, and polling is no activity where BACKGROUND_PATHS says so', async () => {
  const backgroundPaths = ['/socket.io'];
  const team = await startTeamApp(stack, () => undefined, undefined, { session: { backgroundPaths } });
  onTestFinished(() => team.close());
  const io = new SocketIo(team.server, { destroyUpgrade: false });
  onTestFinished(() => void io.close());
  io.engine.use(team.bff.requireSession);
  io.on('connection', (socket) => {
    const { amSession } = socket.request as IncomingMessage & { amSession?: { username: string } };
    socket.emit('you', amSession?.username);
  });
  const polling = '/socket.io/?EIO=4&transport=polling';
  const direct = '/socket.io/?EIO=4&transport=websocket';

  expect((await team.request(polling)).status).toBe(401);
  await expect(open(team, direct)).rejects.toThrow('socket hang up');
  const token = stack.am.login();
  const headers = { cookie: `${stack.am.cookieName}=${token}` };
  expect((await team.request(polling, { headers })).status).toBe(200);
  const client = await open(team, direct, { ...headers, origin: team.url });
  expect(await client.next()).toMatch(/^0/);
  client.socket.send('40');
  expect(await client.next()).toMatch(/^40/);
  expect(await client.next()).toBe('42["you","demo"]');
  expect(askedAbout(stack, token).map(({ action }) => action)).toEqual(['getSessionInfo']);
  await expect(open(team, direct, { ...headers, origin: 'https://evil.example' })).rejects.toThrow('socket hang up');
});

it.each(['/clock', '/', '/apix', '/session/x'])('an upgrade of %s is left untouched', async (path) => {
  const stateOf = (req: IncomingMessage, socket: Duplex) => ({
    keys: [Reflect.ownKeys(req), Reflect.ownKeys(socket)].map((keys) => keys.map(String).toSorted()),
    listeners: [req, socket].map((emitter) =>
      emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)]),
    ),
    stream: [socket.readableFlowing, socket.writableLength, req.socket.bytesWritten],
  });
  const team = await startTeamServer(stack, (bff) => bff.wrap(express()));
  onTestFinished(() => team.close());
  const states: unknown[] = [];
  const sockets = new WebSocketServer({ noServer: true });
  team.server.on('upgrade', (req, socket, head) => {
    states.push(stateOf(req, socket));
    states.push(team.bff.upgrade(req, socket, head));
    states.push(stateOf(req, socket));
    // whoever else takes it may take his time
    void pause(50).then(() => {
      sockets.handleUpgrade(req, socket, head, (client) => client.send('theirs'));
    });
  });
  const client = await open(team, path, { cookie: cookie() });
  expect(await client.next()).toBe('theirs');
  expect(states[1]).toBe(false);
  expect(states[2]).toEqual(states[0]);
});
