// The journal: what AM was asked, when, and what became of it. Tokens appear as hashes only.

import type { Outcome } from './answers.js';

export interface JournalEntry {
  /** Counts from 1 and goes on counting when the journal is cleared. */
  readonly id: number;
  /** Arrival of the request's head, in milliseconds since 1970 by AM's clock. */
  readonly at: number;
  /** When the answer was out, or the connection gone; undefined while the request is in flight. */
  finishedAt: number | undefined;
  readonly method: string;
  /** Without the query, which might hold a token. */
  readonly path: string;
  /** `refresh`, `getSessionInfo`, `validate`, `logout`, … or `serverinfo`, `authenticate`, `isAlive`, `health`, `login`. */
  readonly action: string | undefined;
  /** The realm of the path, not that of the session. */
  readonly realm: string | undefined;
  /** Short SHA-256 of the token that the request is about. */
  readonly session: string | undefined;
  /** `Accept-API-Version` as it was sent. */
  readonly version: string | undefined;
  /** How many other requests about the same session were in flight at arrival: 0 if calls are made one at a time. */
  readonly concurrent: number;
  status: number | undefined;
  outcome: Outcome | undefined;
  /** Whether the request reset the session's idle time. */
  reset: boolean;
  /** The kind of the fault that met the request. */
  fault: string | undefined;
  /** Whether the connection ended before the whole answer was out. */
  aborted: boolean;
}

type Opening = Pick<JournalEntry, 'method' | 'path' | 'action' | 'realm' | 'session' | 'version'>;

const LIMIT = 10_000;

export type Journal = ReturnType<typeof createJournal>;

/** Keeps the newest 10,000 entries. */
export function createJournal(now: () => number, limit = LIMIT) {
  const entries: JournalEntry[] = [];
  const inFlight = new Map<string, number>();
  let lastId = 0;

  function countInFlight(session: string | undefined, change: number): number {
    if (session === undefined) return 0;
    const before = inFlight.get(session) ?? 0;
    if (before + change === 0) inFlight.delete(session);
    else inFlight.set(session, before + change);
    return before;
  }

  return {
    /** Oldest first; the array itself, which goes on growing. */
    entries,

    open(opening: Opening): JournalEntry {
      const entry: JournalEntry = {
        id: (lastId += 1),
        at: now(),
        finishedAt: undefined,
        ...opening,
        concurrent: countInFlight(opening.session, 1),
        status: undefined,
        outcome: undefined,
        reset: false,
        fault: undefined,
        aborted: false,
      };
      entries.push(entry);
      if (entries.length > limit) entries.shift();
      return entry;
    },

    finish(entry: JournalEntry, aborted: boolean): void {
      if (entry.finishedAt !== undefined) return;
      entry.finishedAt = now();
      entry.aborted = aborted;
      countInFlight(entry.session, -1);
    },

    clear(): void {
      entries.length = 0;
    },
  };
}
