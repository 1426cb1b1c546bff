// Probes for whoever runs this: alive, and ready to take requests; and why not, in words that anybody may read.

import type { Unknown } from './am/answers.js';
import type { Presence } from './am/presence.js';
import type { Clock } from './clock.js';
import type { StoreState } from './keeper/store-guard.js';

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

export interface HealthOptions {
  /** AM has answered at least once, and the SSO cookie's name is known. */
  readonly isComplete: () => boolean;
  readonly presence: Pick<Presence, 'state' | 'wasThere' | 'absence' | 'refusals'>;
  readonly cookieName: () => string | undefined;
  readonly clock: Clock;
  /** How long a session works on without AM. */
  readonly graceS: number;
  /** Undefined: the nodes share nothing. */
  readonly store?: (() => StoreState | undefined) | undefined;
  /** Why the store is away. */
  readonly storeFailure?: (() => string | undefined) | undefined;
}

/** What AM refuses, by action. */
const refusedCalls: Readonly<Record<string, string>> = {
  serverinfo: 'the server information',
  refresh: 'the refresh of sessions',
  peek: 'questions about sessions',
  logout: 'logouts',
};

const storeReasons: Readonly<Record<Exclude<StoreState, 'up'>, string>> = {
  away: 'Redis is away: {cause}; each node paces its own refreshes, and a logout reaches the other nodes late',
  connecting: 'Redis has not been reached yet',
};

export function createHealth(options: HealthOptions): Health {
  const { isComplete, presence, cookieName, store } = options;
  let stopping = false;

  function reasons(storeState: StoreState | undefined): string[] {
    const found = stopping ? ['stopping'] : [];
    found.push(...amReasons(options));
    if (presence.wasThere && cookieName() === undefined) found.push("the SSO cookie's name is not known");
    if (storeState !== undefined && storeState !== 'up')
      found.push(storeReasons[storeState].replace('{cause}', storeCause(options.storeFailure?.())));
    return found;
  }

  return {
    live: () => ({ status: 200, body: { status: 'live' } }),
    ready: () => {
      const redis = store?.();
      const ready = !stopping && isComplete() && redis !== 'connecting';
      const status = stopping ? 'stopping' : ready ? 'ready' : 'starting';
      const body = { status, am: presence.state, ...(redis && { redis }), reasons: reasons(redis) };
      return { status: ready ? 200 : 503, body };
    },
    stop: () => {
      stopping = true;
    },
  };
}

/** The code in what the client says, of Node or Redis: any other text might name a host or a user. */
function storeCause(failure = ''): string {
  return /\b(?:E[A-Z]{4,}|[A-Z_]*CERT[A-Z_]*|[A-Z]{3,}(?= )|timeout)\b/.exec(failure)?.[0] ?? 'no answer';
}

function amReasons({ isComplete, presence, clock, graceS }: HealthOptions): string[] {
  const { absence, wasThere, refusals } = presence;
  const found = [...refusals].map(
    ([action, status]) => `AM refuses ${refusedCalls[action] ?? 'a call'}: HTTP ${status}; see the log`,
  );
  if (absence && wasThere) {
    const awayS = Math.floor((clock.now() - absence.since) / 1000);
    // AM's last word on each session counts, and that may be older than the absence
    const effect =
      awayS < graceS
        ? 'sessions that AM confirmed within AM_DOWN_GRACE_S (am.downGraceS) go on'
        : 'sessions are refused unless AM confirmed them within AM_DOWN_GRACE_S (am.downGraceS)';
    found.push(`AM has been away for ${awayS} s: ${publicCause(absence.last)}; ${effect}`);
  } else if (absence) found.push(`AM has not answered since the start: ${publicCause(absence.last)}`);
  else if (!isComplete() && found.length === 0) found.push('AM has not given its server information yet');
  return found;
}

/** Codes of Node and HTTP only: any other text might name a host. */
function publicCause({ cause, detail }: Unknown): string {
  return /^(?:[A-Z][A-Z0-9_]*|HTTP \d{3}|timeout)$/.test(detail) ? detail : cause;
}
