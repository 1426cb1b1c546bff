// Pending activity: AM does not know of it yet, and is told when the window ends.

import type { Credential } from '../am/client.js';
import type { Clock } from '../clock.js';
import { refreshDueAt, type TrackedSession } from './tracked-session.js';

export interface Pending {
  /** Sees that AM is told of the session's activity as soon as it would listen. */
  schedule(session: TrackedSession, credential: Credential): void;
  /** A call is about to be made: no second one by the timer. The credential stays until it has settled. */
  pause(session: TrackedSession): void;
  /** Nothing is pending any more: the token goes out of memory. */
  drop(session: TrackedSession): void;
  /** No further timer is set. */
  close(): void;
}

export function createPending(
  clock: Clock,
  refresh: (session: TrackedSession, credential: Credential) => void,
): Pending {
  let closed = false;

  function schedule(session: TrackedSession, credential: Credential): void {
    if (closed || !session.isPending || !session.served) return drop(session);
    session.reminder ??= { credential, timer: undefined };
    if (session.call || session.reminder.timer) return;
    const delay = Math.max(0, Math.ceil(refreshDueAt(session) - clock.now()));
    session.reminder.timer = clock.setTimer(() => fire(session), delay);
  }

  function fire(session: TrackedSession): void {
    if (!session.reminder) return;
    const { credential } = session.reminder;
    const now = clock.now();
    session.reminder.timer = undefined;
    // the session is over at AM: there is nobody to tell
    if (now >= session.maxDeadline) drop(session);
    else if (now < refreshDueAt(session)) schedule(session, credential);
    else refresh(session, credential);
  }

  function pause(session: TrackedSession): void {
    if (!session.reminder?.timer) return;
    clock.clearTimer(session.reminder.timer);
    session.reminder.timer = undefined;
  }

  function drop(session: TrackedSession): void {
    pause(session);
    session.reminder = undefined;
  }

  return {
    schedule,
    pause,
    drop,
    close: () => {
      closed = true;
    },
  };
}
