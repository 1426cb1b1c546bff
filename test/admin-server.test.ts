// ADMIN_PORT: the metrics page of the command, and nothing else, until the very end.

import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { runCommand } from './support/command.js';
import { rawRequest, request } from './support/http.js';
import { scrape } from './support/metrics.js';
import { slowRequest, startServing, stop } from './support/serving.js';
import { eventually, startStack, type Stack } from './support/stack.js';

let stack: Stack;
beforeAll(async () => void (stack = await startStack()));
afterAll(() => stack.close());

async function startWithMetrics(env: Record<string, string> = {}) {
  const { command, url, cookie } = await startServing(stack, { ADMIN_PORT: '0', ...env });
  onTestFinished(() => void command.child.kill('SIGKILL'));
  const metricsUrl = await command.says(/^am-session-proxy serves metrics on (http:\S+)$/m);
  return { command, url, metricsUrl, admin: new URL(metricsUrl).origin, cookie };
}

async function takenPort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return String((server.address() as AddressInfo).port);
}

describe('the admin server', () => {
  it('says where its page is, with the port that it got, after the line of the proxy', async () => {
    const { command, url, metricsUrl } = await startWithMetrics();
    expect(metricsUrl).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*\/metrics$/);
    const [first, second] = command
      .stdout()
      .split('\n')
      .filter((line) => line.startsWith('am-session-proxy '));
    expect(first).toBe(`am-session-proxy listens on ${url}`);
    expect(second).toBe(`am-session-proxy serves metrics on ${metricsUrl}`);
  });

  it('answers GET and HEAD of the page, whatever the query, without caching', async () => {
    const { admin } = await startWithMetrics();
    for (const path of ['/metrics', '/metrics?name[]=x']) {
      const answer = await request(admin, path);
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
      expect(answer.body).toContain('am_session_proxy_build_info');
    }
    const head = await request(admin, '/metrics', { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.body).toBe('');
  });

  it('answers 404 to other paths and 405 to other methods', async () => {
    const { admin, cookie } = await startWithMetrics();
    const headers = cookie(stack.am.login());
    for (const path of ['/', '/metrics/', '/metricsx', '/api/x', '/session', '/livez', '//metrics']) {
      const answer = await request(admin, path, { headers });
      expect(answer.status, path).toBe(404);
      expect(answer.json()['code']).toBe('not_found');
      expect(answer.headers['cache-control']).toBe('no-store');
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const answer = await request(admin, '/metrics', { method });
      expect(answer.status, method).toBe(405);
      expect(answer.headers.allow).toBe('GET, HEAD');
      expect(answer.json()['code']).toBe('method_not_allowed');
    }
  });

  it('is not there without ADMIN_PORT', async () => {
    const { command } = await startServing(stack);
    expect(await stop(command)).toMatchObject({ code: 0 });
    expect(command.stdout()).not.toContain('metrics');
  });

  it('listens on ADMIN_HOST', async () => {
    const { metricsUrl } = await startWithMetrics({ ADMIN_HOST: '127.0.0.2' });
    expect(metricsUrl).toMatch(/^http:\/\/127\.0\.0\.2:/);
    expect((await scrape(metricsUrl)).sum('am_session_proxy_build_info')).toBe(1);
    const { port } = new URL(metricsUrl);
    await expect(request(`http://127.0.0.1:${port}`, '/metrics')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('ends the command with 69 and names ADMIN_PORT when that port is taken', async () => {
    const port = await takenPort();
    const { code, stdout, stderr } = await runCommand([], { AM_URL: stack.am.url, PORT: '0', ADMIN_PORT: port });
    expect(code).toBe(69);
    expect(stderr).toMatch(/ADMIN_PORT\b.*EADDRINUSE/);
    expect(stderr).toContain(port);
    expect(stdout).not.toContain('listens');
  });

  it('ends with the command when PORT is taken, which the message names', async () => {
    const port = await takenPort();
    const { code, stderr } = await runCommand([], { AM_URL: stack.am.url, PORT: port, ADMIN_PORT: '0' });
    expect(code).toBe(69);
    expect(stderr).toMatch(/(?<!ADMIN_)PORT\b.*EADDRINUSE/);
    expect(stderr).not.toContain('ADMIN_PORT');
  });
});

describe('a client that wants too much of the admin server', () => {
  const ask = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n';

  it('may pipeline a few requests', async () => {
    const { admin } = await startWithMetrics();
    const answers = await rawRequest(admin, `${ask}${ask}${ask.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}`);
    expect(answers.match(/HTTP\/1\.1 200 /g)).toHaveLength(3);
  });

  it('loses its connection when it pipelines many, and keeps no user waiting', async () => {
    const { url, admin, metricsUrl } = await startWithMetrics();
    const flood = rawRequest(admin, ask.repeat(500)).catch(() => '');
    const startedAt = performance.now();
    expect((await request(url, '/livez')).status).toBe(200);
    // 500 pages took two seconds and a half
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect((await flood).match(/HTTP\/1\.1 200 /g)?.length ?? 0).toBeLessThan(5);
    expect((await scrape(metricsUrl)).sum('am_session_proxy_build_info')).toBe(1);
  });

  it('gets no connection above the most that are kept, until one of them ends', async () => {
    const { metricsUrl } = await startWithMetrics();
    const sockets: net.Socket[] = [];
    onTestFinished(() => sockets.forEach((socket) => socket.destroy()));
    for (let n = 0; n < 32; n++) {
      const socket = net.connect(Number(new URL(metricsUrl).port), '127.0.0.1').on('error', () => undefined);
      sockets.push(socket);
      await once(socket, 'connect');
    }
    await expect(scrape(metricsUrl)).rejects.toThrow();
    sockets[0]?.destroy();
    await eventually(() =>
      scrape(metricsUrl).then(
        () => true,
        () => false,
      ),
    );
  });
});

describe('while the command stops', () => {
  it('the page is there until the requests under way have ended', async () => {
    const { command, url, metricsUrl, cookie } = await startWithMetrics();
    const { answer, finish } = await slowRequest(stack, url, cookie(stack.am.login()));
    const stopped = stop(command);
    await eventually(() =>
      request(url, '/livez').then(
        () => false,
        () => true,
      ),
    );
    expect((await scrape(metricsUrl)).sum('am_session_proxy_sessions')).toBe(1);
    finish();
    expect((await answer).status).toBe(200);
    expect((await stopped).code).toBe(0);
  });

  it('what watches the process does not hold it up', async () => {
    const { command, metricsUrl } = await startWithMetrics();
    await scrape(metricsUrl);
    const { code, tookMs } = await stop(command);
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(2_000);
  });

  it('a scraper that keeps its connection does not hold it up', async () => {
    const { command, metricsUrl } = await startWithMetrics();
    const agent = new http.Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    await request(metricsUrl, '/metrics', { agent });
    const half = net.connect(Number(new URL(metricsUrl).port), '127.0.0.1', () => half.write('GET /metrics HTT'));
    half.on('error', () => undefined);
    await once(half, 'connect');
    const { code, tookMs } = await stop(command);
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(5_000);
  });
});
