// Said once, or once in a while: what would otherwise stand in the log for every request.

import type { Clock } from '../clock.js';

/** Makes a question that is true the first time that it is asked for a key. */
export function createOnce(): (key: string) => boolean {
  const said = new Set<string>();
  return (key) => {
    const isFirst = !said.has(key);
    said.add(key);
    return isFirst;
  };
}

/** The same again after a while: what goes on must be found in the log, and nobody who brings it about may fill it. */
export function createOnceInAWhile(clock: Clock, everyMs: number): (key?: string) => boolean {
  const saidAt = new Map<string, number>();
  return (key = '') => {
    const now = clock.now();
    if (now - (saidAt.get(key) ?? -Infinity) < everyMs) return false;
    saidAt.set(key, now);
    return true;
  };
}

/**
 * The same, and tells how many times it was asked since the last time that it said yes, this one included: so many stand
 * behind the one line. 0: not now. Keys are as many as the code has, never what others send.
 */
export function createCount(clock: Clock, everyMs: number): (key?: string) => number {
  const mayAgain = createOnceInAWhile(clock, everyMs);
  const counts = new Map<string, number>();
  return (key = '') => {
    const count = (counts.get(key) ?? 0) + 1;
    const isSaid = mayAgain(key);
    counts.set(key, isSaid ? 0 : count);
    return isSaid ? count : 0;
  };
}
