// After a call that failed the last verdict stands for a while: AM is not asked again at once.

import type { Refused, Unknown } from '../am/answers.js';
import { backoffMs } from './backoff.js';
import type { Verdict } from './verdict.js';

export interface Trouble {
  readonly failures: number;
  /** Monotonic ms. */
  readonly retryAt: number;
  readonly kind: (Refused | Unknown)['kind'];
}

export function troubleAfter(
  before: Trouble | undefined,
  answer: Unknown | Refused,
  now: number,
  random: () => number,
): Trouble {
  const failures = (before?.failures ?? 0) + 1;
  const retryAfterS = answer.kind === 'unknown' ? answer.retryAfterS : undefined;
  return { failures, kind: answer.kind, retryAt: now + backoffMs(failures, retryAfterS, random) };
}

export function verdictInTrouble(trouble: Trouble, now: number): Verdict {
  return { kind: trouble.kind, retryAfterS: Math.max(1, Math.ceil((trouble.retryAt - now) / 1000)) };
}
