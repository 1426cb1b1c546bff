// A clock that stands still until it is advanced: minutes of timers run in seconds, in their order.

/** Times are in steps of a millisecond; timers of one millisecond run in the order in which they were set. */
export function createVirtualClock() {
  const beganAt = Date.UTC(2026, 10, 22);
  const due = new Map();
  let now = 1_000;
  let timers = 0;

  return {
    now: () => now,
    wall: () => beganAt + now,
    setTimer(callback, ms) {
      const at = Math.max(Math.ceil(now + ms), now + 1);
      const timer = { callback, at };
      const list = due.get(at);
      if (list) list.push(timer);
      else due.set(at, [timer]);
      timers++;
      return timer;
    },
    clearTimer(timer) {
      if (timer.callback === undefined) return;
      timer.callback = undefined;
      timers--;
      // nothing may stay until its time that is not wanted any more
      const list = due.get(timer.at);
      if (list?.every(({ callback }) => callback === undefined)) due.delete(timer.at);
    },
    advance(ms) {
      const until = now + ms;
      while (now < until) {
        now++;
        const list = due.get(now);
        if (!list) continue;
        due.delete(now);
        for (const timer of list) {
          const { callback } = timer;
          if (callback === undefined) continue;
          timer.callback = undefined;
          timers--;
          callback();
        }
      }
    },
    get timers() {
      return timers;
    },
  };
}
