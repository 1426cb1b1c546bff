// Activity that AM does not know of yet: it is told when the window ends.

import type { Credential } from '../am/client.js';
import type { Clock } from '../clock.js';
import type { TrackedSession } from './tracked-session.js';

export interface Debts {
  /** Sees that AM is told of the session's activity as soon as it would listen. */
  owe(session: TrackedSession, credential: Credential): void;
  /** A call is about to be made: no second one by the timer. The credential stays until it has settled. */
  hold(session: TrackedSession): void;
  /** Nothing is owed any more: the token goes out of memory. */
  forgive(session: TrackedSession): void;
  /** No further timer is set. */
  close(): void;
}

const dueAt = (session: TrackedSession) => Math.max(session.windowEndsAt, session.trouble?.retryAt ?? -Infinity);

export function createDebts(clock: Clock, refresh: (session: TrackedSession, credential: Credential) => void): Debts {
  let closed = false;

  function owe(session: TrackedSession, credential: Credential): void {
    if (closed || !session.untold || !session.served) return forgive(session);
    session.pending ??= { credential, timer: undefined };
    if (session.call || session.pending.timer) return;
    const delay = Math.max(0, Math.ceil(dueAt(session) - clock.now()));
    session.pending.timer = clock.setTimer(() => pay(session), delay);
  }

  function pay(session: TrackedSession): void {
    if (!session.pending) return;
    const { credential } = session.pending;
    const now = clock.now();
    session.pending.timer = undefined;
    // the session is over at AM: there is nobody to tell
    if (now >= session.maxDeadline) forgive(session);
    else if (now < dueAt(session)) owe(session, credential);
    else refresh(session, credential);
  }

  function hold(session: TrackedSession): void {
    if (!session.pending?.timer) return;
    clock.clearTimer(session.pending.timer);
    session.pending.timer = undefined;
  }

  function forgive(session: TrackedSession): void {
    hold(session);
    session.pending = undefined;
  }

  return {
    owe,
    hold,
    forgive,
    close: () => {
      closed = true;
    },
  };
}
