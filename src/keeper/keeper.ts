// The keeper: is this session alive, and does AM learn of the user's activity? At most one AM call per token in flight.

import type { AmClient, Credential } from '../am/client.js';
import type { Presence } from '../am/presence.js';
import type { Clock } from '../clock.js';
import { createCeiling } from '../ops/ceiling.js';
import type { Logger } from '../ops/log.js';
import type { StoreState } from './store-guard.js';
import type { EndWord, SessionStore } from '../store/session-store.js';
import { createAsk } from './ask.js';
import { createClientSideCheck } from './client-side.js';
import { createCluster, type Entry } from './cluster.js';
import { createEndings, type Logout } from './endings.js';
import { BoundedMap } from '../bounded-map.js';
import type { KeeperObserver } from './events.js';
import { createCallGate, knownCaller } from './gate.js';
import { createInquiries } from './inquiries.js';
import { createLearning } from './learning.js';
import { noMeter, type KeeperMeter } from './meter.js';
import { createPending } from './pending.js';
import { createQuestions, type Questions } from './questions.js';
import { createStrangers, type AliveMeeting } from './strangers.js';
import { TrackedSession } from './tracked-session.js';
import { createTrust } from './trust.js';
import { createWatches, type OnSessionEnd } from './watches.js';

export interface Keeper {
  /**
   * The user did something: is the session alive? AM learns of the activity now or when the window ends.
   *
   * @param client the client's address: unknown tokens are asked about in turn between addresses
   * @param wait wait for AM's answer even where the session is trusted; in a closed window AM is not asked. Default false
   */
  touch: Questions['touch'];
  /** Is the session alive? Extends nothing (on OpenAM: as far as that can be). */
  peek: Questions['peek'];
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
  readonly stats: KeeperStats;
  /** Of the shared store; undefined: there is none. */
  readonly storeState: StoreState | undefined;
  /** Why it is away. */
  readonly storeFailure: string | undefined;
}

/** Of this moment. */
export interface KeeperStats {
  readonly sessions: number;
  /** To AM, in flight. */
  readonly calls: number;
  /** Calls that wait for their turn. */
  readonly callsWaiting: number;
  readonly logoutsWaiting: number;
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
  /** What the nodes of a cluster share. Default: nothing, each for itself. */
  readonly store?: SessionStore | undefined;
  readonly observe?: KeeperObserver | undefined;
  readonly meter?: KeeperMeter | undefined;
  readonly random?: () => number;
}

/** Logouts of unknown tokens for which the store is asked at a time: a flood of them must not become its flood. */
const looksMax = 64;
/** For so many of them in a second the other nodes are asked: it costs each of them. */
const asksMax = 100;

