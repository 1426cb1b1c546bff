// What AM is asked about sessions that it confirmed before, and what its answers change.

import type { SessionAnswer } from '../am/answers.js';
import type { AmClient, Credential } from '../am/client.js';
import type { Clock } from '../clock.js';
import type { AliveWord, EndWord } from '../store/session-store.js';
import type { Ask } from './ask.js';
import type { BoundedMap } from '../bounded-map.js';
import { unread, whenEntered, type Cluster, type Entry } from './cluster.js';
import type { CallReason, SessionAction } from './events.js';
import { knownCaller } from './gate.js';
import type { Learn } from './learning.js';
import type { Pending } from './pending.js';
import type { TrackedSession } from './tracked-session.js';
import { troubleAfter } from './trouble.js';
import type { Trust } from './trust.js';
import { learnFromOthers } from './window.js';

export interface Inquiries {
  /** Asks AM, unless the other nodes know enough. Everybody who asks meanwhile shares the answer: `session.call`. */
  begin(session: TrackedSession, credential: Credential, action: SessionAction, reason: CallReason): Promise<void>;
  /** While this node did not hear the others, they may have ended the session: asks the store, and AM where it does not say. */
  look(session: TrackedSession, credential: Credential): Promise<void>;
}

export interface InquiriesOptions {
  readonly am: AmClient;
  readonly ask: Ask;
  readonly clock: Clock;
  readonly random: () => number;
  readonly cluster: Cluster;
  readonly sessions: BoundedMap<TrackedSession>;
  readonly trust: Trust;
  readonly learn: Learn;
  readonly pending: Pending;
  readonly windowMs: number;
  /** AM says that the session is over. */
  readonly onDead: (id: string, session: TrackedSession) => void;
  /** Another node logged it out. */
  readonly onEnd: (id: string, end: EndWord) => void;
}

export function createInquiries(options: InquiriesOptions): Inquiries {
  const { am, ask, clock, random, cluster, sessions, trust, learn, pending, windowMs, onDead, onEnd } = options;

  function learnFrom(entry: Entry, session: TrackedSession, id: string): void {
    session.epoch = entry.epoch;
    if (entry.end) onEnd(id, entry.end);
    else if (entry.word) learnFromOthers(session, entry.word);
  }

  /** What AM is to be asked, after what the others know; undefined: nothing. */
  function choose(entry: Entry, session: TrackedSession, action: SessionAction, reason: CallReason) {
    const now = clock.now();
    if (entry.end) return undefined;
    if (action === 'peek') return entry.word && trust.forPeek(session, now) ? undefined : 'peek';
    // another node's refresh told AM of it already
    if (reason === 'trailing' && !session.isPending) return undefined;
    if (entry.takenUntil === -Infinity) return 'refresh';
    session.windowEndsAt = Math.max(session.windowEndsAt, entry.takenUntil);
    return trust.forTouch(session, now) ? undefined : 'peek';
  }

  function takeOver(session: TrackedSession, id: string, answer: SessionAnswer, asked: SessionAction): void {
    const now = clock.now();
    switch (answer.kind) {
      case 'dead':
        return onDead(id, session);
      case 'alive':
        learn(session, answer, asked);
        sessions.set(id, session);
        return;
      default:
        session.trouble = troubleAfter(session.trouble, answer, now, random);
        // AM did answer: asked for the same again within a window it would be called more often than when all is well
        if (answer.kind === 'refused') session.windowEndsAt = Math.max(session.windowEndsAt, now + windowMs);
    }
  }

  /** @param known what the store said, if it has been asked already */
  function begin(
    session: TrackedSession,
    credential: Credential,
    action: SessionAction,
    reason: CallReason,
    known?: Entry,
  ): Promise<void> {
    const { id } = credential;
    const controller = new AbortController();
    const { signal } = controller;
    let entry: Entry | undefined;
    let asked = action;
    pending.pause(session);
    // another node's refresh may have told AM of it already
    const isStillPending = (word: AliveWord | undefined) => !word || session.activityAt > word.accessAt;

    const settled = ask<SessionAnswer | undefined>({
      action,
      reason,
      credential,
      caller: knownCaller,
      signal,
      send: (start) =>
        whenEntered(
          known ?? cluster.enter(id, action === 'refresh', reason === 'trailing' ? isStillPending : undefined),
          (entered) => {
            entry = entered;
            // logged out while the store was asked
            if (signal.aborted) return undefined;
            learnFrom(entered, session, id);
            const chosen = choose(entered, session, action, reason);
            if (!chosen) return undefined;
            asked = chosen;
            start(chosen);
            return am[chosen](credential, signal);
          },
        ),
    }).then((answer) => {
      session.call = undefined;
      // ended meanwhile: an answer to a call that started before never revives it
      if (sessions.get(id) !== session) {
        if (entry) cluster.leave(id, entry, undefined);
        return;
      }
      if (answer) takeOver(session, id, answer, asked);
      if (entry && answer?.kind === 'alive') session.epoch = entry.epochByAm;
      if (entry) cluster.leave(id, entry, session, answer?.kind);
      if (answer?.kind !== 'dead') pending.schedule(session, credential);
    });
    session.call = { settled, controller };
    return settled;
  }

  function look(session: TrackedSession, credential: Credential): Promise<void> {
    const { id } = credential;
    pending.pause(session);
    const settled = cluster.look(id).then((entry): Promise<void> | void => {
      session.call = undefined;
      if (sessions.get(id) !== session) return;
      learnFrom(entry, session, id);
      if (sessions.get(id) !== session) return;
      const isBackingOff = clock.now() < (session.trouble?.retryAt ?? -Infinity);
      if (entry.epoch !== unread || isBackingOff) return pending.schedule(session, credential);
      return begin(session, credential, 'peek', 'trust-over', entry);
    });
    session.call = { settled, controller: new AbortController() };
    return settled;
  }

  return { begin, look };
}
