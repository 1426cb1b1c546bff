// SIGTERM: requests under way finish, AM is told once more of what waits, and the process ends with 0.

import http from 'node:http';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request } from './support/http.js';
import { askedAbout } from './support/mounted.js';
import { slowRequest, startServing, stop } from './support/serving.js';
import { eventually, pause, startStack, type Stack } from './support/stack.js';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

const start = (env?: Record<string, string>) => startServing(stack, env);

/** Resolves with the bytes that come until the other side closes. */
function everything(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  return once(socket, 'close').then(() => text);
}

describe('SIGTERM', () => {
  // SHUTDOWN_TIMEOUT_S is 10: what takes less than 5 s did not wait for it
  it.each(['SIGTERM', 'SIGINT'] as const)('ends an idle process at once with 0, also as %s', async (signal) => {
    const { command, url } = await start();
    // an idle keep-alive connection does not hold it up
    const agent = new http.Agent({ keepAlive: true });
    await request(url, '/livez', { agent });
    const startedAt = Date.now();
    command.child.kill(signal);
    expect(await command.exit).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(5_000);
    agent.destroy();
  });

  it('lets a request under way finish, answers 503 on readyz meanwhile, and takes no new connection', async () => {
    const { command, url, cookie } = await start();
    let finish = (): void => undefined;
    stack.upstream.answer = (_req, res) => {
      finish = () => res.end('the whole answer');
    };
    const { hostname, port, host } = new URL(url);
    const socket = net.connect(Number(port), hostname);
    const received = everything(socket);
    const head = `Host: ${host}\r\nCookie: ${cookie(stack.am.login()).cookie}\r\n\r\n`;
    const before = stack.upstream.seen.length;
    socket.write(`GET /api/slow HTTP/1.1\r\n${head}`);
    await eventually(() => stack.upstream.seen.length > before);

    command.child.kill('SIGTERM');
    await eventually(() =>
      request(url, '/livez').then(
        () => false,
        () => true,
      ),
    );
    // on the connection that is still open
    socket.write(`GET /readyz HTTP/1.1\r\n${head}`);
    finish();
    stack.upstream.answer = undefined;
    const text = await received;
    expect(text).toContain('the whole answer');
    expect(text).toContain('HTTP/1.1 503');
    expect(text).toContain('"status":"stopping"');
    expect(await command.exit).toBe(0);
  });

  it('ends connections as soon as their request is answered', async () => {
    const { command, url, cookie } = await start();
    let finish = (): void => undefined;
    stack.upstream.answer = (_req, res) => {
      finish = () => res.end('done');
    };
    const agent = new http.Agent({ keepAlive: true });
    const before = stack.upstream.seen.length;
    const answer = request(url, '/api/slow', { agent, headers: cookie(stack.am.login()) });
    await eventually(() => stack.upstream.seen.length > before);
    command.child.kill('SIGTERM');
    await pause(100);
    finish();
    stack.upstream.answer = undefined;
    const finishedAt = Date.now();
    expect((await answer).body).toBe('done');
    expect(await command.exit).toBe(0);
    expect(Date.now() - finishedAt).toBeLessThan(5_000);
    agent.destroy();
  });

  it('does not wait for connections on which nothing was ever asked', async () => {
    const { command, url } = await start({ SHUTDOWN_TIMEOUT_S: '5' });
    const ahead = net.connect(Number(new URL(url).port), '127.0.0.1');
    await once(ahead, 'connect');
    ahead.on('error', () => undefined);
    await request(url, '/livez');
    const startedAt = performance.now();
    command.child.kill('SIGTERM');
    expect(await command.exit).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(2_500);
  });

  it('waits no longer than SHUTDOWN_TIMEOUT_S for a request that does not end', async () => {
    const { command, url, cookie } = await start({ SHUTDOWN_TIMEOUT_S: '1' });
    stack.upstream.answer = () => undefined;
    const before = stack.upstream.seen.length;
    const answer = request(url, '/api/never', { headers: cookie(stack.am.login()) }).catch((error: Error) => error);
    await eventually(() => stack.upstream.seen.length > before);
    const startedAt = Date.now();
    command.child.kill('SIGTERM');
    expect(await command.exit).toBe(0);
    stack.upstream.answer = undefined;
    expect(Date.now() - startedAt).toBeGreaterThan(900);
    expect(Date.now() - startedAt).toBeLessThan(5_000);
    expect(await answer).toBeInstanceOf(Error);
  });

  it('tells AM once more of a logout that waits', async () => {
    const { command, url, cookie } = await start();
    const token = stack.am.login();
    await request(url, '/session', { headers: cookie(token) });
    stack.am.fault({
      kind: 'status',
      status: 503,
      headers: { 'Retry-After': '60' },
      action: 'logout',
      token,
      count: 1,
    });
    expect((await request(url, '/logout', { method: 'POST', headers: cookie(token) })).status).toBe(202);
    command.child.kill('SIGTERM');
    expect(await command.exit).toBe(0);
    expect(askedAbout(stack, token, 'logout').map(({ status }) => status)).toEqual([503, 200]);
  });

  it('ends with 0 although AM does not answer that last try', async () => {
    const { command, url, cookie } = await start();
    const token = stack.am.login();
    await request(url, '/session', { headers: cookie(token) });
    stack.am.fault({ kind: 'hang', action: 'logout', token });
    expect((await request(url, '/logout', { method: 'POST', headers: cookie(token) })).status).toBe(202);
    const startedAt = Date.now();
    command.child.kill('SIGTERM');
    expect(await command.exit).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(5_000);
    stack.am.clearFaults();
  });

  it('tells AM so while a request still goes on', async () => {
    const { command, url, cookie } = await start();
    const token = stack.am.login();
    await request(url, '/session', { headers: cookie(token) });
    stack.am.fault({
      kind: 'status',
      status: 503,
      headers: { 'Retry-After': '60' },
      action: 'logout',
      token,
      count: 1,
    });
    await request(url, '/logout', { method: 'POST', headers: cookie(token) });
    const slow = await slowRequest(stack, url, cookie(stack.am.login()));
    command.child.kill('SIGTERM');
    await eventually(() => askedAbout(stack, token, 'logout').length === 2, 1_000);
    slow.finish();
    expect((await slow.answer).body).toBe('done');
    expect(await command.exit).toBe(0);
  });

  it('keeps to SHUTDOWN_TIMEOUT_S with a request that hangs, logouts that wait, and an AM that hangs', async () => {
    const { command, url, cookie } = await start({ SHUTDOWN_TIMEOUT_S: '1', AM_TIMEOUT_MS: '3000' });
    const tokens = Array.from({ length: 20 }, () => stack.am.login());
    for (const token of tokens) await request(url, '/session', { headers: cookie(token) });
    stack.am.fault({ kind: 'status', status: 503, action: 'logout', count: tokens.length });
    await Promise.all(tokens.map((token) => request(url, '/logout', { method: 'POST', headers: cookie(token) })));
    const slow = await slowRequest(stack, url, cookie(stack.am.login()));
    stack.am.fault({ kind: 'hang' });
    const { code, tookMs } = await stop(command);
    expect(code).toBe(0);
    // AM_TIMEOUT_MS is more, and the machine may be busy
    expect(tookMs).toBeLessThan(2_000);
    expect(await slow.answer.catch((error: Error) => error)).toBeInstanceOf(Error);
    stack.am.clearFaults();
  });

  it('ends at once where SHUTDOWN_TIMEOUT_S is 0', async () => {
    const { command, url, cookie } = await start({ SHUTDOWN_TIMEOUT_S: '0' });
    const slow = await slowRequest(stack, url, cookie(stack.am.login()));
    const { code, tookMs } = await stop(command);
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(1_000);
    expect(await slow.answer.catch((error: Error) => error)).toBeInstanceOf(Error);
  });
});
