// Is AM there? Said once per change that lasts. What the sender of an unknown token can bring about does not count.

import type { Clock, Timer } from '../clock.js';
import type { Logger } from '../ops/log.js';
import { createCeiling } from '../ops/ceiling.js';
import { createCount, createOnceInAWhile } from '../ops/once.js';
import type { Refused, Unknown } from './answers.js';
import { consequences, hintFor, remedy } from './remedies.js';

export type AmState = 'starting' | 'up' | 'away';

/** What AM did not answer to. */
interface Absence {
  /** Monotonic ms. */
  readonly since: number;
  /** The last failure. */
  readonly last: Unknown;
}

export interface Presence {
  readonly state: AmState;
  /** AM has answered since the start. */
  readonly wasThere: boolean;
  /** While it is away. */
  readonly absence: Absence | undefined;
  /** The status of each call that AM refused last time and lately, by action. */
  readonly refusals: ReadonlyMap<string, number>;
  /** Called at the begin of each absence: one listener. */
  onAway(listener: () => void): void;
  /**
   * AM gave an answer that could be used, be it a refusal.
   *
   * @param action it is not refused any more. `serverinfo` ends no absence while calls about sessions go on failing
   */
  answered(action?: string): void;
  /**
   * AM gave none.
   *
   * @param trusted whether the call spoke for a token that AM confirmed before, or for no token at all: AM answers 500
   *   to damaged tokens, so a bad answer to a stranger says nothing about AM
   * @param action `serverinfo`, or a call about a session
   */
  failed(answer: Unknown, trusted: boolean, action?: string): void;
  /**
   * Says what to set when AM refuses a call: once per action and status, again after ten minutes if it goes on.
   *
   * @param trusted as for `failed`
   */
  refused(action: string, answer: Refused, trusted: boolean): void;
  /** Nothing is said of an absence any more, and no timer is left. */
  close(): void;
}

export interface PresenceOptions {
  readonly log: Logger;
  readonly clock: Clock;
  readonly flavor: 'ping' | 'openam';
  /** Names AM in the log. */
  readonly url: string;
  /** How long a session works on without AM. Left out: the end of that is not said. */
  readonly graceS?: number | undefined;
}

const refusalAgainMs = 10 * 60 * 1000;
const strangersAgainMs = 60 * 1000;
/** An absence by anything but failures to connect: one pair of lines, AM away and AM back, in this time. */
const absenceAgainMs = 60 * 1000;
/** Failures to connect are said at once, so many in so long; beyond that only what lasts. */
const mostAtOnce = 10;
const mostWithinMs = 10 * 60 * 1000;
const lastsBeyondMs = 60 * 1000;
/** A single call without an answer is said to be an absence if none is answered for so long. */
const lastsMs = 5_000;
/** Calls about sessions do not go on failing if none has failed for so long: the keeper asks again within 30 s. */
const quietMs = 60 * 1000;

interface OpenAbsence extends Absence {
  last: Unknown;
  failures: number;
  isSaid: boolean;
  /** Monotonic ms: when it is said, if it lasts until then. */
  sayAt: number;
  sayTimer: Timer | undefined;
  graceTimer: Timer | undefined;
  isPastGrace: boolean;
  /** Not only calls about sessions failed: AM could not be reached, or did not answer to `serverinfo`. */
  isWhole: boolean;
}

