// Every call to AM goes through here: the gate, the report on AM's presence, the events.

import { unknown, type LogoutAnswer, type SessionAnswer, type Unknown } from '../am/answers.js';
import type { Credential } from '../am/client.js';
import type { Flavor } from '../am/flavor.js';
import type { Presence } from '../am/presence.js';
import type { Clock } from '../clock.js';
import { sessionLabel, type CallAction, type CallReason, type KeeperObserver } from './events.js';
import { busy, type CallGate, type Caller } from './gate.js';
import type { CallOutcome, KeeperMeter } from './meter.js';

/** One call, and on whose behalf. */
interface Question<T> {
  readonly action: CallAction;
  readonly reason: CallReason;
  readonly credential: Credential;
  readonly caller: Caller;
  /** Makes the call, when its turn has come; `begin` is told what AM is asked. Undefined: AM need not be asked after all. */
  readonly send: (begin: (action: CallAction) => void) => T | Promise<T>;
  /** Ends the waiting at the gate; the call itself is ended by `send`. */
  readonly signal?: AbortSignal;
  /** Does not wait for its turn at the gate. */
  readonly direct?: boolean;
}

export type Ask = <T extends SessionAnswer | LogoutAnswer | undefined>(question: Question<T>) => Promise<T | Unknown>;

export interface AskOptions {
  readonly gate: CallGate;
  readonly flavor: Flavor;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly meter: KeeperMeter;
  readonly observe?: KeeperObserver | undefined;
}

export function createAsk({ gate, flavor, presence, clock, meter, observe }: AskOptions): Ask {
  return async (question) => {
    const { reason, credential, caller, send, signal, direct } = question;
    let { action } = question;
    let startedAt = clock.now();
    const begin = (asked: CallAction): void => {
      action = asked;
      startedAt = clock.now();
      observe?.({ type: 'call', session: sessionLabel(credential.id), action, reason });
    };
    const call = async () => send(begin);
    const result = direct ? await call() : await gate.run(caller, call, signal);
    const answer = result === busy ? notAsked(signal) : result;
    if (!answer) return answer;

    if (answer.kind === 'unknown') presence.failed(answer, caller.known);
    else if (answer.kind === 'refused') presence.refused(action, answer, caller.known);
    // an invented token may be answered where all users' own are refused
    else presence.answered(caller.known ? action : undefined);
    const tookMs = clock.now() - startedAt;
    meter.called(action, outcomeOf(answer, action, flavor), tookMs);
    observe?.({
      type: 'answer',
      session: sessionLabel(credential.id),
      action,
      outcome: answer.kind,
      tookMs,
      ...(answer.kind === 'alive' && { idleS: answer.idleS }),
      ...(answer.kind === 'unknown' && { detail: answer.detail }),
    });
    return answer;
  };
}

function outcomeOf(answer: SessionAnswer | LogoutAnswer, action: CallAction, { everyCallResets }: Flavor): CallOutcome {
  if (answer.kind === 'unknown') return answer.cause;
  const isIgnored = answer.kind === 'alive' && action === 'refresh' && !everyCallResets && (answer.idleS ?? 0) > 0;
  return isIgnored ? 'ignored' : answer.kind;
}

function notAsked(signal: AbortSignal | undefined): Unknown {
  return signal?.aborted ? unknown('aborted', 'aborted') : unknown('busy', 'too many calls to AM');
}
