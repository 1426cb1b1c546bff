// One live session as this node knows it, and the rules of window, trust and pending activity over it.

import type { Alive } from '../am/answers.js';
import type { Credential } from '../am/client.js';
import type { Timer } from '../clock.js';
import type { Call } from './call.js';
import type { Trouble } from './trouble.js';

/** What callers may read of a session that is let in (or, not `served`, is alive but of another realm). */
export interface LiveSession {
  readonly kind: 'alive';
  readonly username: string;
  readonly realm: string;
  /** Whether its realm is one that this application serves. */
  readonly served: boolean;
  /** Monotonic ms; `Infinity` where AM did not say. */
  readonly idleDeadline: number;
  /** Monotonic ms; `Infinity` where AM did not say. */
  readonly maxDeadline: number;
}

/** The times of a session in monotonic ms. A class, so that a million of them share one shape. */
export class TrackedSession implements LiveSession {
  username: string;
  realm: string;
  served = true;
  /** AM's last word that it lives. */
  confirmedAt: number;
  /** Not later than AM's latest access time, as AM told it. */
  accessAt = -Infinity;
  /** AM would ignore a refresh before this. */
  windowEndsAt = -Infinity;
  /** The user's last activity. */
  activityAt = -Infinity;
  idleDeadline: number;
  maxDeadline: number;
  call: Call | undefined = undefined;
  trouble: Trouble | undefined = undefined;
  /** Kept only while activity is pending: what tells AM of it. */
  pending: { credential: Credential; timer: Timer | undefined } | undefined = undefined;

  constructor(answer: Alive) {
    this.username = answer.username;
    this.realm = answer.realm;
    this.confirmedAt = answer.repliedAt;
    this.idleDeadline = answer.idleDeadline;
    this.maxDeadline = answer.maxDeadline;
  }

  get kind(): 'alive' {
    return 'alive';
  }

  /** Whether a call is in flight or owed for it. */
  get inUse(): boolean {
    return this.call !== undefined || this.pending !== undefined;
  }

  /** Whether AM may not know of the user's last activity. */
  get untold(): boolean {
    return this.activityAt > this.accessAt;
  }
}

/** How AM took a call: an idle time above the frequency means that our frequency is not AM's. */
export type Reception = 'obeyed' | 'ignored' | 'beyond-frequency';

/**
 * Takes over what an alive answer says. The window runs from AM's *reply*: the call reached AM at or before it, so
 * whatever is sent a frequency and one second later is obeyed even where AM counts in whole seconds. An answer that
 * shows an access of `idleS` ago moves the end forward by that. The access itself is dated from the *sending* time:
 * AM answered later, so its latest access is not before `sentAt - idleS` (in whole seconds).
 */
export function learnFromRefresh(session: TrackedSession, answer: Alive, frequencyS: number): Reception {
  confirm(session, answer);
  const idleS = answer.idleS ?? 0;
  if (idleS > frequencyS) {
    accessed(session, answer.sentAt - idleS * 1000, answer.repliedAt, frequencyS);
    // counts as told: asking at the window's end would not be obeyed either, and AM must not be hammered
    if (session.activityAt <= answer.sentAt) session.activityAt = -Infinity;
    return 'beyond-frequency';
  }
  accessed(session, answer.sentAt - idleS * 1000, answer.repliedAt - idleS * 1000, frequencyS);
  return idleS === 0 ? 'obeyed' : 'ignored';
}

/**
 * The same for a call that leaves the idle time alone. Its access time was compared with the `Date` header, which may
 * be a second off the moment at which AM looked: allow for that either way.
 */
export function learnFromPeek(session: TrackedSession, answer: Alive, frequencyS: number): void {
  confirm(session, answer);
  const { idleS } = answer;
  if (idleS === undefined || idleS > frequencyS) return;
  accessed(session, answer.sentAt - (idleS + 1) * 1000, answer.repliedAt - Math.max(0, idleS - 1) * 1000, frequencyS);
}

function confirm(session: TrackedSession, answer: Alive): void {
  session.confirmedAt = answer.repliedAt;
  session.idleDeadline = answer.idleDeadline;
  session.maxDeadline = answer.maxDeadline;
  session.username = answer.username;
  session.realm = answer.realm;
  session.trouble = undefined;
}

/** AM's latest access lies between the two. */
function accessed(session: TrackedSession, earliest: number, latest: number, frequencyS: number): void {
  session.accessAt = Math.max(session.accessAt, earliest);
  session.windowEndsAt = Math.max(session.windowEndsAt, latest + (frequencyS + 1) * 1000);
}

/** How far to look for a session that may be evicted before one that AM is still to be told of goes. */
const evictionScan = 32;

/** Each session that comes may take two with it that are over: nothing grows, and no timer sweeps. */
const sweepScan = 2;

/** The sessions that AM confirmed, least recently confirmed first, never more than `max`. */
export class SessionTable extends Map<string, TrackedSession> {
  readonly #max: number;
  readonly #isOver: (session: TrackedSession) => boolean;
  readonly #onEvict: (session: TrackedSession) => void;

  /**
   * @param isOver whether AM has ended the session by its own times
   * @param onEvict called for a session that had to go while it was in use
   */
  constructor(max: number, isOver: (session: TrackedSession) => boolean, onEvict: (session: TrackedSession) => void) {
    super();
    this.#max = max;
    this.#isOver = isOver;
    this.#onEvict = onEvict;
  }

  /** Adds it, or makes it the most recently used. */
  keep(id: string, session: TrackedSession): void {
    this.delete(id);
    this.#sweep();
    if (this.size >= this.#max) this.#evictOne();
    this.set(id, session);
  }

  #sweep(): void {
    let scanned = 0;
    for (const [id, session] of this) {
      if (scanned++ === sweepScan) return;
      if (!session.inUse && this.#isOver(session)) this.delete(id);
    }
  }

  #evictOne(): void {
    let victim: [string, TrackedSession] | undefined;
    let scanned = 0;
    for (const entry of this) {
      victim ??= entry;
      if (!entry[1].inUse) {
        victim = entry;
        break;
      }
      if (++scanned === evictionScan) break;
    }
    if (!victim) return;
    this.delete(victim[0]);
    this.#onEvict(victim[1]);
  }
}
