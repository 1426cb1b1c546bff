// The keeper: is this session alive, and does AM learn of the user's activity? At most one AM call per token in flight.

import type { Alive } from '../am/answers.js';
import type { AmClient, Credential } from '../am/client.js';
import type { Presence } from '../am/presence.js';
import type { Clock } from '../clock.js';
import type { Logger } from '../ops/log.js';
import { createAsk } from './ask.js';
import { createClientSideCheck } from './client-side.js';
import { createEndings, type Logout } from './endings.js';
import { BoundedMap } from './bounded-map.js';
import { sessionLabel, type CallReason, type Decision, type KeeperObserver } from './events.js';
import { createCallGate, knownCaller } from './gate.js';
import { createLearning } from './learning.js';
import { createPending } from './pending.js';
import { createStrangers } from './strangers.js';
import { TrackedSession } from './tracked-session.js';
import { troubleAfter, verdictInTrouble } from './trouble.js';
import { createTrust } from './trust.js';
import type { Verdict } from './verdict.js';
import { createWatches, type OnSessionEnd } from './watches.js';

export interface Keeper {
  /**
   * The user did something: is the session alive? AM learns of the activity now or when the window ends.
   *
   * @param client the client's address: unknown tokens are asked about in turn between addresses
   * @param wait wait for AM's answer even where the session is trusted; in a closed window AM is not asked. Default false
   */
  touch(credential: Credential, client: string, wait?: boolean): Verdict | Promise<Verdict>;
  /** Is the session alive? Extends nothing (on OpenAM: as far as that can be). */
  peek(credential: Credential, client: string): Verdict | Promise<Verdict>;
  /**
   * Calls `onEnd` once when the session ends: at a logout here at once, at a death at AM within trust time and window.
   * AM is asked no more often than by peeks, once for all who watch a session, and the watch extends nothing.
   *
   * @returns ends the watch
   */
  watch(credential: Credential, onEnd: OnSessionEnd): () => void;
  /** Ends the session: here at once, then at AM. */
  end(credential: Credential, client: string): Promise<Logout>;
  /** Whether AM confirmed this session to this node before. */
  knows(id: string): boolean;
  /** Whether AM's latest access of the session is not before `at` (monotonic ms). */
  wasTold(id: string, at: number): boolean;
  /** Tells AM now of the logouts that it has not heard of. */
  tellLogouts(): void;
  /** One last try for the logouts that AM has not heard of; activity of the last window is not told. */
  close(): Promise<void>;
  readonly stats: { readonly sessions: number; readonly calls: number; readonly logoutsWaiting: number };
}

export interface KeeperOptions {
  readonly am: AmClient;
  readonly clock: Clock;
  readonly presence: Presence;
  readonly log: Logger;
  readonly updateFrequencyS: number;
  readonly timeoutMs: number;
  readonly maxConcurrency: number;
  readonly downGraceS: number;
  readonly trustS: number;
  readonly sessionsMax: number;
  /** Whether a session of this realm may be let in. */
  readonly servesRealm: (realm: string) => boolean;
  readonly observe?: KeeperObserver | undefined;
  readonly random?: () => number;
}

type Cause = 'activity' | 'background';

/** At once where AM need not be asked. */
type Ruling = Verdict | Promise<Verdict>;

