// The gate in front of AM: how many calls are in flight, and who goes next.

import type { Clock, Timer } from '../clock.js';

/** Who asks: a session that AM confirmed before, or a token that we have never seen alive, sent by this client address. */
export type Caller = { readonly known: true } | { readonly known: false; readonly client: string };

export const knownCaller: Caller = Object.freeze({ known: true });

/** The call was not made: too many wait, or it waited longer than an AM call may take. */
export const busy = Symbol('busy');

export interface CallGate {
  /** Runs the call when its turn comes, within `waitMs` and unless the signal aborts; otherwise resolves with `busy`. */
  run<T>(caller: Caller, call: () => Promise<T>, signal?: AbortSignal): Promise<T | typeof busy>;
  readonly inFlight: number;
  readonly waiting: number;
}

export interface CallGateOptions {
  /** Calls in flight at most; unknown tokens get half of them. */
  readonly max: number;
  readonly waitMs: number;
  readonly clock: Clock;
  /** Unknown tokens that may wait; default 64 for each call in flight. */
  readonly strangersMax?: number;
}

/** An address with more waiting than this is cut first when the queue is full. */
const fairShare = 8;

interface Waiter {
  readonly start: () => void;
  readonly refuse: () => void;
  readonly timer: Timer;
}

export function createCallGate({ max, waitMs, clock, strangersMax = max * 64 }: CallGateOptions): CallGate {
  const strangersInFlightMax = Math.max(1, Math.floor(max / 2));
  const known = new Set<Waiter>();
  const strangers = new Map<string, Set<Waiter>>();
  const crowded = new Set<string>();
  let strangersWaiting = 0;
  let strangersInFlight = 0;
  let inFlight = 0;
  let strangersTurn = false;

  const strangerMayStart = () => strangersInFlight < strangersInFlightMax;

  /** Known and unknown take turns, and so do the addresses among the unknown. */
  function startNext(): void {
    while (inFlight < max) {
      const stranger = strangersWaiting > 0 && strangerMayStart();
      if (known.size > 0 && !(stranger && strangersTurn)) {
        strangersTurn = true;
        const waiter = first(known);
        known.delete(waiter);
        waiter.start();
      } else if (stranger) {
        strangersTurn = false;
        const [client, queue] = firstEntry(strangers);
        const waiter = first(queue);
        leave(client, waiter);
        // to the end of the round
        if (strangers.delete(client) && queue.size > 0) strangers.set(client, queue);
        waiter.start();
      } else return;
    }
  }

  function enter(client: string, waiter: Waiter): void {
    let queue = strangers.get(client);
    if (!queue) strangers.set(client, (queue = new Set()));
    queue.add(waiter);
    strangersWaiting++;
    if (queue.size > fairShare) crowded.add(client);
  }

  function leave(client: string, waiter: Waiter): void {
    const queue = strangers.get(client);
    if (!queue?.delete(waiter)) return;
    strangersWaiting--;
    if (queue.size <= fairShare) crowded.delete(client);
    if (queue.size === 0) strangers.delete(client);
  }

  /** Makes room for one more of this client, at the cost of one with more than its share; false: there is none. */
  function makeRoom(client: string): boolean {
    if (strangersWaiting < strangersMax) return true;
    if ((strangers.get(client)?.size ?? 0) >= fairShare) return false;
    const [greedy] = crowded;
    const queue = greedy === undefined ? undefined : strangers.get(greedy);
    if (greedy === undefined || !queue) return false;
    const waiter = first(queue);
    leave(greedy, waiter);
    waiter.refuse();
    return true;
  }

  /** Resolves with true when the caller may call, with false if it has waited too long, must go, or wants no more. */
  function waitForTurn(caller: Caller, signal: AbortSignal | undefined): Promise<boolean> {
    if (!caller.known && !makeRoom(caller.client)) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (mine: boolean) => {
        clock.clearTimer(waiter.timer);
        signal?.removeEventListener('abort', giveUp);
        // counted here, not when the waiter wakes up: the next one is chosen before that
        if (mine) count(caller, 1);
        resolve(mine);
      };
      const giveUp = () => {
        if (caller.known) known.delete(waiter);
        else leave(caller.client, waiter);
        settle(false);
      };
      const waiter: Waiter = {
        start: () => settle(true),
        refuse: () => settle(false),
        timer: clock.setTimer(giveUp, waitMs),
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      if (caller.known) known.add(waiter);
      else enter(caller.client, waiter);
    });
  }

  function mayStartAtOnce(caller: Caller): boolean {
    return inFlight < max && (caller.known ? known.size === 0 : strangersWaiting === 0 && strangerMayStart());
  }

  return {
    get inFlight() {
      return inFlight;
    },
    get waiting() {
      return known.size + strangersWaiting;
    },
    async run(caller, call, signal) {
      if (mayStartAtOnce(caller)) count(caller, 1);
      else if (!(await waitForTurn(caller, signal))) return busy;
      try {
        return await call();
      } finally {
        count(caller, -1);
        startNext();
      }
    },
  };

  function count(caller: Caller, by: 1 | -1): void {
    inFlight += by;
    if (!caller.known) strangersInFlight += by;
  }
}

function first<T>(set: Set<T>): T {
  for (const value of set) return value;
  throw new Error('empty');
}

function firstEntry<K, V>(map: Map<K, V>): [K, V] {
  for (const entry of map) return entry;
  throw new Error('empty');
}
