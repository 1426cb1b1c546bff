// A store in this process's memory: for several session proxies in one process, and for tests. Time is the clock's; no timers.

import { systemClock, type Clock } from '../clock.js';
import { BoundedMap } from '../bounded-map.js';
import type { AliveWord, Reading, SessionStore, StoreListener } from './session-store.js';

export interface MemoryStoresOptions {
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Sessions remembered; those that were logged out go last. Default: a million. */
  readonly max?: number;
}

export interface MemoryStores {
  /** A store for one more node; all nodes that joined share what they know. */
  join(): SessionStore;
}

interface Claim {
  readonly owner: string;
  readonly until: number;
}

interface Entry {
  /** Undefined: the session was logged out. */
  readonly alive: AliveWord | undefined;
  readonly confirmed: boolean;
  readonly until: number;
}

export function createMemoryStores(options: MemoryStoresOptions = {}): MemoryStores {
  const { clock = systemClock, max = 1_000_000 } = options;
  const isOver = ({ until }: { until: number }) => until <= clock.now();
  const claims = new BoundedMap<Claim>({ max, isOver });
  const sessions = new BoundedMap<Entry>({ max, isOver, isInUse: ({ alive }) => !alive });
  const listeners = new Set<StoreListener>();

  /** Later, as from a server, and only to those who still listen then. */
  function publish(tell: (listener: StoreListener) => void): void {
    for (const listener of listeners) queueMicrotask(() => listeners.has(listener) && tell(listener));
  }

  function standing<T extends { until: number }>(map: Map<string, T>, id: string): T | undefined {
    const found = map.get(id);
    if (!found || !isOver(found)) return found;
    map.delete(id);
    return undefined;
  }

  function claim(id: string, owner: string, forMs: number): number {
    const other = standing(claims, id);
    if (other && other.owner !== owner) return Math.max(1, other.until - clock.now());
    claims.set(id, { owner, until: clock.now() + forMs });
    return 0;
  }

  function settle(id: string, owner: string, forMs: number): void {
    if (standing(claims, id)?.owner !== owner) return;
    if (forMs > 0) claims.set(id, { owner, until: clock.now() + forMs });
    else claims.delete(id);
  }

  function read(id: string): Reading {
    const now = clock.now();
    const entry = standing(sessions, id);
    if (!entry) return { now, word: undefined };
    const { alive, confirmed, until } = entry;
    return { now, word: alive ?? { kind: 'ended', confirmed, leftMs: until - now } };
  }

  function isEnded(id: string): boolean {
    const entry = standing(sessions, id);
    return entry !== undefined && !entry.alive;
  }

  function end(id: string, confirmed: boolean, forMs: number): void {
    const before = isEnded(id) ? sessions.get(id) : undefined;
    const until = clock.now() + forMs;
    // AM's word that it knows the end lets it be forgotten earlier; nothing else does
    const isNews = !before || (confirmed && !before.confirmed);
    sessions.set(id, {
      alive: undefined,
      confirmed: confirmed || before?.confirmed === true,
      until: isNews ? until : Math.max(until, before.until),
    });
    publish((listener) => listener.onEnd(id, confirmed, forMs));
  }

  function died(id: string): void {
    if (!isEnded(id)) sessions.delete(id);
    publish((listener) => listener.onDeath(id));
  }

  function join(): SessionStore {
    let own: StoreListener | undefined;
    let closed = false;

    /** Later, as at a server. */
    function perform<T>(operation: () => T): Promise<T> {
      return Promise.resolve().then(() => {
        if (closed) throw new Error('the store is closed');
        return operation();
      });
    }

    return {
      claim: (id, owner, forMs) => perform(() => claim(id, owner, forMs)),
      settle: (id, owner, forMs) => perform(() => settle(id, owner, forMs)),
      read: (id) => perform(() => read(id)),
      confirm: (id, word, forMs) =>
        perform(() => {
          if (isEnded(id)) return;
          sessions.set(id, { alive: word, confirmed: false, until: clock.now() + forMs });
        }),
      end: (id, confirmed, forMs) => perform(() => end(id, confirmed, forMs)),
      askToEnd: (id) => perform(() => publish((listener) => listener.onAskedToEnd(id))),
      died: (id) => perform(() => died(id)),
      check: () => perform(() => undefined),
      listen(listener) {
        own = listener;
        listeners.add(listener);
        queueMicrotask(() => listeners.has(listener) && listener.onListening());
      },
      async close() {
        closed = true;
        if (own) listeners.delete(own);
      },
    };
  }

  return { join };
}
