// The window: what AM's answers teach about when it listens again, and of which activity it knows.

import type { Alive } from '../am/answers.js';
import type { AliveWord } from '../store/session-store.js';
import type { TrackedSession } from './tracked-session.js';

/** How AM took a call: an idle time above the frequency means that our frequency is not AM's. */
export type Reception = 'obeyed' | 'ignored' | 'beyond-frequency';

/**
 * Takes over what an alive answer says. The window runs from AM's *reply*: the call reached AM at or before it, so
 * whatever is sent a frequency and one second later is obeyed even where AM counts in whole seconds. An answer that
 * shows an access of `idleS` ago moves the end forward by that. The access itself is dated from the *sending* time:
 * AM answered later, so its latest access is not before `sentAt - idleS` (in whole seconds).
 */
export function learnFromRefresh(session: TrackedSession, answer: Alive, frequencyS: number): Reception {
  confirm(session, answer);
  const idleS = answer.idleS ?? 0;
  if (idleS > frequencyS) {
    accessed(session, answer.sentAt - idleS * 1000, answer.repliedAt, frequencyS);
    // counts as told: asking at the window's end would not be obeyed either, and AM must not be hammered
    if (session.activityAt <= answer.sentAt) session.activityAt = -Infinity;
    return 'beyond-frequency';
  }
  accessed(session, answer.sentAt - idleS * 1000, answer.repliedAt - idleS * 1000, frequencyS);
  return idleS === 0 ? 'obeyed' : 'ignored';
}

/**
 * The same for a call that leaves the idle time alone. Its access time was compared with the `Date` header, which may
 * be a second off the moment at which AM looked: allow for that either way.
 */
export function learnFromPeek(session: TrackedSession, answer: Alive, frequencyS: number): void {
  confirm(session, answer);
  const { idleS } = answer;
  if (idleS === undefined || idleS > frequencyS) return;
  accessed(session, answer.sentAt - (idleS + 1) * 1000, answer.repliedAt - Math.max(0, idleS - 1) * 1000, frequencyS);
}

/** The same for what another node heard from AM. The window is not in it: that is what claims are for. */
export function learnFromOthers(session: TrackedSession, word: AliveWord): void {
  session.accessAt = Math.max(session.accessAt, word.accessAt);
  if (word.confirmedAt <= session.confirmedAt) return;
  session.confirmedAt = word.confirmedAt;
  // whoever can write to the store must not make a session live longer than AM told this node
  session.maxDeadline = Math.min(word.maxDeadline, session.maxDeadline);
  session.idleDeadline = word.idleDeadline;
  session.trouble = undefined;
}

function confirm(session: TrackedSession, answer: Alive): void {
  session.confirmedAt = answer.repliedAt;
  session.idleDeadline = answer.idleDeadline;
  session.maxDeadline = answer.maxDeadline;
  session.username = answer.username;
  session.realm = answer.realm;
  session.trouble = undefined;
}

/** AM's latest access lies between the two. */
function accessed(session: TrackedSession, earliest: number, latest: number, frequencyS: number): void {
  session.accessAt = Math.max(session.accessAt, earliest);
  session.windowEndsAt = Math.max(session.windowEndsAt, latest + (frequencyS + 1) * 1000);
}
