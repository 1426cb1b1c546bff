// The metrics page: the numbers are right, known from the start, and tell nothing about anybody.

import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { sessionProxy } from '../src/index.js';
import { fetchHeaders, navigationHeaders, rawRequest, request, type RequestOptions } from './support/http.js';
import { recordingLogger } from './support/log.js';
import { scrape, type MetricsPage } from './support/metrics.js';
import { startServing, stop } from './support/serving.js';
import { eventually, startStack, type Stack } from './support/stack.js';

interface Served {
  readonly stack: Stack;
  readonly url: string;
  page(): Promise<MetricsPage>;
  as(token: string, path: string, options?: RequestOptions): ReturnType<typeof request>;
}

async function serveStack(): Promise<Stack> {
  const stack = await startStack();
  onTestFinished(() => stack.close());
  return stack;
}

function served(stack: Stack, url: string, metricsUrl: string): Served {
  return {
    stack,
    url,
    page: () => scrape(metricsUrl),
    as: (token, path, options = {}) =>
      request(url, path, {
        ...options,
        headers: { cookie: `${stack.am.cookieName}=${token}`, ...fetchHeaders, ...options.headers },
      }),
  };
}

async function asCommand(env: Record<string, string> = {}): Promise<Served> {
  const stack = await serveStack();
  const { command, url } = await startServing(stack, {
    ADMIN_PORT: '0',
    AM_DOWN_GRACE_S: '0',
    SESSION_TRUST_S: '1',
    ...env,
  });
  onTestFinished(async () => void (await stop(command)));
  return served(stack, url, await command.says(/serves metrics on (\S+)/));
}

/** In an app, with the page on a server of the team's. */
async function mounted(): Promise<Served> {
  const stack = await serveStack();
  const { am, upstream } = stack;
  const bff = sessionProxy({
    am: { url: am.url, updateFrequencyS: 2, timeoutMs: 500, downGraceS: 0 },
    session: { trustS: 1 },
    routes: [{ path: '/api', target: upstream.url }],
    publicRoutes: [{ path: '/public', target: upstream.url }],
    logger: recordingLogger([]),
  });
  const app = http.createServer(bff.wrap((_req, res) => void res.writeHead(404).end('the app')));
  app.on('upgrade', bff.upgrade);
  const admin = http.createServer(bff.metrics);
  const [url, metricsUrl] = [await listen(app), await listen(admin)];
  onTestFinished(async () => {
    await bff.close();
    for (const server of [app, admin]) server.close().closeAllConnections();
  });
  await eventually(async () => (await request(url, '/readyz')).status === 200);
  return served(stack, url, `${metricsUrl}/whatever`);
}

