// AM's own clock: another machine's time, which tests may move forward.

/** What the simulator needs of a clock; timers must not keep the process alive. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary start. */
  now(): number;
  /** Milliseconds since 1970. */
  wall(): number;
  setTimer(callback: () => void, ms: number): object;
  clearTimer(timer: object): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  setTimer: (callback, ms) => setTimeout(callback, ms).unref(),
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it came from setTimer
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

export interface AmClock {
  /** AM's time in milliseconds since 1970. */
  now(): number;
  /** Moves AM's time forward; timers are left alone. */
  advance(seconds: number): void;
}

/** Some thirty years: far within what a Date can say. */
export const MAX_SECONDS = 1e9;

/** The wall clock is read once: a later step of it on this machine is none on AM's. */
export function createAmClock(clock: Clock, skewS: number): AmClock {
  let offsetMs = clock.wall() - clock.now() + skewS * 1000;
  return {
    now: () => Math.floor(clock.now() + offsetMs),
    advance: (seconds) => {
      if (!(seconds >= 0 && seconds <= MAX_SECONDS)) {
        throw new TypeError(`advance: seconds must be a number from 0 to ${MAX_SECONDS}, not ${seconds}`);
      }
      offsetMs += seconds * 1000;
    },
  };
}
