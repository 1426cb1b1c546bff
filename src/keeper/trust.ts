// How long AM's last word on a session stands without asking again: trust, and in an outage grace.

import type { Flavor } from '../am/flavor.js';
import type { Clock } from '../clock.js';
import type { TrackedSession } from './tracked-session.js';

/** OpenAM asked at its own idle deadline says alive and starts the idle time anew: ask later than that. */
const deadlineMarginMs = 2_000;

/** A step between monotonic and wall clock that means: the machine slept. */
const sleepMs = 5_000;

export interface Trust {
  /** AM's last word stands: confirmed no longer than the trust time ago, and within AM's own deadlines. */
  forTouch(session: TrackedSession, now: number): boolean;
  /** The same inside the window: where every call is a touch, AM's deadlines serve instead of the trust time. */
  forTouchInWindow(session: TrackedSession, now: number): boolean;
  /** The same for a peek, which where every call is a touch must not come at the deadline itself. */
  forPeek(session: TrackedSession, now: number): boolean;
  /** When a peek would ask AM, monotonic ms. */
  peekDueAt(session: TrackedSession): number;
  /** AM's maximum time as it passes for this machine: its monotonic clock stands still while it sleeps. */
  maximumAt(session: TrackedSession): number;
  /** AM was asked and gave no usable answer: its last word stands for the grace, but never past the maximum time. */
  inOutage(session: TrackedSession, now: number): boolean;
  /**
   * A machine that slept knows nothing of what AM did meanwhile: trust is void once. Its monotonic clock stood still,
   * so sessions count as older by what the wall clock went ahead.
   */
  noticeSleep(now: number): void;
}

export interface TrustOptions {
  readonly trustMs: number;
  readonly graceMs: number;
  readonly flavor: Flavor;
  readonly clock: Clock;
}

export function createTrust({ trustMs, graceMs, flavor, clock }: TrustOptions): Trust {
  let clocksApart = clock.wall() - clock.now();
  // what is in doubt was confirmed before that
  let validSince = -Number.MAX_VALUE;
  let sleptMs = 0;

  const forTouch = (session: TrackedSession, now: number) =>
    now - session.confirmedAt <= trustMs &&
    session.confirmedAt >= validSince &&
    now < session.idleDeadline &&
    now < session.maxDeadline;

  const withinDeadlines = (session: TrackedSession, now: number, marginMs: number) =>
    session.idleDeadline === Infinity
      ? forTouch(session, now)
      : session.confirmedAt >= validSince && now < session.idleDeadline + marginMs && now < session.maxDeadline;

  /** How long the machine slept since AM confirmed the session. */
  const sleptSince = ({ confirmedAt }: TrackedSession) => (confirmedAt < validSince ? sleptMs : 0);

  return {
    forTouch,
    forTouchInWindow: flavor.everyCallResets ? (session, now) => withinDeadlines(session, now, 0) : forTouch,
    forPeek: flavor.everyCallResets ? (session, now) => withinDeadlines(session, now, deadlineMarginMs) : forTouch,
    peekDueAt({ confirmedAt, idleDeadline, maxDeadline }) {
      if (confirmedAt < validSince) return validSince;
      if (flavor.everyCallResets && idleDeadline !== Infinity)
        return Math.min(idleDeadline + deadlineMarginMs, maxDeadline);
      return Math.min(confirmedAt + trustMs, idleDeadline, maxDeadline);
    },
    maximumAt: (session) => session.maxDeadline - sleptSince(session),
    inOutage(session, now) {
      const then = now + sleptSince(session);
      return then - session.confirmedAt <= graceMs && then < session.maxDeadline;
    },
    noticeSleep(now) {
      const apart = clock.wall() - now;
      const step = apart - clocksApart;
      if (Math.abs(step) <= sleepMs) return;
      clocksApart = apart;
      validSince = now;
      sleptMs = Math.max(0, sleptMs + step);
    },
  };
}
