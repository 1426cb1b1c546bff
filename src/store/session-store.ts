// What the nodes of a cluster share: who may refresh, what AM said last, which sessions have ended. Never a token.

/**
 * Nodes have clocks of their own, so all times in here are of the store's clock: milliseconds from a start that is its
 * own business. An `id` is the SHA-256 of a token, base64url.
 *
 * An operation rejects where the store cannot be asked, is read-only, or has no room. Nothing waits for it for long:
 * whoever calls it gives up after 50 ms, so an operation may also take effect after its caller has gone.
 */
export interface SessionStore {
  /**
   * Claims the session's window: of all nodes that claim it, one may send the refresh. An owner may claim anew what is
   * its own already.
   *
   * @param owner a random value: nobody else changes the claim
   * @param forMs how long it holds if its owner never comes back
   * @returns 0: it is claimed; otherwise how long somebody else's claim still holds, in ms (at least 1)
   */
  claim(id: string, owner: string, forMs: number): Promise<number>;
  /**
   * Changes how long the claim still holds, if it is the owner's still.
   *
   * @param forMs 0 or less: it is over
   */
  settle(id: string, owner: string, forMs: number): Promise<void>;
  /** What is known of the session, and the store's time at which it was read. */
  read(id: string): Promise<Reading>;
  /** Keeps AM's word that the session lives. An end that stands there stays. */
  confirm(id: string, word: AliveWord, forMs: number): Promise<void>;
  /** Keeps that the session was logged out, and tells all nodes. Rejects where it could not be kept, told or not. */
  end(id: string, confirmed: boolean, forMs: number): Promise<void>;
  /**
   * Asks all nodes to end the session of a token that was logged out at one of them, which found nothing of it here and
   * has not met it either. Nothing is kept: it may be an invented token.
   */
  askToEnd(id: string): Promise<void>;
  /** Forgets AM's word, and tells all nodes: AM says that the session is dead. An end that stands there stays. */
  died(id: string): Promise<void>;
  /** Whether what it does would work: tries a write. Rejects where it does not. */
  check(): Promise<void>;
  /** Begins to listen to what the nodes tell each other. Called once, before all else. */
  listen(listener: StoreListener): void;
  /** Lets go of connections of its own; those of the team stay. */
  close(): Promise<void>;
}

/** What can be asked of it. */
export type StoreOperation = Exclude<keyof SessionStore, 'listen' | 'close'>;

export interface StoreListener {
  /** A node, perhaps this one, ended the session. `forMs` as in `end`. */
  onEnd(id: string, confirmed: boolean, forMs: number): void;
  /** A node, perhaps this one, logged out a token that it has not met: whoever has met it as a session is to end that. */
  onAskedToEnd(id: string): void;
  /** A node, perhaps this one, heard from AM that the session is dead. */
  onDeath(id: string): void;
  /** From now on everything is heard; what came before, perhaps not. Again each time that the connection comes back. */
  onListening(): void;
  /** An operator should know this of the store, such as a setting that loses logouts. Said at each connect. */
  onWarning(fields: object, message: string): void;
}

export interface Reading {
  readonly now: number;
  /** Undefined: nothing. */
  readonly word: AliveWord | EndWord | undefined;
}

/** AM said that the session lives. It lets nobody in: each node asks AM itself about a session that it has not met. */
export interface AliveWord {
  readonly kind: 'alive';
  /** Not later than AM's answer. */
  readonly confirmedAt: number;
  /** Not later than AM's latest access time; `-Infinity` where AM did not say. */
  readonly accessAt: number;
  /** Not earlier than AM's idle deadline; `Infinity` where AM did not say. */
  readonly idleDeadline: number;
  /** Not later than AM's maximum time; `Infinity` where AM did not say. */
  readonly maxDeadline: number;
}

/** The session was logged out. */
export interface EndWord {
  readonly kind: 'ended';
  /** Whether AM knows it. */
  readonly confirmed: boolean;
  /** How long this has to be remembered. */
  readonly leftMs: number;
}
