// What the keeper decides, told to whoever watches: the demo's lines, and metrics.

import { createHmac, randomBytes } from 'node:crypto';
import type { LogoutAnswer, SessionAnswer } from '../am/answers.js';

export type CallReason = 'activity' | 'trailing' | 'first-sight' | 'trust-over' | 'logout' | 'logout-retry';

/** `call`: AM is asked now; the others say why not. */
export type Decision = 'call' | 'window-closed' | 'call-in-flight' | 'backing-off' | 'trusted' | 'dead' | 'ended';

export type Outcome = (SessionAnswer | LogoutAnswer)['kind'];

/** How far a logout has come at AM. `unqueueable`: AM has not answered, and nobody will tell it again. */
export type LogoutOutcome = 'ended' | 'already-ended' | 'pending' | 'refused' | 'unqueueable';

/** `session` tells sessions apart while this process runs: see {@link sessionLabel}. */
export type KeeperEvent =
  | {
      readonly type: 'decision';
      readonly session: string;
      readonly request: 'activity' | 'background';
      readonly decision: Decision;
      /** Milliseconds until the window ends, where that is the reason. */
      readonly windowLeftMs?: number;
    }
  | { readonly type: 'call'; readonly session: string; readonly action: CallAction; readonly reason: CallReason }
  | {
      readonly type: 'answer';
      readonly session: string;
      readonly action: CallAction;
      readonly outcome: Outcome;
      /** Seconds since AM's latest access of it; of a refresh on Ping AM: above 0, AM did not obey. */
      readonly idleS?: number | undefined;
      readonly detail?: string;
      readonly tookMs: number;
    };

export type SessionAction = 'refresh' | 'peek';
export type CallAction = SessionAction | 'logout';
export type KeeperObserver = (event: KeeperEvent) => void;

/** Of this process: who has a token, or the store, cannot find its session in the log. */
const key = randomBytes(32);

/** The name of a session in logs and events: short, and of no use to anybody else. */
export function sessionLabel(id: string): string {
  return createHmac('sha256', key).update(id).digest('base64url').slice(0, 8);
}