async function listen(server: http.Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const mounts = { 'the command': () => asCommand(), 'a mounted proxy': mounted };
const each = test.each(Object.entries(mounts));
const name = (rest: string) => `am_session_proxy_${rest}`;

each('%s counts what users do, and what AM is spared', async (_form, start) => {
  const { stack, as, page } = await start();
  const token = stack.am.login();
  for (let n = 0; n < 5; n++) expect((await as(token, `/api/${n}`)).status).toBe(200);
  expect((await as(token, '/session')).status).toBe(200);
  const before = await page();
  expect(before.sum(name('decisions_total'))).toBe(6);
  expect(before.sum(name('decisions_total'), { request: 'activity', decision: 'call' })).toBe(1);
  expect(before.sum(name('decisions_total'), { request: 'activity', decision: 'window-closed' })).toBe(4);
  expect(before.sum(name('decisions_total'), { request: 'background', decision: 'trusted' })).toBe(1);
  expect(before.sum(name('am_calls_saved_total'))).toBe(5);
  expect(before.sum(name('am_calls_total'))).toBe(
    stack.am.journal.filter(({ action }) => action === 'refresh' || action === 'getSessionInfo').length,
  );
  expect(before.sum(name('am_call_duration_seconds_count'))).toBe(before.sum(name('am_calls_total')));
  expect(before.sum(name('am_call_duration_seconds_sum'))).toBeGreaterThan(0);
  expect(before.sum(name('sessions'))).toBe(1);
  expect(before.sum(name('am_up'))).toBe(1);

  expect((await as(token, '/logout', { method: 'POST' })).status).toBe(200);
  expect((await as(token, '/api/x')).status).toBe(401);
  const after = await page();
  expect(after.sum(name('logouts_total'))).toBe(1);
  expect(after.sum(name('logouts_total'), { outcome: 'ended' })).toBe(1);
  expect(after.sum(name('am_calls_total'), { action: 'logout', outcome: 'ended' })).toBe(1);
  expect(after.sum(name('decisions_total'), { decision: 'ended' })).toBe(1);
  expect(after.sum(name('refused_requests_total'), { code: 'session_ended' })).toBe(1);
  expect(after.sum(name('sessions'))).toBe(0);
});

each('%s counts requests that are refused, redirects to the login page too', async (_form, start) => {
  const { url, as, page, stack } = await start();
  await request(url, '/api/x', { headers: fetchHeaders });
  await request(url, '/api/x', { headers: navigationHeaders });
  await as(stack.am.login(), '/api/x', { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } });
  await request(url, '/api/%2e%2e/x');
  await request(url, '/livez', { method: 'DELETE' });
  stack.upstream.answer = (req) => void req.socket.destroy();
  expect((await request(url, '/public/x')).status).toBe(502);
  expect((await request(url, '/session')).json()['authenticated']).toBe(false);
  const read = await page();
  const refused = (code: string) => read.sum(name('refused_requests_total'), { code });
  expect(refused('session_missing')).toBe(2);
  expect(refused('cross_site_request')).toBe(1);
  expect(refused('bad_request_target')).toBe(1);
  expect(refused('method_not_allowed')).toBe(1);
  expect(refused('upstream_unavailable')).toBe(1);
  expect(read.sum(name('refused_requests_total'))).toBe(6);
});

each('%s tells an outage of AM, and its end', async (_form, start) => {
  const { stack, as, page } = await start();
  const token = stack.am.login();
  await as(token, '/api/x');
  const leaver = stack.am.login();
  await as(leaver, '/api/x');
  await stack.am.stop();
  expect((await as(leaver, '/logout', { method: 'POST' })).status).toBe(202);
  await eventually(async () => (await as(token, '/api/x')).status === 503);
  const away = await page();
  expect(away.sum(name('am_up'))).toBe(0);
  expect(away.sum(name('logouts_waiting'))).toBe(1);
  expect(away.sum(name('logouts_total'), { outcome: 'pending' })).toBe(1);
  expect(away.sum(name('refused_requests_total'), { code: 'am_unavailable' })).toBeGreaterThan(0);
  const failed = ['connect', 'reset'].reduce(
    (sum, outcome) => sum + (away.sum(name('am_calls_total'), { outcome }) ?? 0),
    0,
  );
  expect(failed).toBeGreaterThan(1);
  await stack.am.start();
  await eventually(async () => (await page()).sum(name('am_up')) === 1, 15_000);
  await eventually(async () => (await page()).sum(name('logouts_waiting')) === 0, 15_000);
});

