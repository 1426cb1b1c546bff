// What the keeper decides, told to whoever watches: the demo's lines, and metrics.

import type { LogoutAnswer, SessionAnswer } from '../am/answers.js';

export type CallReason = 'activity' | 'trailing' | 'first-sight' | 'trust-over' | 'logout' | 'logout-retry';

/** `call`: AM is asked now; the others say why not. */
export type Decision = 'call' | 'window-closed' | 'call-in-flight' | 'backing-off' | 'trusted' | 'dead' | 'ended';

/** `session` is the first characters of the token's hash: enough to tell sessions apart, useless to AM. */
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
      readonly outcome: (SessionAnswer | LogoutAnswer)['kind'];
      /** Seconds since AM's latest access of it; of a refresh on Ping AM: above 0, AM did not obey. */
      readonly idleS?: number | undefined;
      readonly detail?: string;
      readonly tookMs: number;
    };

export type CallAction = 'refresh' | 'peek' | 'logout';
export type KeeperObserver = (event: KeeperEvent) => void;

export function sessionLabel(id: string): string {
  return id.slice(0, 8);
}