export function createKeeper(options: KeeperOptions): Keeper {
  const { am, clock, presence, log, observe, updateFrequencyS, servesRealm, random = Math.random } = options;
  const graceMs = options.downGraceS * 1000;
  const windowMs = (updateFrequencyS + 1) * 1000;
  const gate = createCallGate({ max: options.maxConcurrency, waitMs: options.timeoutMs, clock });
  const ask = createAsk({ gate, presence, clock, observe });
  const calling = { am, ask, clock, random };
  const trust = createTrust({ trustMs: options.trustS * 1000, graceMs, flavor: am.flavor, clock });
  const pending = createPending(clock, (session, credential) => call(session, credential, 'refresh', 'trailing'));
  const sessions = new BoundedMap<TrackedSession>({
    max: options.sessionsMax,
    isOver: (session) => !session.inUse && clock.now() > Math.min(session.maxDeadline, session.idleDeadline + graceMs),
    isInUse: (session) => session.inUse,
    onEvict: letGo,
  });
  const strangers = createStrangers({ ...calling, onAlive: admit, onDead: (id) => watches.over(id, 'dead') });
  const endings = createEndings({
    ...calling,
    log,
    afterglowMs: options.trustS * 1000 + graceMs + 60_000,
    max: options.sessionsMax,
    onDead: strangers.bury,
  });
  const learn = createLearning({ flavor: am.flavor, updateFrequencyS, servesRealm, log });
  const watches = createWatches({
    clock,
    random,
    trust,
    log,
    windowMs,
    find: (id) => sessions.get(id),
    // in the place of an address, for sessions that are not known any more
    peek: (credential) => peek(credential, 'watch'),
  });
  const hasNoIdleTime = createClientSideCheck(log);

  /** Its call too: the next request would ask AM while this one is still in flight. */
  function letGo(session: TrackedSession): void {
    pending.drop(session);
    session.call?.controller.abort();
  }

  function decided({ id }: Credential, request: Cause, decision: Decision, windowLeftMs?: number): void {
    if (!observe) return;
    const event = { type: 'decision', session: sessionLabel(id), request, decision } as const;
    observe(windowLeftMs === undefined ? event : { ...event, windowLeftMs });
  }

  /** The verdict once AM was asked: its answer; after a failure its last word by trust, then by grace. */
  function standing(session: TrackedSession, now: number): Verdict {
    const { trouble } = session;
    if (!trouble || trust.forTouch(session, now) || trust.inOutage(session, now)) return session;
    return verdictInTrouble(trouble, now);
  }

  function verdictOn(id: string): Verdict {
    const now = clock.now();
    const session = sessions.get(id);
    if (session) return standing(session, now);
    return endings.verdict(id, now) ?? strangers.verdict(id, now) ?? { kind: 'unknown', retryAfterS: 1 };
  }

  function afterCall(session: TrackedSession, id: string): Ruling {
    return session.call ? session.call.settled.then(() => verdictOn(id)) : verdictOn(id);
  }

  /** One call for a session that AM confirmed before. */
  function call(session: TrackedSession, credential: Credential, action: 'refresh' | 'peek', reason: CallReason): void {
    const controller = new AbortController();
    pending.pause(session);
    const { signal } = controller;
    const send = () => am[action](credential, signal);
    const settled = ask({ action, reason, credential, caller: knownCaller, send, signal }).then((answer) => {
      session.call = undefined;
      // logged out meanwhile: an answer to a call that started before never revives it
      if (sessions.get(credential.id) !== session) return;
      if (answer.kind === 'dead') {
        sessions.delete(credential.id);
        pending.drop(session);
        strangers.bury(credential.id);
        watches.over(credential.id, 'dead');
        return;
      }
      if (answer.kind === 'alive') {
        learn(session, answer, action);
        sessions.set(credential.id, session);
      } else {
        const now = clock.now();
        session.trouble = troubleAfter(session.trouble, answer, now, random);
        // AM did answer: asked for the same again within a window it would be called more often than when all is well
        if (answer.kind === 'refused') session.windowEndsAt = Math.max(session.windowEndsAt, now + windowMs);
      }
      pending.schedule(session, credential);
    });
    session.call = { settled, controller };
  }

  /** A token turns out to be a live session. */
  function admit(credential: Credential, answer: Alive, action: 'refresh' | 'peek', activityAt: number): void {
    if (endings.verdict(credential.id, clock.now())) return;
    const session = new TrackedSession(answer);
    if (!hasNoIdleTime(credential.token)) session.activityAt = activityAt;
    learn(session, answer, action);
    sessions.set(credential.id, session);
    pending.schedule(session, credential);
  }

  function meet(credential: Credential, client: string, now: number, cause: Cause): Ruling {
    const { id } = credential;
    const meeting = strangers.meeting(id);
    const verdict = endings.verdict(id, now) ?? (meeting ? undefined : strangers.verdict(id, now));
    if (verdict) {
      decided(credential, cause, verdict.kind === 'dead' || verdict.kind === 'ended' ? verdict.kind : 'backing-off');
      return verdict;
    }
    if (meeting) {
      if (cause === 'activity') meeting.activityAt = now;
      decided(credential, cause, 'call-in-flight');
      return meeting.settled.then(() => verdictOn(id));
    }
    decided(credential, cause, 'call');
    return strangers.meet(credential, client, cause === 'activity' ? now : -Infinity).then(() => verdictOn(id));
  }

  function peekAt(session: TrackedSession, credential: Credential, now: number, cause: Cause): Ruling {
    if (trust.forPeek(session, now)) {
      decided(credential, cause, 'trusted');
      return session;
    }
    if (session.call) {
      decided(credential, cause, 'call-in-flight');
    } else if (session.trouble && now < session.trouble.retryAt) {
      decided(credential, cause, 'backing-off');
      return standing(session, now);
    } else {
      decided(credential, cause, 'call');
      call(session, credential, 'peek', 'trust-over');
    }
    return afterCall(session, credential.id);
  }

  function touchInClosedWindow(session: TrackedSession, credential: Credential, now: number): Ruling {
    if (trust.forTouchInWindow(session, now)) {
      decided(credential, 'activity', 'window-closed', session.windowEndsAt - now);
      return session;
    }
    decided(credential, 'activity', 'call');
    // where a peek is a touch anyway, the user's own activity may as well be one
    call(session, credential, am.flavor.everyCallResets ? 'refresh' : 'peek', 'trust-over');
    return afterCall(session, credential.id);
  }

  function touch(credential: Credential, client: string, wait = false): Ruling {
    const now = clock.now();
    trust.noticeSleep(now);
    const session = sessions.get(credential.id);
    if (!session) return meet(credential, client, now, 'activity');
    if (!session.served) return peekAt(session, credential, now, 'activity');
    if (hasNoIdleTime(credential.token)) return peekAt(session, credential, now, 'activity');
    session.activityAt = now;
    if (session.call) {
      pending.schedule(session, credential);
      decided(credential, 'activity', 'call-in-flight');
      return !wait && trust.forTouch(session, now) ? session : afterCall(session, credential.id);
    }
    if (session.trouble && now < session.trouble.retryAt) {
      pending.schedule(session, credential);
      decided(credential, 'activity', 'backing-off');
      return standing(session, now);
    }
    if (now < session.windowEndsAt) {
      pending.schedule(session, credential);
      return touchInClosedWindow(session, credential, now);
    }
    decided(credential, 'activity', 'call');
    call(session, credential, 'refresh', 'activity');
    return !wait && trust.forTouch(session, now) ? session : afterCall(session, credential.id);
  }

  function peek(credential: Credential, client: string): Ruling {
    const now = clock.now();
    trust.noticeSleep(now);
    const session = sessions.get(credential.id);
    if (!session) return meet(credential, client, now, 'background');
    return peekAt(session, credential, now, 'background');
  }

  return {
    touch,
    peek,
    watch(credential, onEnd) {
      const verdict = sessions.has(credential.id) ? undefined : verdictOn(credential.id);
      if (verdict?.kind !== 'ended' && verdict?.kind !== 'dead') return watches.add(credential, onEnd);
      // it ended between its request's verdict and now
      onEnd(verdict.kind);
      return () => undefined;
    },
    async end(credential, client) {
      const { id } = credential;
      const session = sessions.get(id);
      strangers.meeting(id)?.controller.abort();
      if (session) {
        sessions.delete(id);
        letGo(session);
      } else if (strangers.isDeadForGood(id, clock.now())) return { outcome: 'already-ended', setCookies: [] };
      const caller = session ? knownCaller : { known: false, client };
      const logout = endings.end(credential, { caller, maxDeadline: session?.maxDeadline ?? Infinity });
      watches.over(id, 'ended');
      return logout;
    },
    knows: (id) => sessions.has(id),
    wasTold: (id, at) => (sessions.get(id)?.accessAt ?? -Infinity) >= at,
    tellLogouts: () => void endings.retryAll(),
    async close() {
      watches.close();
      pending.close();
      // cut with their connections, calls in flight would look like AM's end
      strangers.close();
      for (const session of sessions.values()) letGo(session);
      await endings.close();
    },
    get stats() {
      return { sessions: sessions.size, calls: gate.inFlight, logoutsWaiting: endings.waiting };
    },
  };
}
