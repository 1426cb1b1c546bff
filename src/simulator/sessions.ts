// AM's session rules, with no HTTP in sight: who is alive, what resets the idle time, what each action answers.

import { randomUUID } from 'node:crypto';
import { createToken, hashToken, isDamaged } from './tokens.js';

export type Flavor = 'ping' | 'openam';

export interface SessionTableOptions {
  readonly flavor: Flavor;
  /** Latest Access Time Update Frequency in seconds: `ping` ignores what would reset the idle time sooner. */
  readonly updateFrequencyS: number;
  readonly maxIdleMinutes: number;
  readonly maxSessionMinutes: number;
  /** AM's time in milliseconds since 1970. */
  readonly clock: { now(): number };
}

/** What became of a request, in the words of the journal. */
export type SessionOutcome = 'obeyed' | 'ignored' | 'alive' | 'dead' | 'damaged' | 'refused' | 'ended';

export interface SessionAnswer {
  readonly status: number;
  /** Undefined: an empty body. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  readonly outcome: SessionOutcome;
  /** Whether the session's idle time was reset. */
  readonly reset: boolean;
}

/** One live session, as the table shows it: never with its token. */
export interface SessionView {
  /** Short SHA-256 of the token, as in the journal. */
  readonly session: string;
  readonly username: string;
  readonly realm: string;
  readonly createdAt: string;
  readonly latestAccessTime: string;
  readonly idleS: number;
  /** Seconds until the maximum session time. */
  readonly leftS: number;
}

interface Session {
  readonly token: string;
  readonly username: string;
  readonly realm: string;
  readonly handle: string;
  readonly uid: string;
  readonly createdS: number;
  latestAccessS: number;
  /** The latest access that AM's store knows: what counts when the session is next read from it. */
  storedAccessS: number;
  /** When the session was last read from the store into memory. */
  readS: number;
  /** Whether nobody has used it since. */
  unused: boolean;
}

/** OpenAM keeps a session this long in memory, then reads it from its store again (InMemoryInternalSessionCacheStep). */
const IN_MEMORY_S = 60;

/** OpenAM stores an access that comes more than this after the last that it stored (InternalSession, `interval`). */
const STORE_INTERVAL_S = 30;

const ACCESS_DENIED = { code: 401, reason: 'Unauthorized', message: 'Access Denied' };
export const FORBIDDEN = { code: 403, reason: 'Forbidden', message: 'Forbidden' };

