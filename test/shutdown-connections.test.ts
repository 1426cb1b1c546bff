// What clients see from SIGTERM on, a second signal, and one that comes during the start.

import http, { type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../src/clock.js';
import { createShutdown } from '../src/ops/shutdown.js';
import { startCommand } from './support/command.js';
import { recordingLogger } from './support/log.js';
import { request } from './support/http.js';
import { slowRequest, startServing, stop } from './support/serving.js';
import { eventually, pause, startStack, type Stack } from './support/stack.js';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

describe('from SIGTERM on', () => {
  it('every answer says that its connection closes, also of a request that came before', async () => {
    const { command, url, cookie } = await startServing(stack);
    const agents = Array.from({ length: 2 }, () => new http.Agent({ keepAlive: true, maxSockets: 1 }));
    const headers = cookie(stack.am.login());
    // the second connection is idle when the signal comes, and busy again at once
    for (const agent of agents) await request(url, '/api/x', { agent, headers });
    const slow = await slowRequest(stack, url, headers, agents[0]);
    command.child.kill('SIGTERM');
    await eventually(() => isRefused(url));
    const next = await request(url, '/api/x', { agent: agents[1]!, headers });
    expect(next).toMatchObject({ status: 200, headers: { connection: 'close' } });
    slow.finish();
    expect(await slow.answer).toMatchObject({ body: 'done', headers: { connection: 'close' } });
    expect(await command.exit).toBe(0);
  });

  it('a request of which half the head has come is still waited for', async () => {
    const { command, url, cookie } = await startServing(stack);
    const { hostname, port, host } = new URL(url);
    const socket = net.connect(Number(port), hostname);
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
    socket.write(`GET /api/x HTTP/1.1\r\nHost: ${host}\r\n`);
    await pause(100);
    command.child.kill('SIGTERM');
    await pause(1_000);
    socket.write(`Cookie: ${cookie(stack.am.login()).cookie}\r\n\r\n`);
    await once(socket, 'close');
    expect(received).toContain('HTTP/1.1 200 OK');
    expect(await command.exit).toBe(0);
  });

  it('a second signal changes nothing', async () => {
    const { command, url, cookie } = await startServing(stack);
    const slow = await slowRequest(stack, url, cookie(stack.am.login()));
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGTERM'] as const) {
      command.child.kill(signal);
      await pause(100);
    }
    slow.finish();
    expect((await slow.answer).body).toBe('done');
    expect(await command.exit).toBe(0);
  });
});

it('an answer that its client has not read yet is not cut', async () => {
  const size = 20 * 1024 * 1024;
  const server = http.createServer((_req, res) => res.end(Buffer.alloc(size)));
  const shutDown = createShutdown({
    server,
    timeoutMs: 5_000,
    clock: systemClock,
    log: recordingLogger([]),
    announce: () => undefined,
    release: () => Promise.resolve(),
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const agent = new http.Agent({ keepAlive: true });
  const [answer] = (await once(http.get({ port, agent }), 'response')) as [IncomingMessage];
  const stopped = shutDown();
  await pause(1_200);
  let length = 0;
  answer.on('data', (chunk: Buffer) => (length += chunk.length)).on('error', () => undefined);
  await once(answer, 'close');
  expect(length).toBe(size);
  const endedAt = performance.now();
  await stopped;
  expect(performance.now() - endedAt).toBeLessThan(2_000);
  agent.destroy();
});

describe('SIGTERM during the start', () => {
  it('ends with 0 while AM has not answered yet', async () => {
    stack.am.fault({ kind: 'hang' });
    const command = startCommand([], { AM_URL: stack.am.url, PORT: '0' });
    await command.says(/listens on (\S+)/);
    const { code, tookMs } = await stop(command);
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(1_000);
    stack.am.clearFaults();
  });

  it.each([0, 100, 250, 400])('after %i ms ends the process, whatever it was at', async (delayMs) => {
    const command = startCommand([], { AM_URL: stack.am.url, PORT: '0' });
    await pause(delayMs);
    const { code, tookMs } = await stop(command);
    // null: by the signal itself, before there was anything to finish
    expect([0, null]).toContain(code);
    expect(tookMs).toBeLessThan(2_000);
  });
});

const isRefused = (url: string) =>
  request(url, '/livez').then(
    () => false,
    () => true,
  );