each('%s counts open sockets and event streams', async (_form, start) => {
  const { stack, url, as, page } = await start();
  const token = stack.am.login();
  const cookie = `${stack.am.cookieName}=${token}`;
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/socket`, { headers: { cookie } });
  await once(socket, 'open');
  let end: (() => void) | undefined;
  stack.upstream.answer = (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    end = () => void res.end();
  };
  const streamed = as(token, '/api/events', { headers: { accept: 'text/event-stream' } });
  await eventually(async () => (await page()).sum(name('open_streams')) === 2);
  expect((await page()).sum(name('open_streams'), { kind: 'websocket' })).toBe(1);
  end?.();
  await streamed;
  await eventually(async () => (await page()).sum(name('open_streams')) === 1);
  socket.close();
  await eventually(async () => (await page()).sum(name('open_streams')) === 0);
});

each('%s tells nothing about anybody: no token, no session, no user, no path, no address', async (_form, start) => {
  const { stack, as, page } = await start();
  const token = stack.am.login();
  await as(token, '/api/very-own-path?with=a-query');
  await as(token, '/api/x', { headers: { 'x-request-id': 'my-request-id' } });
  await as(token, '/logout', { method: 'POST' });
  await as('AQIC5-invented-token', '/api/x');
  const { text } = await page();
  for (const told of [token, token.slice(0, 12), stack.am.hash(token), 'demo', 'very-own', 'a-query', 'my-request-id'])
    expect(text).not.toContain(told);
  for (const told of ['AQIC5', '127.0.0.1', '/api', '/public']) expect(text).not.toContain(told);
});

each('%s says 0 of what has not happened yet, and follows the rules of Prometheus for names', async (_form, start) => {
  const read = await (await start()).page();
  const ours = [...read.types].filter(([each_]) => each_.startsWith('am_session_proxy_'));
  expect(ours.length).toBeGreaterThan(12);
  for (const [metric, type] of ours) {
    expect(metric.endsWith('_total'), metric).toBe(type === 'counter');
    if (type === 'histogram') expect(metric).toMatch(/_seconds$/);
    // something of each is there
    expect(read.sum(type === 'histogram' ? `${metric}_count` : metric), metric).toBeDefined();
  }
  expect(read.sum(name('am_calls_total'), { action: 'logout', outcome: 'refused' })).toBe(0);
  expect(read.sum(name('refused_requests_total'), { code: 'internal_error' })).toBe(0);
  expect(read.sum(name('build_info'))).toBe(1);
  expect(read.text).not.toContain('redis_up');
});

each('%s does not show the page to browsers', async (_form, start) => {
  const { url } = await start();
  const answer = await request(url, '/metrics');
  expect(answer.status).toBe(404);
  expect(answer.body).not.toContain('am_session_proxy');
});

const ofProcess = [
  'process_cpu_seconds_total',
  'process_resident_memory_bytes',
  'process_open_fds',
  'nodejs_heap_size_used_bytes',
  'nodejs_eventloop_lag_p99_seconds',
  'nodejs_gc_duration_seconds_count',
];

test('the command tells about its process', async () => {
  const read = await (await asCommand()).page();
  for (const usual of ofProcess) expect(read.sum(usual), usual).toBeDefined();
});

test('a mounted proxy leaves the figures of the process to its app', async () => {
  const read = await (await mounted()).page();
  expect([...read.types.keys()].filter((each_) => !each_.startsWith('am_session_proxy_'))).toEqual([]);
});

test('the command counts what it finds nothing for', async () => {
  const { url, page } = await asCommand();
  const answer = await request(url, '/nowhere');
  expect(answer.status).toBe(404);
  expect(answer.json()['code']).toBe('not_found');
  expect((await page()).sum(name('refused_requests_total'), { code: 'not_found' })).toBe(1);
});

test('the command counts an index page that it cannot send', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'metrics-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'index.html'), 'the page');
  const { url, page } = await asCommand({ STATIC_DIR: folder });
  rmSync(join(folder, 'index.html'));
  symlinkSync('index.html', join(folder, 'index.html'));
  expect((await request(url, '/orders', { headers: navigationHeaders })).status).toBe(500);
  const read = await page();
  expect(read.sum(name('refused_requests_total'), { code: 'internal_error' })).toBe(1);
  expect(read.sum(name('refused_requests_total'))).toBe(1);
});

test('the command counts what its server refuses before anybody looks at it', async () => {
  const { url, page } = await asCommand();
  await rawRequest(url, `GET / HTTP/1.1\r\nHost: x\r\nCookie: ${'x'.repeat(20_000)}\r\n\r\n`);
  await rawRequest(url, 'no request at all\r\n\r\n');
  await rawRequest(url, 'GET / HTTP/1.1\r\n\r\n');
  const read = await page();
  expect(read.sum(name('refused_requests_total'), { code: 'headers_too_large' })).toBe(1);
  expect(read.sum(name('refused_requests_total'), { code: 'bad_request' })).toBe(2);
});
