// Probes for whoever runs this: alive, and ready to take requests.

import type { AmState } from './am/presence.js';

export interface Health {
  live(): { status: number; body: object };
  /**
   * Ready once AM has answered, and ready still while it is away: taking every node out of rotation would take the
   * users whose sessions are known alive down with it. Not ready any more once it stops.
   */
  ready(): { status: number; body: object };
  /** From now on `ready` answers 503. */
  stop(): void;
}

export function createHealth(isComplete: () => boolean, am: () => AmState): Health {
  let stopping = false;
  return {
    live: () => ({ status: 200, body: { status: 'live' } }),
    ready: () => {
      const ready = !stopping && isComplete();
      const status = stopping ? 'stopping' : ready ? 'ready' : 'starting';
      return { status: ready ? 200 : 503, body: { status, am: am() } };
    },
    stop: () => {
      stopping = true;
    },
  };
}
