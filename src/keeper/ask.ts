// Every call to AM goes through here: the gate, the report on AM's presence, the events.

import { unknown, type LogoutAnswer, type SessionAnswer, type Unknown } from '../am/answers.js';
import type { Credential } from '../am/client.js';
import type { Presence } from '../am/presence.js';
import type { Clock } from '../clock.js';
import { sessionLabel, type CallAction, type CallReason, type KeeperObserver } from './events.js';
import { busy, type CallGate, type Caller } from './gate.js';

/** One call, and on whose behalf. */
interface Question<T> {
  readonly action: CallAction;
  readonly reason: CallReason;
  readonly credential: Credential;
  readonly caller: Caller;
  readonly send: () => Promise<T>;
  /** Ends the waiting at the gate; the call itself is ended by `send`. */
  readonly signal?: AbortSignal;
  /** Does not wait for its turn at the gate. */
  readonly direct?: boolean;
}

export type Ask = <T extends SessionAnswer | LogoutAnswer>(question: Question<T>) => Promise<T | Unknown>;

export interface AskOptions {
  readonly gate: CallGate;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly observe: KeeperObserver | undefined;
}

export function createAsk({ gate, presence, clock, observe }: AskOptions): Ask {
  return async (question) => {
    const { action, reason, credential, caller, send, signal, direct } = question;
    const session = sessionLabel(credential.id);
    const startedAt = clock.now();
    const call = () => {
      observe?.({ type: 'call', session, action, reason });
      return send();
    };
    const result = direct ? await call() : await gate.run(caller, call, signal);
    const answer = result === busy ? notAsked(signal) : result;

    if (answer.kind === 'unknown') presence.failed(answer, caller.known);
    else if (answer.kind === 'refused') presence.refused(action, answer, caller.known);
    else presence.answered();
    observe?.({
      type: 'answer',
      session,
      action,
      outcome: answer.kind,
      tookMs: clock.now() - startedAt,
      ...(answer.kind === 'alive' && { idleS: answer.idleS }),
      ...(answer.kind === 'unknown' && { detail: answer.detail }),
    });
    return answer;
  };
}

function notAsked(signal: AbortSignal | undefined): Unknown {
  return signal?.aborted ? unknown('aborted', 'aborted') : unknown('busy', 'too many calls to AM');
}
