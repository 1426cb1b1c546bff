// Time as everything here knows it: injected, so that hours pass in a test within milliseconds.

import { performance } from 'node:perf_hooks';

/** A timer that never keeps the process alive. */
export type Timer = object;

export interface Clock {
  /** Monotonic milliseconds from an arbitrary start; a step of the wall clock does not move it. */
  now(): number;
  /** Wall clock, milliseconds since 1970: only to notice that the machine slept. */
  wall(): number;
  setTimer(callback: () => void, ms: number): Timer;
  clearTimer(timer: Timer): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  setTimer: (callback, ms) => setTimeout(callback, ms).unref(),
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made by setTimer above
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
