// What the keeper says of a session.

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

/** `unknown` and `refused` are never a reason to clear a cookie. */
export type Verdict =
  | LiveSession
  | { readonly kind: 'dead' }
  /** Logged out here; `confirmed`: AM knows it. */
  | { readonly kind: 'ended'; readonly confirmed: boolean }
  /** `retryAfterS`: whole seconds until AM is asked again. */
  | { readonly kind: 'unknown' | 'refused'; readonly retryAfterS: number };

export const deadVerdict: Verdict = Object.freeze({ kind: 'dead' });
export const endedVerdict: Verdict = Object.freeze({ kind: 'ended', confirmed: false });
export const endedForGoodVerdict: Verdict = Object.freeze({ kind: 'ended', confirmed: true });
