// The metrics page: the names and what they mean, in the text format of Prometheus.

import type { RequestListener } from 'node:http';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { AmState } from '../am/presence.js';
import type { KeeperStats } from '../keeper/keeper.js';
import type { KeeperMeter } from '../keeper/meter.js';
import { canAnswer, problemCodes, sendProblem, type ProblemCode } from '../problem.js';
import type { StreamKind } from '../proxy/streams.js';
import { callsSaved, countDecision, noCounts } from './counts.js';
import type { ReportError } from './log.js';

export interface Metrics {
  readonly meter: KeeperMeter;
  /** A request was refused with this problem, or sent to the login page because of it. */
  refused(code: ProblemCode): void;
  /** Answers the page, whatever is asked for. */
  readonly page: RequestListener;
  /** What is on the page, for the command to add the figures of its process. */
  readonly registry: Registry;
}

export interface MetricsOptions {
  readonly version: string;
  readonly sessionsMax: number;
  /** Whether the nodes share a store. */
  readonly hasStore: boolean;
  /** What holds when the page is read. */
  readonly now: Now;
  readonly reportError: ReportError;
}

interface Now {
  am(): AmState;
  keeper(): KeeperStats;
  openStreams(): Readonly<Record<StreamKind, number>>;
  /** Of the store that the nodes share; undefined without one. */
  store(): string | undefined;
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

const prefix = 'am_session_proxy_';
/** In seconds, as far as AM_TIMEOUT_MS by default and a little beyond. */
const callBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5];
/** Nothing waits for the store longer than 50 ms. */
const storeBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];

