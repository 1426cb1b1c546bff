// What is said at once each time that it happens, but not more often than a log can bear.

import type { Clock } from '../clock.js';

/** Makes a question that is true at most `most` times within any `withinMs`. */
export function createCeiling(clock: Clock, most: number, withinMs: number): () => boolean {
  let times: number[] = [];
  return () => {
    const now = clock.now();
    times = times.filter((at) => now - at < withinMs);
    if (times.length >= most) return false;
    times.push(now);
    return true;
  };
}
