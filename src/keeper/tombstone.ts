// A tombstone: the session was logged out, here or at another node.

import type { Credential } from '../am/client.js';
import type { Timer } from '../clock.js';
import type { Logout } from './endings.js';
import { knownCaller, type Caller } from './gate.js';

/** While AM has not heard of the logout, also what is needed to tell it. Times in monotonic ms. */
export interface Tombstone {
  until: number;
  /** AM knows. */
  confirmed: boolean;
  /** Made at this node, of a session that AM confirmed: the others are to know. */
  own: boolean;
  caller: Caller;
  /** The call in flight that all who log out meanwhile wait for. */
  attempt: Promise<Logout> | undefined;
  retry: Retry | undefined;
}

interface Retry {
  readonly credential: Credential;
  readonly giveUpAt: number;
  readonly triesLeft: number;
  readonly failures: number;
  timer: Timer | undefined;
}

export function createTombstone(
  until: number,
  confirmed = false,
  { caller = knownCaller, own = caller.known }: { readonly caller?: Caller; readonly own?: boolean } = {},
): Tombstone {
  return { until, confirmed, own, caller, attempt: undefined, retry: undefined };
}

/** Whether AM is being told, or will be. */
export function isBusy({ attempt, retry }: Tombstone): boolean {
  return attempt !== undefined || retry !== undefined;
}
