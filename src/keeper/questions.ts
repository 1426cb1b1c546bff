// The two questions that requests ask of a session: touch and peek.

import type { Credential } from '../am/client.js';
import type { Clock } from '../clock.js';
import type { BoundedMap } from '../bounded-map.js';
import { unread } from './cluster.js';
import type { Endings } from './endings.js';
import { sessionLabel, type Decision, type KeeperObserver } from './events.js';
import type { Inquiries } from './inquiries.js';
import type { KeeperMeter } from './meter.js';
import type { Pending } from './pending.js';
import type { Strangers } from './strangers.js';
import type { TrackedSession } from './tracked-session.js';
import { verdictInTrouble } from './trouble.js';
import type { Trust } from './trust.js';
import type { Verdict } from './verdict.js';

/** At once where nobody need be asked. */
type Ruling = Verdict | Promise<Verdict>;

export interface Questions {
  touch(credential: Credential, client: string, wait?: boolean): Ruling;
  peek(credential: Credential, client: string): Ruling;
  /** What is known without asking. */
  verdictOn(id: string): Verdict;
}

export interface QuestionsOptions {
  readonly clock: Clock;
  readonly sessions: BoundedMap<TrackedSession>;
  readonly strangers: Strangers;
  readonly endings: Endings;
  readonly inquiries: Inquiries;
  readonly pending: Pending;
  readonly trust: Trust;
  /** Since when the session may have ended unheard, monotonic ms; `Infinity`: it has not. */
  readonly deafSince: (session: TrackedSession) => number;
  readonly hasNoIdleTime: (token: string) => boolean;
  readonly everyCallResets: boolean;
  readonly meter: KeeperMeter;
  readonly observe: KeeperObserver | undefined;
}

type Cause = 'activity' | 'background';

export function createQuestions(options: QuestionsOptions): Questions {
  const { clock, sessions, strangers, endings, inquiries, pending, trust, deafSince, hasNoIdleTime } = options;
  const { everyCallResets, meter, observe } = options;

  function decided({ id }: Credential, request: Cause, decision: Decision, windowLeftMs?: number): void {
    meter.decided(request, decision);
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

  /** What other nodes did unheard is read before the session passes on what is known of it. */
  async function afterLook(session: TrackedSession, credential: Credential, again: () => Ruling): Promise<Verdict> {
    const { call } = session;
    await call?.settled;
    // who has waited for the store once does not wait for it again
    const isSilent = call !== undefined && session.epoch === unread;
    const isDeaf = sessions.get(credential.id) === session && deafSince(session) <= clock.now();
    if (isDeaf && !isSilent && !session.call) void inquiries.look(session, credential);
    await session.call?.settled;
    return again();
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
      void inquiries.begin(session, credential, 'peek', 'trust-over');
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
    void inquiries.begin(session, credential, everyCallResets ? 'refresh' : 'peek', 'trust-over');
    return afterCall(session, credential.id);
  }

  function touch(credential: Credential, client: string, wait = false, looked = false): Ruling {
    const now = clock.now();
    trust.noticeSleep(now);
    const session = sessions.get(credential.id);
    if (!session) return meet(credential, client, now, 'activity');
    if (!looked && deafSince(session) <= now)
      return afterLook(session, credential, () => touch(credential, client, wait, true));
    if (!session.served || hasNoIdleTime(credential.token)) return peekAt(session, credential, now, 'activity');
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
    void inquiries.begin(session, credential, 'refresh', 'activity');
    return !wait && trust.forTouch(session, now) ? session : afterCall(session, credential.id);
  }

  function peek(credential: Credential, client: string, looked = false): Ruling {
    const now = clock.now();
    trust.noticeSleep(now);
    const session = sessions.get(credential.id);
    if (!session) return meet(credential, client, now, 'background');
    if (!looked && deafSince(session) <= now)
      return afterLook(session, credential, () => peek(credential, client, true));
    return peekAt(session, credential, now, 'background');
  }

  return {
    touch: (credential, client, wait) => touch(credential, client, wait),
    peek: (credential, client) => peek(credential, client),
    verdictOn,
  };
}