export function createMetrics({ version, sessionsMax, hasStore, now, reportError }: MetricsOptions): Metrics {
  // of its own: a process may hold several proxies, and metrics of the team's
  const registry = new Registry();
  const counts = noCounts(problemCodes);
  let logoutsGivenUp = 0;

  function counter(name: string, help: string, labelNames: readonly string[], samples: () => readonly Sample[]): void {
    const metric = new Counter({
      name: prefix + name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        metric.reset();
        for (const [labels, value] of samples()) metric.inc(labels, value);
      },
    });
  }

  function gauge(name: string, help: string, value: () => number): void {
    const registers = [registry];
    const metric: Gauge = new Gauge({ name: prefix + name, help, registers, collect: () => metric.set(value()) });
  }

  /** Returns what observes milliseconds. */
  function histogram(name: string, help: string, label: string, values: readonly string[], buckets: number[]) {
    const metric = new Histogram({ name: prefix + name, help, labelNames: [label], buckets, registers: [registry] });
    for (const value of values) metric.zero({ [label]: value });
    return (value: string, ms: number): void => metric.observe({ [label]: value }, ms / 1000);
  }

  new Gauge({
    name: `${prefix}build_info`,
    help: 'Always 1; the version is the label.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version }, 1);

  counter(
    'am_calls_total',
    "Calls to AM by what was asked (refresh, peek, logout) and what came of it. alive, dead, ended: AM's word. ignored: alive, but the refresh came too early for AM. refused: a 4xx or 501, configuration. connect, timeout, reset, bad-answer: no usable answer. busy: never sent, AM_MAX_CONCURRENCY was reached. aborted: cut by us.",
    ['action', 'outcome'],
    () => labelled('action', 'outcome', counts.calls),
  );
  const callTook = histogram(
    'am_call_duration_seconds',
    'How long AM took, from the call to the end of its answer or to AM_TIMEOUT_MS.',
    'action',
    Object.keys(counts.calls),
    callBuckets,
  );
  gauge(
    'am_up',
    '1: the last word about AM is that it answers. 0: it is away, or has not answered since the start.',
    () => (now.am() === 'up' ? 1 : 0),
  );
  gauge(
    'am_calls_in_flight',
    'Calls that wait for AM; with Redis also those that ask it first whether AM has to be called.',
    () => now.keeper().calls,
  );
  gauge(
    'am_calls_waiting',
    'Calls that wait for their turn, as AM_MAX_CONCURRENCY are in flight.',
    () => now.keeper().callsWaiting,
  );

  counter(
    'decisions_total',
    'Requests about a session, by kind (activity, background) and by what was decided. call: AM was asked; with Redis the other nodes first, which may spare AM the call. The others say why nobody was asked: window-closed, trusted (AM confirmed it lately), call-in-flight (shares its answer), backing-off (AM just failed), dead, ended.',
    ['request', 'decision'],
    () => labelled('request', 'decision', counts.decisions),
  );
  counter(
    'am_calls_saved_total',
    'Requests about a session that were decided without a call: all decisions but call. A call that the other nodes spared AM is not counted.',
    [],
    () => [[{}, callsSaved(counts)]],
  );
  gauge('sessions', 'Sessions that AM confirmed and that are kept in memory.', () => now.keeper().sessions);
  gauge('sessions_limit', 'SESSIONS_MAX: above it the least recently used are forgotten.', () => sessionsMax);
  const openStreams: Gauge = new Gauge({
    name: `${prefix}open_streams`,
    help: 'Open WebSockets (from their handshake on) and event streams.',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      for (const [kind, value] of Object.entries(now.openStreams())) openStreams.set({ kind }, value);
    },
  });

  counter(
    'logouts_total',
    'Logouts by how far they came at AM. pending: AM has not answered and is told again. refused: ended here, AM refused. unqueueable: ended here, AM has not answered and is not told again.',
    ['outcome'],
    () => Object.entries(counts.logouts).map(([outcome, value]) => [{ outcome }, value]),
  );
  gauge(
    'logouts_waiting',
    'Logouts that AM has not heard of yet and is told again.',
    () => now.keeper().logoutsWaiting,
  );
  counter(
    'logouts_given_up_total',
    'Logouts that AM was told again in vain: ended here, alive at AM until its own time-out.',
    [],
    () => [[{}, logoutsGivenUp]],
  );
  counter(
    'refused_requests_total',
    'Requests that were refused, by the code of the problem; a redirect to the login page counts as well. upstream_unavailable and upstream_timeout are failures of an API.',
    ['code'],
    () => Object.entries(counts.problems).map(([code, value]) => [{ code }, value]),
  );

  let storeTook: ReturnType<typeof histogram> | undefined;
  if (hasStore) {
    gauge('redis_up', '1: Redis answers. 0: it does not, and each node throttles for itself.', () =>
      now.store() === 'up' ? 1 : 0,
    );
    counter(
      'redis_operations_total',
      'Operations on Redis by what came of them. skipped: not tried while Redis is away.',
      ['operation', 'outcome'],
      () => labelled('operation', 'outcome', counts.stored),
    );
    storeTook = histogram(
      'redis_operation_duration_seconds',
      'How long Redis took; nothing waits longer than 50 ms.',
      'operation',
      Object.keys(counts.stored),
      storeBuckets,
    );
  }

  /** Shared by all who ask while it is made: a flood of requests must not keep the process busy with pages. */
  let pending: Promise<string> | undefined;

  function render(): Promise<string> {
    pending ??= registry.metrics().finally(() => (pending = undefined));
    return pending;
  }

  return {
    meter: {
      decided(request, decision) {
        countDecision(request === 'activity' ? counts.decisions.activity : counts.decisions.background, decision);
      },
      called(action, outcome, tookMs) {
        const ofAction = counts.calls[action];
        ofAction[outcome] = (ofAction[outcome] ?? 0) + 1;
        // these say nothing about AM
        if (outcome !== 'busy' && outcome !== 'aborted') callTook(action, tookMs);
      },
      loggedOut(outcome) {
        counts.logouts[outcome]++;
      },
      gaveUp() {
        logoutsGivenUp++;
      },
      stored(operation, outcome, tookMs) {
        counts.stored[operation][outcome]++;
        if (outcome !== 'skipped') storeTook?.(operation, tookMs);
      },
    },
    refused(code) {
      counts.problems[code] = (counts.problems[code] ?? 0) + 1;
    },
    page(_req, res) {
      res.setHeader('cache-control', 'no-store');
      res.setHeader('x-content-type-options', 'nosniff');
      render().then(
        (text) => {
          if (canAnswer(res)) res.setHeader('content-type', registry.contentType).end(text);
        },
        (error: unknown) => {
          reportError(error, 'the metrics page could not be made');
          if (canAnswer(res)) sendProblem(res, 'internal_error');
        },
      );
    },
    registry,
  };
}

/** A table of two labels, row by row. */
function labelled(first: string, second: string, table: Readonly<Record<string, object>>): Sample[] {
  return Object.entries(table).flatMap(([row, values]) =>
    Object.entries(values).map(([column, value]): Sample => [{ [first]: row, [second]: column }, Number(value)]),
  );
}