export function createPresence({ log, clock, flavor, url, graceS }: PresenceOptions): Presence {
  let wasThere = false;
  let absence: OpenAbsence | undefined;
  let saidAt = -Infinity;
  /** Absences that came and went without a line. */
  let unsaid = 0;
  /** Calls without an answer that no line has counted yet, while AM answered others. */
  let briefFailures = 0;
  /** Calls about known sessions, in a row, to which AM gave no usable answer though it could be reached. */
  const onSessions = { failures: 0, lastAt: -Infinity };
  let tellAway: (() => void) | undefined;
  let closed = false;
  const refusals = new Map<string, { readonly status: number; readonly at: number }>();
  const maySayRefusal = createOnceInAWhile(clock, refusalAgainMs);
  const countStrangers = createCount(clock, strangersAgainMs);
  const maySayBrief = createOnceInAWhile(clock, absenceAgainMs);
  const maySayAtOnce = createCeiling(clock, mostAtOnce, mostWithinMs);

  function answered(action: string | undefined): void {
    wasThere = true;
    if (action !== 'serverinfo') onSessions.failures = 0;
    else if (absence && !absence.isWhole && sessionsGoOnFailing()) return;
    if (!absence) return;
    const over = absence;
    absence = undefined;
    clearTimers(over);
    // at the level of the outage: who was told of it must see its end
    if (over.isSaid)
      log.warn({ am: 'up', url, forS: secondsSince(over.since), failed: over.failures }, 'AM answers again');
    else if (over.last.cause === 'connect') unsaid++;
    else sayBrief(over);
  }

  /** AM may answer to `serverinfo` all the time: each answer would make it look as if it were back. */
  function sessionsGoOnFailing(): boolean {
    return onSessions.failures > 1 && clock.now() - onSessions.lastAt < quietMs;
  }

  /** One session that AM cannot answer about, or a slow moment: no change, but somebody's user is affected. */
  function sayBrief({ last: { cause, detail }, failures }: OpenAbsence): void {
    briefFailures += failures;
    if (!maySayBrief()) return;
    log.warn(
      { cause, detail, url, failed: briefFailures },
      'AM gave no usable answer to a call, while it answers others: if that goes on, the session of that call is not let in',
    );
    briefFailures = 0;
  }

  /** Changes nothing, but after a restart these may be all the users there are: whoever is on call must find it. */
  function failedStranger({ cause, detail }: Unknown): void {
    if (absence?.isSaid) return;
    const failed = countStrangers();
    if (failed === 0) return;
    log.warn(
      { cause, detail, url, failed },
      'AM gives no usable answer about sessions that it has not confirmed before: they are not let in',
    );
  }

  function failedTrusted(answer: Unknown, action: string | undefined): void {
    const isConnect = answer.cause === 'connect';
    if (!isConnect && action !== 'serverinfo') failedOnSession();
    const current = absence ?? begin(answer);
    current.last = answer;
    current.failures++;
    current.isWhole ||= isConnect || action === 'serverinfo';
    if (!current.isSaid) sayWhenDue(current);
    if (current.failures === 1) tellAway?.();
  }

  function failedOnSession(): void {
    const isInARow = clock.now() - onSessions.lastAt < quietMs;
    onSessions.failures = isInARow ? onSessions.failures + 1 : 1;
    onSessions.lastAt = clock.now();
  }

  function begin(last: Unknown): OpenAbsence {
    const begun: OpenAbsence = {
      since: clock.now(),
      last,
      failures: 0,
      isSaid: false,
      sayAt: Infinity,
      sayTimer: undefined,
      graceTimer: undefined,
      isPastGrace: false,
      isWhole: false,
    };
    if (graceS !== undefined && !closed) begun.graceTimer = clock.setTimer(() => passGrace(begun), graceS * 1000);
    absence = begun;
    return begun;
  }

  function sayWhenDue(what: OpenAbsence): void {
    const now = clock.now();
    const at = sayAt(what, now);
    if (at <= now) return say(what);
    if (at >= what.sayAt || closed) return;
    what.sayAt = at;
    if (what.sayTimer) clock.clearTimer(what.sayTimer);
    what.sayTimer = clock.setTimer(() => say(what), at - now);
  }

  function sayAt({ last, since, failures }: OpenAbsence, now: number): number {
    if (last.cause === 'connect') return maySayAtOnce() ? now : since + lastsBeyondMs;
    // that AM never answered is about AM and not about one session
    const lasts = !wasThere || failures > 1 || onSessions.failures > 1;
    return Math.max(lasts ? now : now + lastsMs, saidAt + absenceAgainMs);
  }

  function say(what: OpenAbsence): void {
    if (what.sayTimer) clock.clearTimer(what.sayTimer);
    what.isSaid = true;
    saidAt = clock.now();
    const { cause, detail } = what.last;
    const hint = hintFor(what.last);
    const counts = { ...(what.failures > 1 && { failed: what.failures }), ...(unsaid > 0 && { unsaid }) };
    unsaid = 0;
    log.warn(
      { am: 'away', cause, detail, url, ...counts, ...(hint !== undefined && { hint }) },
      'AM does not answer: sessions confirmed within AM_DOWN_GRACE_S (am.downGraceS) go on, no other is let in',
    );
    if (what.isPastGrace) sayPastGrace(what);
  }

  function passGrace(what: OpenAbsence): void {
    what.isPastGrace = true;
    // else after the line that it follows
    if (what.isSaid) sayPastGrace(what);
  }

  function sayPastGrace({ since, last: { cause, detail } }: OpenAbsence): void {
    log.error(
      { am: 'away', cause, detail, url, awayS: secondsSince(since) },
      'AM has been away for longer than AM_DOWN_GRACE_S (am.downGraceS): requests are answered with 503 am_unavailable',
    );
  }

  function secondsSince(then: number): number {
    return Math.round((clock.now() - then) / 1000);
  }

  function clearTimers({ sayTimer, graceTimer }: OpenAbsence): void {
    if (sayTimer) clock.clearTimer(sayTimer);
    if (graceTimer) clock.clearTimer(graceTimer);
  }

  function isLate(at: number): boolean {
    return clock.now() - at > refusalAgainMs;
  }

  return {
    get state() {
      if (absence) return 'away';
      return wasThere ? 'up' : 'starting';
    },
    get wasThere() {
      return wasThere;
    },
    get absence() {
      return absence;
    },
    get refusals() {
      return new Map([...refusals].flatMap(([action, { status, at }]) => (isLate(at) ? [] : [[action, status]])));
    },
    onAway(listener) {
      tellAway = listener;
    },
    answered(action) {
      if (action !== undefined) refusals.delete(action);
      answered(action);
    },
    failed(answer, trusted, action) {
      const { cause } = answer;
      if (cause === 'busy' || cause === 'aborted') return;
      if (cause !== 'connect' && !trusted) failedStranger(answer);
      else failedTrusted(answer, action);
    },
    refused(action, answer, trusted) {
      if (trusted) {
        answered(action);
        refusals.set(action, { status: answer.status, at: clock.now() });
      }
      if (!maySayRefusal(`${action} ${answer.status}`)) return;
      const hint = remedy(action, answer.status, flavor);
      log.error(
        { action, status: answer.status, url, hint },
        `AM refuses this call: ${consequences[action] ?? 'something does not work'} until that is put right`,
      );
    },
    close() {
      closed = true;
      if (absence) clearTimers(absence);
    },
  };
}
