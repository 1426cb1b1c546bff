// What the keeper counts. A count costs no object and no hash: unlike events, it is always on.

import type { UnknownCause } from '../am/answers.js';
import type { StoreOperation } from '../store/session-store.js';
import type { CallAction, Decision, LogoutOutcome, Outcome } from './events.js';

export interface KeeperMeter {
  /** A request asked about a session. */
  decided(request: 'activity' | 'background', decision: Decision): void;
  /** A call to AM ended, `tookMs` after it began. */
  called(action: CallAction, outcome: CallOutcome, tookMs: number): void;
  /** Somebody logged out. */
  loggedOut(outcome: LogoutOutcome): void;
  /** AM will not be told of a logout any more. */
  gaveUp(): void;
  /** An operation on the shared store ended. `skipped`: not tried, the store is away. */
  stored(operation: StoreOperation, outcome: 'ok' | 'timeout' | 'error' | 'skipped', tookMs: number): void;
}

/** `ignored`: alive, but AM did not obey the refresh. */
export type CallOutcome = Exclude<Outcome, 'unknown'> | UnknownCause | 'ignored';

export const noMeter: KeeperMeter = Object.freeze({
  decided: () => undefined,
  called: () => undefined,
  loggedOut: () => undefined,
  gaveUp: () => undefined,
  stored: () => undefined,
});
