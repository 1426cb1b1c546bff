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
  // a heap: ten thousand sessions have as many timers; those that were cleared stay in it until their time
  const heap: Entry[] = [];

  function push(entry: Entry): void {
    let i = heap.push(entry) - 1;
    for (let up = (i - 1) >> 1; i > 0 && isBefore(entry, heap[up]!); up = (i - 1) >> 1) {
      heap[i] = heap[up]!;
      i = up;
    }
    heap[i] = entry;
  }

  function pop(): void {
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let down = 2 * i + 1;
      if (down >= heap.length) break;
      if (down + 1 < heap.length && isBefore(heap[down + 1]!, heap[down]!)) down++;
      if (!isBefore(heap[down]!, last)) break;
      heap[i] = heap[down]!;
      i = down;
    }
    heap[i] = last;
  }

  function nextDue(until: number): Entry | undefined {
    for (let next = heap[0]; next && next.at <= until; next = heap[0]) {
      pop();
      if (timers.delete(next)) return next;
    }
    return undefined;
  }

  return {
    now: () => now,
    wall: () => now + wallOffset,
    setTimer(callback, ms) {
      const entry: Entry = { at: now + Math.max(0, ms), order: order++, callback };
      timers.add(entry);
      push(entry);
      return entry;
    },
    clearTimer: (timer) => void timers.delete(timer as Entry),
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (let next = nextDue(until); next; next = nextDue(until)) {
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

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Lets all promises run that wait for nothing but each other. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
