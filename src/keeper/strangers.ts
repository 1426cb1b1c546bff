// Tokens that this node has not seen alive: being asked about for the first time, dead, or without a usable answer.

import type { Alive, SessionAnswer } from '../am/answers.js';
import type { AmClient, Credential } from '../am/client.js';
import type { Clock } from '../clock.js';
import type { EndWord } from '../store/session-store.js';
import type { Ask } from './ask.js';
import { BoundedMap } from '../bounded-map.js';
import { isClientSide } from './client-side.js';
import type { Call } from './call.js';
import { whenEntered, type Cluster, type Entry } from './cluster.js';
import type { SessionAction } from './events.js';
import type { TrackedSession } from './tracked-session.js';
import { troubleAfter, verdictInTrouble, type Trouble } from './trouble.js';
import { deadVerdict, type Verdict } from './verdict.js';

/** AM said once that a token is dead: another node of it may not have the session yet. Said twice: it is. */
const deadOnceMs = 10_000;
const deadTwiceMs = 20 * 60 * 1000;
const deadMax = 100_000;
const troubledMax = 20_000;
/** How long failures in a row are counted together. */
const troubleMemoryMs = 60_000;

/** Until when AM is not asked again about a dead token, monotonic ms. */
interface Death {
  readonly until: number;
  readonly twice: boolean;
}

/** The first call about a token. */
interface Meeting extends Call {
  /** The latest user activity that waits for it, monotonic ms. */
  activityAt: number;
  /** Another node logged the token out meanwhile. */
  isLoggedOut: boolean;
}

export interface Strangers {
  /** The call about this token that is in flight. */
  meeting(id: string): Meeting | undefined;
  /** What is known of the token without asking. */
  verdict(id: string, now: number): Verdict | undefined;
  /** Asks AM; resolves when the answer has been taken over. */
  meet(credential: Credential, client: string, activityAt: number): Promise<void>;
  /** Whether AM has said twice that the token is dead. */
  isDeadForGood(id: string, now: number): boolean;
  /** AM said that the token is dead. */
  bury(id: string): void;
  /** Ends the calls in flight. */
  close(): void;
}

export interface StrangersOptions {
  readonly am: AmClient;
  readonly ask: Ask;
  readonly clock: Clock;
  readonly random: () => number;
  readonly cluster: Cluster;
  /** The token is alive: it becomes a tracked session, unless it was logged out meanwhile. */
  readonly onAlive: (credential: Credential, meeting: AliveMeeting) => TrackedSession | undefined;
  /** The token is dead: it may be that of a session that memory ran short of. */
  readonly onDead: (id: string) => void;
  /** Another node logged it out. */
  readonly onEnd: (id: string, end: EndWord) => void;
}

export interface AliveMeeting {
  readonly answer: Alive;
  readonly action: SessionAction;
  /** The user's latest activity, monotonic ms; `-Infinity`: none. */
  readonly activityAt: number;
  readonly entry: Entry;
  readonly isLoggedOut: boolean;
}

export function createStrangers(options: StrangersOptions): Strangers {
  const { am, ask, clock, random, cluster, onAlive, onDead, onEnd } = options;
  const meetings = new Map<string, Meeting>();
  const troubled = new BoundedMap<Trouble>({
    max: troubledMax,
    isOver: ({ retryAt }) => clock.now() > retryAt + troubleMemoryMs,
  });
  // kept for as long again: a token that is dead twice is dead for longer
  const dead = new BoundedMap<Death>({ max: deadMax, isOver: ({ until }) => clock.now() > until + deadTwiceMs });

  const isDead = (id: string, now: number) => now < (dead.get(id)?.until ?? -Infinity);

  function bury(id: string): void {
    const twice = dead.has(id);
    dead.set(id, { twice, until: clock.now() + (twice ? deadTwiceMs : deadOnceMs) });
  }

  /** What an answer changes, but for a live session, which is not ours to keep. */
  function takeOver(id: string, answer: SessionAnswer): void {
    if (answer.kind === 'dead') {
      bury(id);
      onDead(id);
    } else if (answer.kind === 'alive') {
      troubled.delete(id);
      dead.delete(id);
    } else if (answer.kind === 'refused' || answer.cause !== 'aborted')
      troubled.set(id, troubleAfter(troubled.get(id), answer, clock.now(), random));
  }

  return {
    meeting: (id) => meetings.get(id),
    isDeadForGood: (id, now) => isDead(id, now) && dead.get(id)?.twice === true,
    bury,
    close: () => meetings.forEach(({ controller }) => controller.abort()),
    verdict(id, now) {
      if (isDead(id, now)) return deadVerdict;
      const trouble = troubled.get(id);
      return trouble && now < trouble.retryAt ? verdictInTrouble(trouble, now) : undefined;
    },
    meet(credential, client, activityAt) {
      const { id } = credential;
      const controller = new AbortController();
      const { signal } = controller;
      const wanted: SessionAction = activityAt > -Infinity && !isClientSide(credential.token) ? 'refresh' : 'peek';
      let action = wanted;
      let entry: Entry | undefined;
      const settled = ask<SessionAnswer | undefined>({
        action,
        reason: 'first-sight',
        credential,
        caller: { known: false, client },
        signal,
        send: (begin) =>
          whenEntered(cluster.enter(id, wanted === 'refresh'), (entered) => {
            entry = entered;
            if (entered.end) onEnd(id, entered.end);
            if (entered.end || signal.aborted) return undefined;
            if (entered.takenUntil > -Infinity) action = 'peek';
            begin(action);
            return am[action](credential, signal);
          }),
      }).then((answer) => {
        meetings.delete(id);
        if (answer) takeOver(id, answer);
        if (!entry) return;
        const { activityAt: at, isLoggedOut } = meeting;
        const session =
          answer?.kind === 'alive'
            ? onAlive(credential, { answer, action, entry, activityAt: at, isLoggedOut })
            : undefined;
        cluster.leave(id, entry, session, answer?.kind);
      });
      const meeting: Meeting = { settled, controller, activityAt, isLoggedOut: false };
      meetings.set(id, meeting);
      return settled;
    },
  };
}
