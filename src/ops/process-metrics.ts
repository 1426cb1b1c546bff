// Figures of the process, named as by prom-client's collectDefaultMetrics so that dashboards for Node fit. That one
// cannot be ended: it leaves an observer of the garbage collector and a timer behind for each proxy ever made.

import { readdirSync, readFileSync } from 'node:fs';
import { constants, monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { isRecord } from '../config/parsers.js';

export interface ProcessMetrics {
  /** Begins to watch the event loop and the garbage collector. */
  start(): void;
  /** Ends that for good. */
  stop(): void;
}

/** The event loop is looked at so often: one with nothing to do is this late too. */
const lookMs = 10;

export function measureProcess(registry: Registry): ProcessMetrics {
  const registers = [registry];

  function gauge(name: string, help: string, value?: () => number): Gauge {
    const metric: Gauge = new Gauge({ name, help, registers, ...(value && { collect: () => metric.set(value()) }) });
    return metric;
  }

  const cpu = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time used.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      cpu.reset();
      cpu.inc((user + system) / 1e6);
    },
  });
  const startedAtS = Date.now() / 1000 - process.uptime();
  gauge('process_start_time_seconds', 'When the process started, in seconds since 1970.', () => startedAtS);
  gauge('process_resident_memory_bytes', 'Memory of the process.', () => process.memoryUsage.rss());
  gauge('nodejs_heap_size_used_bytes', 'Memory that JavaScript objects use.', () => process.memoryUsage().heapUsed);
  gauge('nodejs_heap_size_total_bytes', 'Memory kept for JavaScript objects.', () => process.memoryUsage().heapTotal);
  gauge('nodejs_external_memory_bytes', 'Memory of buffers.', () => process.memoryUsage().external);
  new Gauge({
    name: 'nodejs_version_info',
    help: 'Always 1; the version of Node is the label.',
    labelNames: ['version'],
    registers,
  }).set({ version: process.version }, 1);
  // Linux alone tells these
  const filesMax = openFilesMax();
  if (filesMax !== undefined) {
    gauge('process_open_fds', 'Open files and connections.', () => readdirSync('/proc/self/fd').length - 1);
    gauge('process_max_fds', 'Open files and connections that the process may have.', () => filesMax);
  }

  const delay = monitorEventLoopDelay({ resolution: lookMs });
  const since = 'since the page was last read, in seconds; an idle loop is 10 ms late.';
  const median = new Gauge({
    name: 'nodejs_eventloop_lag_p50_seconds',
    help: `How late the event loop was half of the time, ${since}`,
    registers,
    // collected first, for all three
    collect() {
      median.set(seconds(delay.percentile(50)));
      high.set(seconds(delay.percentile(99)));
      worst.set(seconds(delay.max));
      delay.reset();
    },
  });
  const high = gauge('nodejs_eventloop_lag_p99_seconds', `How late the event loop was but for 1 %, ${since}`);
  const worst = gauge('nodejs_eventloop_lag_max_seconds', `How late the event loop was at worst, ${since}`);
  // without a look the figures are those of an empty table
  const seconds = (nanoseconds: number): number => (delay.count > 0 ? nanoseconds / 1e9 : 0);

  const pauses = new Histogram({
    name: 'nodejs_gc_duration_seconds',
    help: 'Pauses of the garbage collector, by kind.',
    labelNames: ['kind'],
    buckets: [0.001, 0.01, 0.1, 1, 2, 5],
    registers,
  });
  for (const kind of gcKinds.values()) pauses.zero({ kind });
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) pauses.observe({ kind: gcKindOf(entry) }, entry.duration / 1000);
  });
  let isNew = true;

  return {
    start() {
      if (!isNew) return;
      isNew = false;
      delay.enable();
      observer.observe({ entryTypes: ['gc'] });
    },
    stop() {
      isNew = false;
      delay.disable();
      observer.disconnect();
    },
  };
}

const gcKinds: ReadonlyMap<unknown, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

function gcKindOf(entry: object): string {
  const detail: unknown = 'detail' in entry ? entry.detail : undefined;
  return (isRecord(detail) && gcKinds.get(detail['kind'])) || 'other';
}

/** Undefined where there is no such limit, or no /proc. */
function openFilesMax(): number | undefined {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const max = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]);
    return max > 0 ? max : undefined;
  } catch {
    return undefined;
  }
}
