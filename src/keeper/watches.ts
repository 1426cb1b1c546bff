// Who wants to know when a session ends: sockets and event streams stay open long after their request was judged.

import type { Credential } from '../am/client.js';
import type { Clock, Timer } from '../clock.js';
import { createErrorReport, type Logger } from '../ops/log.js';
import { TrackedSession } from './tracked-session.js';
import type { Trust } from './trust.js';
import type { Verdict } from './verdict.js';

/** `ended`: logged out here; `dead`: AM says so, or its maximum time has come while AM does not answer. */
export type SessionEnd = 'ended' | 'dead';

export type OnSessionEnd = (how: SessionEnd) => void;

export interface Watches {
  /**
   * Calls `onEnd` once, when the session ends.
   *
   * @returns ends the watch; the token goes out of memory with the last one of its session
   */
  add(credential: Credential, onEnd: OnSessionEnd): () => void;
  /** The session is over: everybody who watches it is told. */
  over(id: string, how: SessionEnd): void;
  /** Nobody is told any more. */
  close(): void;
}

export interface WatchesOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly trust: Trust;
  readonly log: Logger;
  readonly windowMs: number;
  /** The session as this node knows it. */
  readonly find: (id: string) => TrackedSession | undefined;
  /** Since when the session may have been ended without this node hearing of it, monotonic ms; `Infinity`: it has heard all. */
  readonly deafSince: (session: TrackedSession) => number;
  /** Asks AM where nothing recent is known. */
  readonly peek: (credential: Credential) => Verdict | Promise<Verdict>;
}

/** All watchers of one session: AM is asked once for all of them. */
interface Watch {
  readonly credential: Credential;
  readonly listeners: Set<OnSessionEnd>;
  /** As last seen: memory may have run short since. */
  session: TrackedSession | undefined;
  /** AM is asked this much later than it could be, so that the sessions of a server do not come together. */
  delayMs: number;
  /** Not before this, monotonic ms: the last call failed. */
  retryAt: number;
  isAsking: boolean;
}

const longestLookMs = 1_000;

/** One timer looks after all sessions: a watch costs nothing but its place in the map, and each request may have one. */
export function createWatches(options: WatchesOptions): Watches {
  const { clock, random, trust, log, windowMs, find, deafSince, peek } = options;
  const reportError = createErrorReport(log, clock);
  // a death at AM is noticed within trust and window: delay, look and slow answers share the window
  const spreadMs = windowMs / 4;
  const lookMs = Math.min(longestLookMs, windowMs / 16);
  const watches = new Map<string, Watch>();
  let timer: Timer | undefined;
  let closed = false;

  function over(id: string, how: SessionEnd): void {
    const watch = watches.get(id);
    if (!watch) return;
    watches.delete(id);
    for (const onEnd of watch.listeners) {
      try {
        onEnd(how);
      } catch (error) {
        // what one of them runs into must not keep the others open
        reportError(error, 'an open connection could not be ended');
      }
    }
  }

  function look(): void {
    const now = clock.now();
    trust.noticeSleep(now);
    for (const watch of watches.values()) if (!watch.isAsking && now >= dueAt(watch)) void check(watch);
    timer = watches.size > 0 && !closed ? clock.setTimer(look, lookMs) : undefined;
  }

  function dueAt(watch: Watch): number {
    watch.session = find(watch.credential.id) ?? watch.session;
    const { session, delayMs, retryAt } = watch;
    if (!session) return retryAt;
    const lookAt = deafSince(session) + delayMs;
    const askAt = Math.max(trust.peekDueAt(session), session.trouble?.retryAt ?? -Infinity) + delayMs;
    // AM may say alive of a session whose deadlines are over by its own answer
    const earliest = session.confirmedAt + longestLookMs + delayMs;
    return Math.max(earliest, Math.min(Math.max(askAt, retryAt), lookAt, trust.maximumAt(session)));
  }

  async function check(watch: Watch): Promise<void> {
    const { credential } = watch;
    watch.isAsking = true;
    const verdict = await peek(credential);
    watch.isAsking = false;
    watch.delayMs = random() * spreadMs;
    if (verdict.kind === 'dead' || verdict.kind === 'ended') return over(credential.id, verdict.kind);
    if (verdict.kind === 'alive') {
      // it may be out of memory again by the next look, and is not asked about any sooner for that
      if (verdict instanceof TrackedSession) watch.session = verdict;
      return;
    }
    const now = clock.now();
    // an outage closes nothing before that
    if (watch.session && now >= trust.maximumAt(watch.session)) over(credential.id, 'dead');
    else watch.retryAt = now + verdict.retryAfterS * 1000;
  }

  return {
    add(credential, onEnd) {
      let watch = watches.get(credential.id);
      if (!watch) {
        watch = {
          credential,
          listeners: new Set(),
          session: find(credential.id),
          delayMs: random() * spreadMs,
          retryAt: -Infinity,
          isAsking: false,
        };
        watches.set(credential.id, watch);
      }
      const { listeners } = watch;
      listeners.add(onEnd);
      if (!closed) timer ??= clock.setTimer(look, lookMs);
      return () => {
        listeners.delete(onEnd);
        if (listeners.size === 0 && watches.get(credential.id)?.listeners === listeners) watches.delete(credential.id);
      };
    },
    over,
    close() {
      closed = true;
      if (timer) clock.clearTimer(timer);
      timer = undefined;
      watches.clear();
    },
  };
}
