// Metrics cost next to nothing, several proxies do not meet in them, and a page that cannot be made is told.

import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../src/clock.js';
import { createErrorReport } from '../src/ops/log.js';
import { createMetrics } from '../src/ops/metrics.js';
import { request } from './support/http.js';
import { recordingLogger } from './support/log.js';
import { scrape } from './support/metrics.js';
import { pause } from './support/stack.js';

/** @param am asked once for each page that is made */
async function measured(am: () => 'up' = () => 'up') {
  const lines: string[] = [];
  const metrics = createMetrics({
    version: '1.2.3',
    sessionsMax: 10,
    hasStore: false,
    now: {
      am,
      keeper: () => ({ sessions: 1, calls: 2, callsWaiting: 3, logoutsWaiting: 4 }),
      openStreams: () => ({ websocket: 5, 'event-stream': 6 }),
      store: () => undefined,
    },
    reportError: createErrorReport(recordingLogger(lines), systemClock),
  });
  const server = http.createServer(metrics.page).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { metrics, lines, url, page: () => scrape(url) };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Resolves when every observer was told of a garbage collection. */
async function afterGarbageCollection(): Promise<void> {
  const told = new Promise<void>((resolve) => {
    const observer = new PerformanceObserver(() => {
      observer.disconnect();
      resolve();
    });
    observer.observe({ entryTypes: ['gc'] });
  });
  collectGarbage();
  await told;
  await pause(10);
}

test('two proxies in one process count for themselves', async () => {
  const [first, second] = [await measured(), await measured()];
  first.metrics.meter.decided('activity', 'trusted');
  first.metrics.refused('session_missing');
  expect((await first.page()).sum('am_session_proxy_decisions_total')).toBe(1);
  const other = await second.page();
  expect(other.sum('am_session_proxy_decisions_total')).toBe(0);
  expect(other.sum('am_session_proxy_refused_requests_total')).toBe(0);
});

test('a decision is counted without an object being made', async () => {
  const { metrics } = await measured();
  const decisions = ['window-closed', 'trusted', 'call', 'call-in-flight', 'backing-off', 'dead', 'ended'] as const;
  const count = (): void => {
    for (const decision of decisions) metrics.meter.decided('activity', decision);
  };
  for (let n = 0; n < 20_000; n++) count();
  let collections = 0;
  const observer = new PerformanceObserver((list) => void (collections += list.getEntries().length));
  await afterGarbageCollection();
  observer.observe({ entryTypes: ['gc'] });
  for (let n = 0; n < 1_000_000; n++) count();
  await pause(20);
  observer.disconnect();
  // seven million objects do not fit in without a dozen
  expect(collections).toBeLessThan(3);
});

test('who asks while a page is made gets the same one, who asks later a new one', async () => {
  let made = 0;
  const { metrics } = await measured(() => {
    made++;
    return 'up';
  });
  // in one turn of the loop, as pipelined requests come
  const pipelining = http.createServer((req, res) => {
    for (let n = 0; n < 100; n++) metrics.page(req, new http.ServerResponse(req));
    metrics.page(req, res);
  });
  pipelining.listen(0, '127.0.0.1');
  await once(pipelining, 'listening');
  onTestFinished(() => void pipelining.close());
  const pageUrl = `http://127.0.0.1:${(pipelining.address() as AddressInfo).port}/`;
  expect((await scrape(pageUrl)).sum('am_session_proxy_am_up')).toBe(1);
  expect(made).toBe(1);
  metrics.refused('not_found');
  expect((await scrape(pageUrl)).sum('am_session_proxy_refused_requests_total')).toBe(1);
  expect(made).toBe(2);
});

test('a page that cannot be made is answered with 500 and told in the log, and the next one is tried anew', async () => {
  let isBroken = true;
  const { url, page, lines } = await measured(() => {
    if (isBroken) throw new Error('no word about AM');
    return 'up';
  });
  const answer = await request(url, '/');
  expect(answer.status).toBe(500);
  expect(answer.json()['code']).toBe('internal_error');
  expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
    { level: 'error', message: 'the metrics page could not be made', error: 'Error: no word about AM' },
  ]);
  isBroken = false;
  expect((await page()).sum('am_session_proxy_am_up')).toBe(1);
});