export function createKeeper(options: KeeperOptions): Keeper {
  const { am, clock, log, observe, updateFrequencyS, servesRealm, meter = noMeter, random = Math.random } = options;
  const trustMs = options.trustS * 1000;
  const graceMs = options.downGraceS * 1000;
  const windowMs = (updateFrequencyS + 1) * 1000;
  const gate = createCallGate({ max: options.maxConcurrency, waitMs: options.timeoutMs, clock });
  const ask = createAsk({ ...options, flavor: am.flavor, gate, meter });
  const trust = createTrust({ trustMs, graceMs, flavor: am.flavor, clock });
  const sessions = new BoundedMap<TrackedSession>({
    max: options.sessionsMax,
    isOver: (session) => !session.inUse && clock.now() > Math.min(session.maxDeadline, session.idleDeadline + graceMs),
    isInUse: (session) => session.inUse,
    onEvict: letGo,
  });
  // these call each other, but none before the cluster starts and the first request comes
  const cluster = createCluster({
    ...options,
    meter,
    random,
    windowMs,
    // in an outage it still tells that the session is a user's: a logout of it must not pass for one of an invented token
    wordServesMs: (session, now) => Math.max(trust.peekDueAt(session) - now, windowMs, graceMs),
    onEnd: (id, confirmed, forMs) => endedElsewhere(id, { kind: 'ended', confirmed, leftMs: forMs }),
    onAskedToEnd: endAsAsked,
    onDeath: (id) => sessions.get(id)?.doubt(),
    onReturn: () => void endings.shareAll(),
    onWell: () => void endings.shareUntold(),
  });
  const calling = { am, ask, clock, random, cluster };
  const strangers = createStrangers({
    ...calling,
    onAlive: admit,
    onDead: (id) => watches.over(id, 'dead'),
    onEnd: endedElsewhere,
  });
  const endings = createEndings({
    ...calling,
    meter,
    log,
    afterglowMs: trustMs + graceMs + 60_000,
    max: options.sessionsMax,
    onDead: strangers.bury,
  });
  const learn = createLearning({ flavor: am.flavor, updateFrequencyS, servesRealm, log });
  const pending = createPending(
    clock,
    (session, credential) => void inquiries.begin(session, credential, 'refresh', 'trailing'),
  );
  const inquiries = createInquiries({
    ...calling,
    sessions,
    trust,
    learn,
    pending,
    windowMs,
    onDead: died,
    onEnd: endedElsewhere,
  });
  const watches = createWatches({
    clock,
    random,
    trust,
    log,
    windowMs,
    find: (id) => sessions.get(id),
    deafSince,
    // in the place of an address, for sessions that are not known any more
    peek: (credential) => peek(credential, 'watch'),
  });
  const hasNoIdleTime = createClientSideCheck(log);
  const mayAsk = createCeiling(clock, asksMax, 1_000);
  let looks = 0;

  /** Its call too: the next request would ask AM while this one is still in flight. */
  function letGo(session: TrackedSession): void {
    pending.drop(session);
    session.call?.controller.abort();
  }

  /** Since when another node may have ended it without this one hearing of it. */
  function deafSince(session: TrackedSession): number {
    return session.epoch === cluster.epoch || cluster.state !== 'up' ? Infinity : cluster.listeningSince;
  }

  function died(id: string, session: TrackedSession): void {
    sessions.delete(id);
    pending.drop(session);
    strangers.bury(id);
    cluster.died(id);
    watches.over(id, 'dead');
  }

  function endedElsewhere(id: string, { confirmed, leftMs }: EndWord): void {
    forget(id);
    endings.learn(id, confirmed, leftMs);
    watches.over(id, 'ended');
  }

  /** A node that has not met the session logged it out, and goes on telling AM: whoever has met it tells the others. */
  function endAsAsked(id: string): void {
    const meeting = strangers.meeting(id);
    if (meeting) meeting.isLoggedOut = true;
    const session = sessions.get(id);
    if (!session) return;
    forget(id);
    endings.adopt(id, session.maxDeadline);
    watches.over(id, 'ended');
  }

  /** No answer to a call in flight brings it back. */
  function forget(id: string): TrackedSession | undefined {
    const session = sessions.get(id);
    strangers.meeting(id)?.controller.abort();
    sessions.delete(id);
    if (session) letGo(session);
    return session;
  }

  /** What other nodes know of a token that this one has not met: a logout of a user's session is no invented one. */
  async function lookAtUnmet(id: string): Promise<Entry | undefined> {
    if (looks >= looksMax) return undefined;
    looks++;
    // never rejects
    const entry = await cluster.look(id);
    looks--;
    return entry;
  }

  function loggedOut(logout: Logout): Logout {
    meter.loggedOut(logout.outcome);
    return logout;
  }

  /** A token turns out to be a live session. */
  function admit(credential: Credential, { answer, action, activityAt, entry, isLoggedOut }: AliveMeeting) {
    const { id, token } = credential;
    if (endings.verdict(id, clock.now())) return undefined;
    if (isLoggedOut) {
      endings.adopt(id, answer.maxDeadline);
      return undefined;
    }
    const session = new TrackedSession(answer);
    session.epoch = entry.epochByAm;
    session.windowEndsAt = entry.takenUntil;
    if (!hasNoIdleTime(token)) session.activityAt = activityAt;
    learn(session, answer, action);
    sessions.set(id, session);
    pending.schedule(session, credential);
    return session;
  }

  const { touch, peek, verdictOn } = createQuestions({
    clock,
    sessions,
    strangers,
    endings,
    inquiries,
    pending,
    trust,
    deafSince,
    hasNoIdleTime,
    everyCallResets: am.flavor.everyCallResets,
    meter,
    observe,
  });

  cluster.start();
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
      const isKnown = sessions.has(id) || endings.verdict(id, clock.now()) !== undefined;
      const entry = isKnown || cluster.state !== 'up' ? undefined : await lookAtUnmet(id);
      if (entry?.end) endedElsewhere(id, entry.end);
      const known = forget(id) ?? entry?.word;
      if (!known && strangers.isDeadForGood(id, clock.now()))
        return loggedOut({ outcome: 'already-ended', setCookies: [] });
      // what the store knew may be lost, and another node may know it still
      if (entry && !entry.end && !known && mayAsk()) cluster.askToEnd(id);
      const caller = known ? knownCaller : ({ known: false, client } as const);
      const logout = endings.end(credential, {
        caller,
        maxDeadline: known?.maxDeadline ?? Infinity,
        hasWaited: entry !== undefined,
      });
      watches.over(id, 'ended');
      return logout.then(loggedOut);
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
      await cluster.close();
    },
    get stats() {
      return {
        sessions: sessions.size,
        calls: gate.inFlight,
        callsWaiting: gate.waiting,
        logoutsWaiting: endings.waiting,
      };
    },
    get storeState() {
      return cluster.state;
    },
    get storeFailure() {
      return cluster.failure;
    },
  };
}
