// Metrics cost next to nothing, several proxies do not meet in them, and nothing of them is left when a proxy is closed.

import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { createMetrics, type Metrics } from '../src/ops/metrics.js';
import { scrape } from './support/metrics.js';
import { eventually, pause } from './support/stack.js';

async function measured(): Promise<{ metrics: Metrics; page: () => ReturnType<typeof scrape> }> {
  const metrics = createMetrics({
    version: '1.2.3',
    sessionsMax: 10,
    hasStore: false,
    now: {
      am: () => 'up',
      keeper: () => ({ sessions: 1, calls: 2, callsWaiting: 3, logoutsWaiting: 4 }),
      openStreams: () => ({ websocket: 5, 'event-stream': 6 }),
      store: () => undefined,
    },
  });
  const server = http.createServer(metrics.page).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    metrics.close();
    server.close();
  });
  return { metrics, page: () => scrape(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`) };
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

const pauses = 'nodejs_gc_duration_seconds_count';
const lag = 'nodejs_eventloop_lag_p99_seconds';

test('the garbage collector and the event loop are watched from the first look at the page on', async () => {
  const { page } = await measured();
  await afterGarbageCollection();
  expect((await page()).sum(pauses)).toBe(0);
  await afterGarbageCollection();
  await eventually(async () => ((await page()).sum(lag) ?? 0) > 0);
  expect((await page()).sum(pauses, { kind: 'major' })).toBeGreaterThan(0);
});

test('the lag is that of the time since the last look', async () => {
  const { page } = await measured();
  await page();
  await pause(50);
  const until = Date.now() + 300;
  while (Date.now() < until);
  await pause(50);
  const busy = await page();
  expect(busy.sum('nodejs_eventloop_lag_max_seconds')).toBeGreaterThan(0.25);
  expect(busy.sum('nodejs_eventloop_lag_p50_seconds')).toBeLessThan(0.25);
  await pause(100);
  expect((await page()).sum('nodejs_eventloop_lag_max_seconds')).toBeLessThan(0.25);
});

test('after close the page is still there, and nothing is watched any more', async () => {
  const { metrics, page } = await measured();
  await page();
  await afterGarbageCollection();
  metrics.meter.loggedOut('ended');
  metrics.close();
  const counted = (await page()).sum(pauses);
  expect(counted).toBeGreaterThan(0);
  await afterGarbageCollection();
  await pause(50);
  const after = await page();
  expect(after.sum(pauses)).toBe(counted);
  expect(after.sum(lag)).toBe(0);
  expect(after.sum('am_session_proxy_logouts_total')).toBe(1);
});

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