const iso = (seconds: number): string => `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;

export type SessionTable = ReturnType<typeof createSessionTable>;

/** An empty table of sessions. All of AM's arithmetic is in whole seconds, and so is ours. */
export function createSessionTable(options: SessionTableOptions) {
  const { flavor, updateFrequencyS, maxIdleMinutes, maxSessionMinutes, clock } = options;
  const maxIdleS = maxIdleMinutes * 60;
  const maxSessionS = maxSessionMinutes * 60;
  const baseDn = flavor === 'ping' ? 'ou=am-config' : 'dc=openam,dc=example,dc=org';
  // OpenAM's idle times are whole minutes: with a shorter one every access counts.
  const forgetful = flavor === 'openam' && maxIdleS >= 60;
  const sessions = new Map<string, Session>();

  const nowS = (): number => Math.floor(clock.now() / 1000);
  const leftS = (session: Session): number => session.createdS + maxSessionS - nowS();
  // Strict, as in OpenAM's TimeOutSessionFilterStep: idle for exactly the maximum is still alive.
  const expired = (session: Session): boolean => nowS() - session.latestAccessS > maxIdleS || leftS(session) <= 0;

  // Measured on OpenAM: an access that was not stored is forgotten then, and latestAccessTime goes back.
  function readAgain(session: Session): void {
    if (!forgetful || nowS() - session.readS < IN_MEMORY_S) return;
    session.latestAccessS = session.storedAccessS;
    session.readS = nowS();
    session.unused = true;
  }

  function find(token: string | undefined): Session | undefined {
    const session = token === undefined ? undefined : sessions.get(token);
    if (session === undefined) return undefined;
    readAgain(session);
    if (!expired(session)) return session;
    sessions.delete(session.token);
    return undefined;
  }

  // OpenAM moves the time at every access (measured); Ping AM only if MORE than the frequency has passed.
  function resetIdle(session: Session): boolean {
    const now = nowS();
    if (flavor === 'ping' && now - session.latestAccessS <= updateFrequencyS) return false;
    session.latestAccessS = now;
    // when it was last stored is not stored: the first use after reading always is
    if (session.unused || now - session.storedAccessS > STORE_INTERVAL_S) session.storedAccessS = now;
    session.unused = false;
    return true;
  }

  function dead(token: string | undefined): SessionAnswer {
    if (flavor === 'openam' && token !== undefined && isDamaged(token)) {
      return { status: 500, body: undefined, outcome: 'damaged', reset: false };
    }
    return { status: 401, body: ACCESS_DENIED, outcome: 'dead', reset: false };
  }

  function universalId({ username, realm }: Session): string {
    const organization = realm === '/' ? '' : `o=${realm.slice(1)},ou=services,`;
    return `id=${username},ou=user,${organization}${baseDn}`;
  }

  function info(session: Session, resourceMajor: number): Record<string, unknown> {
    const { username, realm, latestAccessS, handle, uid } = session;
    return {
      username,
      universalId: universalId(session),
      realm,
      ...(resourceMajor < 3 ? { sessionHandle: handle } : {}),
      latestAccessTime: iso(latestAccessS),
      maxIdleExpirationTime: iso(latestAccessS + maxIdleS),
      maxSessionExpirationTime: iso(session.createdS + maxSessionS),
      ...(resourceMajor < 3 ? {} : { properties: { AMCtxId: uid } }),
    };
  }

  return {
    /** Makes a session without asking for a password. Returns its token. */
    login(username: string, realm = '/'): string {
      const { token, handle } = createToken();
      // Measured on OpenAM: the maximum time counts from a second before the answer to the login.
      const createdS = flavor === 'openam' ? nowS() - 1 : nowS();
      const uid = `${randomUUID()}-${sessions.size + 1}`;
      const access = { latestAccessS: nowS(), storedAccessS: nowS(), readS: nowS(), unused: false };
      sessions.set(token, { token, username, realm, handle, uid, createdS, ...access });
      return token;
    },

    /** The user of a live session; resets nothing. */
    peek(token: string | undefined): { readonly username: string; readonly realm: string } | undefined {
      return find(token);
    },

    /** The user's activity at AM itself (its pages, its other endpoints). Whether the idle time was reset. */
    touch(token: string | undefined): boolean {
      const session = find(token);
      return session !== undefined && resetIdle(session);
    },

    /**
     * The filter in front of the actions: an answer for the token of no live session, else undefined. On OpenAM
     * passing it resets the idle time, whatever then becomes of the request (measured: even a 403).
     */
    authenticate(token: string | undefined): SessionAnswer | undefined {
      const session = find(token);
      if (session === undefined) return dead(token);
      if (flavor === 'openam') resetIdle(session);
      return undefined;
    },

    /** `ping`: obeyed if more than the update frequency has passed, 200 in either case. `openam`: 403, which resets. */
    refresh(token: string | undefined): SessionAnswer {
      const session = find(token);
      if (session === undefined) return dead(token);
      const reset = resetIdle(session);
      if (flavor === 'openam') return { status: 403, body: FORBIDDEN, outcome: 'refused', reset };
      const body = {
        uid: session.username,
        realm: session.realm,
        idletime: nowS() - session.latestAccessS,
        maxidletime: maxIdleMinutes,
        maxsessiontime: maxSessionMinutes,
        maxtime: leftS(session),
      };
      return { status: 200, body, outcome: reset ? 'obeyed' : 'ignored', reset };
    },

    /** On `openam` this resets the idle time (measured); on `ping` only the `AndResetIdleTime` variant does. */
    getSessionInfo(token: string | undefined, andResetIdleTime = false, resourceMajor = 2): SessionAnswer {
      const session = find(token);
      if (session === undefined) return dead(token);
      const reset = (flavor === 'openam' || andResetIdleTime) && resetIdle(session);
      return { status: 200, body: info(session, resourceMajor), outcome: 'alive', reset };
    },

    /** Resets the idle time unless told not to. A dead token: `openam` 200 `valid: false` (measured), `ping` 401. */
    validate(token: string | undefined, refresh = true): SessionAnswer {
      const session = find(token);
      if (session === undefined) {
        const answer = dead(token);
        return flavor === 'openam' && answer.outcome === 'dead'
          ? { ...answer, status: 200, body: { valid: false } }
          : answer;
      }
      const reset = refresh && resetIdle(session);
      const { username: uid, realm } = session;
      const body = { valid: true, ...(flavor === 'ping' ? { sessionUid: session.uid } : {}), uid, realm };
      return { status: 200, body, outcome: 'alive', reset };
    },

    logout(token: string | undefined): SessionAnswer {
      const session = find(token);
      if (session === undefined) return dead(token);
      sessions.delete(session.token);
      return { status: 200, body: { result: 'Successfully logged out' }, outcome: 'ended', reset: false };
    },

    /** The live sessions, oldest first. */
    list(): SessionView[] {
      return [...sessions.values()].flatMap((session) =>
        find(session.token) === undefined
          ? []
          : [
              {
                session: hashToken(session.token),
                username: session.username,
                realm: session.realm,
                createdAt: iso(session.createdS),
                latestAccessTime: iso(session.latestAccessS),
                idleS: nowS() - session.latestAccessS,
                leftS: leftS(session),
              },
            ],
      );
    },

    /** Forgets every session, as an AM does that was started with a new session store. */
    killAll(): void {
      sessions.clear();
    },
  };
}
