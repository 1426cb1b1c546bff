// One session that AM confirmed, as this node knows it.

import type { Alive } from '../am/answers.js';
import type { Credential } from '../am/client.js';
import type { Timer } from '../clock.js';
import type { Call } from './call.js';
import type { Trouble } from './trouble.js';
import type { LiveSession } from './verdict.js';

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
  /** {@link Cluster.epoch} when the store was last asked about it. */
  epoch = 0;
  call: Call | undefined = undefined;
  trouble: Trouble | undefined = undefined;
  /** What tells AM of pending activity; kept only while there is some. */
  reminder: { credential: Credential; timer: Timer | undefined } | undefined = undefined;

  constructor(answer: Alive) {
    this.username = answer.username;
    this.realm = answer.realm;
    this.confirmedAt = answer.repliedAt;
    this.idleDeadline = answer.idleDeadline;
    this.maxDeadline = answer.maxDeadline;
  }

  /** What was known of it does not stand any more: AM is asked before it is let in again. */
  doubt(): void {
    this.confirmedAt = -Infinity;
  }

  get kind(): 'alive' {
    return 'alive';
  }

  /** Whether a call is in flight or due for it. */
  get inUse(): boolean {
    return this.call !== undefined || this.reminder !== undefined;
  }

  /** Whether AM may not know of the user's last activity. */
  get isPending(): boolean {
    return this.activityAt > this.accessAt;
  }
}

/** When AM may be told of pending activity, monotonic ms. */
export function refreshDueAt(session: TrackedSession): number {
  return Math.max(session.windowEndsAt, session.trouble?.retryAt ?? -Infinity);
}
