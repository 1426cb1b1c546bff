// What this node learns of the others, and tells them: through the shared store, if there is one.

import { randomUUID } from 'node:crypto';
import type { SessionAnswer } from '../am/answers.js';
import type { Clock } from '../clock.js';
import type { Logger } from '../ops/log.js';
import { createStoreGuard, type StoreState } from './store-guard.js';
import type { AliveWord, EndWord, Reading, SessionStore } from '../store/session-store.js';
import type { KeeperMeter } from './meter.js';
import { refreshDueAt, type TrackedSession } from './tracked-session.js';

/** What the store knew when a call to AM was about to be made. Times in monotonic ms of this node. */
export interface Entry {
  /** Until when the refresh is another node's to send; `-Infinity`: it is this one's. */
  readonly takenUntil: number;
  readonly end: EndWord | undefined;
  readonly word: AliveWord | undefined;
  /** Of which listening this is, see {@link Cluster.epoch}; {@link unread}: the store did not say. */
  readonly epoch: number;
  /** The same where AM called the session alive: that stands in for a store that was late, but for none that is away. */
  readonly epochByAm: number;
  /** For `leave`: a claim was asked for, and is not another node's; it may stand though its answer came too late. */
  readonly mayBeClaimed: boolean;
  readonly reading: LocalReading | undefined;
}

/** The store's time is not ours: a reading happened somewhere between these two. */
interface LocalReading extends Reading {
  readonly before: number;
  readonly after: number;
}

type IsStillWanted = (word: AliveWord | undefined) => boolean;

export interface Cluster {
  /** Undefined: there is no store, this node is alone. */
  readonly state: StoreState | undefined;
  /** Why the store is away. */
  readonly failure: string | undefined;
  /** Counts how often this node began to listen to the others: what it was not told before stands in the store. */
  readonly epoch: number;
  /** When it last began to, monotonic ms. */
  readonly listeningSince: number;
  /**
   * To be asked before a call to AM about the session. Never rejects.
   *
   * @param wantsClaim for a refresh
   * @param isStillWanted asked with what the others heard, before anything is claimed: who finds it claimed waits long
   */
  enter(id: string, wantsClaim: boolean, isStillWanted?: IsStillWanted): Entry | Promise<Entry>;
  /**
   * To be told how the call went.
   *
   * @param session as it stands now; undefined: there is none
   * @param answer AM's; undefined: it was not asked
   */
  leave(id: string, entry: Entry, session: TrackedSession | undefined, answer?: SessionAnswer['kind']): void;
  /** What stands in the store, without a claim. Never rejects. */
  look(id: string): Promise<Entry>;
  /** Tells the others that the session was logged out; false: they may not know. Never rejects. */
  end(id: string, confirmed: boolean, forMs: number): Promise<boolean>;
  /** Asks the others to end a session that was logged out here, and that neither this node knows nor the store. */
  askToEnd(id: string): void;
  /** Tells the others that AM called the session dead. */
  died(id: string): void;
  start(): void;
  close(): Promise<void>;
}

export interface ClusterOptions {
  readonly store?: SessionStore | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter: KeeperMeter;
  readonly random: () => number;
  readonly windowMs: number;
  readonly timeoutMs: number;
  /** How long AM's word on this session serves the other nodes, in ms. */
  readonly wordServesMs: (session: TrackedSession, now: number) => number;
  /** A node logged the session out. */
  readonly onEnd: (id: string, confirmed: boolean, forMs: number) => void;
  /** A node logged out a token that it has not met as a session. */
  readonly onAskedToEnd: (id: string) => void;
  /** A node heard from AM that the session is dead. */
  readonly onDeath: (id: string) => void;
  /** The store is there again, or this node hears the others again: some may not know, and the store may have forgotten. */
  readonly onReturn: () => void;
  /** The store is well, said every few seconds. */
  readonly onWell: () => void;
}

/** No epoch: the store did not say, and is to be asked as soon as it can be. */
export const unread = -1;

const nothing: Entry = Object.freeze({
  takenUntil: -Infinity,
  end: undefined,
  word: undefined,
  epoch: 0,
  epochByAm: 0,
  mayBeClaimed: false,
  reading: undefined,
});

const notRead: Entry = Object.freeze({ ...nothing, epoch: unread, epochByAm: unread });

const aloneCluster: Cluster = Object.freeze({
  state: undefined,
  failure: undefined,
  epoch: 0,
  listeningSince: 0,
  enter: () => nothing,
  leave: () => undefined,
  look: () => Promise.resolve(nothing),
  end: () => Promise.resolve(true),
  askToEnd: () => undefined,
  died: () => undefined,
  start: () => undefined,
  close: () => Promise.resolve(),
});

export function createCluster(options: ClusterOptions): Cluster {
  return options.store ? createSharedCluster(options, options.store) : aloneCluster;
}

