// A call to AM in flight.

/** Everybody who asks about the token meanwhile waits for the same one. */
export interface Call {
  /** Resolves when its answer has been taken over; never rejects. */
  readonly settled: Promise<void>;
  /** Ends it: the session was logged out. */
  readonly controller: AbortController;
}
