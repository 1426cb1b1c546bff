// What pages and the team's own routes get to know of a session: never the token.

import type { LiveSession } from './keeper/verdict.js';

export interface SessionInfo {
  readonly username: string;
  readonly realm: string;
  /** Whole seconds until AM ends the session if nothing happens; null where AM does not say. */
  readonly idleExpiresIn: number | null;
  /** Whole seconds until AM ends the session in any case; null where AM does not say. */
  readonly sessionExpiresIn: number | null;
}

/** @param now monotonic ms */
export function describeSession(session: LiveSession, now: number): SessionInfo {
  return {
    username: session.username,
    realm: session.realm,
    idleExpiresIn: secondsUntil(Math.min(session.idleDeadline, session.maxDeadline), now),
    sessionExpiresIn: secondsUntil(session.maxDeadline, now),
  };
}

function secondsUntil(deadline: number, now: number): number | null {
  return deadline === Infinity ? null : Math.max(0, Math.floor((deadline - now) / 1000));
}