function createSharedCluster(options: ClusterOptions, store: SessionStore): Cluster {
  const {
    clock,
    log,
    meter,
    random,
    windowMs,
    timeoutMs,
    wordServesMs,
    onEnd,
    onAskedToEnd,
    onDeath,
    onReturn,
    onWell,
  } = options;
  const guard = createStoreGuard({ store, clock, log, meter, random, onUp: onReturn, onWell });
  /** This node, as long as it runs: its claims are nobody else's. */
  const node = randomUUID();
  const claimMs = Math.ceil(timeoutMs + windowMs);
  let epoch = 0;
  let listeningSince = -Infinity;

  function start(): void {
    store.listen({
      onEnd,
      onAskedToEnd,
      onDeath,
      onListening() {
        epoch++;
        listeningSince = clock.now();
        guard.lookSoon();
        onReturn();
      },
      onWarning: (fields, message) => log.warn(fields, message),
    });
    guard.start();
  }

  async function read(id: string): Promise<LocalReading | undefined> {
    const before = clock.now();
    const reading = await guard.run('read', (shared) => shared.read(id));
    return reading && { ...reading, before, after: clock.now() };
  }

  async function visit(id: string, wantsClaim: boolean, isStillWanted?: IsStillWanted): Promise<Entry> {
    const visited = epoch;
    const before = clock.now();
    const wallBefore = clock.wall();
    const reading = read(id);
    const isClaiming = wantsClaim && (!isStillWanted || (await isWanted(reading, isStillWanted)));
    const [leftMs, local] = await Promise.all([
      isClaiming ? guard.run('claim', (shared) => shared.claim(id, node, claimMs)) : undefined,
      reading,
    ]);
    const after = clock.now();
    // the machine slept: the claim may be another's by now
    if (isClaiming && Math.max(after - before, clock.wall() - wallBefore) > windowMs)
      return visit(id, wantsClaim, isStillWanted);
    return {
      takenUntil: leftMs ? after + Math.min(leftMs, claimMs) : -Infinity,
      mayBeClaimed: isClaiming && !leftMs,
      end: local?.word?.kind === 'ended' ? local.word : undefined,
      word: toLocal(local),
      epoch: local ? visited : unread,
      epochByAm: local || guard.state === 'up' ? visited : unread,
      reading: local,
    };
  }

  return {
    get state() {
      return guard.state;
    },
    get failure() {
      return guard.failure;
    },
    get epoch() {
      return epoch;
    },
    get listeningSince() {
      return listeningSince;
    },
    enter(id, wantsClaim, isStillWanted) {
      if (guard.state === 'up') return visit(id, wantsClaim, isStillWanted);
      meter.stored('read', 'skipped', 0);
      if (wantsClaim) meter.stored('claim', 'skipped', 0);
      return notRead;
    },
    look: (id) => visit(id, false),
    leave(id, { mayBeClaimed, reading }, session, answer) {
      const now = clock.now();
      if (mayBeClaimed) {
        const openAt = answer === 'dead' || !answer ? now : ((session && refreshDueAt(session)) ?? now);
        void guard.run('settle', (shared) => shared.settle(id, node, Math.ceil(openAt - now)));
      }
      if (!session || !reading || answer !== 'alive') return;
      const word = toStored(session, reading);
      const forMs = Math.min(wordServesMs(session, now), session.maxDeadline - now);
      if (forMs > 0) void guard.run('confirm', (shared) => shared.confirm(id, word, Math.ceil(forMs)));
    },
    async end(id, confirmed, forMs) {
      const told = await guard.run('end', (shared) => shared.end(id, confirmed, Math.ceil(forMs)).then(() => true));
      return told === true;
    },
    askToEnd: (id) => void guard.runOptional('askToEnd', (shared) => shared.askToEnd(id)),
    died: (id) => void guard.run('died', (shared) => shared.died(id)),
    start,
    close: guard.close,
  };
}

/** A store that does not say is not asked for the claim either: nobody waits for it twice. */
async function isWanted(reading: Promise<LocalReading | undefined>, isStillWanted: IsStillWanted): Promise<boolean> {
  const local = await reading;
  return local !== undefined && isStillWanted(toLocal(local));
}

/** At once where there is no store to be asked. */
export function whenEntered<T>(entry: Entry | Promise<Entry>, then: (entry: Entry) => T | Promise<T>): T | Promise<T> {
  return entry instanceof Promise ? entry.then(then) : then(entry);
}

/** The word in our time, with each of its bounds kept: early where it says "not later", late where "not earlier". */
function toLocal(reading: LocalReading | undefined): AliveWord | undefined {
  if (reading?.word?.kind !== 'alive') return undefined;
  const { word, now, before, after } = reading;
  // of a store whose clock went back, as after a fail-over, or of somebody who would keep sessions alive with it
  if (word.confirmedAt > now || word.accessAt > now) return undefined;
  return {
    kind: 'alive',
    confirmedAt: before + word.confirmedAt - now,
    accessAt: before + word.accessAt - now,
    idleDeadline: after + word.idleDeadline - now,
    maxDeadline: before + word.maxDeadline - now,
  };
}

/** The other way about. */
function toStored(session: TrackedSession, { now, before, after }: LocalReading): AliveWord {
  return {
    kind: 'alive',
    confirmedAt: now + session.confirmedAt - after,
    accessAt: now + session.accessAt - after,
    idleDeadline: now + session.idleDeadline - before,
    maxDeadline: now + session.maxDeadline - after,
  };
}
