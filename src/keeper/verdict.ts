// What the keeper says of a session.

import type { LiveSession } from './tracked-session.js';

/** `unknown` and `refused` are never a reason to clear a cookie. */
export type Verdict =
  | LiveSession
  | { readonly kind: 'dead' }
  /** Logged out here; `confirmed`: AM knows it. */
  | { readonly kind: 'ended'; readonly confirmed: boolean }
  | { readonly kind: 'unknown'; readonly retryAfterS: number }
  | { readonly kind: 'refused'; readonly retryAfterS: number };

export const deadVerdict: Verdict = Object.freeze({ kind: 'dead' });
export const endedVerdict: Verdict = Object.freeze({ kind: 'ended', confirmed: false });
export const endedForGoodVerdict: Verdict = Object.freeze({ kind: 'ended', confirmed: true });
