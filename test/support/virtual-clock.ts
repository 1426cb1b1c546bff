// A clock that stands still until it is advanced: hours of timers run in milliseconds, in their order.

import type { Clock } from '../../src/clock.js';

export interface VirtualClock extends Clock {
  /** Runs all timers that become due within the next `ms`, each at its time, and what they set off. */
  advance(ms: number): Promise<void>;
  /** Steps the wall clock alone. */
  stepWall(ms: number): void;
  /** Timers that are set. */
  readonly timers: number;
}

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** @param start monotonic ms, not a whole second so that rounding shows; the wall clock begins in 2026 */
export function createVirtualClock(start = 123.4): VirtualClock {
  let now = start;
  let wallOffset = Date.UTC(2026, 10, 22) - start;
  let order = 0;
  const timers = new Set<Entry>();

  function nextDue(until: number): Entry | undefined {
    let next: Entry | undefined;
    for (const entry of timers) {
      if (entry.at > until) continue;
      if (!next || entry.at < next.at || (entry.at === next.at && entry.order < next.order)) next = entry;
    }
    return next;
  }

  return {
    now: () => now,
    wall: () => now + wallOffset,
    setTimer(callback, ms) {
      const entry: Entry = { at: now + Math.max(0, ms), order: order++, callback };
      timers.add(entry);
      return entry;
    },
    clearTimer: (timer) => void timers.delete(timer as Entry),
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (let next = nextDue(until); next; next = nextDue(until)) {
        timers.delete(next);
        now = next.at;
        next.callback();
        await settle();
      }
      now = until;
    },
    stepWall(ms) {
      wallOffset += ms;
    },
    get timers() {
      return timers.size;
    },
  };
}

/** Lets all promises run that wait for nothing but each other. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
