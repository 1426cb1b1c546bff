// What is counted, as plain numbers: labels and text are made when somebody reads the page.

import type { UnknownCause } from '../am/answers.js';
import type { CallAction, Decision, LogoutOutcome } from '../keeper/events.js';
import type { CallOutcome, KeeperMeter } from '../keeper/meter.js';
import type { ProblemCode } from '../problem.js';
import type { StoreOperation } from '../store/session-store.js';

type StoreOutcome = Parameters<KeeperMeter['stored']>[1];
type Numbers<K extends string> = Record<K, number>;

/**
 * All of it stands here from the start, with 0: what appears on the page only when it happens first is missed by
 * `rate()`. The types keep the tables whole.
 */
export interface Counts {
  readonly decisions: Readonly<Record<'activity' | 'background', Numbers<Decision>>>;
  readonly calls: Readonly<Record<CallAction, Partial<Numbers<CallOutcome>>>>;
  readonly logouts: Numbers<LogoutOutcome>;
  readonly stored: Readonly<Record<StoreOperation, Numbers<StoreOutcome>>>;
  readonly problems: Partial<Numbers<ProblemCode>>;
}

export function noCounts(problemCodes: readonly ProblemCode[]): Counts {
  return {
    decisions: { activity: noDecisions(), background: noDecisions() },
    calls: {
      refresh: { alive: 0, ignored: 0, ...noFailures() },
      peek: { alive: 0, ...noFailures() },
      logout: { ended: 0, ...noFailures() },
    },
    logouts: { ended: 0, 'already-ended': 0, pending: 0, refused: 0, unqueueable: 0 },
    stored: {
      claim: noneStored(),
      settle: noneStored(),
      read: noneStored(),
      confirm: noneStored(),
      end: noneStored(),
      askToEnd: noneStored(),
      died: noneStored(),
      check: noneStored(),
    },
    problems: Object.fromEntries(problemCodes.map((code) => [code, 0])),
  };
}

function noDecisions(): Numbers<Decision> {
  return {
    call: 0,
    'window-closed': 0,
    'call-in-flight': 0,
    'backing-off': 0,
    trusted: 0,
    dead: 0,
    ended: 0,
  };
}

/** For every request, so by name: a lookup by a key that varies takes V8 two or three times as long. */
export function countDecision(numbers: Numbers<Decision>, decision: Decision): void {
  switch (decision) {
    case 'window-closed':
      return void numbers['window-closed']++;
    case 'trusted':
      return void numbers.trusted++;
    case 'call':
      return void numbers.call++;
    case 'call-in-flight':
      return void numbers['call-in-flight']++;
    case 'backing-off':
      return void numbers['backing-off']++;
    case 'dead':
      return void numbers.dead++;
    case 'ended':
      return void numbers.ended++;
  }
}

function noFailures(): Numbers<'dead' | 'refused' | UnknownCause> {
  return {
    dead: 0,
    refused: 0,
    connect: 0,
    timeout: 0,
    reset: 0,
    'bad-answer': 0,
    busy: 0,
    aborted: 0,
  };
}

function noneStored(): Numbers<StoreOutcome> {
  return { ok: 0, timeout: 0, error: 0, skipped: 0 };
}

/** Requests about a session that made no call of their own. */
export function callsSaved({ decisions }: Counts): number {
  return Object.values(decisions)
    .flatMap((numbers) => Object.entries(numbers))
    .reduce((sum, [decision, number]) => (decision === 'call' ? sum : sum + number), 0);
}
