// Logouts: a session is dead here at once, and AM is told until it has heard it.

import type { LogoutAnswer } from '../am/answers.js';
import type { AmClient, Credential } from '../am/client.js';
import type { Clock } from '../clock.js';
import type { Logger } from '../ops/log.js';
import type { Ask } from './ask.js';
import { backoffMs } from './backoff.js';
import { BoundedMap } from '../bounded-map.js';
import { isClientSide } from './client-side.js';
import type { Cluster } from './cluster.js';
import { sessionLabel, type LogoutOutcome } from './events.js';
import { knownCaller, type Caller } from './gate.js';
import type { KeeperMeter } from './meter.js';
import { createSharing, type Sharing } from './sharing.js';
import { createTombstone, isBusy, type Tombstone } from './tombstone.js';
import { endedForGoodVerdict, endedVerdict, type Verdict } from './verdict.js';

export interface Logout {
  readonly outcome: LogoutOutcome;
  /** AM's own `Set-Cookie` lines. */
  readonly setCookies: readonly string[];
}

export interface Endings {
  /** Whether this token was logged out here. */
  verdict(id: string, now: number): Verdict | undefined;
  /** Ends the session on all nodes, tells AM, and goes on telling it in the background while it does not answer. */
  end(credential: Credential, session: EndedSession): Promise<Logout>;
  /** Another node ended the session, and remembers it for `forMs`. */
  learn(id: string, confirmed: boolean, forMs: number): void;
  /** Ends a session that a node logged out which had not met it; that node tells AM, and this one all others. */
  adopt(id: string, maxDeadline: number): void;
  shareAll: Sharing['shareAll'];
  shareUntold: Sharing['shareUntold'];
  /** Tells AM at once of all that waits. */
  retryAll(): Promise<void>;
  /** The same, then forgets what AM has not heard of. */
  close(): Promise<void>;
  readonly waiting: number;
}

/** `maxDeadline`: monotonic ms, `Infinity` if AM did not say. */
interface EndedSession {
  readonly caller: Caller;
  readonly maxDeadline: number;
  /** The store has been asked about it: nobody waits for it twice. */
  readonly hasWaited: boolean;
}

export interface EndingsOptions {
  readonly am: AmClient;
  readonly clock: Clock;
  readonly ask: Ask;
  readonly cluster: Cluster;
  readonly meter: KeeperMeter;
  readonly log: Logger;
  readonly random: () => number;
  /** How long a token could still pass somewhere on old knowledge after AM confirmed its end, in ms. */
  readonly afterglowMs: number;
  readonly max: number;
  /** AM says that the token was dead already: remembered like any other dead token. */
  readonly onDead: (id: string) => void;
}

const longestSessionMs = 24 * 60 * 60 * 1000;
const retryForMs = 10 * 60 * 1000;
const queueMax = 10_000;
const strangersMax = 1_000;
const crowdedOutMax = 10_000;
const strangerRetries = 3;

