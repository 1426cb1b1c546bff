// The shared store may be slow, full, or gone: nobody waits for it for long, and its state is said once per change.

import type { Clock, Timer } from '../clock.js';
import type { KeeperMeter } from './meter.js';
import type { Logger } from '../ops/log.js';
import type { SessionStore, StoreOperation } from '../store/session-store.js';

/** `connecting`: neither an answer nor a failure since the start. */
export type StoreState = 'connecting' | 'up' | 'away';

export interface StoreGuard {
  readonly state: StoreState;
  /** Why it is not up, in words of the store's client; undefined: it is, or nobody knows. */
  readonly failure: string | undefined;
  /** Runs the operation; undefined where the store is away, fails, or does not answer within 50 ms. Never rejects. */
  run<T>(operation: StoreOperation, call: (store: SessionStore) => Promise<T>): Promise<T | undefined>;
  /** The same for what is no loss where it fails: that says nothing of whether the store is there. */
  runOptional(operation: StoreOperation, call: (store: SessionStore) => Promise<void>): Promise<void>;
  /** Begins to look whether the store is there. */
  start(): void;
  /** It may be there again: there is a connection. */
  lookSoon(): void;
  close(): Promise<void>;
}

export interface StoreGuardOptions {
  readonly store: SessionStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter: KeeperMeter;
  readonly random: () => number;
  /** Called each time that the store is there, after the start and after an outage. */
  readonly onUp: () => void;
  /** Called every few seconds while it is there. */
  readonly onWell: () => void;
}

/** No request waits longer than this for the store. */
const patienceMs = 50;
/** A timer that fires later than this was held up by our own work, and so was the answer that it did not see. */
const ownDelayMs = 5;
/** A single slow answer is no outage. */
const timeoutsMax = 3;
/** How long a store may take to connect at the start before it is said to be away. */
const connectMs = 3_000;
const connectingCheckMs = 25;
/** A node with nothing to do must know too whether the store is there, for its probe and its metrics. */
const idleCheckMs = 2_000;
const firstCheckMs = 500;
const longestCheckMs = 5_000;
/** A store that was there for longer than this before it went is looked for quickly again. */
const stableMs = 30_000;

export function createStoreGuard({ store, clock, log, meter, random, onUp, onWell }: StoreGuardOptions): StoreGuard {
  let state: StoreState = 'connecting';
  let changedAt = clock.now();
  let timeouts = 0;
  let lastTimeoutAt = -Infinity;
  let outages = 0;
  let timer: Timer | undefined;
  /** The log says that it is away. */
  let isSaid = false;
  let failure: string | undefined;
  let closed = false;

  const isUp = () => state === 'up';

  /** Resolves with `late` when the patience is over; rejects as the operation does. */
  function withinPatience<T>(operation: Promise<T>): Promise<T | typeof late> {
    return new Promise((resolve, reject) => {
      let dueAt = clock.now() + patienceMs;
      let waiting = clock.setTimer(giveUp, patienceMs);
      function giveUp(): void {
        if (clock.now() - dueAt <= ownDelayMs) return resolve(late);
        // the answer may have arrived and only not been read yet: what arrives is read before the next timer
        dueAt = clock.now();
        waiting = clock.setTimer(giveUp, 0);
      }
      operation.then(resolve, reject).finally(() => clock.clearTimer(waiting));
    });
  }

  async function attempt<T>(name: StoreOperation, call: (store: SessionStore) => Promise<T>): Promise<T | typeof late> {
    const at = clock.now();
    try {
      const result = await withinPatience(call(store));
      meter.stored(name, result === late ? 'timeout' : 'ok', clock.now() - at);
      return result;
    } catch (error) {
      // before there is a connection nothing has failed
      if (state !== 'connecting') meter.stored(name, 'error', clock.now() - at);
      throw error;
    }
  }

  async function run<T>(name: StoreOperation, call: (store: SessionStore) => Promise<T>): Promise<T | undefined> {
    if (state !== 'up') {
      meter.stored(name, 'skipped', 0);
      return undefined;
    }
    const at = clock.now();
    try {
      const result = await attempt(name, call);
      if (result === late) {
        // those that were under way together met the same stall
        if (at >= lastTimeoutAt) {
          timeouts++;
          lastTimeoutAt = clock.now();
        }
        if (timeouts >= timeoutsMax) away('timeout');
        return undefined;
      }
      timeouts = 0;
      return result;
    } catch (error) {
      away(reasonOf(error));
      return undefined;
    }
  }

  async function runOptional(name: StoreOperation, call: (store: SessionStore) => Promise<void>): Promise<void> {
    if (state !== 'up') return meter.stored(name, 'skipped', 0);
    try {
      await attempt(name, call);
    } catch {
      // counted
    }
  }

  function away(detail: string): void {
    if (state === 'away' || closed) return;
    const now = clock.now();
    outages = state === 'up' && now - changedAt > stableMs ? 1 : outages + 1;
    state = 'away';
    changedAt = now;
    sayAway(detail);
    checkIn(nextCheckMs());
  }

  /** Once for each time that it goes; how it fails later on is in `failure`. */
  function sayAway(detail: string): void {
    failure = detail;
    if (isSaid) return;
    isSaid = true;
    log.warn(
      { redis: 'away', detail },
      'the shared store does not answer: each node goes by what it knows, and a logout reaches the others later',
    );
  }

  function up(): void {
    const before = state;
    const awayMs = clock.now() - changedAt;
    state = 'up';
    changedAt = clock.now();
    timeouts = 0;
    if (isSaid) log.warn({ redis: 'up', awayS: Math.round(awayMs / 1000) }, 'the shared store answers again');
    else if (before === 'connecting') log.info({ redis: 'up' }, 'the shared store answers');
    isSaid = false;
    checkIn(nextCheckMs());
    onUp();
  }

  /** Spread, so that the nodes of a cluster do not come back together. */
  function nextCheckMs(): number {
    const ms = isUp() ? idleCheckMs : Math.min(longestCheckMs, firstCheckMs * 2 ** Math.min(outages - 1, 10));
    return ms * (0.5 + random());
  }

  function checkIn(ms: number): void {
    if (timer) clock.clearTimer(timer);
    timer = closed ? undefined : clock.setTimer(() => void check(), ms);
  }

  async function check(): Promise<void> {
    if (isUp()) {
      await run('check', (shared) => shared.check());
      // it may have gone meanwhile
      if (isUp()) {
        onWell();
        checkIn(nextCheckMs());
      }
      return;
    }
    let detail: string | undefined;
    try {
      if ((await attempt('check', (shared) => shared.check())) === late) detail = 'timeout';
    } catch (error) {
      detail = reasonOf(error);
    }
    if (closed) return;
    if (detail === undefined) return up();
    const isPatient = state === 'connecting' && clock.now() - changedAt < connectMs;
    if (isPatient) return checkIn(connectingCheckMs);
    if (state === 'connecting') return away(detail);
    sayAway(detail);
    checkIn(nextCheckMs());
  }

  return {
    get state() {
      return state;
    },
    get failure() {
      return state === 'up' ? undefined : failure;
    },
    run,
    runOptional,
    start: () => void check(),
    lookSoon() {
      if (state === 'away') checkIn(random() * firstCheckMs);
    },
    async close() {
      closed = true;
      if (timer) clock.clearTimer(timer);
      try {
        if ((await withinPatience(store.close())) === late) log.warn({}, 'the shared store takes long to close');
      } catch (error) {
        log.warn({ detail: reasonOf(error) }, 'the shared store could not be closed');
      }
    },
  };
}

const late = Symbol('late');

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 200) : 'unknown';
}
