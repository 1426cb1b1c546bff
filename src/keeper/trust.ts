// How long AM's last word on a session stands without asking again.

import type { Flavor } from '../am/flavor.js';
import type { Clock } from '../clock.js';
import type { TrackedSession } from './tracked-session.js';

/** OpenAM asked at its own idle deadline says alive and starts the idle time anew: ask later than that. */
const deadlineMarginMs = 2_000;

/** A step between monotonic and wall clock that means: the machine slept. */
const sleepMs = 5_000;

export interface Trust {
  /** AM's last word stands: confirmed no longer than the trust time ago, and within AM's own deadlines. */
  covers(session: TrackedSession, now: number): boolean;
  /** The same for activity inside the window: where every call is a touch, AM's deadlines serve instead of trust. */
  coversInWindow(session: TrackedSession, now: number): boolean;
  /** The same for a look, which where every call is a touch must not come at the deadline itself. */
  spares(session: TrackedSession, now: number): boolean;
  /** A machine that slept knows nothing of what AM did meanwhile, and its monotonic clock stood still: trust is void. */
  noticeSleep(now: number): void;
}

export function createTrust(trustMs: number, flavor: Flavor, clock: Clock): Trust {
  let clocksApart = clock.wall() - clock.now();
  let validSince = -Infinity;

  const covers = (session: TrackedSession, now: number) =>
    now - session.confirmedAt <= trustMs &&
    session.confirmedAt >= validSince &&
    now < session.idleDeadline &&
    now < session.maxDeadline;

  const withinDeadlines = (session: TrackedSession, now: number, marginMs: number) =>
    session.idleDeadline === Infinity
      ? covers(session, now)
      : session.confirmedAt >= validSince && now < session.idleDeadline + marginMs && now < session.maxDeadline;

  return {
    covers,
    coversInWindow: flavor.everyCallResets ? (session, now) => withinDeadlines(session, now, 0) : covers,
    spares: flavor.everyCallResets ? (session, now) => withinDeadlines(session, now, deadlineMarginMs) : covers,
    noticeSleep(now) {
      const apart = clock.wall() - now;
      if (Math.abs(apart - clocksApart) <= sleepMs) return;
      clocksApart = apart;
      validSince = now;
    },
  };
}