export function createEndings(options: EndingsOptions): Endings {
  const { am, ask, clock, cluster, meter, log, random, afterglowMs, max, onDead } = options;
  const tombstones = new BoundedMap<Tombstone>({
    max,
    isOver: (stone) => !isBusy(stone) && clock.now() >= stone.until,
    isInUse: isBusy,
    onEvict: stopRetrying,
  });
  // tokens that nobody has seen alive: a flood of invented ones must not push out the users' tombstones
  const strangers = new Map<string, Tombstone>();
  // those of them that found the pool full: ended here all the same, until the time given
  const crowdedOut = new BoundedMap<number>({ max: crowdedOutMax, isOver: (until) => clock.now() >= until });
  const sharing = createSharing(cluster, clock, tombstones);
  let queued = 0;

  function find(id: string, now: number): Tombstone | undefined {
    const stone = tombstones.get(id) ?? strangers.get(id);
    if (!stone || isBusy(stone) || now < stone.until) return stone;
    tombstones.delete(id);
    strangers.delete(id);
    return undefined;
  }

  function bury(
    id: string,
    { caller, maxDeadline }: Omit<EndedSession, 'hasWaited'>,
    now: number,
  ): Tombstone | undefined {
    const until = Math.min(maxDeadline, now + longestSessionMs);
    const stone = createTombstone(until, false, { caller });
    if (caller.known) {
      tombstones.set(id, stone);
      return stone;
    }
    if (strangers.size >= strangersMax && !evictSettledStranger()) {
      crowdedOut.set(id, now + afterglowMs);
      return undefined;
    }
    strangers.set(id, stone);
    return stone;
  }

  function evictSettledStranger(): boolean {
    for (const [id, stone] of strangers) if (!isBusy(stone)) return strangers.delete(id);
    return false;
  }

  function confirm({ id, token }: Credential, stone: Tombstone | undefined): void {
    if (stone) stopRetrying(stone);
    strangers.delete(id);
    // without a denylist AM goes on taking a client-side session for alive: only what we remember ends it
    const until = isClientSide(token) && stone ? stone.until : clock.now() + afterglowMs;
    const confirmed = createTombstone(until, true);
    tombstones.set(id, confirmed);
    void sharing.share(id, confirmed);
  }

  async function attempt(
    credential: Credential,
    stone: Tombstone | undefined,
    caller: Caller,
    reason: 'logout' | 'logout-retry',
  ): Promise<Logout> {
    const answer = await ask({
      action: 'logout',
      reason,
      credential,
      caller,
      send: (begin) => {
        begin('logout');
        return am.logout(credential);
      },
      // the user's own click waits for no other call and no queue
      direct: caller.known && reason === 'logout',
    });
    if (stone) stone.attempt = undefined;
    // another node may have said meanwhile that it is a user's
    return settle(credential, stone, stone?.caller ?? caller, answer);
  }

  function settle(credential: Credential, stone: Tombstone | undefined, caller: Caller, answer: LogoutAnswer): Logout {
    switch (answer.kind) {
      case 'ended':
        confirm(credential, stone);
        return { outcome: 'ended', setCookies: answer.setCookies };
      case 'dead':
        if (caller.known) confirm(credential, stone);
        else {
          if (stone) stopRetrying(stone);
          strangers.delete(credential.id);
          onDead(credential.id);
        }
        return { outcome: 'already-ended', setCookies: [] };
      case 'refused':
        if (stone) stopRetrying(stone);
        return { outcome: 'refused', setCookies: [] };
      case 'unknown':
        return {
          outcome: stone && queue(credential, stone, answer.retryAfterS) ? 'pending' : 'unqueueable',
          setCookies: [],
        };
    }
  }

  /** Puts the logout into the queue of those that AM is told again; false where there is no room or no time left. */
  function queue(credential: Credential, stone: Tombstone, retryAfterS: number | undefined): boolean {
    const now = clock.now();
    const before = stone.retry;
    const triesLeft = before ? before.triesLeft - 1 : stone.caller.known ? Infinity : strangerRetries;
    const giveUpAt = before?.giveUpAt ?? now + retryForMs;
    if (!before && queued >= queueMax) return false;
    if (triesLeft <= 0 || now >= giveUpAt) {
      stopRetrying(stone);
      // whoever invents tokens must not fill the log or raise the alert: there may be no such session
      if (!stone.caller.known) return false;
      meter.gaveUp();
      log.warn(
        { session: sessionLabel(credential.id) },
        'gave up telling AM of a logout: the session is ended here, but lives at AM until its own time-out',
      );
      return false;
    }
    stopRetrying(stone);
    const failures = (before?.failures ?? 0) + 1;
    stone.retry = { credential, giveUpAt, triesLeft, failures, timer: undefined };
    queued++;
    const delay = Math.min(backoffMs(failures, retryAfterS, random), giveUpAt - now);
    stone.retry.timer = clock.setTimer(() => void retry(stone), delay);
    return true;
  }

  async function retry(stone: Tombstone): Promise<void> {
    if (!stone.retry) return;
    // somebody logs out again at this moment: that call settles this one too
    stone.attempt ??= attempt(stone.retry.credential, stone, stone.caller, 'logout-retry');
    await stone.attempt;
  }

  function waitingStones(): Tombstone[] {
    return [...tombstones.values(), ...strangers.values()].filter((stone) => stone.retry);
  }

  async function retryAll(): Promise<void> {
    await Promise.all(waitingStones().map((stone) => retry(stone)));
  }

  function stopRetrying(stone: Tombstone): void {
    if (!stone.retry) return;
    if (stone.retry.timer) clock.clearTimer(stone.retry.timer);
    stone.retry = undefined;
    queued--;
  }

  return {
    get waiting() {
      return queued;
    },
    verdict(id, now) {
      const stone = find(id, now);
      if (!stone) return now < (crowdedOut.get(id) ?? -Infinity) ? endedVerdict : undefined;
      return stone.confirmed ? endedForGoodVerdict : endedVerdict;
    },
    async end(credential, session) {
      const { id } = credential;
      const now = clock.now();
      const before = find(id, now);
      const stone = before ?? bury(id, session, now);
      if (stone?.confirmed) return { outcome: 'already-ended', setCookies: [] };
      if (stone?.attempt) return stone.attempt;
      const shared = stone?.own && !before ? sharing.share(id, stone) : undefined;
      const call = attempt(credential, stone, stone?.caller ?? session.caller, 'logout');
      if (stone) stone.attempt = call;
      const logout = await call;
      if (!session.hasWaited) await shared;
      return logout;
    },
    learn(id, confirmed, forMs) {
      const now = clock.now();
      const before = find(id, now);
      const lasting = Math.min(Math.max(forMs, afterglowMs), longestSessionMs);
      const stone = before ?? createTombstone(now + lasting, confirmed, { own: false });
      if (before && confirmed && !before.confirmed) before.until = now + lasting;
      // what this node has yet to tell AM it goes on telling, whatever others say
      stone.confirmed ||= confirmed;
      // a user's after all: told for as long as any
      if (stone.retry && !stone.caller.known) stone.retry = { ...stone.retry, triesLeft: Infinity };
      stone.caller = knownCaller;
      strangers.delete(id);
      tombstones.set(id, stone);
    },
    adopt(id, maxDeadline) {
      const stone = bury(id, { caller: knownCaller, maxDeadline }, clock.now());
      if (stone) void sharing.share(id, stone);
    },
    shareAll: sharing.shareAll,
    shareUntold: sharing.shareUntold,
    retryAll,
    async close() {
      if (queued > 0)
        log.info({ logouts: queued }, 'stopping: AM is told once more of logouts that it has not heard of');
      await retryAll();
      const untold = waitingStones();
      if (untold.length > 0)
        log.warn(
          { logouts: untold.length },
          'stopping, and AM has not heard of these logouts: their sessions live at AM until their own time-out',
        );
      for (const stone of untold) stopRetrying(stone);
    },
  };
}
